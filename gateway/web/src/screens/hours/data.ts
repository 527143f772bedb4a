import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { useCan, useMe } from "@/api";
import { useAgents, useEvents } from "@/live";
import { t } from "@/i18n";
import { schedulesApi } from "./api";
import type { Schedule } from "./model";

export const SCHEDULES = ["schedules"];

export function useSchedules() {
  const mayRead = useCan("telephony:read");
  return useQuery({ queryKey: SCHEDULES, enabled: mayRead, queryFn: ({ signal }) => schedulesApi.list(signal), refetchOnMount: "always", refetchOnWindowFocus: "always" });
}

/** A timer takes no longer than that. */
const LONGEST_WAIT_MS = 3_600_000;

/** What opens or closes shows at its moment, and what somebody else changes at once. */
export function useOpeningTold(schedules: readonly Schedule[] | undefined): void {
  const queries = useQueryClient();
  useEvents(["schedule.*", "number.*", "queue.updated"], () => void queries.invalidateQueries({ queryKey: SCHEDULES }));
  const next = useMemo(() => Math.min(...(schedules ?? []).map((one) => (one.next_change ? Date.parse(one.next_change) : Infinity))), [schedules]);
  useEffect(() => {
    if (!Number.isFinite(next)) return;
    // A moment later: the server's clock may be behind.
    const timer = setTimeout(() => void queries.invalidateQueries({ queryKey: SCHEDULES }), Math.min(LONGEST_WAIT_MS, Math.max(2000, next - Date.now() + 1500)));
    return () => clearTimeout(timer);
  }, [next, queries, schedules]);
}

/** Who somebody is, as far as it is known here. */
export function useNameOf(): (id: string | null | undefined) => string | undefined {
  const me = useMe();
  const agents = useAgents();
  return (id) => (id === null || id === undefined ? undefined : id === me?.user.id ? t("hours.you") : agents.find((one) => one.id === id)?.name);
}
