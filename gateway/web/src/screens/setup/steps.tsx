import { Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { Button, Combobox, DefinitionList, Field, IconButton, Input, PasswordInput, PhoneNumber, Select, Switch, Textarea } from "@/design";
import { LANGUAGES, useT } from "@/i18n";
import { LanguageSelect } from "../shared/preferences";
import { PasswordStrength } from "../shared/password";
import { type Draft, ROLES, bareNumber, peopleIn, slugOf } from "./draft";
import { WeekEditor, dayName } from "./week";

interface StepProps {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  errors: Readonly<Record<string, string>>;
}

// Not every browser lists UTC among them.
const ZONES = [...new Set([...Intl.supportedValuesOf("timeZone"), "UTC"])].map((zone) => ({ value: zone, label: zone.replaceAll("_", " ") }));
/** As many as the server takes at once. */
const MOST_PEOPLE = 50;

export function CompanyStep({ draft, change, errors }: StepProps) {
  const t = useT();
  // A browser may be in a zone by an older name, which its own list lacks.
  const zones = ZONES.some((one) => one.value === draft.timeZone) ? ZONES : [{ value: draft.timeZone, label: draft.timeZone }, ...ZONES];
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field label={t("wizard.name")} required error={errors.name}>
        <Input maxLength={100} autoComplete="organization" value={draft.name} onChange={(event) => change({ name: event.target.value })} />
      </Field>
      <Field label={t("wizard.slug")} hint={t("wizard.slug.hint")} error={errors.slug}>
        <Input maxLength={32} autoComplete="off" spellCheck={false} placeholder={slugOf(draft.name)} value={draft.slug} onChange={(event) => change({ slug: event.target.value.toLowerCase() })} />
      </Field>
      <Field label={t("setup.zone")} hint={t("wizard.zone.hint")} error={errors.time_zone}>
        <Combobox value={draft.timeZone} onValueChange={(timeZone) => change({ timeZone })} options={zones} />
      </Field>
      <Field label={t("people.language")} hint={t("wizard.language.hint")} error={errors.language}>
        <LanguageSelect value={LANGUAGES.find((one) => one === draft.language) ?? "en"} onChange={(language) => change({ language })} />
      </Field>
      <Field label={t("wizard.number")} hint={t("wizard.number.hint")} error={errors.number}>
        <Input type="tel" inputMode="tel" placeholder="+390612345678" value={draft.number} onChange={(event) => change({ number: event.target.value })} />
      </Field>
      <Field label={t("wizard.queue")} hint={t("wizard.queue.hint")} required error={errors["queue.name"]}>
        <Input maxLength={100} value={draft.queue} onChange={(event) => change({ queue: event.target.value })} />
      </Field>
    </div>
  );
}

export function HoursStep({ draft, change, errors }: StepProps) {
  const t = useT();
  const serverFault = Object.entries(errors).find(([field]) => field.startsWith("hours"))?.[1];
  return (
    <div className="grid gap-4">
      <p className="text-md text-ink-2">{t("wizard.hours.about")}</p>
      <Switch label={t("wizard.hours.always")} checked={draft.always} onCheckedChange={(always) => change({ always })} />
      {serverFault && (
        <p role="alert" className="text-md text-bad">
          {serverFault}
        </p>
      )}
      {!draft.always && <WeekEditor week={draft.week} onChange={(week) => change({ week })} errors={errors} />}
    </div>
  );
}

export function AdminStep({ draft, change, errors, password, setPassword }: StepProps & { password: string; setPassword: (password: string) => void }) {
  const t = useT();
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <p className="text-md text-ink-2 sm:col-span-2">{t("wizard.admin.about")}</p>
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
      <p className="text-md text-ink-2">{t("wizard.people.about")}</p>
      <Field label={t("wizard.people.paste")} hint={t("wizard.people.paste-hint")}>
        <Textarea value={pasted} onChange={(event) => setPasted(event.target.value)} />
      </Field>
      <div className="flex gap-2">
        <Button disabled={found === 0} onClick={add}>
          {found > 0 ? t("wizard.people.take", { n: found }) : t("wizard.people.add")}
        </Button>
        <Button variant="ghost" icon={<Plus size={15} aria-hidden />} disabled={draft.people.length >= MOST_PEOPLE} onClick={() => change({ people: [...draft.people, { name: "", email: "", role: "operator" }] })}>
          {t("wizard.people.one")}
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
            <IconButton className="sm:mt-6" label={t("wizard.people.remove", { name: person.name || person.email })} onClick={() => change({ people: draft.people.filter((_, at) => at !== index) })}>
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
        { term: t("wizard.name"), value: draft.name },
        { term: t("setup.zone"), value: draft.timeZone },
        { term: t("wizard.number"), value: number ? <PhoneNumber value={number} /> : t("wizard.number.none") },
        { term: t("wizard.queue"), value: draft.queue },
        {
          term: t("wizard.step.hours"),
          value: draft.always
            ? t("wizard.hours.always")
            : open.map((one) => (
                <span key={one.day} className="num block first-letter:uppercase">
                  {dayName(one.day)}: {one.spans.map((span) => `${span.open}–${span.close}`).join(", ")}
                </span>
              )),
        },
        { term: t("wizard.step.admin"), value: `${draft.adminName}, ${draft.adminEmail}` },
        { term: t("wizard.step.people"), value: t("wizard.people.count", { n: draft.people.length }) },
      ]}
    />
  );
}
