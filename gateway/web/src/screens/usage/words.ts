/** What was used, in words. */
import type { components } from "@/api";
import { type Tone } from "@/design";
import { currentLanguage, t } from "@/i18n";

export type Usage = components["schemas"]["Usage"];
export type Used = components["schemas"]["Used"];

export const TONES: Record<Used["standing"], Tone> = { fine: "live", near: "ring", reached: "bad" };

const GIGA = 1_000_000_000;
const MEGA = 1_000_000;

/** Bytes, in the largest unit of which there is a whole one. */
export function bytes(count: number): string {
  const [size, unit] = count >= GIGA ? [count / GIGA, "gigabyte"] : count >= MEGA ? [count / MEGA, "megabyte"] : [count / 1000, "kilobyte"];
  return new Intl.NumberFormat(currentLanguage(), { style: "unit", unit, maximumFractionDigits: size < 10 ? 1 : 0 }).format(size);
}

export function amount(resource: Used["resource"], count: number): string {
  return resource === "storage" ? bytes(count) : count.toLocaleString(currentLanguage());
}

/** "8 of 10", or how much when there is no limit. */
export function usedText({ resource, used, limit }: Used): string {
  return limit === null || limit === undefined ? t("company.usage.unlimited", { used: amount(resource, used) }) : t("company.usage.of", { used: amount(resource, used), limit: amount(resource, limit) });
}
