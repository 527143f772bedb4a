/** What was done to a flow, to be taken back and done again. Pure. */
import type { Definition } from "./model";

export interface History {
  readonly past: readonly Definition[];
  readonly now: Definition;
  readonly future: readonly Definition[];
  /** What the last change was part of, and when: more of the same joins it. */
  readonly last: { readonly part: string; readonly at: number } | undefined;
}

const MOST = 200;
/** Typing that goes on is one change. */
const TOGETHER_MS = 1_500;

export const begun = (now: Definition): History => ({ past: [], now, future: [], last: undefined });

/** `part`: changes of one part that follow each other quickly are taken back together. Empty: always alone. */
export function changed(history: History, next: Definition, part: string, at: number): History {
  if (next === history.now) return history;
  const joins = part !== "" && history.last?.part === part && at - history.last.at < TOGETHER_MS;
  return { past: joins ? history.past : [...history.past, history.now].slice(-MOST), now: next, future: [], last: part === "" ? undefined : { part, at } };
}

export function undone(history: History): History {
  const now = history.past.at(-1);
  return now === undefined ? history : { past: history.past.slice(0, -1), now, future: [history.now, ...history.future], last: undefined };
}

export function redone(history: History): History {
  const [now, ...future] = history.future;
  return now === undefined ? history : { past: [...history.past, history.now], now, future, last: undefined };
}
