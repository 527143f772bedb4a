import { Timer } from "lucide-react";
import { useState } from "react";
import { useMe } from "@/api";
import { Checkbox, Field, Input, Select, Switch } from "@/design";
import { useT } from "@/i18n";
import type { Channel } from "../inbox/api";
import { useAccounts, useNames } from "../inbox/data";
import { channelText, priorityText, spanText } from "../inbox/words";
import { hoursOf, openingOf, wrongDays } from "../shared/opening";
import { OpeningFields } from "../shared/opening-fields";
import { type PolicyApplies, type SlaPolicy, policies } from "./api";
import { FormDialog, ShelfList, usePut } from "./shelf";
import { GOALS, type Goal, goalOf, isGoal } from "./goals";

const ANY = "any";
/** Calls have service levels of their own. */
const WRITTEN: readonly Channel[] = ["whatsapp", "telegram", "sms"];

export function Sla() {
  const zone = useMe()?.tenant.time_zone;
  return (
    <ShelfList
      what="sla"
      shelf={policies}
      icon={<Timer size={30} />}
      nameOf={(one) => one.name}
      sort={(a, b) => a.place - b.place || a.name.localeCompare(b.name)}
      row={(one) => <Row policy={one} />}
      form={(one, onClose) => zone && <SlaForm policy={one} zone={zone} onClose={onClose} />}
    />
  );
}

function Row({ policy }: { policy: SlaPolicy }) {
  const t = useT();
  const names = useNames();
  const { applies } = policy;
  const goals = GOALS.flatMap((goal) => (policy[goal] === null ? [] : [`${t(`inboxtools.goal.${goal}`)}: ${spanText((policy[goal] ?? 0) * 60_000)}`]));
  const known = (ids: readonly string[] | undefined, find: (id: string) => string | undefined) => (ids ?? []).map((id) => find(id) ?? t("inboxtools.unknown"));
  const whom = [...known(applies.queue_ids, names.queue), ...known(applies.account_ids, names.account), ...(applies.channels ?? []).map(channelText), ...(applies.min_priority !== undefined && applies.min_priority !== null ? [t("inboxtools.from-priority", { priority: priorityText(applies.min_priority) })] : [])];
  return (
    <>
      <h3 className="font-medium">{policy.name}</h3>
      <p className="text-md text-ink-2">{goals.join(" · ")}</p>
      <p className="text-sm text-ink-3">
        {whom.length > 0 ? whom.join(", ") : t("inboxtools.for-all")} · {policy.hours ? t("inboxtools.in-hours") : t("inboxtools.all-day")}
        {policy.pauses && ` · ${t("inboxtools.pauses-short")}`}
      </p>
    </>
  );
}

