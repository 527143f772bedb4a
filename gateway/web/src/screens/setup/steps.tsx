import { Copy, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { Button, Combobox, DefinitionList, Field, IconButton, Input, PasswordInput, PhoneNumber, Select, Switch, Textarea } from "@/design";
import { LANGUAGES, currentLanguage, useT } from "@/i18n";
import { LanguageSelect } from "../shared/preferences";
import { PasswordStrength } from "../shared/password";
import { type Day, type Draft, ROLES, bareNumber, peopleIn, slugOf } from "./draft";
import { PRESETS, USUAL, presetOf, presetWeek, toWeekdays } from "./hours";

interface StepProps {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  errors: Readonly<Record<string, string>>;
}

// Not every browser lists UTC among them.
const ZONES = [...new Set([...Intl.supportedValuesOf("timeZone"), "UTC"])].map((zone) => ({ value: zone, label: zone.replaceAll("_", " ") }));
/** As many as the server takes at once. */
const MOST_PEOPLE = 50;

function dayName(day: number): string {
  // 1 January 2024 was a Monday.
  return new Intl.DateTimeFormat(currentLanguage(), { weekday: "long", timeZone: "UTC" }).format(new Date(Date.UTC(2024, 0, day)));
}

export function CompanyStep({ draft, change, errors }: StepProps) {
  const t = useT();
  // A browser may be in a zone by an older name, which its own list lacks.
  const zones = ZONES.some((one) => one.value === draft.timeZone) ? ZONES : [{ value: draft.timeZone, label: draft.timeZone }, ...ZONES];
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field label={t("setup.name")} required error={errors.name}>
        <Input maxLength={100} autoComplete="organization" value={draft.name} onChange={(event) => change({ name: event.target.value })} />
      </Field>
      <Field label={t("setup.slug")} hint={t("setup.slug.hint")} error={errors.slug}>
        <Input maxLength={32} autoComplete="off" spellCheck={false} placeholder={slugOf(draft.name)} value={draft.slug} onChange={(event) => change({ slug: event.target.value.toLowerCase() })} />
      </Field>
      <Field label={t("setup.zone")} hint={t("setup.zone.hint")} error={errors.time_zone}>
        <Combobox value={draft.timeZone} onValueChange={(timeZone) => change({ timeZone })} options={zones} />
      </Field>
      <Field label={t("people.language")} hint={t("setup.language.hint")} error={errors.language}>
        <LanguageSelect value={LANGUAGES.find((one) => one === draft.language) ?? "en"} onChange={(language) => change({ language })} />
      </Field>
      <Field label={t("setup.number")} hint={t("setup.number.hint")} error={errors.number}>
        <Input type="tel" inputMode="tel" placeholder="+390612345678" value={draft.number} onChange={(event) => change({ number: event.target.value })} />
      </Field>
      <Field label={t("setup.queue")} hint={t("setup.queue.hint")} required error={errors["queue.name"]}>
        <Input maxLength={100} value={draft.queue} onChange={(event) => change({ queue: event.target.value })} />
      </Field>
    </div>
  );
}

