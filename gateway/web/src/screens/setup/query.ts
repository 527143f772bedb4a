import { queryOptions } from "@tanstack/react-query";
import { Problem, authorizedFetch, heldToken } from "@/api";
import type { components } from "@/api";

type SetupState = components["schemas"]["SetupState"];

/** Also asked before anybody has signed in: then without a token, and told less. */
export const setupQuery = queryOptions({
  queryKey: ["setup"],
  queryFn: async ({ signal }): Promise<SetupState> => {
    const request = new Request("/api/v1/setup", { signal });
    const response = await (heldToken() ? authorizedFetch(request) : fetch(request));
    if (!response.ok) throw await Problem.of(response);
    return (await response.json()) as SetupState;
  },
});
