/** Settings in words, and what a level comes to. */
import type { Level, Setting } from "@/api/settings";
import { type TextKey, t } from "@/i18n";

export const LEVELS: readonly Level[] = ["platform", "tenant", "user", "session"];

function stem(key: string): string {
  return key.replace(".", "-");
}

/** The catalogue's text; the server's own for a setting that it does not know yet. */
export function titleOf(setting: Setting): string {
  const key = `company.setting.${stem(setting.key)}`;
  const text = t(key as TextKey);
  return text === key ? setting.key : text;
}

export function aboutOf(setting: Setting): string {
  const key = `company.setting.${stem(setting.key)}-about`;
  const text = t(key as TextKey);
  return text === key ? setting.description : text;
}

export function groupText(group: string): string {
  const key = `company.group.${group}`;
  const text = t(key as TextKey);
  return text === key ? group : text;
}

/** A value as people say it. */
export function valueText(setting: Setting, value: Setting["value"]): string {
  if (typeof value === "boolean") return t(value ? "company.value.on" : "company.value.off");
  if (typeof value === "number") return setting.kind.type === "number" ? t(`company.value.${setting.kind.unit}`, { n: value }) : String(value);
  const key = `company.value.${stem(setting.key)}-${value}`;
  const text = t(key as TextKey);
  return text === key ? value : text;
}

/** Who is heard on a level, as the server resolves it: from above the lowest that says something, and nobody below a hard lock. */
function heardAt(setting: Setting, level: Level): Setting["said"][number] | undefined {
  const above = setting.said.filter((said) => LEVELS.indexOf(said.level) <= LEVELS.indexOf(level));
  return above.find((said) => said.lock === "hard") ?? above.at(-1);
}

/** What counts on a level. */
export function valueAt(setting: Setting, level: Level): Setting["value"] {
  return heardAt(setting, level)?.value ?? setting.default;
}

/** Where that comes from. */
export function sourceAt(setting: Setting, level: Level): Setting["source"] {
  return heardAt(setting, level)?.level ?? "default";
}

/** Whether a setting has all of these words in what is said of it. */
export function matches(setting: Setting, search: string): boolean {
  const text = [setting.key, titleOf(setting), aboutOf(setting), groupText(setting.group), valueText(setting, setting.value)].join(" ").toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
