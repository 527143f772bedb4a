/** Web push: to which of one's browsers the server tells what comes in while no page is open. */
import { queryOptions } from "@tanstack/react-query";
import { api, body, newKey } from "./client";
import type { components } from "./schema";

/** One browser of one's own. */
export type PushBrowser = components["schemas"]["PushSubscription"];
export type NewPushBrowser = components["schemas"]["SubscribePush"];

const header = () => ({ "Idempotency-Key": newKey() });

export const pushBrowsersQuery = queryOptions({
  queryKey: ["push", "browsers"],
  queryFn: async ({ signal }) => (await body(api.GET("/api/v1/push/subscriptions", { signal }))).items,
});

/** The server's key, which a browser asks its notification service to obey. */
export const pushKey = async (): Promise<string> => (await body(api.GET("/api/v1/push/key"))).public_key;

export const addPushBrowser = (browser: NewPushBrowser): Promise<PushBrowser> => body(api.POST("/api/v1/push/subscriptions", { params: { header: header() }, body: browser }));

export async function removePushBrowser(id: string): Promise<void> {
  await body(api.DELETE("/api/v1/push/subscriptions/{id}", { params: { path: { id } } }));
}

/** To all of one's own. */
export async function testPush(): Promise<void> {
  await body(api.POST("/api/v1/push/test", { params: { header: header() }, body: {} }));
}
