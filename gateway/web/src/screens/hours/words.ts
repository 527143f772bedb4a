/** What is said of opening hours, in the reader's language. */
import type { Tone } from "@/design";
import { currentLanguage, t } from "@/i18n";
import { addDays, localOf } from "./dates";
import type { Named, OpenState, Schedule } from "./model";
import { DAY_END, type Stretches, type Week, clockText, dayText } from "./week";

/** A date, whatever the reader's zone. */
export function dateText(date: string, options: Intl.DateTimeFormatOptions = { day: "numeric", month: "short", year: "numeric" }): string {
  return new Intl.DateTimeFormat(currentLanguage(), { ...options, timeZone: "UTC" }).format(new Date(`${date}T00:00:00Z`));
}

export function datesText(from: string, to: string): string {
  const format = new Intl.DateTimeFormat(currentLanguage(), { weekday: "short", day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
  return from === to ? format.format(new Date(`${from}T00:00:00Z`)) : format.formatRange(new Date(`${from}T00:00:00Z`), new Date(`${to}T00:00:00Z`));
}

/** 0 for Monday. 1 January 2024 was one. */
export const dayName = (day: number, weekday: "long" | "short" | "narrow" = "long"): string => dateText(`2024-01-0${String(day + 1)}`, { weekday });

export const hoursText = (stretches: Stretches): string => (stretches.length === 0 ? t("hours.closed") : stretches.length === 1 && stretches[0]?.from === 0 && stretches[0].to === 1440 ? t("hours.all-day") : dayText(stretches));

/** Days of the same hours together: `Mon–Fri 09:00–18:00`. Those that are closed are not named. */
export function weekText(week: Week): string {
  const groups: { first: number; last: number; text: string }[] = [];
  for (const [day, stretches] of week.entries()) {
    const text = stretches.length === 0 ? "" : hoursText(stretches);
    const last = groups.at(-1);
    if (last && last.text === text) last.last = day;
    else groups.push({ first: day, last: day, text });
  }
  const named = groups.filter((one) => one.text !== "").map(({ first, last, text }) => `${first === last ? dayName(first, "short") : `${dayName(first, "short")}–${dayName(last, "short")}`} ${text}`);
  return named.length === 0 ? t("hours.never-open") : named.join(" · ");
}

/**
 * A moment as one says it today: the time alone, with the day within a week, else with the date. By the clock of the zone, as hours are typed. `end`: what
 * ends at midnight does so at 24:00, not on the next day.
 */
export function momentText(at: number, zone: string, now: number, end = false): string {
  const local = localOf(at, zone);
  const today = localOf(now, zone).date;
  const [date, minute] = end && local.minute === 0 ? [addDays(local.date, -1), DAY_END] : [local.date, local.minute];
  const time = clockText(minute);
  if (date === today) return time;
  const near = date > today && date < addDays(today, 7);
  return `${dateText(date, near ? { weekday: "short" } : { day: "numeric", month: "short", ...(date.slice(0, 4) === today.slice(0, 4) ? {} : { year: "numeric" }) })} ${time}`;
}

export interface Standing {
  readonly tone: Tone;
  readonly text: string;
}

/** Open or closed, and until when. */
export function standingText(state: OpenState, next: number | undefined, zone: string, now: number): Standing {
  const tone: Tone = state === "open" ? "live" : "neutral";
  if (next === undefined) return { tone, text: t(`hours.state.${state}`) };
  return { tone, text: t(`hours.state.${state}-until`, { when: momentText(next, zone, now, state === "open") }) };
}

export function standingOf({ open_now, next_change, time_zone, override }: Pick<Schedule, "open_now" | "next_change" | "time_zone" | "override">, now: number): Standing {
  const standing = standingText(open_now ? "open" : "closed", next_change ? Date.parse(next_change) : undefined, time_zone, now);
  return override && !open_now ? { ...standing, tone: "bad" } : standing;
}

export const nameOf = (one: Named): string => (typeof one === "string" ? one : one.name);
