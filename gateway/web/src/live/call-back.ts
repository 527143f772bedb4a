/** Calls out, as long as the other side is not there: an agent's own, and those that the router makes for who asked to be called back. */
import type { LiveCall } from "./store";

type Told = Pick<LiveCall, "direction" | "state" | "answered_at">;

/** Whoever is called has not picked up; for all that is known they never will. */
export function awaitsOther({ direction, state, answered_at }: Told): boolean {
  return direction === "outbound" && state !== "ended" && answered_at === null;
}

/** The router's own: its customer stands in line, and is dialled only when an agent has picked up. */
export function isCallBack(call: Told & Pick<LiveCall, "queued_at">): boolean {
  return awaitsOther(call) && call.queued_at !== null;
}

/** It rings there: whoever makes the call is on the line. */
export function isDialling(call: Told & Pick<LiveCall, "talker_ids">): boolean {
  return awaitsOther(call) && call.talker_ids.length > 0;
}
