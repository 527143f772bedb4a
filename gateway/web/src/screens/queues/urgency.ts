/** From when on a wait is worth a look, and from when it hurts. Milliseconds. */
const LOOK = 20_000;
const HURTS = 60_000;

export function urgency(waited: number | undefined): "ring" | "bad" | undefined {
  if (waited === undefined || waited < LOOK) return undefined;
  return waited < HURTS ? "ring" : "bad";
}
