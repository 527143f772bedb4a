/** A history page and what happened since, as one list. */
import type { Call, LiveCall } from "./store";
import { liveCall } from "./store";

export interface CallFilters {
  state?: string;
  queue_id?: string;
  agent_id?: string;
  direction?: string;
  end_reason?: string;
  missed?: boolean;
  q?: string;
  from?: string;
  to?: string;
}

/** Without what is not filtered by. */
export function query(filters: CallFilters): CallFilters {
  return Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined && value !== "" && value !== false));
}

const digits = (text: string) => text.replace(/\D/g, "");

/** The server's own rules, for calls that no page holds yet. */
export function fits(call: LiveCall, filters: CallFilters): boolean {
  const { state, end_reason, missed, q, from, to } = filters;
  if (state && !state.split(",").includes(call.state)) return false;
  if (filters.queue_id && call.queue_id !== filters.queue_id) return false;
  if (filters.agent_id && call.agent_id !== filters.agent_id) return false;
  if (filters.direction && call.direction !== filters.direction) return false;
  if (end_reason && !(call.end_reason && end_reason.split(",").includes(call.end_reason))) return false;
  if (missed && !(call.direction === "inbound" && call.state === "ended" && !call.answered_at)) return false;
  if (q && digits(q) && !digits(call.from).includes(digits(q)) && !digits(call.to).includes(digits(q))) return false;
  const at = Date.parse(call.started_at);
  return !(from && at < Date.parse(from)) && !(to && at >= Date.parse(to));
}

/** Rows of stored calls, each made once: a list of thousands is merged at every event, and a row that stays the same is not drawn again. */
const rows = new WeakMap<Call, LiveCall>();

function rowOf(call: Call): LiveCall {
  const known = rows.get(call);
  if (known) return known;
  const made = liveCall(call);
  rows.set(call, made);
  return made;
}

/**
 * A page list that holds a call which has ended. The store keeps only the last of those: a list that is open all day would lose the
 * others, or show them as they were when it was read.
 */
export function settled<P extends { items: readonly Call[] }>(pages: readonly P[], ended: LiveCall, estimated: boolean): P[] {
  const { id, direction, from, to, state, queue_id, agent_id, started_at, queued_at, answered_at, ended_at, end_reason, recording_id } = ended;
  const told = { id, direction, from, to, state, queue_id, agent_id, started_at, queued_at, answered_at, ended_at, end_reason, recording_id };
  const place = pages.findIndex((page) => page.items.some((call) => call.id === ended.id));
  if (place >= 0) {
    const items = (page: P) => page.items.map((call) => (call.id === ended.id ? { ...call, ...told, recording_id: told.recording_id ?? call.recording_id, estimated } : call));
    return pages.map((page, at) => (at === place ? { ...page, items: items(page) } : page));
  }
  const [first, ...others] = pages;
  if (!first) return [];
  const at = first.items.findIndex((call) => call.started_at < ended.started_at);
  const before = at < 0 ? first.items.length : at;
  // Older than all that is on the first page: its own page is not read yet.
  if (at < 0 && first.items.length > 0 && others.length > 0) return [...pages];
  return [{ ...first, items: [...first.items.slice(0, before), { ...told, estimated, legs: [], gaps: [] }, ...first.items.slice(before)] }, ...others];
}

/** Newest first, each call once; a live call is newer than its row. */
export function mergeHistory(pages: readonly Call[], live: readonly LiveCall[], filters: CallFilters): readonly LiveCall[] {
  const newest = new Map(live.map((call) => [call.id, call]));
  const paged = new Set<string>();
  const merged: LiveCall[] = [];
  for (const call of pages) {
    if (paged.has(call.id)) continue;
    paged.add(call.id);
    const now = newest.get(call.id);
    // An end that the store has not seen yet is not taken back.
    const row = now && !(call.state === "ended" && now.state !== "ended") ? { ...now, recording_id: now.recording_id ?? call.recording_id ?? null } : rowOf(call);
    if (fits(row, filters)) merged.push(row);
  }
  const fresh = live.filter((call) => !paged.has(call.id) && fits(call, filters));
  if (fresh.length === 0) return merged;
  return [...fresh, ...merged].sort((a, b) => (a.started_at < b.started_at ? 1 : a.started_at > b.started_at ? -1 : a.id < b.id ? 1 : -1));
}
