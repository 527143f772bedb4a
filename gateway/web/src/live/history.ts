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
  /** No event of a running call tells it: which calls have it only the server knows. */
  tag?: string;
  q?: string;
  from?: string;
  to?: string;
}

/** Without what is not filtered by. */
export function query(filters: CallFilters): CallFilters {
  return Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined && value !== "" && value !== false));
}

const digits = (text: string) => text.replace(/\D/g, "");

/** The server's own rules, for calls that no page holds yet. Made once for a list, asked for each of its calls. */
export function fitting(filters: CallFilters): (call: LiveCall) => boolean {
  const { queue_id, agent_id, direction, missed } = filters;
  const states = filters.state ? new Set(filters.state.split(",")) : undefined;
  const reasons = filters.end_reason ? new Set(filters.end_reason.split(",")) : undefined;
  const wanted = digits(filters.q ?? "");
  const from = filters.from ? Date.parse(filters.from) : undefined;
  const to = filters.to ? Date.parse(filters.to) : undefined;
  return (call) => {
    if (states && !states.has(call.state)) return false;
    if (queue_id && call.queue_id !== queue_id) return false;
    if (agent_id && call.agent_id !== agent_id) return false;
    if (direction && call.direction !== direction) return false;
    if (reasons && !(call.end_reason && reasons.has(call.end_reason))) return false;
    if (missed && !(call.direction === "inbound" && call.state === "ended" && !call.answered_at)) return false;
    if (wanted && !digits(call.from).includes(wanted) && !digits(call.to).includes(wanted)) return false;
    if (from === undefined && to === undefined) return true;
    const at = Date.parse(call.started_at);
    return !(from !== undefined && at < from) && !(to !== undefined && at >= to);
  };
}

/** Rows of stored calls, each made once: a row that stays the same is not drawn again. */
const rows = new WeakMap<Call, LiveCall>();

function rowOf(call: Call): LiveCall {
  const known = rows.get(call);
  if (known) return known;
  const made = liveCall(call);
  rows.set(call, made);
  return made;
}

/** Whether a page has the call. */
export const holds = (pages: readonly { readonly items: readonly Call[] }[], id: string): boolean => pages.some((page) => page.items.some((call) => call.id === id));

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

/** What the pages of a list hold: looked through when they are read, so that an event need not walk them. */
export interface Stored {
  /** Newest first, each call once. */
  readonly rows: readonly LiveCall[];
  readonly place: ReadonlyMap<string, number>;
  /** Places of those that ran when they were read. */
  readonly running: readonly number[];
}

export function stored(pages: readonly { readonly items: readonly Call[] }[], fits: (call: LiveCall) => boolean): Stored {
  const rows: LiveCall[] = [];
  const place = new Map<string, number>();
  const running: number[] = [];
  for (const page of pages) {
    for (const call of page.items) {
      const row = rowOf(call);
      if (place.has(call.id) || !fits(row)) continue;
      place.set(call.id, rows.length);
      if (row.state !== "ended") running.push(rows.length);
      rows.push(row);
    }
  }
  return { rows, place, running };
}

const newestFirst = (a: LiveCall, b: LiveCall) => (a.started_at < b.started_at ? 1 : a.started_at > b.started_at ? -1 : a.id < b.id ? 1 : -1);

/** Of the live calls those that may be in the list: of one that no page holds nobody knows the tags. */
export function among(live: readonly LiveCall[], { place }: Stored, { tag }: CallFilters): readonly LiveCall[] {
  return tag === undefined ? live : live.filter((call) => place.has(call.id));
}

/**
 * What runs on top, then what has ended; each of them newest first, each call once. A live call is newer than its row. The work is that of
 * the live calls: of ten thousand stored rows those that stay as they are are copied, not looked at.
 */
export function mergeHistory({ rows, place, running }: Stored, live: readonly LiveCall[], fits: (call: LiveCall) => boolean): readonly LiveCall[] {
  const top: LiveCall[] = [];
  const fresh: LiveCall[] = [];
  const put = new Map<number, LiveCall>();
  const gone = new Set(running);
  const left = new Set(running);
  for (const now of live) {
    const at = place.get(now.id);
    const was = at === undefined ? undefined : rows[at];
    if (at === undefined || !was) {
      if (fits(now)) (now.state === "ended" ? fresh : top).push(now);
      continue;
    }
    // An end is not taken back by a store that has not seen it yet.
    if (was.state === "ended" && (now.state !== "ended" || was.recording_id !== null || now.recording_id === null)) continue;
    left.delete(at);
    const row = now.recording_id === null && was.recording_id !== null ? { ...now, recording_id: was.recording_id } : now;
    if (!fits(row)) gone.add(at);
    else if (row.state === "ended") {
      gone.delete(at);
      put.set(at, row);
    } else top.push(row);
  }
  for (const at of left) {
    const row = rows[at];
    if (row) top.push(row);
  }
  if (top.length === 0 && fresh.length === 0 && put.size === 0 && gone.size === 0) return rows;
  const ended = rows.slice();
  for (const [at, row] of put) ended[at] = row;
  // They ran until lately, so they stand near the top: what is beneath is not walked.
  const last = Math.max(-1, ...gone);
  const kept = last < 0 ? ended : [...ended.slice(0, last + 1).filter((_, at) => !gone.has(at)), ...ended.slice(last + 1)];
  for (const call of fresh) kept.splice(placeFor(kept, call), 0, call);
  return top.length === 0 ? kept : [...top.sort(newestFirst), ...kept];
}

/** Where a call belongs among those that are newest first. */
function placeFor(rows: readonly LiveCall[], call: LiveCall): number {
  let [from, to] = [0, rows.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    const row = rows[middle];
    if (row && newestFirst(row, call) < 0) from = middle + 1;
    else to = middle;
  }
  return from;
}
