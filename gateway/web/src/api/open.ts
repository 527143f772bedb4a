/** What needs no sign-in: asked without a token. */
import { Problem } from "./problem";

/** Sends to an operation that is open to everybody. Throws a `Problem` unless it succeeds. */
export async function open<T>(method: "GET" | "POST", path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? {} : { "content-type": "application/json" },
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal ?? null,
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw Problem.noAnswer();
  }
  if (!response.ok) throw await Problem.of(response);
  const text = await response.text();
  return (text === "" ? undefined : JSON.parse(text)) as T;
}
