/** Who is in whose call as a supervisor, from the journal. */
import { useCallback, useEffect, useSyncExternalStore } from "react";
import { api, body } from "@/api";
import { type JournalEvent, live } from "@/live";
import { MODES, type Mode } from "./requests";

/** By call, then by supervisor. */
export type Supervisions = ReadonlyMap<string, ReadonlyMap<string, Mode>>;

export const NOBODY: Supervisions = new Map();

/** The state after an event; the same one when the event says nothing of this. */
export function after(before: Supervisions, { kind, subject, data }: JournalEvent): Supervisions {
  const known = before.get(subject.id);
  const agent = typeof data.agent_id === "string" ? data.agent_id : undefined;
  if (kind === "call.supervised") {
    const mode = MODES.find((one) => one === data.mode);
    if (agent === undefined || !mode || known?.get(agent) === mode) return before;
    return new Map(before).set(subject.id, new Map(known).set(agent, mode));
  }
  if (!known) return before;
  if (kind === "call.ended") return without(before, subject.id);
  // Whoever takes a call over is no supervisor of it any more.
  const gone = kind === "call.supervision_ended" ? agent : kind === "call.transferred" && data.kind === "take_over" ? target(data.to) : undefined;
  if (gone === undefined || !known.has(gone)) return before;
  const left = without(known, gone);
  return left.size === 0 ? without(before, subject.id) : new Map(before).set(subject.id, left);
}

function target(to: unknown): string | undefined {
  const { agent_id } = (typeof to === "object" && to !== null ? to : {}) as { agent_id?: unknown };
  return typeof agent_id === "string" ? agent_id : undefined;
}

function without<V>(map: ReadonlyMap<string, V>, key: string): Map<string, V> {
  const rest = new Map(map);
  rest.delete(key);
  return rest;
}

/** Kinds of a call's events that speak of supervisors. */
const KINDS = ["call.supervised", "call.supervision_ended", "call.transferred", "call.ended"];

let state = NOBODY;
let watching = 0;
const listeners = new Set<() => void>();

function set(next: Supervisions): void {
  if (next === state) return;
  state = next;
  for (const listener of [...listeners]) listener();
}

function told(event: JournalEvent): void {
  if (KINDS.includes(event.kind)) set(after(state, event));
}

/** How far back a supervision can have begun, in events, and on how many pages they are told. */
const FAR = 20_000;
const MOST_PAGES = 5;

/** What began before anybody looked, as after a reload. The leg of who listens is none of the call's, so the journal alone tells of it. */
async function learn(): Promise<void> {
  let from = Math.max(0, (live.store.at?.through ?? 0) - FAR);
  let known: Supervisions = NOBODY;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const read = (await body(api.GET("/api/v1/events", { params: { query: { after: from, kinds: KINDS.join(","), limit: 1_000 } } }))) as { items: JournalEvent[]; next_after: number; as_of_seq: number };
    known = read.items.reduce(after, known);
    if (read.next_after <= from || read.next_after >= read.as_of_seq) break;
    from = read.next_after;
  }
  // What was told meanwhile is newer.
  set(new Map([...known, ...state]));
}

let watch: (() => void) | undefined;

/** Follows the journal as long as any component does that asked for it; one of them listens for all. */
function follow(): () => void {
  watching += 1;
  if (watching === 1) {
    const read = () => void learn().catch(() => undefined);
    const offs = [live.onEvent(told), live.onReset(read)];
    watch = () => offs.forEach((off) => off());
    read();
  }
  return () => {
    watching -= 1;
    if (watching > 0) return;
    watch?.();
    watch = undefined;
    set(NOBODY);
  };
}

export function useSupervisions(me: string | undefined): Supervisions {
  useEffect(() => (me === undefined ? undefined : follow()), [me]);
  return useSyncExternalStore(subscribe, () => state);
}

/** How somebody is in a call as its supervisor. */
export function useMode(call: string, who: string | undefined): Mode | undefined {
  return useSyncExternalStore(
    subscribe,
    useCallback(() => (who === undefined ? undefined : state.get(call)?.get(who)), [call, who]),
  );
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
