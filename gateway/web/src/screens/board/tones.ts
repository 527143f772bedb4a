/** When a figure of the board is coloured. Every colour comes with a sign and words; `docs/metrics.md` ("The live board") has the rules. */

/** `ring`: worth a look; `bad`: it hurts. */
export type Alarm = "ring" | "bad" | undefined;

/** Times the service level after which a wait hurts. */
const HURTS = 3;
/** The field's own measure: 80 % within the service level. */
export const TARGET = 0.8;
const POOR = 0.6;

/** A wait, measured by what the caller's queue promises. */
export function waitAlarm(waited: number, level_ms: number): Alarm {
  if (waited <= level_ms) return undefined;
  return waited <= level_ms * HURTS ? "ring" : "bad";
}

export function levelAlarm(level: number | undefined): Alarm {
  if (level === undefined || level >= TARGET) return undefined;
  return level >= POOR ? "ring" : "bad";
}

/** Somebody waits, and nobody could answer. */
export function freeAlarm(available: number, waiting: number): Alarm {
  return available === 0 && waiting > 0 ? "bad" : undefined;
}
