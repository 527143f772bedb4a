import { beforeEach, expect, test, vi } from "vitest";

/** Fresh modules each time: the session is one per page. */
async function page(answer: (request: Request) => Response | Promise<Response>) {
  vi.resetModules();
  // Another test's page is not another tab of this one.
  vi.stubGlobal("BroadcastChannel", undefined);
  const requests: Request[] = [];
  vi.stubGlobal("fetch", async (input: RequestInfo | URL, init?: RequestInit) => {
    const request = input instanceof Request ? input : new Request(new URL(String(input), location.origin), init);
    requests.push(request);
    return answer(request);
  });
  const { api, body } = await import("./client");
  const session = await import("./session");
  return { api, body, session, requests, paths: () => requests.map((one) => new URL(one.url).pathname.replace("/api/v1", "")) };
}

let issued = 0;
const json = (value: unknown, status = 200, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(value), { status, headers: { "content-type": "application/json", ...headers } });
const signedIn = () => {
  issued += 1;
  return json({ access_token: `t${String(issued)}`, token_type: "Bearer", expires_in: 900, user: {}, tenant: {} });
};

beforeEach(() => {
  issued = 0;
});

test("many requests at once ask for one token", async () => {
  const { api, paths } = await page((request) => (request.url.endsWith("/refresh") ? signedIn() : json({ items: [] })));
  await Promise.all([api.GET("/api/v1/queues"), api.GET("/api/v1/agents"), api.GET("/api/v1/me")]);
  expect(paths().filter((path) => path === "/auth/refresh")).toHaveLength(1);
});

test("a refused token is renewed once, and the second try has the same effect as the first", async () => {
  const { api, body, requests } = await page((request) => {
    if (request.url.endsWith("/refresh")) return signedIn();
    return request.headers.get("authorization") === "Bearer t1" ? json({ code: "unauthorized" }, 401) : json({ ticket: "x" }, 201);
  });
  expect(await body(api.POST("/api/v1/stream/tickets"))).toEqual({ ticket: "x" });
  const keys = requests.filter((one) => one.url.endsWith("/tickets")).map((one) => one.headers.get("idempotency-key"));
  expect(keys).toHaveLength(2);
  expect(keys[0]).toBeTruthy();
  expect(keys[0]).toBe(keys[1]);
});

test("a token that is refused again is a problem, not a loop", async () => {
  const { api, paths } = await page((request) => (request.url.endsWith("/refresh") ? signedIn() : json({ code: "unauthorized" }, 401)));
  await expect(api.GET("/api/v1/me")).rejects.toMatchObject({ status: 401 });
  expect(paths()).toEqual(["/auth/refresh", "/me", "/auth/refresh", "/me"]);
});

test("a problem names the fields, the request and when to try again", async () => {
  const { api } = await page((request) => {
    if (request.url.endsWith("/refresh")) return signedIn();
    return json({ code: "invalid-input", title: "Bad", detail: "Look", errors: [{ field: "name", message: "too long" }], request_id: "r1" }, 429, { "retry-after": "7" });
  });
  await expect(api.GET("/api/v1/me")).rejects.toMatchObject({ code: "invalid-input", message: "Look", fields: { name: "too long" }, requestId: "r1", retryAfter: 7, passing: true });
});

test("no answer is a problem that passes, and no sign-out", async () => {
  const { session } = await page(() => Promise.reject(new TypeError("Failed to fetch")));
  const ended = vi.fn();
  session.onSignedOut(ended);
  await expect(session.signedIn()).rejects.toMatchObject({ status: 0, code: "network", passing: true });
  expect(ended).not.toHaveBeenCalled();
});

test("a sign-in that is gone is told to the page", async () => {
  let gone = false;
  const { session } = await page(() => (gone ? json({ code: "unauthorized" }, 401) : signedIn()));
  const ended = vi.fn();
  session.onSignedOut(ended);
  expect(await session.signedIn()).toBe(true);
  gone = true;
  await expect(session.renew()).rejects.toMatchObject({ status: 401 });
  expect(ended).toHaveBeenCalledOnce();
  expect(await session.signedIn()).toBe(false);
});
