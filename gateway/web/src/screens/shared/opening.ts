/** Opening hours, as the server keeps them and as a form has them. */
import type { components } from "@/api";
import { type Day, minute } from "../setup/draft";
import { presetWeek } from "../setup/hours";

export type Hours = components["schemas"]["Hours"];

export interface Opening {
  /** Day and night. */
  readonly always: boolean;
  readonly timeZone: string;
  readonly week: readonly Day[];
}

const DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const;

/** `timeZone`: of the company, for hours that are yet to be set. */
export function openingOf(hours: Hours | null | undefined, timeZone: string): Opening {
  if (!hours) return { always: true, timeZone, week: presetWeek("office") };
  return { always: false, timeZone: hours.time_zone, week: DAYS.map((day, at) => ({ day: at + 1, spans: hours.week.filter((one) => one.day === day).map(({ from, to }) => ({ open: from, close: to })) })) };
}

export function hoursOf({ always, timeZone, week }: Opening): Hours | null {
  if (always) return null;
  return { time_zone: timeZone, week: week.flatMap(({ day, spans }) => spans.map(({ open, close }) => ({ day: DAYS[day - 1] ?? "monday", from: open, to: close }))) };
}

/** The days with a span that ends before it begins: `day-1` to `day-7`. */
export function wrongDays({ always, week }: Opening): readonly string[] {
  if (always) return [];
  return week.filter(({ spans }) => spans.some(({ open, close }) => !(minute(open) < minute(close)))).map(({ day }) => `day-${String(day)}`);
}
