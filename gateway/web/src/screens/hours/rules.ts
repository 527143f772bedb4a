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

/** A special day goes before the week; of several the first. */
export function hoursOn({ week, special }: Pick<Rules, "week" | "special">, date: string): { readonly stretches: Stretches; readonly special: Special | undefined } {
  const found = special.find((one) => covers(one, date));
  return { stretches: found ? found.stretches : (week[weekdayOf(date)] ?? []), special: found };
}

function holds({ until }: Override, instant: number): boolean {
  return until === null || instant < Date.parse(until);
}

/** What is open on a date, as moments. */
function momentsOn(rules: Rules, date: string): (readonly [from: number, to: number])[] {
  return hoursOn(rules, date).stretches.map(({ from, to }) => [instantOf(date, from, rules.zone), instantOf(date, to, rules.zone)]);
}

export function stateAt(rules: Rules, instant: number): OpenState {
  const { override } = rules;
  if (override && holds(override, instant)) return override.state;
  return momentsOn(rules, localOf(instant, rules.zone).date).some(([from, to]) => from <= instant && instant < to) ? "open" : "closed";
}

/** When it opens or closes next; undefined where it does neither within so many days. */
export function nextChange(rules: Rules, instant: number, within = 370): number | undefined {
  const { override } = rules;
  const now = stateAt(rules, instant);
  const held = override && holds(override, instant);
  if (held && override.until === null) return undefined;
  const ends = held && override.until ? Date.parse(override.until) : undefined;
  // What is said beside the hours holds until it ends, whatever they say.
  if (ends !== undefined && stateAt(rules, ends) !== now) return ends;
  let date = localOf(ends ?? instant, rules.zone).date;
  for (let day = 0; day <= within; day += 1, date = addDays(date, 1)) {
    const found = momentsOn(rules, date)
      .flat()
      .filter((moment) => moment > (ends ?? instant) && stateAt(rules, moment) !== now)
      .sort((a, b) => a - b)[0];
    if (found !== undefined) return found;
  }
  return undefined;
}

const within = (one: Special, other: Special): boolean => other.from <= one.from && one.to <= other.to;

/**
 * Two entries that say different things of the same date, so that nobody could tell which counts. A day within a longer time is none of them: it counts
 * before it.
 */
export function conflict(special: readonly Special[]): { readonly one: number; readonly other: number; readonly date: string } | undefined {
  for (const [other, later] of special.entries()) {
    for (const [one, earlier] of special.slice(0, other).entries()) {
      const [from, to] = [earlier.from > later.from ? earlier.from : later.from, earlier.to < later.to ? earlier.to : later.to];
      const nested = lengthOf(earlier) !== lengthOf(later) && (within(earlier, later) || within(later, earlier));
      if (from <= to && !nested && JSON.stringify(earlier.stretches) !== JSON.stringify(later.stretches)) return { one, other, date: from };
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
