/** What is known of a tenant here. */
import type { components } from "@/api";
import type { Tone } from "@/design";

export type Tenant = components["schemas"]["PlatformTenant"];
export type Limits = components["schemas"]["Limits"];

export const tenantsKey = ["platform", "tenants"] as const;

export const STATE_TONES: Record<Tenant["state"], Tone> = { active: "live", suspended: "ring", to_be_deleted: "bad", removing: "bad" };

/** The form's texts; nothing written: no limit. Storage is written in gigabytes. */
export type LimitTexts = Record<keyof Limits, string>;
const GIGA = 1_000_000_000;
const FIELDS: readonly (keyof Limits)[] = ["agents", "messages", "minutes", "storage_bytes"];

export function textsOf(limits: Partial<Limits>): LimitTexts {
  const text = (limit: number | null | undefined, per = 1) => (limit === null || limit === undefined ? "" : String(limit / per));
  return { agents: text(limits.agents), messages: text(limits.messages), minutes: text(limits.minutes), storage_bytes: text(limits.storage_bytes, GIGA) };
}

/** `undefined` for texts that are no limits. */
export function limitsOf(texts: LimitTexts): Required<Limits> | undefined {
  const limits = { agents: null, messages: null, minutes: null, storage_bytes: null } as Record<keyof Limits, number | null>;
  for (const field of FIELDS) {
    const text = texts[field].trim().replace(",", ".");
    if (text === "") continue;
    const number = field === "storage_bytes" ? Math.round(Number(text) * GIGA) : Number(text);
    if (!Number.isSafeInteger(number) || number < 0) return undefined;
    limits[field] = number;
  }
  return limits;
}
