/** What the server says of a field, as what the wizard has words for. */
import { type Fault, type Step, STEPS, stepOf } from "./draft";

/** Its texts are for programmers, in English; those that it can say of a draft that passed here are known. */
const KNOWN: readonly [RegExp, Fault][] = [
  [/belongs to a user already/, "taken"],
  [/given twice/, "twice"],
  [/international number/, "number"],
  [/must be an e-mail/, "email"],
  [/overlaps/, "overlap"],
  [/later than open|must be a time/, "time"],
  [/lower-case letters, digits/, "slug"],
  [/belongs to another tenant/, "used"],
];

/** `undefined`: there are no words of ours for it, the server's own are shown. */
export function faultIn(message: string): Fault | undefined {
  return KNOWN.find(([pattern]) => pattern.test(message))?.[1];
}

/** The first step, in the order of the wizard, in which something is to be mended. */
export function firstStepOf(fields: readonly string[]): Step | undefined {
  const steps = new Set(fields.map(stepOf));
  return STEPS.find((step) => steps.has(step));
}
