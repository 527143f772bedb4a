/** The HTTP API, typed by the gateway's own OpenAPI document (`schema.d.ts`, written by `npm run types`). */
import createClient, { type Middleware } from "openapi-fetch";
import { Problem } from "./problem";
import type { paths } from "./schema";
import { currentToken, renew } from "./session";

/** Longest wait for an answer, unless the caller brings a signal of its own. */
const LIMIT_MS = 30_000;

/** Sends with the token; once more with a new one when the server refuses it. */
export async function authorizedFetch(request: Request): Promise<Response> {
  const limited = new Request(request, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(LIMIT_MS)]) });
  // A body can be read once only.
  const again = limited.clone();
  const first = await send(limited, (await currentToken()).value);
  if (first.status !== 401) return first;
  return send(again, (await renew()).value);
}

async function send(request: Request, token: string): Promise<Response> {
  request.headers.set("authorization", `Bearer ${token}`);
  try {
    return await fetch(request);
  } catch (error) {
    // Whoever gave up on it is told so, not that the server is away.
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw Problem.noAnswer();
  }
}

const manners: Middleware = {
  onRequest({ request }) {
    // The key is made once per call, so that the second try after a 401 has the same effect, not another.
    if (request.method === "POST" && !request.headers.has("idempotency-key")) {
      request.headers.set("idempotency-key", newKey());
    }
    return request;
  },
  async onResponse({ response }) {
    if (!response.ok && response.status !== 304) throw await Problem.of(response);
    return response;
  },
};

/** Not `crypto.randomUUID`, which a page that is not secure lacks. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Every call throws a `Problem` unless it succeeds. `api.GET("/api/v1/calls", {params, signal})` */
export const api = createClient<paths>({ baseUrl: typeof location === "undefined" ? "" : location.origin, fetch: authorizedFetch });
api.use(manners);

/** The body of an answer: `await body(api.GET(…))`. */
export async function body<T>(answer: Promise<{ data?: T }>): Promise<T> {
  return (await answer).data as T;
}
