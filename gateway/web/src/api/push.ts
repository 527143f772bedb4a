/** Web push: to which of one's browsers the server tells what comes in while no page is open. */
import { queryOptions } from "@tanstack/react-query";
import type { Client } from "openapi-fetch";
import { api, body } from "./client";

/** One browser of one's own. */
export interface PushBrowser {
  readonly id: string;
  /** Host of the browser's notification service. */
  readonly service: string;
  readonly device: string | null;
  readonly created_at: string;
  readonly last_sent_at: string | null;
  readonly problem: string | null;
}

export interface NewPushBrowser {
  readonly endpoint: string;
  readonly keys: { readonly p256dh: string; readonly auth: string };
  readonly device?: string;
}

// MERGE: the document of the API has these operations with the server's half; then they are the generated ones, and `push` is `api`.
type Json<T> = { content: { "application/json": T } };
type None = { query?: never; header?: never; path?: never; cookie?: never };
interface PushPaths {
  "/api/v1/push/key": { get: { parameters: None; responses: { 200: Json<{ public_key: string }> } } };
  "/api/v1/push/subscriptions": {
    get: { parameters: None; responses: { 200: Json<{ items: PushBrowser[] }> } };
    post: { parameters: None; requestBody: Json<NewPushBrowser>; responses: { 201: Json<PushBrowser> } };
  };
  "/api/v1/push/subscriptions/{id}": { delete: { parameters: Omit<None, "path"> & { path: { id: string } }; responses: { 204: { content?: never } } } };
  "/api/v1/push/test": { post: { parameters: None; requestBody: Json<Record<string, never>>; responses: { 202: { content?: never } } } };
}
const push = api as unknown as Client<PushPaths>;

export const pushBrowsersQuery = queryOptions({
  queryKey: ["push", "browsers"],
  queryFn: async ({ signal }) => (await body(push.GET("/api/v1/push/subscriptions", { signal }))).items,
});

/** The server's key, which a browser asks its notification service to obey. */
export const pushKey = async (): Promise<string> => (await body(push.GET("/api/v1/push/key"))).public_key;

export const addPushBrowser = (browser: NewPushBrowser): Promise<PushBrowser> => body(push.POST("/api/v1/push/subscriptions", { body: browser }));

export async function removePushBrowser(id: string): Promise<void> {
  await push.DELETE("/api/v1/push/subscriptions/{id}", { params: { path: { id } } });
}

/** To all of one's own. */
export async function testPush(): Promise<void> {
  await push.POST("/api/v1/push/test", { body: {} });
}
