import { queryOptions } from "@tanstack/react-query";
import { api, body } from "@/api";

/** Tags of calls that are in use, the most frequent first. */
export const callTagsQuery = queryOptions({
  queryKey: ["call-tags"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/call-tags", { signal })),
});
