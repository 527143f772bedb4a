/** Lists that change seldom and everything in the inbox names things by. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, body, useCan } from "@/api";
import { useAgents, useEvents, useQueues } from "@/live";
import { type Label, inboxApi } from "./api";

const NONE: readonly never[] = [];

export function useLabels(): readonly Label[] {
  const { data } = useQuery({ queryKey: ["inbox", "labels"], queryFn: ({ signal }) => inboxApi.labels(signal) });
  return data?.items ?? NONE;
}

export function useAccounts() {
  const may = useCan("channels:read");
  const { data } = useQuery({ queryKey: ["inbox", "accounts"], enabled: may, queryFn: ({ signal }) => inboxApi.accounts(signal) });
  return data?.items ?? NONE;
}

export function useCanned() {
  const { data } = useQuery({ queryKey: ["inbox", "canned"], queryFn: ({ signal }) => inboxApi.canned(signal) });
  return data?.items ?? NONE;
}

export function useMacros() {
  const { data } = useQuery({ queryKey: ["inbox", "macros"], queryFn: ({ signal }) => inboxApi.macros(signal) });
  return data?.items ?? NONE;
}

export function useViews() {
  const { data } = useQuery({ queryKey: ["inbox", "views"], queryFn: ({ signal }) => inboxApi.views(signal) });
  return data?.items ?? NONE;
}

export function useTeams() {
  const may = useCan("teams:read");
  const { data } = useQuery({ queryKey: ["teams"], enabled: may, queryFn: ({ signal }) => body(api.GET("/api/v1/teams", { signal })) });
  return data?.items ?? NONE;
}

/** Labels, replies, macros and views are read again when somebody changed them. */
export function useFreshTools(): void {
  const queries = useQueryClient();
  useEvents(["inbox_tools.changed", "channel_account.*"], () => {
    for (const key of ["labels", "canned", "macros", "views", "accounts"]) void queries.invalidateQueries({ queryKey: ["inbox", key] });
  });
}

/** Whom a note may name: everybody of the company where one may see who that is, else those who are agents. */
export function useNameable(): readonly Person[] {
  const agents = useAgents();
  const may = useCan("members:read");
  const { data } = useQuery({ queryKey: ["inbox", "members"], enabled: may, staleTime: 60_000, queryFn: ({ signal }) => body(api.GET("/api/v1/members", { params: { query: { limit: 200 } }, signal })) });
  return useMemo(() => {
    const members = (data?.items ?? []).filter((one) => !one.disabled_at).map(({ id, name }) => ({ id, name }));
    const known = new Set(members.map((one) => one.id));
    return members.length === 0 ? agents : [...members, ...agents.filter((one) => !known.has(one.id))];
  }, [agents, data]);
}

export interface Person {
  readonly id: string;
  readonly name: string;
}

/** Names instead of ids. */
export function useNames() {
  const agents = useAgents();
  const queues = useQueues();
  const teams = useTeams();
  const accounts = useAccounts();
  return useMemo(() => {
    const find = (all: readonly Person[]) => {
      const names = new Map(all.map((one) => [one.id, one.name]));
      return (id: string | null | undefined) => (id ? names.get(id) : undefined);
    };
    return { agent: find(agents), queue: find(queues), team: find(teams), account: find(accounts), agents, queues, teams };
  }, [agents, queues, teams, accounts]);
}
