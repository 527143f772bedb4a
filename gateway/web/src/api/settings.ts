import { queryOptions } from "@tanstack/react-query";
import { api, body } from "./client";
import type { components } from "./schema";

export type Setting = components["schemas"]["SettingView"];
export type Level = components["schemas"]["Level"];

/** Each setting as it is for whoever is signed in, and what each level says of it. */
export const settingsQuery = queryOptions({
  queryKey: ["settings"],
  queryFn: async ({ signal }) => (await body(api.GET("/api/v1/settings", { signal }))).items,
});

/** Those of the installation, for those who run it. */
export const platformSettingsQuery = queryOptions({
  queryKey: ["platform", "settings"],
  queryFn: async ({ signal }) => (await body(api.GET("/api/v1/platform/settings", { signal }))).items,
});

export type Change = { value: Setting["value"]; lock?: Setting["lock"] } | undefined;

/** Sets a setting on a level; with `undefined` that level says nothing of it any more. */
export function changeSetting(level: Level, key: string, change: Change): Promise<Setting> {
  const params = { path: { key } };
  switch (level) {
    case "platform":
      return change ? body(api.PUT("/api/v1/platform/settings/{key}", { params, body: change })) : body(api.DELETE("/api/v1/platform/settings/{key}", { params }));
    case "tenant":
      return change ? body(api.PUT("/api/v1/settings/tenant/{key}", { params, body: change })) : body(api.DELETE("/api/v1/settings/tenant/{key}", { params }));
    case "user":
      return change ? body(api.PUT("/api/v1/settings/user/{key}", { params, body: change })) : body(api.DELETE("/api/v1/settings/user/{key}", { params }));
    case "session":
      return change ? body(api.PUT("/api/v1/settings/session/{key}", { params, body: change })) : body(api.DELETE("/api/v1/settings/session/{key}", { params }));
  }
}
