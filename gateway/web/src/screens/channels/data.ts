import { useQuery, useQueryClient } from "@tanstack/react-query";
import { api, body, useCan } from "@/api";
import { useEvents } from "@/live";
import { channelsApi } from "./api";

export function useAccounts() {
  const mayRead = useCan("channels:read");
  return useQuery({ queryKey: ["channels", "accounts"], enabled: mayRead, queryFn: ({ signal }) => channelsApi.list(signal), refetchOnMount: "always", refetchOnWindowFocus: "always" });
}

/** What a provider says of an account, or somebody changes, shows at once. */
export function useHealthTold(): void {
  const queries = useQueryClient();
  useEvents(["channel_account.*"], () => void queries.invalidateQueries({ queryKey: ["channels"] }));
}

const NONE: readonly { id: string; name: string }[] = [];

export function useSites() {
  const mayRead = useCan("sites:read");
  return useQuery({ queryKey: ["sites"], enabled: mayRead, queryFn: ({ signal }) => body(api.GET("/api/v1/sites", { params: { query: { limit: 200 } }, signal })) }).data?.items ?? NONE;
}
