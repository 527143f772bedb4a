/** What is said of a call in lists: who is on the other side, how it stands, how long it took. */
import type { Tone } from "@/design";
import type { TextKey } from "@/i18n";
import { type LiveCall, awaitsOther } from "@/live";
import type { EndReason } from "./filters";

export interface Standing {
  readonly tone: Tone;
  readonly text: TextKey;
  /** What adds to it, where the badge alone does not say it. */
  readonly because: TextKey | undefined;
}

type Told = Pick<LiveCall, "state" | "direction" | "answered_at" | "held_since" | "end_reason">;

const reasonKey = (reason: EndReason): TextKey => `calls.reason.${reason}`;
/** Faults of ours, whatever had happened before. */
const FAULTS: ReadonlySet<string> = new Set(["failed", "lost"]);

export function isMissed(call: Pick<LiveCall, "state" | "direction" | "answered_at">): boolean {
  return call.direction === "inbound" && call.state === "ended" && !call.answered_at;
}

export function standing(call: Told): Standing {
  switch (call.state) {
    case "new":
      return { tone: "neutral", text: "calls.state.new", because: undefined };
    case "queued":
      // They are not on the line: nobody is to look for them on hold.
      return { tone: "wait", text: awaitsOther(call) ? "calls.state.call-back" : "calls.state.queued", because: undefined };
    case "ringing":
      return { tone: "ring", text: "calls.state.ringing", because: undefined };
    case "active":
      return call.held_since ? { tone: "hold", text: "calls.state.held", because: undefined } : { tone: "live", text: "calls.state.active", because: undefined };
    case "ended":
      return ended(call);
  }
}

function ended(call: Told): Standing {
  const because = call.end_reason ? reasonKey(call.end_reason) : undefined;
  if (call.end_reason && FAULTS.has(call.end_reason)) return { tone: "bad", text: reasonKey(call.end_reason), because: undefined };
  if (call.answered_at) return { tone: "neutral", text: "calls.state.answered", because };
  if (isMissed(call)) return { tone: "bad", text: "calls.state.missed", because };
  return { tone: "neutral", text: because ?? "calls.state.ended", because: undefined };
}

/** The number of whoever is not ours; of an internal call, who called. */
export function otherSide(call: Pick<LiveCall, "direction" | "from" | "to">): string {
  return call.direction === "outbound" ? call.to : call.from;
}

/** A number that a phone can dial back. */
export function canDial(number: string): boolean {
  return /^\+?\d{2,}$/.test(number);
}

/** A stretch of a call: over (`ms`), still running (`since`), or never begun. */
export type Stretch = { readonly ms: number } | { readonly since: string } | undefined;

const between = (from: string, to: string) => Math.max(0, Date.parse(to) - Date.parse(from));

/** From the queue (or the first moment) to the answer. */
export function waited(call: LiveCall): Stretch {
  const from = call.queued_at ?? call.started_at;
  const until = call.answered_at ?? call.ended_at;
  return until ? { ms: between(from, until) } : { since: from };
}

export function talked(call: LiveCall): Stretch {
  if (!call.answered_at) return undefined;
  return call.ended_at ? { ms: between(call.answered_at, call.ended_at) } : { since: call.answered_at };
}