export function HoursStep({ draft, change, errors }: StepProps) {
  const t = useT();
  const setDay = (day: number, spans: Day["spans"]) => change({ week: draft.week.map((one) => (one.day === day ? { day, spans } : one)) });
  const copy = (from: Day) => change({ week: toWeekdays(draft.week, from) });
  const serverFault = Object.entries(errors).find(([field]) => field.startsWith("hours"))?.[1];
  return (
    <div className="grid gap-4">
      <p className="text-md text-ink-2">{t("setup.hours.about")}</p>
      <Switch label={t("setup.hours.always")} checked={draft.always} onCheckedChange={(always) => change({ always })} />
      {serverFault && (
        <p role="alert" className="text-md text-bad">
          {serverFault}
        </p>
      )}
      {!draft.always && (
        <div role="group" aria-label={t("setup.hours.presets")} className="flex flex-wrap gap-2">
          {PRESETS.map((preset) => (
            <Button key={preset} size="sm" aria-pressed={presetOf(draft.week) === preset} className="aria-pressed:border-accent aria-pressed:bg-accent-soft" onClick={() => change({ week: presetWeek(preset) })}>
              {t(`setup.preset.${preset}`)}
            </Button>
          ))}
        </div>
      )}
      {!draft.always && (
        <ul className="divide-y divide-line rounded-md border border-line">
          {draft.week.map((one) => (
            <li key={one.day} className="flex flex-wrap items-center gap-x-4 gap-y-2 px-3 py-2">
              <Switch className="w-40 capitalize" label={dayName(one.day)} checked={one.spans.length > 0} onCheckedChange={(open) => setDay(one.day, open ? USUAL : [])} />
              <div className="grid flex-1 gap-1.5 max-sm:basis-full">
                {one.spans.length === 0 && <span className="text-md text-ink-3">{t("setup.hours.closed")}</span>}
                {one.spans.map((span, index) => {
                  const set = (part: Partial<typeof span>) => setDay(one.day, one.spans.map((other, at) => (at === index ? { ...other, ...part } : other)));
                  return (
                    // Spans have nothing but their place.
                    <div key={index} className="flex flex-wrap items-center gap-x-1.5 gap-y-1">
                      <Input type="time" className="w-[7.6rem] px-2" aria-label={t("setup.hours.open", { day: dayName(one.day) })} value={span.open} onChange={(event) => set({ open: event.target.value })} />
                      <span aria-hidden>–</span>
                      <Input type="time" className="w-[7.6rem] px-2" aria-label={t("setup.hours.close", { day: dayName(one.day) })} value={span.close === "24:00" ? "00:00" : span.close} onChange={(event) => set({ close: event.target.value === "00:00" ? "24:00" : event.target.value })} />
                      {one.spans.length > 1 && (
                        <IconButton label={t("setup.hours.remove")} size="sm" onClick={() => setDay(one.day, one.spans.filter((_, at) => at !== index))}>
                          <Trash2 size={14} aria-hidden />
                        </IconButton>
                      )}
                    </div>
                  );
                })}
                {errors[`day-${String(one.day)}`] && (
                  <p role="alert" className="text-sm text-bad">
                    {errors[`day-${String(one.day)}`]}
                  </p>
                )}
              </div>
              {one.spans.length > 0 && (
                <div className="flex gap-1">
                  <IconButton label={t("setup.hours.more", { day: dayName(one.day) })} size="sm" onClick={() => setDay(one.day, [...one.spans, { open: one.spans.at(-1)?.close ?? "14:00", close: "22:00" }])}>
                    <Plus size={14} aria-hidden />
                  </IconButton>
                  <IconButton label={t("setup.hours.copy", { day: dayName(one.day) })} size="sm" onClick={() => copy(one)}>
                    <Copy size={14} aria-hidden />
                  </IconButton>
                </div>
              )}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

export function AdminStep({ draft, change, errors, password, setPassword }: StepProps & { password: string; setPassword: (password: string) => void }) {
  const t = useT();
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <p className="text-md text-ink-2 sm:col-span-2">{t("setup.admin.about")}</p>
      <Field label={t("setup.person.name")} required error={errors["admin.name"]}>
        <Input maxLength={100} autoComplete="name" value={draft.adminName} onChange={(event) => change({ adminName: event.target.value })} />
      </Field>
      <Field label={t("people.sign-in.email")} required error={errors["admin.email"]}>
        <Input type="email" autoComplete="email" value={draft.adminEmail} onChange={(event) => change({ adminEmail: event.target.value })} />
      </Field>
      <Field label={t("people.sign-in.password")} required hint={<PasswordStrength password={password} known={[draft.name, draft.adminName, draft.adminEmail]} />} error={errors["admin.password"]}>
        <PasswordInput autoComplete="new-password" value={password} onChange={(event) => setPassword(event.target.value)} />
      </Field>
    </div>
  );
}

export function PeopleStep({ draft, change, errors }: StepProps) {
  const t = useT();
  const [pasted, setPasted] = useState("");
  const found = peopleIn(pasted).length;
  const roles = ROLES.map((role) => ({ value: role, label: t(`setup.role.${role}`), description: t(`setup.role.${role}-about`) }));
  const add = () => {
    const known = new Set(draft.people.map((person) => person.email));
    change({ people: [...draft.people, ...peopleIn(pasted).filter((person) => !known.has(person.email))].slice(0, MOST_PEOPLE) });
    setPasted("");
  };
  const set = (index: number, part: Partial<Draft["people"][number]>) => change({ people: draft.people.map((person, at) => (at === index ? { ...person, ...part } : person)) });
  return (
    <div className="grid gap-4">
      <p className="text-md text-ink-2">{t("setup.people.about")}</p>
      <Field label={t("setup.people.paste")} hint={t("setup.people.paste-hint")}>
        <Textarea value={pasted} onChange={(event) => setPasted(event.target.value)} />
      </Field>
      <div className="flex gap-2">
        <Button disabled={found === 0} onClick={add}>
          {found > 0 ? t("setup.people.take", { n: found }) : t("setup.people.add")}
        </Button>
        <Button variant="ghost" icon={<Plus size={15} aria-hidden />} disabled={draft.people.length >= MOST_PEOPLE} onClick={() => change({ people: [...draft.people, { name: "", email: "", role: "operator" }] })}>
          {t("setup.people.one")}
        </Button>
      </div>
      {errors.users && (
        <p role="alert" className="text-md text-bad">
          {errors.users}
        </p>
      )}
      <ul className="grid gap-2">
        {draft.people.map((person, index) => (
          // Rows have nothing but their place: an address may change.
          <li key={index} className="grid items-start gap-2 rounded-md border border-line p-2.5 sm:grid-cols-[1fr_1.3fr_150px_auto]">
            <Field label={t("setup.person.name")} error={errors[`users[${String(index)}].name`]}>
              <Input maxLength={100} value={person.name} onChange={(event) => set(index, { name: event.target.value })} />
            </Field>
            <Field label={t("people.sign-in.email")} error={errors[`users[${String(index)}].email`]}>
              <Input type="email" value={person.email} onChange={(event) => set(index, { email: event.target.value })} />
            </Field>
            <Field label={t("setup.role")}>
              <Select value={person.role} onValueChange={(next) => set(index, { role: ROLES.find((one) => one === next) ?? "operator" })} options={roles} />
            </Field>
            <IconButton className="sm:mt-6" label={t("setup.people.remove", { name: person.name || person.email })} onClick={() => change({ people: draft.people.filter((_, at) => at !== index) })}>
              <Trash2 size={15} aria-hidden />
            </IconButton>
          </li>
        ))}
      </ul>
    </div>
  );
}

export function ReviewStep({ draft }: { draft: Draft }) {
  const t = useT();
  const open = draft.week.filter((one) => one.spans.length > 0);
  const number = bareNumber(draft.number);
  return (
    <DefinitionList
      items={[
        { term: t("setup.name"), value: draft.name },
        { term: t("setup.zone"), value: draft.timeZone },
        { term: t("setup.number"), value: number ? <PhoneNumber value={number} /> : t("setup.number.none") },
        { term: t("setup.queue"), value: draft.queue },
        {
          term: t("setup.step.hours"),
          value: draft.always
            ? t("setup.hours.always")
            : open.map((one) => (
                <span key={one.day} className="num block first-letter:uppercase">
                  {dayName(one.day)}: {one.spans.map((span) => `${span.open}–${span.close}`).join(", ")}
                </span>
              )),
        },
        { term: t("setup.step.admin"), value: `${draft.adminName}, ${draft.adminEmail}` },
        { term: t("setup.step.people"), value: t("setup.people.count", { n: draft.people.length }) },
      ]}
    />
  );
}
