/** Which days a report is of: the tenant's, not the browser's. Days are written as `2026-11-29`. */

export const PERIODS = ["today", "yesterday", "week", "month", "last-month", "custom"] as const;
export type Period = (typeof PERIODS)[number];
export const INTERVALS = ["quarter", "hour", "day", "week", "month", "total"] as const;
export type Interval = (typeof INTERVALS)[number];
export const GROUPS = ["none", "queue", "agent"] as const;
export type By = (typeof GROUPS)[number];

export interface Wanted {
  period: Period;
  from: string;
  to: string;
  interval: Interval;
  by: By;
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** The day that it is now in a time zone. */
export function dayIn(zone: string | undefined, now: Date): string {
  const parts = new Intl.DateTimeFormat("en", { ...(zone ? { timeZone: zone } : {}), calendar: "gregory", numberingSystem: "latn", year: "numeric", month: "2-digit", day: "2-digit" }).formatToParts(now);
  const part = (type: string) => parts.find((one) => one.type === type)?.value ?? "";
  return `${part("year")}-${part("month")}-${part("day")}`;
}

/** So many days later. A day's name knows no hours, so that no change of the clock is in the way. */
export function shifted(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

/** First and last day of a period. */
export function daysOf(period: Exclude<Period, "custom">, today: string): { from: string; to: string } {
  const first = `${today.slice(0, 8)}01`;
  switch (period) {
    case "today":
      return { from: today, to: today };
    case "yesterday":
      return { from: shifted(today, -1), to: shifted(today, -1) };
    case "week":
      return { from: shifted(today, -6), to: today };
    case "month":
      return { from: first, to: today };
    case "last-month": {
      const last = shifted(first, -1);
      return { from: `${last.slice(0, 8)}01`, to: last };
    }
  }
}

/** How time is cut when nobody said: so that there is something to see, and not too much. */
export function intervalFor(from: string, to: string): Interval {
  const days = (Date.parse(to) - Date.parse(from)) / 86_400_000 + 1;
  return days <= 2 ? "hour" : days <= 62 ? "day" : days <= 365 ? "week" : "month";
}

/** What an address asks for; what is none is passed over. */
export function fromSearch(search: Record<string, unknown>, today: string): Wanted {
  const word = <T extends string>(value: unknown, words: readonly T[]): T | undefined => words.find((one) => one === value);
  const period = word(search.period, PERIODS) ?? "week";
  const day = (value: unknown) => (typeof value === "string" && DAY.test(value) && !Number.isNaN(Date.parse(value)) ? value : undefined);
  const days = period === "custom" ? { from: day(search.from) ?? today, to: day(search.to) ?? today } : daysOf(period, today);
  return { period, ...days, interval: word(search.interval, INTERVALS) ?? intervalFor(days.from, days.to), by: word(search.by, GROUPS) ?? "none" };
}
