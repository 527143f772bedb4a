/** A week of opening hours, as it is drawn and typed. Pure: minutes since midnight by the clock on the wall, whatever the zone. */
import { minute } from "../setup/draft";
import { WEEKDAYS, type Opening, type WeekOpening } from "./model";

export const DAY_END = 1440;

/** `0 <= from < to <= 1440`. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** In order, and apart from each other. */
export type Stretches = readonly Stretch[];
/** Seven days, Monday first. */
export type Week = readonly Stretches[];

export const CLOSED_WEEK: Week = WEEKDAYS.map(() => []);

export function clockText(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
}

/** In order, what touches or overlaps made one. */
export function merged(stretches: Stretches): Stretches {
  const sound = stretches.filter(({ from, to }) => from >= 0 && to <= DAY_END && from < to).sort((a, b) => a.from - b.from);
  const apart: Stretch[] = [];
  for (const one of sound) {
    const last = apart.at(-1);
    if (last && one.from <= last.to) apart[apart.length - 1] = { from: last.from, to: Math.max(last.to, one.to) };
    else apart.push(one);
  }
  return apart;
}

export const stretchesOf = (openings: readonly Opening[]): Stretches => merged(openings.map(({ from, to }) => ({ from: minute(from), to: minute(to) })));
export const openingsOf = (stretches: Stretches): Opening[] => stretches.map(({ from, to }) => ({ from: clockText(from), to: clockText(to) }));
export const weekOf = (openings: readonly WeekOpening[]): Week => WEEKDAYS.map((day) => stretchesOf(openings.filter((one) => one.day === day)));
export const weekOpeningsOf = (week: Week): WeekOpening[] => WEEKDAYS.flatMap((day, at) => openingsOf(week[at] ?? []).map((one) => ({ day, ...one })));

/** As it is typed, and read back: `09:00–13:00, 14:00–18:00`; nothing for a day that is closed. */
export const dayText = (stretches: Stretches): string => stretches.map(({ from, to }) => `${clockText(from)}–${clockText(to)}`).join(", ");

export type Typed =
  /** `over`: what goes on past midnight, and is the next day's. */
  | { readonly stretches: Stretches; readonly over: Stretch | undefined; readonly fault?: undefined }
  | { readonly fault: "time" | "nothing" | "overlap"; readonly at: string };

const TIME = /^(\d{1,2})(?:[:.h](\d{2})|(\d{2}))?\s*(am|pm)?$/i;
const CLOSED = /^(?:|[-–—]|closed|chiuso|закрыто)$/i;
const ALL_DAY = /^(?:24\s*h|24\/7|0-24)$/i;

/** Minutes since midnight: `9`, `9:30`, `9.30`, `0930`, `9h30`, `9pm`, `24`. */
export function timeOf(text: string): number | undefined {
  const found = TIME.exec(text.trim());
  if (!found) return undefined;
  let hours = Number(found[1]);
  const minutes = Number(found[2] ?? found[3] ?? 0);
  const half = found[4]?.toLowerCase();
  if (half !== undefined) {
    if (hours < 1 || hours > 12) return undefined;
    hours = (hours % 12) + (half === "pm" ? 12 : 0);
  }
  const all = hours * 60 + minutes;
  return minutes < 60 && all <= DAY_END ? all : undefined;
}

/** What somebody typed for a day. An end before its beginning is the next day's; midnight as an end is this day's end. */
export function readDay(text: string): Typed {
  const plain = text.trim().replace(/\s+/g, " ");
  if (CLOSED.test(plain)) return { stretches: [], over: undefined };
  if (ALL_DAY.test(plain)) return { stretches: [{ from: 0, to: DAY_END }], over: undefined };
  const parts = plain
    .replace(/\s*(?:[-–—−~]|\bto\b)\s*/gi, "-")
    .split(/[,;+/&]|\band\b|(?<=\d|[ap]m) (?=\d)/i)
    .map((part) => part.trim())
    .filter((part) => part !== "");
  const read: Stretch[] = [];
  let over: Stretch | undefined;
  for (const part of parts) {
    const [first, second, ...more] = part.split("-");
    const [from, end] = [timeOf(first ?? ""), timeOf(second ?? "")];
    if (from === undefined || end === undefined || from === DAY_END || more.length > 0) return { fault: "time", at: part };
    const to = end === 0 ? DAY_END : end;
    if (from === to) return { fault: "nothing", at: part };
    if (to < from) {
      if (over) return { fault: "overlap", at: part };
      over = { from: 0, to };
    }
    read.push({ from, to: to < from ? DAY_END : to });
  }
  read.sort((a, b) => a.from - b.from);
  const clash = read.find((one, at) => at > 0 && one.from < (read[at - 1]?.to ?? 0));
  if (clash) return { fault: "overlap", at: dayText([clash]) };
  return { stretches: merged(read), over };
}

/** A day as it was typed; what goes on past midnight is added to the next one, of which Monday follows Sunday. */
export function withDay(week: Week, day: number, stretches: Stretches, over?: Stretch): Week {
  const next = (day + 1) % 7;
  return week.map((one, at) => (at === day ? (at === next && over ? merged([...stretches, over]) : stretches) : at === next && over ? merged([...one, over]) : one));
}

export function copied(week: Week, from: number, to: readonly number[]): Week {
  return week.map((one, at) => (to.includes(at) ? (week[from] ?? []) : one));
}

/** To the nearest quarter of an hour, within the day. */
export function snapped(minutes: number, step = 15): number {
  return Math.max(0, Math.min(DAY_END, Math.round(minutes / step) * step));
}

/** With what was drawn from one minute to another, whichever is the earlier. */
export function drawn(stretches: Stretches, one: number, other: number): Stretches {
  return one === other ? stretches : merged([...stretches, { from: Math.min(one, other), to: Math.max(one, other) }]);
}

/** With one edge of a stretch elsewhere. What is drawn past its other edge is gone. */
export function resized(stretches: Stretches, index: number, edge: "from" | "to", at: number): Stretches {
  return merged(stretches.map((one, place) => (place === index ? { ...one, [edge]: at } : one)));
}

/** With a stretch so many minutes later, or earlier: as far as the day goes. */
export function moved(stretches: Stretches, index: number, by: number): Stretches {
  return merged(
    stretches.map((one, place) => {
      if (place !== index) return one;
      const within = Math.max(-one.from, Math.min(DAY_END - one.to, by));
      return { from: one.from + within, to: one.to + within };
    }),
  );
}
