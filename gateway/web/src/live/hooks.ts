/** What screens read. Each hook draws its component anew only when what it gives has changed. */
import { type InfiniteData, useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useSyncExternalStore } from "react";
import { api, body } from "@/api/client";
import type { components } from "@/api/schema";
import type { Connection } from "./core";
import { type CallFilters, among, fitting, holds, mergeHistory, query, settled, stored } from "./history";
import type { JournalEvent } from "./protocol";
import { live } from "./shell";
import type { LiveAgent, LiveCall, Queue, QueueLive } from "./store";

/** Follows the stream as long as the component is there: once, in the shell around all screens. */
export function useLive(): void {
  const queries = useQueryClient();
  useEffect(() => {
    live.start();
    return live.onReset(() => void queries.invalidateQueries());
  }, [queries]);
}

export function useConnection(): Connection {
  return useSyncExternalStore(live.onConnection, () => live.connection);
}

function useKey<T>(key: string, read: () => T): T {
  return useSyncExternalStore(useCallback((listener: () => void) => live.store.subscribe(key, listener), [key]), read);
}

/** Whether there is something to show at all: skeletons until then. */
export function useLiveReady(): boolean {
  return useKey("agents", () => live.store.ready);
}
export function useAgents(): readonly LiveAgent[] {
  return useKey("agents", () => live.store.allAgents());
}
export function useAgent(id: string): LiveAgent | undefined {
  return useKey(`agent:${id}`, () => live.store.agent(id));
}
export function useQueues(): readonly Queue[] {
  return useKey("queues", () => live.store.allQueues());
}
export function useQueueLive(id: string): QueueLive | undefined {
  return useKey(`queue:${id}`, () => live.store.queue(id));
}
export function useCallLive(id: string): LiveCall | undefined {
  return useKey(`call:${id}`, () => live.store.call(id));
}

/** Running calls, the newest first. */
export function useRunningCalls(filter?: { queue_id?: string; agent_id?: string }): readonly LiveCall[] {
  const calls = useKey("calls", () => live.store.allCalls());
  const { queue_id, agent_id } = filter ?? {};
  return useMemo(
    () =>
      calls.filter(
        (call) =>
          call.state !== "ended" &&
          (queue_id === undefined || call.queue_id === queue_id) &&
          (agent_id === undefined || call.agent_id === agent_id || call.ringing_agent_ids.includes(agent_id)),
      ),
    [calls, queue_id, agent_id],
  );
}

/** `kinds`: `call.answered`, or `call.*`. */
export function useEvents(kinds: readonly string[], handler: (event: JournalEvent) => void): void {
  const latest = useRef(handler);
  useEffect(() => {
    latest.current = handler;
  });
  const wanted = kinds.join(" ");
  useEffect(() => {
    const patterns = wanted.split(" ");
    return live.onEvent((event) => {
      if (patterns.some((one) => one === event.kind || (one.endsWith("*") && event.kind.startsWith(one.slice(0, -1))))) latest.current(event);
    });
  }, [wanted]);
}

export function useSignals(kind: string, handler: (data: Record<string, unknown>) => void): void {
  const latest = useRef(handler);
  useEffect(() => {
    latest.current = handler;
  });
  useEffect(
    () =>
      live.onSignal((seen, data) => {
        if (seen === kind) latest.current(data);
      }),
    [kind],
  );
}

/** The history, page by page, with what has happened since in it and what runs on top. */
export function useCallHistory(filters: CallFilters) {
  const queries = useQueryClient();
  const key = useMemo(() => ["calls", filters], [filters]);
  const { tag } = filters;
  const pages = useInfiniteQuery({
    queryKey: key,
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) => body(api.GET("/api/v1/calls", { params: { query: { ...query(filters), limit: 200, cursor: pageParam } }, signal })),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  useEvents(["call.ended"], (event) => {
    const ended = live.store.call(event.subject.id);
    if (!ended) return;
    queries.setQueryData<InfiniteData<components["schemas"]["Page_Call"]>>(key, (known) => known && (tag === undefined || holds(known.pages, ended.id)) ? { ...known, pages: settled(known.pages, ended, event.data.estimated === true) } : known);
  });
  useEvents(["call.tagged"], () => {
    if (tag !== undefined) void queries.invalidateQueries({ queryKey: key });
  });
  const running = useKey("calls", () => live.store.allCalls());
  const { data } = pages;
  const fits = useMemo(() => fitting(filters), [filters]);
  const known = useMemo(() => stored(data?.pages ?? [], fits), [data, fits]);
  const calls = useMemo(() => among(running, known, filters), [running, known, filters]);
  const rows = useMemo(() => mergeHistory(known, calls, fits), [known, calls, fits]);
  return { ...pages, rows };
}

interface Timeline {
  items: readonly JournalEvent[];
  as_of_seq: number;
}

/** The events of a call and its recording, in order. */
export function useCallTimeline(id: string): { events: readonly JournalEvent[] | undefined; error: Error | null } {
  const queries = useQueryClient();
  const key = useMemo(() => ["call-events", id], [id]);
  const { data, error } = useQuery({
    queryKey: key,
    queryFn: async ({ signal }): Promise<Timeline> => body(api.GET("/api/v1/calls/{id}/events", { params: { path: { id } }, signal })),
    // What nobody looks at, nobody adds events to: whoever looks again reads it anew.
    gcTime: 0,
    staleTime: 0,
  });
  useEvents(["call.*", "recording.*"], (event) => {
    if (event.subject.id !== id && event.data.call_id !== id) return;
    // One that comes while the list is being read is either in it, or newer than it: read again.
    const known = queries.getQueryData<Timeline>(key);
    if (!known) void queries.invalidateQueries({ queryKey: key });
    else if (event.seq > known.as_of_seq) queries.setQueryData<Timeline>(key, { items: [...known.items, event], as_of_seq: event.seq });
  });
  return { events: data?.items, error };
}
