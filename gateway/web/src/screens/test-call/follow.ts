import type { LiveCall } from "@/live";

/** Of the live store, what following a call needs. */
export interface Calls {
  allCalls(): readonly LiveCall[];
  subscribe(key: string, listener: () => void): () => void;
}

/** A customer that has not come after so long was lost on the way; seconds are usual. */
const PATIENCE_MS = 30_000;

/**
 * Tells once of the call from this number: now, when the stream was faster than the answer, or as soon as it comes.
 * Not a hook: what asked for the call may be gone by then, as the empty list's button is once the list is not empty.
 */
export function whenItComes(calls: Calls, from: string, tell: (call: LiveCall) => void): () => void {
  const found = () => calls.allCalls().find((call) => call.from === from && call.state !== "ended");
  const already = found();
  if (already) {
    tell(already);
    return () => undefined;
  }
  const stop = () => {
    clearTimeout(timer);
    leave();
  };
  const leave = calls.subscribe("calls", () => {
    const call = found();
    if (!call) return;
    stop();
    tell(call);
  });
  const timer = setTimeout(stop, PATIENCE_MS);
  return stop;
}
