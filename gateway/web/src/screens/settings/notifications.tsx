import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type Setting, changeSetting, settingsQuery } from "@/api/settings";
import { REASONS } from "@/app/notify";
import { Button, Checkbox, Field, Select, Skeleton, Switch, toast } from "@/design";
import { t as text, useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { ThisDevice } from "./this-device";

type Permission = NotificationPermission | "none";
const permission = (): Permission => (typeof Notification === "undefined" ? "none" : Notification.permission);

/** Of what in the inbox one is told, and how. Kept in the settings of the person, so that it is the same in each browser. */
export function Notifications() {
  const t = useT();
  const queries = useQueryClient();
  const list = useQuery(settingsQuery);
  const [allowed, setAllowed] = useState(permission);
  const change = useMutation({
    mutationFn: ({ key, value }: { key: string; value: Setting["value"] }) => changeSetting("user", key, { value }),
    onError: (error) => toast({ title: text("notify.not-saved"), description: problemText(error), tone: "bad" }),
    onSettled: () => queries.invalidateQueries({ queryKey: settingsQuery.queryKey }),
  });
  if (!list.data)
    return (
      <div aria-busy="true">
        <Skeleton lines={4} />
      </div>
    );
  const of = (name: string) => list.data.find((one) => one.key === `inbox.${name}`);
  // What is being saved shows already.
  const valueOf = (name: string) => (change.isPending && change.variables.key === `inbox.${name}` ? change.variables.value : of(name)?.value);
  const locked = (name: string) => {
    const one = of(name);
    return one === undefined || !one.open_levels.includes("user");
  };
  const set = (name: string) => (value: Setting["value"]) => change.mutate({ key: `inbox.${name}`, value });
  const hours = (name: "quiet_from" | "quiet_until", label: string) => {
    const one = of(name);
    const options = one?.kind.type === "choice" ? one.kind.words : [];
    return (
      <Field label={label}>
        <Select className="w-28" value={String(valueOf(name) ?? "")} disabled={locked(name)} onValueChange={set(name)} options={options.map((value) => ({ value, label: value }))} />
      </Field>
    );
  };
  return (
    <div className="grid gap-4">
      <p className="text-md text-ink-2">{t("notify.about")}</p>
      <fieldset className="grid gap-1">
        <legend className="mb-1 text-sm font-medium text-ink-2">{t("notify.when")}</legend>
        {REASONS.filter((reason) => of(`notify_${reason}`)).map((reason) => (
          <Checkbox key={reason} label={t(`notify.event.${reason}`)} checked={valueOf(`notify_${reason}`) === true} disabled={locked(`notify_${reason}`)} onCheckedChange={set(`notify_${reason}`)} />
        ))}
      </fieldset>
      <div role="group" aria-label={t("notify.how")} className="grid gap-1">
        <Switch label={t("notify.sound")} checked={valueOf("sound") === true} disabled={locked("sound")} onCheckedChange={set("sound")} />
        <Switch label={t("notify.desktop")} checked={valueOf("desktop") === true} disabled={locked("desktop")} onCheckedChange={set("desktop")} />
        <p className="text-sm text-ink-3">{t(`notify.permission.${allowed}`)}</p>
        {allowed === "default" && (
          <div>
            <Button size="sm" onClick={() => void Notification.requestPermission().then(setAllowed, () => setAllowed(permission()))}>
              {t("notify.ask")}
            </Button>
          </div>
        )}
        {of("push") && <Switch label={t("notify.push")} checked={valueOf("push") === true} disabled={locked("push")} onCheckedChange={set("push")} />}
      </div>
      <div className="grid gap-2">
        <Switch label={t("notify.quiet")} checked={valueOf("quiet") === true} disabled={locked("quiet")} onCheckedChange={set("quiet")} />
        <p className="text-sm text-ink-3">{t("notify.quiet-about")}</p>
        {valueOf("quiet") === true && (
          <div className="flex flex-wrap gap-3">
            {hours("quiet_from", t("notify.quiet-from"))}
            {hours("quiet_until", t("notify.quiet-until"))}
          </div>
        )}
      </div>
      <ThisDevice />
    </div>
  );
}
