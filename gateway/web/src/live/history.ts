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

/** Newest first, each call once; a live call is newer than its row. */
export function mergeHistory(pages: readonly Call[], live: readonly LiveCall[], filters: CallFilters): readonly LiveCall[] {
  const newest = new Map(live.map((call) => [call.id, call]));
  const paged = new Set<string>();
  const rows: LiveCall[] = [];
  for (const call of pages) {
    if (paged.has(call.id)) continue;
    paged.add(call.id);
    const now = newest.get(call.id);
    // An end that the store has not seen yet is not taken back.
    const row = now && !(call.state === "ended" && now.state !== "ended") ? { ...now, recording_id: now.recording_id ?? call.recording_id ?? null } : liveCall(call);
    if (fits(row, filters)) rows.push(row);
  }
  const fresh = live.filter((call) => !paged.has(call.id) && fits(call, filters));
  if (fresh.length === 0) return rows;
  return [...fresh, ...rows].sort((a, b) => (a.started_at < b.started_at ? 1 : a.started_at > b.started_at ? -1 : a.id < b.id ? 1 : -1));
}
