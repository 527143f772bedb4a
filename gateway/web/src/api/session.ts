/**
 * Who is signed in, in this tab and in the others.
 *
 * The access token lives in memory only: a script that gets into the page must not find one at rest. What outlives a reload is the refresh
 * cookie, which no script can read. A refresh cookie that is used twice ends the sign-in (one of the two would be a thief), so refreshes
 * are one at a time over all tabs: by a Web Lock, and the token that comes out is handed to the other tabs.
 */
import type { components } from "./schema";
import { Problem } from "./problem";

export type SignedIn = components["schemas"]["SignedIn"];

/** A token, and until when it holds (milliseconds of `Date.now()`). */
export interface Token {
  readonly value: string;
  readonly expiresAt: number;
}

type Message = { type: "token"; token: Token } | { type: "signed_out" } | { type: "switched" };

/** A token that ends sooner than this is renewed before it is used. */
const MARGIN_MS = 30_000;

let token: Token | undefined;
let inFlight: Promise<Token> | undefined;
const tokenListeners = new Set<(token: Token) => void>();
const endListeners = new Set<() => void>();

const channel = typeof BroadcastChannel === "undefined" ? undefined : new BroadcastChannel("trunkline-session");
channel?.addEventListener("message", ({ data }: MessageEvent<Message>) => {
  if (data.type === "token") hold(data.token);
  // Everything that this tab knows is another tenant's.
  else if (data.type === "switched") location.assign("/");
  else end();
});

function hold(next: Token): void {
  if (token && token.expiresAt >= next.expiresAt) return;
  token = next;
  for (const listener of tokenListeners) listener(next);
}

function end(): void {
  token = undefined;
  for (const listener of endListeners) listener();
}

function fresh(): Token | undefined {
  return token && token.expiresAt - Date.now() > MARGIN_MS ? token : undefined;
}

/** Takes the answer of a sign-in (also of `POST /auth/password`) into use, in all tabs. */
export function adopt(answer: SignedIn): Token {
  const next = { value: answer.access_token, expiresAt: Date.now() + answer.expires_in * 1000 };
  token = undefined;
  hold(next);
  channel?.postMessage({ type: "token", token: next } satisfies Message);
  return next;
}

async function post(path: string, body?: unknown): Promise<Response> {
  const headers: Record<string, string> = {};
  if (body !== undefined) headers["content-type"] = "application/json";
  if (token) headers.authorization = `Bearer ${token.value}`;
  try {
    return await fetch(path, { method: "POST", headers, body: body === undefined ? null : JSON.stringify(body) });
  } catch {
    throw Problem.noAnswer();
  }
}

/** Signs in. A `Problem` with status 401 for a wrong address or password, 429 with `retryAfter` after too many;
 * 401 `second-step-required` and `wrong-code` when the password is right and a code is asked for. */
export async function signIn(email: string, password: string, totp?: string): Promise<SignedIn> {
  const response = await post("/api/v1/auth/login", totp === undefined ? { email, password } : { email, password, totp });
  if (!response.ok) throw await Problem.of(response);
  const answer = (await response.json()) as SignedIn;
  adopt(answer);
  return answer;
}

/** Goes on in another tenant of one's own, in all tabs: each begins anew. */
export async function switchTo(tenant: string): Promise<void> {
  await currentToken();
  const response = await post("/api/v1/auth/switch", { tenant });
  if (!response.ok) throw await Problem.of(response);
  channel?.postMessage({ type: "switched" } satisfies Message);
  location.assign("/");
}

const farewells = new Set<() => Promise<unknown>>();
/** Longest that signing out waits for them. */
const FAREWELL_MS = 3000;

/** What needs the sign-in one last time. */
export function beforeSignOut(work: () => Promise<unknown>): () => void {
  farewells.add(work);
  return () => farewells.delete(work);
}

async function sayFarewell(): Promise<void> {
  if (farewells.size === 0) return;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise((resolve) => (timer = setTimeout(resolve, FAREWELL_MS)));
  await Promise.race([Promise.allSettled([...farewells].map((work) => work())), late]);
  clearTimeout(timer);
}

/** Signs out, in all tabs; also when the server cannot be asked. */
export async function signOut(): Promise<void> {
  try {
    await sayFarewell();
    await post("/api/v1/auth/logout");
  } finally {
    channel?.postMessage({ type: "signed_out" } satisfies Message);
    end();
  }
}

/** The sign-in was ended elsewhere: the other tabs need not find out for themselves. */
export function lost(): void {
  channel?.postMessage({ type: "signed_out" } satisfies Message);
  end();
}

/** Asks for a new token, once at a time over all tabs. Status 401 when nobody is signed in any more. */
export function renew(): Promise<Token> {
  inFlight ??= alone(async () => {
    const seen = token;
    const response = await post("/api/v1/auth/refresh");
    if (!response.ok) {
      const problem = await Problem.of(response);
      if (problem.status === 401 && seen) lost();
      throw problem;
    }
    return adopt((await response.json()) as SignedIn);
  }).finally(() => {
    inFlight = undefined;
  });
  return inFlight;
}

async function alone(refresh: () => Promise<Token>): Promise<Token> {
  const before = token;
  // Absent where the page is not secure. Then the tabs do not know of each other, and only this one is kept in order.
  const locks = navigator.locks as LockManager | null | undefined;
  if (!locks) return refresh();
  return locks.request("trunkline-refresh", async () => {
    // Another tab was quicker while we waited for the lock.
    const now = fresh();
    return now && now !== before ? now : refresh();
  });
}

/** A token to use now. */
export async function currentToken(): Promise<Token> {
  return fresh() ?? (await renew());
}

/** The token as it is, without asking. */
export function heldToken(): Token | undefined {
  return token;
}

/** Whether somebody is signed in: known at once, or asked by the refresh cookie. No answer is no "no". */
export async function signedIn(): Promise<boolean> {
  try {
    await currentToken();
    return true;
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return false;
    throw error;
  }
}

export function onToken(listener: (token: Token) => void): () => void {
  tokenListeners.add(listener);
  return () => tokenListeners.delete(listener);
}

/** When the sign-in ends: here, in another tab, or because the server says so. */
export function onSignedOut(listener: () => void): () => void {
  endListeners.add(listener);
  return () => endListeners.delete(listener);
}
