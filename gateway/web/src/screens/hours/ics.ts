/** Whole days out of a calendar file (RFC 5545): public holidays, as calendars and governments publish them. */
import { addDays, daysBetween, isDate } from "./dates";

/** More than any list of holidays has; a calendar of everything is not what is wanted. */
export const MOST_DAYS = 500;
/** Characters. */
export const LONGEST = 2_000_000;

export interface CalendarDay {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

export type Reason = "timed" | "date" | "cancelled" | "repeats";
export interface LeftOut {
  /** Of the file, from 1: where the event begins. */
  readonly line: number;
  readonly name: string;
  readonly why: Reason;
}

export interface Calendar {
  /** Whether it is a calendar at all. */
  readonly sound: boolean;
  readonly days: readonly CalendarDay[];
  readonly left: readonly LeftOut[];
}

interface Line {
  readonly number: number;
  readonly name: string;
  readonly params: Readonly<Record<string, string>>;
  readonly value: string;
}

/** Lines as they are meant: one that begins with a space goes on with the one before. */
function unfolded(text: string): { number: number; text: string }[] {
  const lines: { number: number; text: string }[] = [];
  for (const [at, line] of text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/).entries()) {
    const last = lines.at(-1);
    if (/^[ \t]/.test(line) && last) last.text += line.slice(1);
    else if (line !== "") lines.push({ number: at + 1, text: line });
  }
  return lines;
}

/** `NAME;PARAM=value;OTHER="a:b":value` */
function parsed({ number, text }: { number: number; text: string }): Line | undefined {
  const parts: string[] = [];
  let [begin, quoted, value] = [0, false, -1];
  for (let at = 0; at < text.length && value < 0; at += 1) {
    const sign = text[at];
    if (sign === '"') quoted = !quoted;
    else if (!quoted && (sign === ";" || sign === ":")) {
      parts.push(text.slice(begin, at));
      begin = at + 1;
      if (sign === ":") value = begin;
    }
  }
  const [name, ...rest] = parts;
  if (value < 0 || !name) return undefined;
  const params = Object.fromEntries(
    rest.map((one) => {
      const is = one.indexOf("=");
      return [one.slice(0, is < 0 ? undefined : is).toUpperCase(), is < 0 ? "" : one.slice(is + 1).replaceAll('"', "")];
    }),
  );
  return { number, name: name.toUpperCase(), params, value: text.slice(value) };
}

const plain = (text: string): string => text.replace(/\\([nN;,\\])/g, (_, sign: string) => (sign === "n" || sign === "N" ? " " : sign)).replace(/\s+/g, " ").trim();

function dateIn({ value, params }: Line): string | undefined {
  const found = /^(\d{4})(\d\d)(\d\d)$/.exec(value.trim());
  // A date is told by its shape, too: not everybody writes VALUE=DATE.
  if (!found || (params.VALUE !== undefined && params.VALUE.toUpperCase() !== "DATE")) return undefined;
  const date = `${found[1] ?? ""}-${found[2] ?? ""}-${found[3] ?? ""}`;
  return isDate(date) ? date : undefined;
}

/** `P2D`, `P1W`: in days. */
function daysIn(value: string): number | undefined {
  const found = /^\+?P(?:(\d{1,3})W|(\d{1,4})D)(?:T0[HMS])?$/i.exec(value.trim());
  return found ? Number(found[1] ?? 0) * 7 + Number(found[2] ?? 0) : undefined;
}

/** The same day each year, or every so many: all that holidays repeat by. */
function yearly(rule: string, from: string): { every: number; count: number; until: string } | undefined {
  const parts = new Map(rule.toUpperCase().split(";").map((part) => part.split("=", 2) as [string, string | undefined]));
  if (parts.get("FREQ") !== "YEARLY") return undefined;
  for (const [name, value] of parts) {
    const same = name === "BYMONTH" ? Number(value) === Number(from.slice(5, 7)) : name === "BYMONTHDAY" ? Number(value) === Number(from.slice(8)) : ["FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST"].includes(name);
    if (!same) return undefined;
  }
  const until = /^(\d{4})(\d\d)(\d\d)/.exec(parts.get("UNTIL") ?? "");
  const every = Number(parts.get("INTERVAL") ?? 1);
  const count = Number(parts.get("COUNT") ?? Infinity);
  if (!Number.isInteger(every) || every < 1 || Number.isNaN(count)) return undefined;
  return { every, count, until: until ? `${until[1] ?? ""}-${until[2] ?? ""}-${until[3] ?? ""}` : "9999-12-31" };
}

/**
 * The days of a calendar file that are on or after `since`, in their order, each once. What repeats each year is there for the year of `since` and the two
 * after it.
 */
export function readCalendar(text: string, since: string): Calendar {
  const lines = unfolded(text.slice(0, LONGEST));
  const days: CalendarDay[] = [];
  const left: LeftOut[] = [];
  const lastYear = Number(since.slice(0, 4)) + 2;
  let event: Map<string, Line> | undefined;
  let begun = 0;
  /** Alarms and the like within an event have properties of the same names. */
  let within = 0;
  let sound = false;
  const close = (lineOf: Map<string, Line>) => {
    const name = plain(lineOf.get("SUMMARY")?.value ?? "");
    const refuse = (why: Reason) => void left.push({ line: begun, name, why });
    const start = lineOf.get("DTSTART");
    const from = start && dateIn(start);
    if (lineOf.get("STATUS")?.value.trim().toUpperCase() === "CANCELLED") return refuse("cancelled");
    if (!from) return refuse(start && /^\d{8}T/.test(start.value.trim()) ? "timed" : "date");
    const end = lineOf.get("DTEND");
    const duration = lineOf.get("DURATION");
    // The end is the day after the last one; some write the day itself.
    const until = end ? dateIn(end) : duration ? addDays(from, daysIn(duration.value) ?? 1) : addDays(from, 1);
    if (!until || until < from) return refuse("date");
    const length = Math.max(0, daysBetween(from, until) - 1);
    if (length >= 366) return refuse("date");
    const rule = lineOf.get("RRULE");
    const again = rule && yearly(rule.value, from);
    const add = (first: string) => {
      const one = { name, from: first, to: addDays(first, length) };
      if (one.to >= since && !days.some((other) => other.name === name && other.from === one.from && other.to === one.to)) days.push(one);
    };
    if (!again) {
      if (rule) refuse("repeats");
      return add(from);
    }
    const firstYear = Number(from.slice(0, 4));
    for (let time = 0; time < again.count; time += 1) {
      const year = firstYear + time * again.every;
      const date = `${String(year).padStart(4, "0")}${from.slice(4)}`;
      if (year > lastYear || date > again.until) break;
      // 29 February is not in every year.
      if (isDate(date)) add(date);
    }
  };
  for (const raw of lines) {
    const line = parsed(raw);
    if (!line) continue;
    const what = line.value.trim().toUpperCase();
    if (line.name === "BEGIN") {
      if (what === "VCALENDAR") sound = true;
      if (event) within += 1;
      else if (what === "VEVENT") [event, begun, within] = [new Map(), raw.number, 0];
    } else if (line.name === "END") {
      if (event && within > 0) within -= 1;
      else if (event && what === "VEVENT") {
        if (days.length < MOST_DAYS) close(event);
        event = undefined;
      }
    } else if (event && within === 0 && !event.has(line.name)) event.set(line.name, line);
  }
  days.sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : a.name.localeCompare(b.name)));
  return { sound, days: days.slice(0, MOST_DAYS), left };
}
