/** Whether a schedule is open: what the server decides for calls, told beforehand for hours that are not saved yet. */
import { addDays, daysBetween, instantOf, localOf, turnsBetween, weekdayOf } from "./dates";
import type { OpenState, Override } from "./model";
import { DAY_END, type Stretches, type Week } from "./week";

export interface Special {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  /** Closed without one. */
  readonly stretches: Stretches;
}

export interface Rules {
  readonly zone: string;
  readonly week: Week;
  readonly special: readonly Special[];
  readonly override?: Override | null;
}

export const covers = ({ from, to }: Pick<Special, "from" | "to">, date: string): boolean => from <= date && date <= to;

/** A special day goes before the week. */
export function hoursOn({ week, special }: Pick<Rules, "week" | "special">, date: string): { readonly stretches: Stretches; readonly special: Special | undefined } {
  const found = special.find((one) => covers(one, date));
  return { stretches: found ? found.stretches : (week[weekdayOf(date)] ?? []), special: found };
}

function holds({ until }: Override, instant: number): boolean {
  return until === null || instant < Date.parse(until);
}

export function stateAt(rules: Rules, instant: number): OpenState {
  const { override } = rules;
  if (override && holds(override, instant)) return override.state;
  const { date, minute } = localOf(instant, rules.zone);
  return hoursOn(rules, date).stretches.some(({ from, to }) => from <= minute && minute < to) ? "open" : "closed";
}

/** When it opens or closes next; undefined where it does neither within so many days. */
export function nextChange(rules: Rules, instant: number, within = 370): number | undefined {
  const now = stateAt(rules, instant);
  const ends = rules.override?.until ? Date.parse(rules.override.until) : undefined;
  let date = localOf(instant, rules.zone).date;
  for (let day = 0; day <= within; day += 1, date = addDays(date, 1)) {
    const begin = instantOf(date, 0, rules.zone);
    const end = instantOf(date, DAY_END, rules.zone);
    const edges = hoursOn(rules, date).stretches.flatMap(({ from, to }) => [from, to]);
    const turns = turnsBetween(begin - 3 * 3_600_000, end, rules.zone);
    const moments = [begin, ...edges.map((edge) => instantOf(date, edge, rules.zone)), ...turns];
    // What the clock shows twice it shows again as much later as it was put back: half an hour, an hour, or two.
    if (turns.length > 0) moments.push(...edges.flatMap((edge) => [30, 60, 120].map((later) => instantOf(date, edge, rules.zone) + later * 60_000)));
    if (ends !== undefined && ends < end) moments.push(ends);
    const found = moments.filter((moment) => moment > instant && stateAt(rules, moment) !== now).sort((a, b) => a - b)[0];
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Two entries that say different things of the same date: nobody could tell which counts. */
export function conflict(special: readonly Special[]): { readonly one: number; readonly other: number; readonly date: string } | undefined {
  for (const [other, later] of special.entries()) {
    for (const [one, earlier] of special.slice(0, other).entries()) {
      const [from, to] = [earlier.from > later.from ? earlier.from : later.from, earlier.to < later.to ? earlier.to : later.to];
      if (from <= to && JSON.stringify(earlier.stretches) !== JSON.stringify(later.stretches)) return { one, other, date: from };
    }
  }
  return undefined;
}

/** How many days it lasts. */
export const lengthOf = ({ from, to }: Pick<Special, "from" | "to">): number => daysBetween(from, to) + 1;

export interface TurnNote {
  readonly date: string;
  /** The clock is put forward over these minutes, which are never shown; or back over them, which are shown twice. */
  readonly kind: "forward" | "back";
  readonly from: number;
  readonly to: number;
}

/** The days of the coming year on which something opens or closes while clocks turn. */
export function turnNotes({ zone, week, special }: Pick<Rules, "week" | "special"> & { readonly zone: string }, from: string): readonly TurnNote[] {
  const begin = instantOf(from, 0, zone);
  return turnsBetween(begin, begin + 366 * 86_400_000, zone).flatMap((turn) => {
    const [before, after] = [localOf(turn - 60_000, zone), localOf(turn, zone)];
    const wall = daysBetween(after.date, before.date) * DAY_END + before.minute + 1;
    const note: TurnNote = wall <= after.minute ? { date: after.date, kind: "forward", from: wall, to: after.minute } : { date: after.date, kind: "back", from: after.minute, to: wall };
    const within = hoursOn({ week, special }, after.date).stretches.some((one) => [one.from, one.to].some((edge) => note.from < edge && edge < note.to));
    return within ? [note] : [];
  });
}
