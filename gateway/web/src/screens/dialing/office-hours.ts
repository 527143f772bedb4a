import type { components } from "@/api";

type HoursRule = components["schemas"]["HoursRule"];
export type Day = components["schemas"]["Day"];

/** What the form shows of the rule for all countries: the same hours on the days that are chosen. */
export interface OfficeHours {
  readonly days: readonly Day[];
  readonly from: string;
  readonly until: string;
}

const clock = (minutes: number) => `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
const minutes = (text: string) => {
  const [hours = 0, rest = 0] = text.split(":").map(Number);
  return hours * 60 + rest;
};

/** The rule for all countries, if there is one. The end of the day is shown as 00:00, as clocks do. */
export function office(rules: readonly HoursRule[]): OfficeHours | undefined {
  const rule = rules.find((one) => one.countries.length === 0);
  if (!rule) return undefined;
  const from = Math.min(...rule.windows.map((one) => one.from), 24 * 60 - 1);
  const until = Math.max(...rule.windows.map((one) => one.until), 0);
  return { days: [...new Set(rule.windows.map((one) => one.day))], from: clock(from), until: clock(until % (24 * 60)) };
}

/** The rules with these hours for all countries; those for single countries stay. */
export function withOffice(rules: readonly HoursRule[], hours: OfficeHours | undefined): HoursRule[] {
  const others = rules.filter((one) => one.countries.length > 0);
  if (!hours) return others;
  const from = minutes(hours.from);
  const end = minutes(hours.until);
  const until = end === 0 ? 24 * 60 : end;
  return [...others, { countries: [], windows: hours.days.map((day) => ({ day, from, until })) }];
}
