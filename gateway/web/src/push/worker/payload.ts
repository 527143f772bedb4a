/** Reads what the server pushed. It comes from outside: anything may be in it, and whatever it is, something can be shown. */
import { type Language, LANGUAGES } from "../../i18n/languages";

export const REASONS = ["assigned", "mentioned", "unassigned", "message", "sla", "test"] as const;
export type Reason = (typeof REASONS)[number];

export interface Payload {
  /** `undefined`: a newer server's. */
  readonly reason: Reason | undefined;
  readonly name: string;
  readonly preview: string;
  readonly conversation: string | null;
  readonly event: string | null;
  readonly language: Language | undefined;
  /** Milliseconds of `Date.now()`. */
  readonly at: number | undefined;
}

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Longer than what the server sends; what is longer is nobody's. */
const NAME = 200;
const PREVIEW = 120;

const text = (value: unknown, most: number): string => (typeof value === "string" ? value.slice(0, most) : "");
const one = <T extends string>(value: unknown, of: readonly T[]): T | undefined => of.find((known) => known === value);
const id = (value: unknown): string | null => (typeof value === "string" && ID.test(value) ? value : null);

/** `undefined`: nothing that can be understood. */
export function read(data: string | undefined): Payload | undefined {
  let value: unknown;
  try {
    value = JSON.parse(data ?? "");
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || !("v" in value) || value.v !== 1) return undefined;
  const said = value as Readonly<Record<string, unknown>>;
  const at = typeof said.at === "string" ? Date.parse(said.at) : Number.NaN;
  return {
    reason: one(said.reason, REASONS),
    name: text(said.name, NAME),
    preview: text(said.preview, PREVIEW),
    conversation: id(said.conversation_id),
    event: id(said.event_id),
    language: one(said.language, LANGUAGES),
    at: Number.isFinite(at) ? at : undefined,
  };
}
