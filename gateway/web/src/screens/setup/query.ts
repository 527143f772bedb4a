import { queryOptions } from "@tanstack/react-query";
import { api, body } from "@/api";

export const setupQuery = queryOptions({ queryKey: ["setup"], queryFn: ({ signal }) => body(api.GET("/api/v1/setup", { signal })) });
