/** Steps of a macro, as a form has them. Pure. */
import type { Step } from "./api";

export const DOES = ["reply", "note", "label", "unlabel", "assign", "priority", "snooze", "pending", "resolve", "reopen", "spam"] as const;
export type Does = Step["do"];
export const MOST_STEPS = 20;
const MOST_MINUTES = 525_600;

/** A step to begin with. */
export function newStep(does: Does): Step {
  switch (does) {
    case "reply":
    case "note":
      return { do: does, text: "" };
    case "label":
    case "unlabel":
      return { do: does, label_id: "" };
    case "priority":
      return { do: does, priority: 3 };
    case "snooze":
      return { do: does, minutes: 60 };
    case "spam":
      return { do: does, spam: true };
    case "assign":
    case "pending":
    case "resolve":
    case "reopen":
      return { do: does };
  }
}

/** Whether it can be done as it stands. Nobody named: it is nobody's afterwards. */
export function isWhole(step: Step): boolean {
  switch (step.do) {
    case "reply":
    case "note":
      return step.text.trim() !== "";
    case "label":
    case "unlabel":
      return step.label_id !== "";
    case "snooze":
      return Number.isInteger(step.minutes) && step.minutes >= 1 && step.minutes <= MOST_MINUTES;
    default:
      return true;
  }
}

/** The steps with one of them moved by so many places. */
export function moved<T>(all: readonly T[], from: number, by: number): readonly T[] {
  const to = Math.max(0, Math.min(all.length - 1, from + by));
  const one = all[from];
  if (one === undefined || to === from) return all;
  const rest = all.filter((_, at) => at !== from);
  return [...rest.slice(0, to), one, ...rest.slice(to)];
}
