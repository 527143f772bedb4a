import type { LiveAgent } from "@/live";

export interface Wait {
  readonly ms: number;
  /** It is how much the time was passed by, not how much is left. */
  readonly over: boolean;
}

/** How much of wrap-up is left. The server says until when; who saw it begin counts by the queue's rule. */
export function waitOf(agent: Pick<LiveAgent, "wrap_up" | "activity_since">, wrapUpSeconds: number | undefined, now: number): Wait | undefined {
  const told = agent.wrap_up?.until;
  if (!told && wrapUpSeconds === undefined) return undefined;
  const until = told ? Date.parse(told) : Date.parse(agent.activity_since) + (wrapUpSeconds ?? 0) * 1000;
  return now < until ? { ms: until - now, over: false } : { ms: now - until, over: true };
}
