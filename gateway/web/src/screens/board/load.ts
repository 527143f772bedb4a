/** The board's snapshot: who waits, and what is counted already, each with the event that it holds everything up to. */
import { api, body, type components } from "@/api";
import type { JournalEvent } from "@/live";
import { dayIn } from "../reports/period";
import { QUARTER_MS, type Snapshot, type Stay, type Sums, quarterOf, stayAfter } from "./figures";

type Report = components["schemas"]["Report"];
type Call = components["schemas"]["Call"];

const PAGE = 200;
/** How many calls' histories are read at once. */
const AT_ONCE = 6;
/** Quarter hours around now that are asked for: our clock need not be right. */
const AROUND = { before: 2, after: 3 };
/** The wait for figures that are behind the calls, doubled each time. Milliseconds. */
const BEHIND_FIRST = 250;
const BEHIND_LIMIT = 8_000;

export interface Loaded {
  readonly snapshot: Snapshot;
  /** How far the server's clock is ahead of ours, in ms. */
  readonly skew: number;
}

interface Asking {
  /** Events up to this one were told before anybody listened. */
  readonly floor: number;
  readonly zone: string | undefined;
  /** Whether one may read reports: without, nothing of the day is known. */
  readonly figures: boolean;
  readonly signal: AbortSignal;
}

/**
 * Reads it in an order that leaves no hole: first who waits, then figures that hold at least as much. What is between the two is in the
 * stream, and moves those who wait without being counted again.
 */
export async function load({ floor, zone, figures, signal }: Asking): Promise<Loaded> {
  const { items, seq } = await caughtUp(() => waitingCalls(signal), (calls) => calls.seq >= floor, signal);
  const stays = await staysOf(items, seq, signal);
  if (!figures) return { snapshot: { seq, stays, ...NOTHING }, skew: 0 };
  const [today, around] = await caughtUp(() => Promise.all([readToday(zone, signal), readAround(signal)]), (both) => both.every((one) => one.as_of_seq >= seq), signal);
  return { snapshot: { seq, stays, today: todayOf(today), quarters: quartersOf(around) }, skew: Date.parse(today.as_of) - Date.now() };
}

/** Asks until the answer is new enough: what a consumer of the journal derives may be a moment behind. */
async function caughtUp<T>(ask: () => Promise<T>, isThere: (answer: T) => boolean, signal: AbortSignal): Promise<T> {
  for (let wait = BEHIND_FIRST; ; wait *= 2) {
    const answer = await ask();
    if (isThere(answer)) return answer;
    if (wait > BEHIND_LIMIT) throw new Error("what is counted is far behind what happens");
    await pause(wait, signal);
  }
}

/** Without reports: nothing is counted. */
const NOTHING = { today: { seq: Infinity, from: 0, to: 0, sums: new Map() }, quarters: { seq: Infinity, sums: new Map() } };

/**
 * All pages of the calls that nobody has answered. Beyond the first page somebody may answer between two pages; their call is then counted
 * with the next snapshot only.
 */
async function waitingCalls(signal: AbortSignal): Promise<{ items: readonly Call[]; seq: number }> {
  const items: Call[] = [];
  let cursor: string | undefined;
  let seq: number | undefined;
  do {
    const page = await body(api.GET("/api/v1/calls", { params: { query: { state: "new,queued,ringing", limit: PAGE, cursor } }, signal }));
    items.push(...page.items);
    seq ??= page.as_of_seq;
    cursor = page.next_cursor ?? undefined;
  } while (cursor);
  return { items, seq };
}

/** A call may have been in other queues before, and its queue's rules may have changed since: its own events know. */
async function staysOf(calls: readonly Call[], seq: number, signal: AbortSignal): Promise<Map<string, Stay>> {
  const stays = new Map<string, Stay>();
  const left = calls.filter((call) => call.queue_id);
  const work = async () => {
    for (let call = left.pop(); call; call = left.pop()) {
      const { items } = (await body(api.GET("/api/v1/calls/{id}/events", { params: { path: { id: call.id } }, signal }))) as { items: JournalEvent[] };
      const stay = stayAfter(items, seq);
      if (stay) stays.set(call.id, stay);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return stays;
}

// The document has files among the answers: what is asked for without a format is the report.
const report = (query: Record<string, string>, signal: AbortSignal) => body(api.GET("/api/v1/reports/calls", { params: { query: { by: "queue", ...query } as never }, signal })) as Promise<Report>;

function readToday(zone: string | undefined, signal: AbortSignal): Promise<Report> {
  const day = dayIn(zone, new Date());
  return report({ from: day, to: day, interval: "total" }, signal);
}

function readAround(signal: AbortSignal): Promise<Report> {
  const quarter = quarterOf(Date.now());
  const at = (offset: number) => new Date((quarter + offset) * QUARTER_MS).toISOString();
  return report({ from: at(-AROUND.before), to: at(AROUND.after), interval: "quarter" }, signal);
}

function sumsOf(figures: Sums): Sums {
  const { offered, answered, answered_in_level, abandoned, short_abandoned, overflowed, unserved, answer_wait_ms } = figures;
  return { offered, answered, answered_in_level, abandoned, short_abandoned, overflowed, unserved, answer_wait_ms };
}

export function todayOf({ items, as_of_seq, from, to }: Report): Snapshot["today"] {
  const sums = new Map(items.flatMap((row) => (row.queue ? [[row.queue.id, sumsOf(row.figures)] as const] : [])));
  return { seq: as_of_seq, from: quarterOf(Date.parse(from)), to: quarterOf(Date.parse(to)), sums };
}

export function quartersOf({ items, as_of_seq }: Report): Snapshot["quarters"] {
  const sums = new Map<string, Map<number, Sums>>();
  for (const { queue, from, figures } of items) {
    if (!queue) continue;
    const known = sums.get(queue.id) ?? new Map<number, Sums>();
    sums.set(queue.id, known.set(quarterOf(Date.parse(from)), sumsOf(figures)));
  }
  return { seq: as_of_seq, sums };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    });
  });
}
