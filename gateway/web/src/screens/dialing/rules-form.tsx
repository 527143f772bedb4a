import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus, Trash2, X } from "lucide-react";
import { type ReactNode, useState } from "react";
import { type components, Problem, api, body, useCan } from "@/api";
import { Banner, Button, Card, Checkbox, Combobox, ErrorState, Field, IconButton, Input, RadioGroup, Select, Skeleton, Switch, grouped, toast } from "@/design";
import { currentLanguage, useT } from "@/i18n";
import { useQueues } from "@/live";
import { problemText } from "../calls/problem-text";
import { countries, countryName } from "./countries";
import { type OfficeHours, office, withOffice } from "./office-hours";

type Rules = components["schemas"]["Rules"];
type Shown = components["schemas"]["DialingRules"];

const COSTLY = ["premium", "shared_cost", "satellite", "personal"] as const;
const CAPS = ["concurrent", "concurrent_per_agent", "per_hour", "per_day", "per_hour_per_agent", "per_day_per_agent", "international_minutes_per_hour"] as const;
/** A choice has no empty value. */
const NONE = "none";

export function RulesForm() {
  const rules = useQuery({ queryKey: ["dialing"], queryFn: ({ signal }) => body(api.GET("/api/v1/dialing", { signal })), refetchOnMount: "always", refetchOnWindowFocus: false });
  if (rules.isError) return <ErrorState error={rules.error} onRetry={() => void rules.refetch()} />;
  if (rules.isPending) return <Skeleton lines={8} />;
  return <Form key={rules.data.updated_at} shown={rules.data} />;
}

function Form({ shown }: { shown: Shown }) {
  const t = useT();
  const queries = useQueryClient();
  const may = useCan("dialing:manage");
  const language = currentLanguage();
  const queues = useQueues();
  const [rules, setRules] = useState<Rules | undefined>(shown.rules ?? undefined);
  const save = useMutation({
    mutationFn: (wanted: Rules) => body(api.PUT("/api/v1/dialing", { body: wanted })),
    onSuccess: (saved) => {
      queries.setQueryData(["dialing"], saved);
      toast({ title: t("dialing.saved"), tone: "good" });
    },
    onError: (error) => toast({ title: t("dialing.not-saved"), description: problemText(error), tone: "bad" }),
  });
  const fields = save.error instanceof Problem ? save.error.fields : {};
  const all = countries(language);
  const country = (
    <Field label={t("dialing.country")} hint={t("dialing.country.hint")} error={fields.country}>
      <Combobox value={rules?.country} disabled={!may} onValueChange={(value) => setRules({ caps: {}, ...rules, country: value })} options={all} />
    </Field>
  );
  if (!rules) {
    return (
      <Section title={t("dialing.country")}>
        <Banner tone="ring">{t("dialing.country.none")}</Banner>
        {country}
      </Section>
    );
  }
  const set = (change: Partial<Rules>) => setRules({ ...rules, ...change });
  const prefixes = rules.prefixes ?? [];
  const chosen = rules.countries ?? [];
  const costly = rules.costly ?? [];
  const hours = office(rules.hours ?? []);
  const numbers = shown.numbers.map((value) => ({ value, label: grouped(value) }));
  return (
    <form
      className="grid gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (!save.isPending) save.mutate(rules);
      }}
    >
      <fieldset disabled={!may} className="grid gap-4">
        <Section title={t("dialing.countries")} hint={t("dialing.countries.hint")}>
          {country}
          <div className="flex flex-wrap gap-2">
            {chosen.map((one) => (
              <span key={one} className="inline-flex items-center gap-1 rounded-md border border-line bg-sunken ps-2 text-md">
                {countryName(one, language)}
                <IconButton label={t("dialing.countries.remove", { name: countryName(one, language) })} size="sm" onClick={() => set({ countries: chosen.filter((other) => other !== one) })}>
                  <X size={14} aria-hidden />
                </IconButton>
              </span>
            ))}
          </div>
          <Field label={t("dialing.countries.add")}>
            <Combobox key={chosen.length} value={undefined} disabled={!may} onValueChange={(value) => set({ countries: [...chosen, value] })} options={all.filter((one) => one.value !== rules.country && !chosen.includes(one.value))} />
          </Field>
        </Section>
        <Section title={t("dialing.prefixes")} hint={t("dialing.prefixes.hint")}>
          {prefixes.map((rule, index) => {
            const change = (next: Partial<typeof rule>) => set({ prefixes: prefixes.map((one, at) => (at === index ? { ...one, ...next } : one)) });
            return (
              <div key={index} className="flex flex-wrap items-start gap-2">
                <Field label={t("dialing.prefix")} className="w-36" error={fields[`prefixes.${index}.prefix`]}>
                  <Input dir="ltr" maxLength={16} value={rule.prefix} onChange={(event) => change({ prefix: event.target.value.trim() })} />
                </Field>
                <Field label={t("dialing.prefix.what", { n: index + 1 })} className="w-36">
                  <Select value={rule.allow ? "allow" : "deny"} disabled={!may} onValueChange={(value) => change({ allow: value === "allow" })} options={[{ value: "allow", label: t("dialing.prefix.allow") }, { value: "deny", label: t("dialing.prefix.deny") }]} />
                </Field>
                <Field label={t("dialing.prefix.note")} className="min-w-36 flex-1">
                  <Input maxLength={200} value={rule.note ?? ""} onChange={(event) => change({ note: event.target.value })} />
                </Field>
                <IconButton label={t("dialing.prefix.remove", { prefix: rule.prefix })} className="mt-6" onClick={() => set({ prefixes: prefixes.filter((_, at) => at !== index) })}>
                  <Trash2 size={16} aria-hidden />
                </IconButton>
              </div>
            );
          })}
          <div>
            <Button icon={<Plus size={15} aria-hidden />} onClick={() => set({ prefixes: [...prefixes, { prefix: "+", allow: false, note: "" }] })}>
              {t("dialing.prefix.add")}
            </Button>
          </div>
        </Section>
        <Section title={t("dialing.costly")} hint={t("dialing.costly.hint")}>
          {COSTLY.map((one) => (
            <Checkbox key={one} label={t(`dialing.costly.${one}`)} disabled={!may} checked={costly.includes(one)} onCheckedChange={(on) => set({ costly: on ? [...costly, one] : costly.filter((other) => other !== one) })} />
          ))}
        </Section>
        <Section title={t("dialing.hours")} hint={t("dialing.hours.hint")}>
          <Hours hours={hours} disabled={!may} onChange={(next) => set({ hours: withOffice(rules.hours ?? [], next) })} />
          {(rules.hours ?? []).some((rule) => rule.countries.length > 0) && <p className="text-sm text-ink-3">{t("dialing.hours.kept")}</p>}
        </Section>
        <Section title={t("dialing.caps")} hint={t("dialing.caps.hint")}>
          <div className="grid gap-3 sm:grid-cols-2">
            {CAPS.map((one) => (
              <Field key={one} label={t(`dialing.cap.${one}`)} error={fields[`caps.${one}`]}>
                <Input type="number" inputMode="numeric" min={0} max={1_000_000} value={rules.caps?.[one] ?? ""} onChange={(event) => set({ caps: { ...rules.caps, [one]: event.target.value === "" ? null : Number(event.target.value) } })} />
              </Field>
            ))}
          </div>
        </Section>
        <Section title={t("dialing.shown")}>
          <Field label={t("dialing.shown.default")} error={fields.caller_id}>
            <Select value={rules.caller_id ?? NONE} disabled={!may} onValueChange={(value) => set({ caller_id: value === NONE ? null : value })} options={[{ value: NONE, label: t("dialing.shown.none") }, ...numbers]} />
          </Field>
          {queues.map((queue) => {
            const others = (rules.queue_caller_ids ?? []).filter((one) => one.queue_id !== queue.id);
            return (
              <Field key={queue.id} label={t("dialing.shown.queue", { queue: queue.name })}>
                <Select
                  value={(rules.queue_caller_ids ?? []).find((one) => one.queue_id === queue.id)?.number ?? NONE}
                  disabled={!may}
                  onValueChange={(value) => set({ queue_caller_ids: value === NONE ? others : [...others, { queue_id: queue.id, number: value }] })}
                  options={[{ value: NONE, label: t("dialing.shown.same") }, ...numbers]}
                />
              </Field>
            );
          })}
        </Section>
        <Section title={t("dialing.emergency")} hint={t("dialing.emergency.hint")}>
          <Switch label={t("dialing.emergency")} disabled={!may} checked={rules.emergency ?? false} onCheckedChange={(emergency) => set({ emergency })} />
        </Section>
      </fieldset>
      {may && (
        <div>
          <Button type="submit" variant="primary" busy={save.isPending}>
            {t("common.save")}
          </Button>
        </div>
      )}
    </form>
  );
}

