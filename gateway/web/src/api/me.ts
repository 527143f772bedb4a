import { queryOptions, useQuery } from "@tanstack/react-query";
import { api, body } from "./client";
import type { components } from "./schema";

export type Me = components["schemas"]["Me"];

export const meQuery = queryOptions({
  queryKey: ["me"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/me", { signal })),
});

/** The tenants that one belongs to. */
export const ownTenantsQuery = queryOptions({
  queryKey: ["me", "tenants"],
  queryFn: async ({ signal }) => (await body(api.GET("/api/v1/me/tenants", { signal }))).items,
});

/** Who is signed in, in which tenant, with which permissions; `undefined` until known. */
export function useMe(): Me | undefined {
  return useQuery(meQuery).data;
}

/** Whether the server would allow it; false until known. The server asks again. */
export function useCan(permission: string): boolean {
  return useMe()?.permissions.includes(permission) ?? false;
}
