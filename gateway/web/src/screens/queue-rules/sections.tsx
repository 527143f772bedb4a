import { Plus, Trash2 } from "lucide-react";
import { type ReactNode, useId } from "react";
import { useQuery } from "@tanstack/react-query";
import { Button, Card, Checkbox, Combobox, Field, IconButton, Input, RadioGroup, Select, Switch } from "@/design";
import { useCan } from "@/api";
import { useT } from "@/i18n";
import { useQueues } from "@/live";
import { schedulesApi } from "../hours/api";
import { WeekEditor } from "../setup/week";
import { SkillLevels } from "../shared/skill-levels";
import { skillsQuery } from "../shared/skills";
import { zones } from "../shared/zones";
import { CALLBACK, HANG_UP, NUMBER, NUMBERS, VOICEMAIL, type NumberField, type Place, type Relax, type RulesDraft, STRATEGIES, type Strategy, codeOf } from "./draft";

export interface PartProps {
  draft: RulesDraft;
  change: (part: Partial<RulesDraft>) => void;
  errors: Readonly<Record<string, string>>;
}

export function Section({ title, about, children }: { title: string; about?: string; children: ReactNode }) {
  const id = useId();
  return (
    <Card>
      <section aria-labelledby={id} className="grid gap-4">
        <div>
          <h2 id={id} className="text-lg font-semibold">
            {title}
          </h2>
          {about && <p className="text-md text-ink-2">{about}</p>}
        </div>
        {children}
      </section>
    </Card>
  );
}

export const Columns = ({ children }: { children: ReactNode }) => <div className="grid grid-cols-1 items-start gap-4 sm:grid-cols-2">{children}</div>;

export function Figure({ draft, change, errors, field }: PartProps & { field: NumberField }) {
  const t = useT();
  const { min, max } = NUMBERS[field];
  return (
    <Field label={t(`routing.number.${field}`)} hint={t(`routing.hint.${field}`, { min, max })} error={errors[field]}>
      <Input type="number" inputMode="numeric" min={min} max={max} className="w-32" value={draft.numbers[field]} onChange={(event) => change({ numbers: { ...draft.numbers, [field]: event.target.value } })} />
    </Field>
  );
}

/** Who is asked, and what of. */
export function Finding(props: PartProps) {
  const t = useT();
  const { draft, change, errors } = props;
  return (
    <Section title={t("routing.finding")} about={t("routing.finding.about")}>
      <RadioGroup
        label={t("routing.strategy")}
        value={draft.strategy}
        onValueChange={(strategy) => change({ strategy: strategy as Strategy })}
        options={STRATEGIES.map((one) => ({ value: one, label: t(`routing.strategy.${one}`), description: t(`routing.strategy-about.${one}`) }))}
      />
      <Columns>
        <Figure {...props} field="ring_seconds" />
        <Figure {...props} field="priority" />
        <Figure {...props} field="sticky_seconds" />
        <Figure {...props} field="pause_after_missed" />
      </Columns>
      <Columns>
        <SkillLevels label={t("routing.required")} hint={t("routing.required-hint")} value={draft.required} onChange={(required) => change({ required })} error={errors.required} />
        <SkillLevels label={t("routing.preferred")} hint={t("routing.preferred-hint")} value={draft.preferred} onChange={(preferred) => change({ preferred })} error={errors.preferred} />
      </Columns>
      {(draft.preferred.length > 0 || errors.prefer_seconds) && <Figure {...props} field="prefer_seconds" />}
      <Steps {...props} />
    </Section>
  );
}

