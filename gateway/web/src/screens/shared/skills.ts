import { api, body } from "@/api";

/** As many as a company may have. */
export const skillsQuery = {
  queryKey: ["skills"],
  queryFn: ({ signal }: { signal: AbortSignal }) => body(api.GET("/api/v1/skills", { params: { query: { limit: 200 } }, signal })),
};
