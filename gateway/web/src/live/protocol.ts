/** The stream's frames: `/dev/asyncapi.json` in types. */
import type { components } from "@/api/schema";

export type JournalEvent = Omit<components["schemas"]["Event"], "data"> & { data: Record<string, unknown> };
export type ResetReason = "epoch" | "ahead" | "truncated" | "diverged" | "permissions";

export type ServerFrame =
  | { type: "hello"; epoch: string; head: number; oldest: number }
  | { type: "event"; event: JournalEvent }
  | { type: "skipped"; through: number }
  | { type: "caught_up"; seq: number }
  | { type: "signal"; kind: string; data: Record<string, unknown> }
  | { type: "reset"; reason: ResetReason }
  | { type: "error"; code: string; detail: string };

export type ClientFrame =
  | { type: "subscribe"; after: number; epoch: string; after_id?: string }
  | { type: "auth"; token: string };

/** Where a reader of the journal stands: everything up to `through` was seen, in this epoch. */
export interface Position {
  readonly epoch: string;
  readonly through: number;
  /** The last event itself, when it was seen and not skipped: proves that the journal is still the same. */
  readonly lastId?: string | undefined;
}

export function parseFrame(text: string): ServerFrame | undefined {
  try {
    const frame: unknown = JSON.parse(text);
    return typeof frame === "object" && frame !== null && "type" in frame ? (frame as ServerFrame) : undefined;
  } catch {
    return undefined;
  }
}