function SlaForm({ policy, zone, onClose }: { policy: SlaPolicy | undefined; zone: string; onClose: () => void }) {
  const t = useT();
  const names = useNames();
  const accounts = useAccounts();
  const [name, setName] = useState(policy?.name ?? "");
  const [place, setPlace] = useState(String(policy?.place ?? 0));
  const [typed, setTyped] = useState<Readonly<Record<Goal, string>>>(() => {
    const of = (goal: Goal) => (policy ? String(policy[goal] ?? "") : goal === "first_reply_minutes" ? "60" : "");
    return { first_reply_minutes: of("first_reply_minutes"), next_reply_minutes: of("next_reply_minutes"), resolution_minutes: of("resolution_minutes") };
  });
  const [opening, setOpening] = useState(() => openingOf(policy?.hours, zone));
  const [pauses, setPauses] = useState(policy?.pauses ?? true);
  const [applies, setApplies] = useState<PolicyApplies>(policy?.applies ?? {});
  const { put, error, errors } = usePut(policies, policy, onClose);
  const fits = GOALS.every((goal) => isGoal(goal, typed[goal])) && GOALS.some((goal) => typed[goal].trim() !== "");
  const toggle = (key: "queue_ids" | "account_ids" | "channels", id: string, on: boolean) => {
    const { [key]: before = [], ...rest } = applies;
    const next = on ? [...before, id] : before.filter((one) => one !== id);
    setApplies(next.length === 0 ? rest : { ...rest, [key]: next });
  };
  const choices = (key: "queue_ids" | "account_ids" | "channels", legend: string, all: readonly { id: string; name: string }[]) =>
    all.length > 0 && (
      <fieldset className="grid content-start gap-1">
        <legend className="mb-1 text-sm font-medium text-ink-2">{legend}</legend>
        {all.map((one) => (
          <Checkbox key={one.id} label={one.name} checked={(applies[key] as readonly string[] | undefined)?.includes(one.id) ?? false} onCheckedChange={(on) => toggle(key, one.id, on)} />
        ))}
      </fieldset>
    );
  return (
    <FormDialog
      size="lg"
      title={policy ? t("inboxtools.edit", { name: policy.name }) : t("inboxtools.add.sla")}
      onClose={onClose}
      put={put}
      error={error}
      shown={["name", ...GOALS, "hours"].some((field) => errors[field] !== undefined)}
      ready={name.trim() !== "" && fits && /^-?\d{1,6}$/.test(place.trim()) && wrongDays(opening).length === 0}
      onSubmit={() => {
        const [first_reply_minutes, next_reply_minutes, resolution_minutes] = [goalOf(typed.first_reply_minutes), goalOf(typed.next_reply_minutes), goalOf(typed.resolution_minutes)];
        put.mutate({ name: name.trim(), place: Number(place), applies, first_reply_minutes, next_reply_minutes, resolution_minutes, hours: hoursOf(opening), pauses });
      }}
    >
      <div className="grid gap-3 sm:grid-cols-[1fr_9rem]">
        <Field label={t("inboxtools.name")} error={errors.name}>
          <Input maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
        </Field>
        <Field label={t("inboxtools.place")} hint={t("inboxtools.place-sla")}>
          <Input inputMode="numeric" value={place} onChange={(event) => setPlace(event.target.value)} />
        </Field>
      </div>
      <div className="grid gap-3 sm:grid-cols-3">
        {GOALS.map((goal) => (
          <Field key={goal} label={t(`inboxtools.goal.${goal}`)} hint={t("inboxtools.goal-hint")} error={isGoal(goal, typed[goal]) ? errors[goal] : t("inboxtools.goal-wrong")}>
            <Input inputMode="numeric" value={typed[goal]} onChange={(event) => setTyped({ ...typed, [goal]: event.target.value })} />
          </Field>
        ))}
      </div>
      <OpeningFields value={opening} onChange={setOpening} always={t("inboxtools.counts-always")} wrong={t("inboxtools.wrong-day")} error={errors.hours} />
      <Switch label={t("inboxtools.pauses")} checked={pauses} onCheckedChange={setPauses} />
      <p className="text-md text-ink-2">{t("inboxtools.applies")}</p>
      <div className="grid gap-4 sm:grid-cols-2">
        {choices("queue_ids", t("inboxtools.queues"), names.queues)}
        {choices("account_ids", t("inboxtools.accounts"), accounts)}
        {choices("channels", t("inboxtools.channels"), WRITTEN.map((one) => ({ id: one, name: channelText(one) })))}
        <Field label={t("inboxtools.min-priority")}>
          <Select
            value={applies.min_priority === undefined || applies.min_priority === null ? ANY : String(applies.min_priority)}
            onValueChange={(next) => {
              const rest: { min_priority?: number } & Omit<PolicyApplies, "min_priority"> = { ...applies };
              delete rest.min_priority;
              setApplies(next === ANY ? rest : { ...rest, min_priority: Number(next) });
            }}
            options={[{ value: ANY, label: t("inboxtools.any-priority") }, ...[1, 2, 3, 4].map((one) => ({ value: String(one), label: priorityText(one) }))]}
          />
        </Field>
      </div>
    </FormDialog>
  );
}
