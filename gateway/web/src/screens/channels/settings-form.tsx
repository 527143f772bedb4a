import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Problem } from "@/api";
import { Banner, Button, Field, Input, Select, Switch, Textarea, toast } from "@/design";
import { t as text, useT } from "@/i18n";
import { useQueues } from "@/live";
import { problemText } from "../calls/problem-text";
import { wrongDays } from "../shared/opening";
import { OpeningFields } from "../shared/opening-fields";
import { type ChannelAccount, channelsApi } from "./api";
import { useSites } from "./data";
import { type Draft, MOST_REOPEN_HOURS, NONE, changesOf, draftOf, isReopen } from "./draft";
import { ProviderFields } from "./provider-fields";
import { Section } from "./section";
import { kindText } from "./words";
import { useFirstWrong } from "./wrong";

const MOST_TEXT = 1000;

export function AccountSettings({ account, zone }: { account: ChannelAccount; zone: string }) {
  const t = useT();
  const queries = useQueryClient();
  const queues = useQueues();
  const sites = useSites();
  const [draft, setDraft] = useState<Draft>(() => draftOf(account, zone));
  const change = (part: Partial<Draft>) => setDraft((now) => ({ ...now, ...part }));
  const changes = changesOf(account, draft, zone);
  const save = useMutation({
    mutationFn: () => channelsApi.change(account, changes),
    onSuccess: () => toast({ title: text("channels.saved"), tone: "good" }),
    // Somebody else's change is shown instead of what was seen.
    onSettled: () => queries.invalidateQueries({ queryKey: ["channels"] }),
  });
  useFirstWrong("channel-settings", save.error);
  const errors = save.error instanceof Problem ? save.error.fields : {};
  const fits = draft.name.trim() !== "" && isReopen(draft.reopen) && wrongDays(draft.opening).length === 0;
  const dirty = Object.keys(changes).length > 0;
  const place = (value: string, onValueChange: (value: string) => void, none: string, all: readonly { id: string; name: string }[]) => (
    <Select value={value} onValueChange={onValueChange} options={[{ value: NONE, label: none }, ...all.map((one) => ({ value: one.id, label: one.name }))]} />
  );
  return (
    <form
      id="channel-settings"
      className="grid gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (fits && dirty && !save.isPending) save.mutate();
      }}
    >
      <Section title={t("channels.general")}>
        <div className="grid gap-3 sm:grid-cols-2">
          <Field label={t("channels.name")} hint={t("channels.name-hint")} error={errors.name}>
            <Input maxLength={100} value={draft.name} onChange={(event) => change({ name: event.target.value })} />
          </Field>
          <Field label={t("channels.queue")} hint={t("channels.queue-hint")} error={errors.queue_id}>
            {place(draft.queue, (queue) => change({ queue }), t("channels.queue-none"), queues)}
          </Field>
          {sites.length > 0 && (
            <Field label={t("channels.site")} error={errors.site_id}>
              {place(draft.site, (site) => change({ site }), t("channels.site-none"), sites)}
            </Field>
          )}
        </div>
      </Section>
      <Section title={t("channels.answers")}>
        <div className="grid gap-3">
          <Field label={t("channels.greeting")} hint={t("channels.greeting-hint")} error={errors["settings.greeting"]}>
            <Textarea rows={3} maxLength={MOST_TEXT} value={draft.greeting} onChange={(event) => change({ greeting: event.target.value })} />
          </Field>
          <Field label={t("channels.out_of_hours")} hint={t("channels.out_of_hours-hint")} error={errors["settings.out_of_hours"]}>
            <Textarea rows={3} maxLength={MOST_TEXT} value={draft.outOfHours} onChange={(event) => change({ outOfHours: event.target.value })} />
          </Field>
          <OpeningFields value={draft.opening} onChange={(opening) => change({ opening })} always={t("channels.always")} wrong={t("channels.wrong-day")} error={errors["settings.hours"]} />
          {account.type === "telegram" && (
            <Field label={t("channels.help")} hint={t("channels.help-hint")} error={errors["settings.help"]}>
              <Textarea rows={3} maxLength={MOST_TEXT} value={draft.help} onChange={(event) => change({ help: event.target.value })} />
            </Field>
          )}
        </div>
      </Section>
      <Section title={t("channels.after")}>
        <div className="grid gap-3">
          <div>
            <Switch label={t("channels.csat")} checked={draft.csat} onCheckedChange={(csat) => change({ csat })} />
            <p className="text-sm text-ink-3">{t("channels.csat-about")}</p>
          </div>
          <Field
            label={t("channels.reopen")}
            hint={t("channels.reopen-hint")}
            error={isReopen(draft.reopen) ? errors["settings.reopen_hours"] : t("channels.reopen-wrong", { n: MOST_REOPEN_HOURS })}
            className="max-w-xs"
          >
            <Input inputMode="numeric" className="w-28" value={draft.reopen} onChange={(event) => change({ reopen: event.target.value })} />
          </Field>
        </div>
      </Section>
      <Section title={t("channels.access", { kind: kindText(account.type) })}>
        <ProviderFields kind={account.type} values={draft.fields} onChange={(fields) => change({ fields })} errors={errors} kept={account.secrets} />
      </Section>
      {save.error && (
        <Banner tone="bad" className="rounded-md">
          <div role="alert">{save.error instanceof Problem && save.error.status === 412 ? t("channels.changed-meanwhile") : problemText(save.error)}</div>
        </Banner>
      )}
      <div className="flex gap-2">
        <Button type="submit" variant="primary" busy={save.isPending} disabled={!dirty || !fits}>
          {t("common.save")}
        </Button>
        <Button disabled={!dirty || save.isPending} onClick={() => setDraft(draftOf(account, zone))}>
          {t("channels.discard")}
        </Button>
      </div>
    </form>
  );
}
