/** Calls to return, and messages that callers left. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { Problem, authorizedFetch, newKey, useCan } from "@/api";
import { useEvents } from "@/live";

export interface Callback {
  readonly id: string;
  readonly call_id: string;
  readonly queue_id: string | null;
  readonly number: string;
  readonly contact_id: string | null;
  readonly contact_name: string | null;
  readonly why: "asked" | "abandoned" | "missed" | "voicemail";
  readonly at: string;
  readonly last_in_at: string;
  readonly calls: number;
  readonly state: "open" | "done" | "closed" | "unreached";
  readonly attempts: number;
  readonly last_attempt_at: string | null;
  readonly last_call_id: string | null;
  readonly until: string | null;
  readonly taken_by: string | null;
  readonly taken_by_name: string | null;
  readonly ended_at: string | null;
  readonly ended_by_name: string | null;
  readonly note: string;
  readonly voicemail_id: string | null;
  /** The call by which the router has them in line: the first free agent of the queue is rung for it. */
  readonly in_line?: { readonly call_id: string; readonly since: string } | null;
}

export interface Voicemail {
  readonly id: string;
  readonly call_id: string;
  readonly queue_id: string | null;
  readonly from: string;
  readonly contact_name: string | null;
  readonly conversation_id: string | null;
  readonly at: string;
  readonly state: "fetching" | "ready" | "lost" | "expired";
  readonly length_ms: number;
  readonly done_at: string | null;
  readonly done_by_name: string | null;
}

export interface Counts {
  readonly open: number;
  readonly mine: number;
  readonly voicemails: number;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}

type Query = Readonly<Record<string, string | undefined>>;

async function ask<T>(method: "GET" | "POST", path: string, options: { query?: Query; body?: unknown; signal?: AbortSignal } = {}): Promise<T> {
  const address = new URL(`/api/v1${path}`, location.origin);
  for (const [name, value] of Object.entries(options.query ?? {})) if (value) address.searchParams.set(name, value);
  const headers: Record<string, string> = method === "POST" ? { "idempotency-key": newKey(), "content-type": "application/json" } : {};
  const request = new Request(address, { method, headers, ...(options.signal ? { signal: options.signal } : {}), ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }) });
  const answer = await authorizedFetch(request);
  if (!answer.ok) throw await Problem.of(answer);
  return (await answer.json()) as T;
}

export const worklistApi = {
  callbacks: (query: Query, signal?: AbortSignal) => ask<Page<Callback>>("GET", "/callbacks", { query, ...(signal ? { signal } : {}) }),
  voicemails: (query: Query, signal?: AbortSignal) => ask<Page<Voicemail>>("GET", "/voicemails", { query, ...(signal ? { signal } : {}) }),
  voicemail: (id: string, signal?: AbortSignal) => ask<Voicemail>("GET", `/voicemails/${id}`, signal ? { signal } : {}),
  counts: (signal?: AbortSignal) => ask<Counts>("GET", "/callbacks/counts", signal ? { signal } : {}),
  take: (id: string) => ask<Callback>("POST", `/callbacks/${id}/take`),
  release: (id: string) => ask<Callback>("POST", `/callbacks/${id}/release`),
  close: (id: string, note: string) => ask<Callback>("POST", `/callbacks/${id}/close`, { body: { note } }),
  reopen: (id: string) => ask<Callback>("POST", `/callbacks/${id}/reopen`),
  done: (id: string) => ask<Voicemail>("POST", `/voicemails/${id}/done`),
  undone: (id: string) => ask<Voicemail>("POST", `/voicemails/${id}/reopen`),
};

/** Between two readings, however much happens. */
const AGAIN_MS = 1000;

/** Reads what begins with this key again when the journal tells of the worklist, at most so often. */
export function useFreshWorklist(key: readonly string[]): void {
  const queries = useQueryClient();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  useEvents(["callback.*", "voicemail.*", "call.queued"], ({ kind, data }) => {
    // Of the calls only those by which somebody is called back.
    if (kind === "call.queued" && typeof data.callback_of !== "string") return;
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      void queries.invalidateQueries({ queryKey: key });
    }, AGAIN_MS);
  });
}

/** How much there is to be done. Small: the navigation shows it on every screen. */
export function useWorklistCounts(): Counts | undefined {
  const enabled = useCan("calls:read");
  useFreshWorklist(["worklist", "counts"]);
  return useQuery({ queryKey: ["worklist", "counts"], enabled, queryFn: ({ signal }) => worklistApi.counts(signal) }).data;
}
