import { api, body } from "@/api/client";
import type { components } from "@/api/schema";
import type { JournalEvent } from "./protocol";
import { live } from "./shell";

type Page = Omit<components["schemas"]["EventsPage"], "items"> & { items: JournalEvent[] };
/** How far a browser that never looked before reads back: what was said a moment ago, while this page was still coming. */
export const FIRST_LOOK = 500;
/** Pages of what was said while nobody looked. */
const MOST_PAGES = 10;

/** What was said since a place of the journal, and how far the journal goes. */
export async function readBack(kinds: string, start: number, signal: AbortSignal): Promise<{ events: JournalEvent[]; head: number }> {
  const events: JournalEvent[] = [];
  let after = start;
  let head = after;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    // As a page: the same address is a stream for who asks for one.
    const read = (await body(api.GET("/api/v1/events", { params: { query: { after, kinds, limit: 100 } }, signal }))) as Page;
    events.push(...read.items);
    head = Math.max(head, read.as_of_seq);
    if (read.next_after <= after || read.next_after >= read.as_of_seq) break;
    after = read.next_after;
  }
  return { events, head };
}

/** Where a browser that never looked before begins. */
export function firstLook(): number {
  return Math.max(0, (live.store.at?.through ?? 0) - FIRST_LOOK);
}