/** What a caller who waits asks for less of, step by step. */
function Steps({ draft, change, errors }: PartProps) {
  const t = useT();
  const { data } = useQuery(skillsQuery);
  const asked = [...draft.required, ...draft.preferred].map((one) => one.skill_id);
  const set = (index: number, part: Partial<Relax>) => change({ relax: draft.relax.map((one, at) => (at === index ? { ...one, ...part } : one)) });
  return (
    <div role="group" aria-label={t("routing.relax")} className="grid gap-2">
      <p className="text-sm font-medium text-ink-2">{t("routing.relax")}</p>
      <p className="text-sm text-ink-3">{t("routing.relax-about")}</p>
      {draft.relax.map((step, index) => (
        // Steps have nothing but their place.
        <div key={index} className="grid gap-2 rounded-md border border-line p-3">
          <div className="flex flex-wrap items-end gap-3">
            <Field label={t("routing.relax.after")}>
              <Input type="number" min={0} className="w-24" aria-invalid={errors.relax ? true : undefined} value={step.after} onChange={(event) => set(index, { after: event.target.value })} />
            </Field>
            <Field label={t("routing.relax.lower")}>
              <Input type="number" min={0} max={100} className="w-24" value={step.lower} onChange={(event) => set(index, { lower: event.target.value })} />
            </Field>
            <Field label={t("routing.relax.raise")}>
              <Input type="number" min={0} max={200} className="w-24" value={step.raise} onChange={(event) => set(index, { raise: event.target.value })} />
            </Field>
            <span className="flex-1" />
            <IconButton label={t("routing.relax.remove", { n: index + 1 })} onClick={() => change({ relax: draft.relax.filter((_, at) => at !== index) })}>
              <Trash2 size={15} aria-hidden />
            </IconButton>
          </div>
          {[...new Set([...asked, ...step.drop])].map((id) => (
            <Checkbox
              key={id}
              label={t("routing.relax.drop", { skill: data?.items.find((one) => one.id === id)?.name ?? "…" })}
              checked={step.drop.includes(id)}
              onCheckedChange={(drop) => set(index, { drop: drop ? [...step.drop, id] : step.drop.filter((one) => one !== id) })}
            />
          ))}
        </div>
      ))}
      {errors.relax && (
        <p role="alert" className="text-sm text-bad">
          {errors.relax}
        </p>
      )}
      <div>
        <Button size="sm" icon={<Plus size={14} aria-hidden />} onClick={() => change({ relax: [...draft.relax, { after: "60", lower: "0", raise: "0", drop: [] }] })}>
          {t("routing.relax.add")}
        </Button>
      </div>
    </div>
  );
}

const OWN = "own";

export function Opening({ draft, change, errors }: PartProps) {
  const t = useT();
  const may = useCan("telephony:read");
  const named = useQuery({ queryKey: ["schedules"], queryFn: ({ signal }) => schedulesApi.list(signal), enabled: may }).data ?? [];
  const known = zones();
  const all = known.includes(draft.timeZone) ? known : [draft.timeZone, ...known];
  return (
    <Section title={t("routing.hours")} about={t("routing.hours.about")}>
      {(named.length > 0 || draft.schedule !== "") && (
        <Field label={t("routing.hours.named")} error={errors.schedule_id} className="max-w-xs">
          <Select value={draft.schedule || OWN} onValueChange={(next) => change({ schedule: next === OWN ? "" : next })} options={[{ value: OWN, label: t("routing.hours.own") }, ...named.map(({ id, name }) => ({ value: id, label: name }))]} />
        </Field>
      )}
      {draft.schedule !== "" && <Checkbox label={t("routing.closed.keep")} checked={draft.keepWaiting} onCheckedChange={(keepWaiting) => change({ keepWaiting })} />}
      {draft.schedule === "" && <Switch label={t("routing.hours.always")} checked={draft.always} onCheckedChange={(always) => change({ always })} />}
      {draft.schedule === "" && !draft.always && (
        <>
          <Field label={t("routing.hours.zone")} error={errors.hours} className="max-w-xs">
            <Combobox value={draft.timeZone} onValueChange={(timeZone) => change({ timeZone })} options={all.map((zone) => ({ value: zone, label: zone.replaceAll("_", " ") }))} />
          </Field>
          <WeekEditor week={draft.week} onChange={(week) => change({ week })} errors={errors} />
          <Checkbox label={t("routing.closed.keep")} checked={draft.keepWaiting} onCheckedChange={(keepWaiting) => change({ keepWaiting })} />
        </>
      )}
    </Section>
  );
}

/** Where callers go whom this queue does not serve. */
export function Elsewhere(props: PartProps & { self: string }) {
  const t = useT();
  const { draft } = props;
  return (
    <Section title={t("routing.elsewhere")} about={t("routing.elsewhere.about")}>
      <Columns>
        <Figure {...props} field="overflow-after_seconds" />
        <To {...props} place="overflow" disabled={draft.numbers["overflow-after_seconds"] === ""} />
        <Figure {...props} field="too_long-at" />
        <To {...props} place="too_long" disabled={draft.numbers["too_long-at"] === ""} />
        {(!draft.always || draft.schedule !== "") && <To {...props} place="closed" />}
      </Columns>
      <div className="grid gap-3 border-t border-line pt-4">
        <h3 className="font-medium">{t("routing.unattended")}</h3>
        <p className="text-md text-ink-2">{t("routing.unattended.about")}</p>
        <Columns>
          <Figure {...props} field="unattended-grace_seconds" />
          <Figure {...props} field="unattended-rounds" />
          <To {...props} place="unattended" />
          <Figure {...props} field="max_wait_seconds" />
        </Columns>
      </div>
    </Section>
  );
}

