import { queryOptions } from "@tanstack/react-query";
import { api, body } from "@/api";

/** What one's own company has used. */
export const usageQuery = queryOptions({
  queryKey: ["usage"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/usage", { signal })),
});
