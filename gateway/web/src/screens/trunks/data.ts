import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCan } from "@/api";
import { useEvents, useSignals } from "@/live";
import { trunksApi } from "./api";
import type { Trunk } from "./model";
import { settled } from "./words";

export const TRUNKS = ["trunks"];
/** How often is looked how they do, in ms: sooner while something is under way. */
const CALM_MS = 10_000;
const EAGER_MS = 2000;

export function useTrunks() {
  const mayRead = useCan("telephony:read");
  return useQuery({
    queryKey: TRUNKS,
    enabled: mayRead,
    queryFn: ({ signal }) => trunksApi.list(signal),
    refetchOnMount: "always",
    refetchOnWindowFocus: "always",
    refetchInterval: ({ state }) => ((state.data ?? []).some((one: Trunk) => one.enabled && !settled(one)) ? EAGER_MS : CALM_MS),
  });
}

/** What a provider says, or somebody changes, shows at once. */
export function useTrunksTold(): void {
  const queries = useQueryClient();
  useEvents(["trunk.*"], () => void queries.invalidateQueries({ queryKey: TRUNKS }));
  useSignals("trunk.status", () => void queries.invalidateQueries({ queryKey: TRUNKS }));
}