function Section({ title, hint, children }: { title: string; hint?: string; children: ReactNode }) {
  return (
    <Card>
      <section className="grid gap-3">
        <h2 className="text-lg font-semibold">{title}</h2>
        {hint && <p className="text-sm text-ink-2">{hint}</p>}
        {children}
      </section>
    </Card>
  );
}

function Hours({ hours, disabled, onChange }: { hours: OfficeHours | undefined; disabled: boolean; onChange: (next: OfficeHours | undefined) => void }) {
  const t = useT();
  const now = hours ?? { days: ["monday", "tuesday", "wednesday", "thursday", "friday"], from: "09:00", until: "20:00" };
  // A Monday.
  const name = (index: number) => new Intl.DateTimeFormat(currentLanguage(), { weekday: "short", timeZone: "UTC" }).format(new Date(Date.UTC(2024, 0, 1 + index)));
  return (
    <>
      <RadioGroup
        label={t("dialing.hours")}
        value={hours ? "office" : "any"}
        onValueChange={(value) => onChange(value === "office" ? now : undefined)}
        options={[
          { value: "any", label: t("dialing.hours.any") },
          { value: "office", label: t("dialing.hours.office") },
        ]}
      />
      {hours && (
        <div className="grid gap-3">
          <div role="group" aria-label={t("dialing.hours.days")} className="flex flex-wrap gap-x-4">
            {DAYS.map((day, index) => (
              <Checkbox key={day} label={name(index)} disabled={disabled} checked={hours.days.includes(day)} onCheckedChange={(on) => onChange({ ...hours, days: DAYS.filter((one) => (one === day ? on : hours.days.includes(one))) })} />
            ))}
          </div>
          <div className="flex flex-wrap gap-3">
            <Field label={t("dialing.hours.from")}>
              <Input type="time" value={hours.from} onChange={(event) => onChange({ ...hours, from: event.target.value })} />
            </Field>
            <Field label={t("dialing.hours.until")}>
              <Input type="time" value={hours.until} onChange={(event) => onChange({ ...hours, until: event.target.value })} />
            </Field>
          </div>
        </div>
      )}
    </>
  );
}

const DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const;