function To({ draft, change, errors, place, self, disabled }: PartProps & { place: Place; self: string; disabled?: boolean }) {
  const t = useT();
  const queues = useQueues().filter((one) => one.id !== self);
  const to = draft.to[place];
  const ends = [HANG_UP, VOICEMAIL, CALLBACK] as const;
  const options = [...ends.map((end) => ({ value: end as string, label: t(`routing.to.${end}`) })), { value: NUMBER, label: t("routing.to.number") }, ...queues.map((one) => ({ value: one.id, label: t("routing.to.queue", { queue: one.name }) }))];
  // One that was removed, or that one may not see, is still where callers go.
  const isQueue = options.slice(0, ends.length + 1).every(({ value }) => value !== to);
  if (isQueue && queues.every((one) => one.id !== to)) options.push({ value: to, label: t("routing.to.unknown") });
  return (
    <div className="grid gap-2">
      <Field label={t(`routing.to-label.${place}`)} error={isQueue ? errors.to : undefined}>
        <Select value={to} disabled={disabled ?? false} onValueChange={(next) => change({ to: { ...draft.to, [place]: next } })} options={options} />
      </Field>
      {to === NUMBER && (
        <Field label={t("routing.outside")} hint={t("routing.outside.hint")} error={errors[`outside-${place}`]}>
          <Input type="tel" autoComplete="off" dir="ltr" placeholder="+390612345678" maxLength={64} disabled={disabled ?? false} value={draft.outside[place]} onChange={(event) => change({ outside: { ...draft.outside, [place]: event.target.value } })} />
        </Field>
      )}
    </div>
  );
}

/** What follows a call. */
export function Wrapping(props: PartProps) {
  const t = useT();
  const { draft, change, errors } = props;
  const set = (index: number, part: Partial<RulesDraft["dispositions"][number]>) => change({ dispositions: draft.dispositions.map((one, at) => (at === index ? { ...one, ...part } : one)) });
  return (
    <Section title={t("routing.wrapping")} about={t("routing.wrapping.about")}>
      <Figure {...props} field="wrap_up_seconds" />
      <div role="group" aria-label={t("routing.dispositions")} className="grid gap-2">
        <p className="text-sm font-medium text-ink-2">{t("routing.dispositions")}</p>
        <p className="text-sm text-ink-3">{t("routing.dispositions-about")}</p>
        {draft.dispositions.map((one, index) => (
          // They have nothing but their place while their words are being written.
          <div key={index} className="flex flex-wrap items-end gap-2">
            <Field label={t("routing.dispositions.label")} className="min-w-40 flex-1">
              <Input maxLength={100} aria-invalid={errors.dispositions ? true : undefined} value={one.label} onChange={(event) => set(index, { label: event.target.value })} />
            </Field>
            <Field label={t("routing.dispositions.code")} className="w-40 max-sm:w-32">
              <Input maxLength={40} placeholder={codeOf(one.label)} value={one.code} onChange={(event) => set(index, { code: event.target.value })} />
            </Field>
            <IconButton label={t("routing.dispositions.remove", { label: one.label || String(index + 1) })} onClick={() => change({ dispositions: draft.dispositions.filter((_, at) => at !== index) })}>
              <Trash2 size={15} aria-hidden />
            </IconButton>
          </div>
        ))}
        {errors.dispositions && (
          <p role="alert" className="text-sm text-bad">
            {errors.dispositions}
          </p>
        )}
        <div>
          <Button size="sm" icon={<Plus size={14} aria-hidden />} disabled={draft.dispositions.length >= 50} onClick={() => change({ dispositions: [...draft.dispositions, { code: "", label: "" }] })}>
            {t("routing.dispositions.add")}
          </Button>
        </div>
      </div>
      <div className="grid gap-1">
        <Switch label={t("routing.dispositions.required")} checked={draft.dispositionRequired} onCheckedChange={(dispositionRequired) => change({ dispositionRequired })} />
        {errors.disposition_required && (
          <p role="alert" className="text-sm text-bad">
            {errors.disposition_required}
          </p>
        )}
      </div>
    </Section>
  );
}

/** What counts as good. */
export function Quality(props: PartProps) {
  const t = useT();
  return (
    <Section title={t("routing.quality")}>
      <Columns>
        <Figure {...props} field="service_level_seconds" />
        <Figure {...props} field="short_abandon_seconds" />
      </Columns>
    </Section>
  );
}
