/** What entries are called, in the panel's words where there are some. */
import type { components } from "@/api";
import { type TextKey, t } from "@/i18n";

export type Entry = components["schemas"]["AuditEntry"];

/** The action in words; one that a newer server knows is shown as it is. */
export function actionText(action: string): string {
  const key = `audit.action.${action.replace(".", "_")}`;
  const text = t(key as TextKey);
  return text === key ? action : text;
}

/** Who it was: the name of that moment, or what kind of actor it is. */
export function actorText({ actor, erased_at }: Entry): string {
  if (actor.name) return actor.name;
  if (erased_at && actor.id) return t("audit.erased");
  const key = `audit.actor.${actor.type}`;
  const text = t(key as TextKey);
  return text === key ? actor.type : text;
}

export interface Change {
  field: string;
  before: string | undefined;
  after: string | undefined;
}

function shown(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** The fields that changed, in the order of their names. */
export function changes({ before, after }: Entry): readonly Change[] {
  const [old, now] = [(before ?? {}) as Record<string, unknown>, (after ?? {}) as Record<string, unknown>];
  return [...new Set([...Object.keys(old), ...Object.keys(now)])].sort().map((field) => ({ field, before: shown(old[field]), after: shown(now[field]) }));
}
