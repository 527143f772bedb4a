/** What can go wrong with a request, in one shape: RFC 9457's from the server, or ours when no answer came. */
import type { components } from "./schema";

type Body = components["schemas"]["Problem"];

/** `network`: no answer came. Everything else is the server's own code. */
export const NO_ANSWER = "network";

export class Problem extends Error {
  override readonly name = "Problem";
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  /** For programs: `not-found`, `invalid-input`, … */
  readonly code: string;
  readonly title: string;
  /** What is wrong, by the field's name. */
  readonly fields: Readonly<Record<string, string>>;
  /** Names the line in the server's log; only with a 5xx. */
  readonly requestId: string | undefined;
  /** Seconds after which to try again, when the server said so. */
  readonly retryAfter: number | undefined;

  constructor(body: Partial<Body> & { status: number; code: string }, retryAfter?: number) {
    super(body.detail ?? body.title ?? body.code);
    this.status = body.status;
    this.code = body.code;
    this.title = body.title ?? "";
    this.fields = Object.fromEntries((body.errors ?? []).map((one) => [one.field, one.message]));
    this.requestId = body.request_id ?? undefined;
    this.retryAfter = retryAfter;
  }

  /** Trying the same again may help. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }

  static async of(response: Response): Promise<Problem> {
    const after = Number(response.headers.get("retry-after"));
    const retryAfter = Number.isFinite(after) && after > 0 ? after : undefined;
    const body: unknown = await response.json().catch(() => undefined);
    const known = typeof body === "object" && body !== null ? (body as Partial<Body>) : {};
    return new Problem({ ...known, status: response.status, code: known.code ?? `http-${String(response.status)}` }, retryAfter);
  }

  static noAnswer(): Problem {
    return new Problem({ status: 0, code: NO_ANSWER, title: "no answer", detail: "The server did not answer." });
  }
}
