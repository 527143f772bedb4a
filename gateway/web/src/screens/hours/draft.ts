/** Opening hours as the form has them. Pure: the screen shows it, the server has the last word. */
import { isDate } from "./dates";
import type { Schedule, SpecialDay, WriteSchedule } from "./model";
import { type Rules, type Special, conflict, lengthOf } from "./rules";
import { type Week, openingsOf, stretchesOf, weekOf, weekOpeningsOf } from "./week";

export const LONGEST_NAME = 60;
/** Days that a special entry lasts at most. */
export const LONGEST_SPECIAL = 366;

export interface HoursDraft {
  readonly name: string;
  readonly zone: string;
  readonly week: Week;
  /** Of several that a date is in, the first counts. */
  readonly special: readonly Special[];
}

const specialOf = ({ name, from, to, openings }: SpecialDay): Special => ({ name, from, to, stretches: stretchesOf(openings) });

export function draftOf({ name, time_zone, week, special }: Pick<Schedule, "name" | "time_zone" | "week" | "special">): HoursDraft {
  return { name, zone: time_zone, week: weekOf(week), special: special.map(specialOf) };
}

export function bodyOf({ name, zone, week, special }: HoursDraft): WriteSchedule {
  return { name: name.trim(), time_zone: zone, week: weekOpeningsOf(week), special: special.map(({ stretches, name: called, ...dates }) => ({ name: called.trim(), ...dates, openings: openingsOf(stretches) })) };
}

/** Only what is another than before. */
export function changesOf(before: HoursDraft, draft: HoursDraft): Partial<WriteSchedule> {
  const [was, is] = [bodyOf(before), bodyOf(draft)];
  const changed = (Object.keys(is) as (keyof WriteSchedule)[]).filter((field) => JSON.stringify(was[field]) !== JSON.stringify(is[field]));
  return Object.fromEntries(changed.map((field) => [field, is[field]]));
}

export const rulesOf = ({ zone, week, special }: HoursDraft, override: Rules["override"] = null): Rules => ({ zone, week, special, override });

/** With one more, or with another in the place of one: before the first longer one that it is a part of. */
export function withSpecial(special: readonly Special[], one: Special, before?: Special): readonly Special[] {
  const others = special.filter((other) => other !== before);
  const at = others.findIndex((other) => other.from <= one.to && one.from <= other.to && lengthOf(other) > lengthOf(one));
  return at < 0 ? [...others, one] : [...others.slice(0, at), one, ...others.slice(at)];
}

/** As one reads them. */
export const byDate = (special: readonly Special[]): readonly Special[] => [...special].sort((a, b) => (a.from + a.to < b.from + b.to ? -1 : 1));

export type SpecialFault = "name" | "from" | "to" | "order" | "long" | "conflict";

/** What is wrong with a special day among the others, by the field. */
export function specialFaults(one: Special, others: readonly Special[]): Partial<Record<"name" | "from" | "to", SpecialFault>> & { readonly clash?: Special } {
  const faults: Partial<Record<"name" | "from" | "to", SpecialFault>> = {};
  if (one.name.trim() === "") faults.name = "name";
  if (!isDate(one.from)) faults.from = "from";
  if (!isDate(one.to)) faults.to = "to";
  else if (!faults.from && one.to < one.from) faults.to = "order";
  else if (!faults.from && lengthOf(one) > LONGEST_SPECIAL) faults.to = "long";
  if (Object.keys(faults).length > 0) return faults;
  const clash = others.find((other) => conflict([other, one]) !== undefined);
  return clash ? { from: "conflict", clash } : {};
}

/** Those of a calendar that say nothing new, and those that contradict what is there. */
export function standing(day: Pick<Special, "from" | "to">, special: readonly Special[]): "new" | "known" | "clash" {
  if (special.some((one) => one.stretches.length === 0 && one.from <= day.from && day.to <= one.to)) return "known";
  return special.some((one) => conflict([one, { name: "", ...day, stretches: [] }])) ? "clash" : "new";
}
