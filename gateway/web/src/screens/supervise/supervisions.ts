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

/** What began before anybody looked: read from the call's own events. */
async function learn(call: string): Promise<void> {
  const { items } = (await body(api.GET("/api/v1/calls/{id}/events", { params: { path: { id: call } } }))) as { items: JournalEvent[] };
  // What was told meanwhile is newer, and among them too.
  const known = items.reduce(after, NOBODY).get(call);
  set(known ? new Map(state).set(call, known) : without(state, call));
}

/** A page that was reloaded while its person listened: of their own calls only, whatever others do is seen when it changes. */
async function learnMine(me: string): Promise<void> {
  const { items } = await body(api.GET("/api/v1/calls", { params: { query: { state: "active", limit: 200 } } }));
  const mine = items.filter((call) => call.agent_id !== me && call.legs.some((leg) => leg.agent_id === me && !leg.ended_at));
  await Promise.all(mine.map((call) => learn(call.id)));
}

let watch: (() => void) | undefined;

/** Follows the journal as long as any component does that asked for it; one of them listens for all. */
function follow(me: string): () => void {
  watching += 1;
  if (watching === 1) {
    const read = () => void learnMine(me).catch(() => undefined);
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
  useEffect(() => (me === undefined ? undefined : follow(me)), [me]);
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
