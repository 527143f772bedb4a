import { queryOptions, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useAgents, useLiveReady, useQueues } from "@/live";
import { type Sound, soundsQuery } from "../sounds/api";
import { type Schedule, flowsApi } from "./api";
import type { FlowLine } from "./model";
import type { Known } from "./validate";

/** Others change them too, and no event tells of it: read anew by whoever comes. */
export const flowsQuery = queryOptions({ queryKey: ["flows"], queryFn: ({ signal }) => flowsApi.list(signal), staleTime: 0 });
export const flowQuery = (id: string) => queryOptions({ queryKey: ["flow", id], queryFn: ({ signal }) => flowsApi.one(id, signal), staleTime: Number.POSITIVE_INFINITY, gcTime: 0, refetchOnMount: "always" });
export const versionsQuery = (id: string) => queryOptions({ queryKey: ["flow", id, "versions"], queryFn: ({ signal }) => flowsApi.versions(id, signal), staleTime: 0 });
export const versionQuery = (id: string, version: number) => queryOptions({ queryKey: ["flow", id, "versions", version], queryFn: ({ signal }) => flowsApi.version(id, version, signal) });
export const schedulesQuery = queryOptions({ queryKey: ["schedules", "page"], queryFn: ({ signal }) => flowsApi.schedules(signal), staleTime: 0 });

export interface Named {
  readonly id: string;
  readonly name: string;
}

/** What flows lead to, by name. */
export interface Places {
  readonly queues: readonly Named[];
  readonly agents: readonly Named[];
  readonly sounds: readonly Sound[];
  readonly schedules: readonly Schedule[];
  readonly flows: readonly FlowLine[];
  readonly known: Known;
  /** Of whatever it is. */
  readonly nameOf: (id: unknown) => string | undefined;
  /** Whether what has no name is gone: not before all of them are read. */
  readonly complete: boolean;
}

const NONE: readonly never[] = [];

export function usePlaces(): Places {
  const ready = useLiveReady();
  const queues = useQueues();
  const agents = useAgents();
  const sounds = useQuery(soundsQuery).data?.items;
  const schedules = useQuery(schedulesQuery).data?.items;
  const flows = useQuery(flowsQuery).data?.items;
  return useMemo(() => {
    const ids = (all: readonly Named[] | undefined) => (all ? new Set(all.map((one) => one.id)) : undefined);
    const set = <K extends string>(key: K, all: ReadonlySet<string> | undefined) => (all ? ({ [key]: all } as Record<K, ReadonlySet<string>>) : {});
    const names = new Map([...queues, ...agents, ...(sounds ?? []), ...(schedules ?? []), ...(flows ?? [])].map((one) => [one.id, one.name]));
    return {
      queues,
      agents,
      sounds: sounds ?? NONE,
      schedules: schedules ?? NONE,
      flows: flows ?? NONE,
      known: {
        ...(ready ? { queues: new Set(queues.map((one) => one.id)), agents: new Set(agents.map((one) => one.id)) } : {}),
        // One that nobody can hear, or that is not published, is as if it was not there.
        ...set("sounds", ids(sounds?.filter((one) => one.files.length > 0))),
        ...set("schedules", ids(schedules)),
        ...set("flows", ids(flows?.filter((one) => one.published !== null))),
      },
      complete: ready && sounds !== undefined && schedules !== undefined && flows !== undefined,
      nameOf: (id) => (typeof id === "string" ? names.get(id) : undefined),
    };
  }, [ready, queues, agents, sounds, schedules, flows]);
}
