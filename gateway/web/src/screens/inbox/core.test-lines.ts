/** A line of the list, for tests. */
import type { Conversation } from "./api";

const BEGAN = "2026-11-20T09:00:00.000Z";

export function line(id: string, over: Partial<Conversation> = {}): Conversation {
  return {
    id,
    channel: "whatsapp",
    account_id: "acc",
    contact: { id: `c-${id}`, person_id: `c-${id}`, name: `Name ${id}`, blocked: false },
    address: "1555",
    state: "open",
    priority: 0,
    spam: false,
    label_ids: [],
    last: { direction: "in", kind: "text", text: "hello" },
    last_at: BEGAN,
    opened_at: BEGAN,
    version: 1,
    ...over,
  };
}
