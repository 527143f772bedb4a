import { useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { Combobox, IconButton, Input } from "@/design";
import { useT } from "@/i18n";
import { skillsQuery } from "./skills";

export interface TypedLevel {
  readonly skill_id: string;
  readonly level: string;
}

/** Where somebody begins who is given a skill, and what a queue first asks for. */
const USUAL = "50";

/** Skills, each once, and how well they are mastered. */
export function SkillLevels({ label, value, onChange, error, hint }: { label: string; value: readonly TypedLevel[]; onChange: (value: readonly TypedLevel[]) => void; error?: string | undefined; hint?: string }) {
  const t = useT();
  const { data } = useQuery(skillsQuery);
  const skills = data?.items ?? [];
  const nameOf = (id: string) => skills.find((one) => one.id === id)?.name ?? "…";
  const others = skills.filter((one) => value.every(({ skill_id }) => skill_id !== one.id));
  return (
    <div role="group" aria-label={label} className="grid content-start gap-1.5">
      <p className="text-sm font-medium text-ink-2">{label}</p>
      {value.length > 0 && (
        <ul className="grid gap-1.5">
          {value.map(({ skill_id, level }) => (
            <li key={skill_id} className="flex items-center gap-2">
              <span className="min-w-0 flex-1 truncate text-md">{nameOf(skill_id)}</span>
              <Input
                type="number"
                min={1}
                max={100}
                className="w-20"
                aria-label={t("work.skills.level", { skill: nameOf(skill_id) })}
                aria-invalid={error ? true : undefined}
                value={level}
                onChange={(event) => onChange(value.map((one) => (one.skill_id === skill_id ? { skill_id, level: event.target.value } : one)))}
              />
              <IconButton label={t("work.skills.remove", { skill: nameOf(skill_id) })} size="sm" onClick={() => onChange(value.filter((one) => one.skill_id !== skill_id))}>
                <X size={14} aria-hidden />
              </IconButton>
            </li>
          ))}
        </ul>
      )}
      {others.length > 0 && (
        <Combobox aria-label={`${label}: ${t("work.skills.add")}`} placeholder={t("work.skills.add")} className="w-64 max-w-full" value={undefined} onValueChange={(skill_id) => onChange([...value, { skill_id, level: USUAL }])} options={others.map((one) => ({ value: one.id, label: one.name }))} />
      )}
      {data && skills.length === 0 && <p className="text-sm text-ink-3">{t("work.skills.none-at-all")}</p>}
      {error && (
        <p role="alert" className="text-sm text-bad">
          {error}
        </p>
      )}
      {hint && <p className="text-sm text-ink-3">{hint}</p>}
    </div>
  );
}
