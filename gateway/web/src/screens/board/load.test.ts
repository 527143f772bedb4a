import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { load } from "./load";

const NOW = Date.parse("2026-11-29T10:05:00Z");
const figures = { offered: 5, answered: 3, answered_in_level: 2, abandoned: 1, short_abandoned: 0, overflowed: 1, unserved: 0, answer_wait_ms: 42, offers: 9 };
/** What is asked, and how far the figures are. */
let asked: string[];
let counted: number[];

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
  asked = [];
  vi.stubGlobal("fetch", (input: Request | string) => {
    const url = new URL(typeof input === "string" ? input : input.url, "http://here");
    asked.push(`${url.pathname}${url.search}`);
    return Promise.resolve(new Response(JSON.stringify(answer(url)), { headers: { "content-type": "application/json" } }));
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function answer(url: URL): unknown {
  if (url.pathname.endsWith("/refresh")) return { access_token: "t", expires_in: 900 };
  if (url.pathname.endsWith("/calls/moved/events")) {
    const event = (seq: number, at: string, data: object) => ({ seq, id: `e${String(seq)}`, kind: "call.queued", at: `2026-11-29T10:0${at}Z`, subject: { type: "call", id: "moved" }, data });
    // The last one is newer than the list: the stream brings it.
    return { items: [event(3, "0:00", { queue_id: "sales" }), event(7, "1:00", { queue_id: "support", service_level_s: 30 }), event(12, "2:00", { queue_id: "vip" })], as_of_seq: 12 };
  }
  if (url.pathname.endsWith("/reports/calls")) {
    const whole = url.searchParams.get("interval") === "total";
    const row = { from: "2026-11-29T10:00:00Z", to: "2026-11-29T10:15:00Z", queue: { id: "sales", name: "Sales" }, agent: null, figures, derived: {} };
    return { items: [row, { ...row, queue: null }], as_of_seq: counted.shift() ?? 20, as_of: "2026-11-29T10:05:03Z", from: whole ? "2026-11-28T23:00:00Z" : "2026-11-29T09:30:00Z", to: "2026-11-29T23:00:00Z" };
  }
  return { items: [{ id: "moved", queue_id: "support" }, { id: "dialling", queue_id: null }], as_of_seq: 10, next_cursor: null };
}

const ask = (more: Partial<Parameters<typeof load>[0]> = {}) => load({ floor: 9, zone: "Europe/Rome", figures: true, signal: new AbortController().signal, ...more });

it("reads who waits from their own events, and waits until the figures hold as much", async () => {
  counted = [8, 20, 11, 12];
  const loading = ask();
  await vi.advanceTimersByTimeAsync(1_000);
  const { snapshot, skew } = await loading;
  expect(snapshot.seq).toBe(10);
  expect([...snapshot.stays]).toEqual([["moved", { queue: "support", since: Date.parse("2026-11-29T10:01:00Z"), waiting_since: Date.parse("2026-11-29T10:00:00Z"), level_ms: 30_000, short_ms: 5_000 }]]);
  // Each with the event that it holds everything up to; what belongs to no queue is none of the board's.
  expect(snapshot.today).toMatchObject({ seq: 11, from: Date.parse("2026-11-28T23:00:00Z") / 900_000 });
  expect([...snapshot.today.sums.keys()]).toEqual(["sales"]);
  expect(snapshot.quarters.seq).toBe(12);
  expect(snapshot.quarters.sums.get("sales")?.get(Date.parse("2026-11-29T10:00:00Z") / 900_000)).toMatchObject({ offered: 5, answer_wait_ms: 42 });
  // The server said 10:05:03, a quarter of a second after ours was 10:05.
  expect(skew).toBe(2_750);
  expect(asked.filter((one) => one.includes("/events"))).toEqual(["/api/v1/calls/moved/events"]);
  expect(asked.find((one) => one.includes("interval=total"))).toMatch(/from=2026-11-29&to=2026-11-29/);
});

it("asks for no report of who may not read them", async () => {
  const { snapshot } = await ask({ figures: false });
  expect(snapshot.today.seq).toBe(Infinity);
  expect(asked.some((one) => one.includes("reports"))).toBe(false);
});

it("says so when the figures do not come nearer, and ends when nobody wants it any more", async () => {
  counted = Array.from({ length: 40 }, () => 1);
  const behind = expect(ask()).rejects.toThrow(/behind/);
  await vi.advanceTimersByTimeAsync(60_000);
  await behind;
  counted = Array.from({ length: 40 }, () => 1);
  const abort = new AbortController();
  const given = expect(ask({ signal: abort.signal })).rejects.toThrow();
  await vi.advanceTimersByTimeAsync(500);
  abort.abort();
  await given;
  expect(vi.getTimerCount()).toBe(0);
});
