/** Dates without a time (`YYYY-MM-DD`), and the clock on the wall of a zone. */
import { DAY_END } from "./week";

const DAY_MS = 86_400_000;

export function isDate(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  const at = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(at) && dateText(at) === text;
}

const at = (date: string): number => Date.parse(`${date}T00:00:00Z`);
const dateText = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

export const addDays = (date: string, days: number): string => dateText(at(date) + days * DAY_MS);
export const daysBetween = (from: string, to: string): number => Math.round((at(to) - at(from)) / DAY_MS);
/** 0 for Monday to 6. */
export const weekdayOf = (date: string): number => (new Date(at(date)).getUTCDay() + 6) % 7;

export const dateOf = (year: number, month: number, day: number): string => dateText(Date.UTC(year, month - 1, day));

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known) return known;
  const made = new Intl.DateTimeFormat("en-CA", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" });
  formats.set(zone, made);
  return made;
}

export interface Local {
  readonly date: string;
  /** Since midnight, by the clock on the wall. */
  readonly minute: number;
}

/** What calendar and clock say in a zone. */
export function localOf(instant: number, zone: string): Local {
  const parts: Partial<Record<Intl.DateTimeFormatPartTypes, string>> = {};
  for (const { type, value } of format(zone).formatToParts(instant)) parts[type] = value;
  return { date: `${parts.year ?? ""}-${parts.month ?? ""}-${parts.day ?? ""}`, minute: Number(parts.hour) * 60 + Number(parts.minute) };
}

/** How far the zone's clock is ahead of UTC then, in minutes. */
function ahead(instant: number, zone: string): number {
  const local = localOf(instant, zone);
  return Math.round((at(local.date) + local.minute * 60_000 - Math.floor(instant / 60_000) * 60_000) / 60_000);
}

/** When the clock of a zone shows a time. Where it shows it twice (clocks went back) the first; where it never does (clocks went forward) the change. */
export function instantOf(date: string, minute: number, zone: string): number {
  const wall = at(date) + minute * 60_000;
  // A day before and after: one of the two offsets is the right one.
  const offsets = [ahead(wall - DAY_MS, zone), ahead(wall + DAY_MS, zone)];
  const shown = offsets.map((offset) => wall - offset * 60_000).filter((instant) => instant + ahead(instant, zone) * 60_000 === wall);
  if (shown.length > 0) return Math.min(...shown);
  return turnsBetween(wall - DAY_MS, wall + DAY_MS, zone)[0] ?? wall - (offsets[0] ?? 0) * 60_000;
}

/** The moment at which a date ends in a zone. */
export const endOf = (date: string, zone: string): number => instantOf(date, DAY_END, zone);

/** When the zone's clock is put forward or back within `[from, to)`, to the minute. */
export function turnsBetween(from: number, to: number, zone: string): number[] {
  const turns: number[] = [];
  let [begin, offset] = [from, ahead(from, zone)];
  // No zone turns its clock twice within a day.
  while (begin < to) {
    const end = Math.min(begin + DAY_MS, to);
    const then = ahead(end, zone);
    if (then !== offset) {
      let [low, high] = [begin, end];
      while (high - low > 60_000) {
        const middle = Math.floor((low + high) / 120_000) * 60_000;
        if (middle <= low || middle >= high) break;
        if (ahead(middle, zone) === offset) low = middle;
        else high = middle;
      }
      if (high < to) turns.push(high);
    }
    [begin, offset] = [end, then];
  }
  return turns;
}
