import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { JournalEvent } from "@/live";
import { CALM_MS, Feed, type Source } from "./feed";
import { NO_SUMS, QUARTER_MS, quarterOf } from "./figures";
import type { Loaded } from "./load";

const NOW = Date.parse("2026-11-29T10:05:00Z");
const DAY = { from: quarterOf(Date.parse("2026-11-29T00:00:00Z")), to: quarterOf(Date.parse("2026-11-30T00:00:00Z")) };

/** A journal in hand, and snapshots that are answered when the test says. */
class Bench implements Source {
  through = 0;
  asked: { floor: number; signal: AbortSignal; answer: (loaded: Loaded) => void; fail: (error: Error) => void }[] = [];
  private readonly events = new Set<(event: JournalEvent) => void>();
  private readonly resets = new Set<() => void>();
  drawn = 0;
  readonly feed = new Feed(this, ({ floor, signal }) => new Promise((answer, fail) => this.asked.push({ floor, signal, answer, fail })));
  constructor() {
    this.feed.subscribe(() => (this.drawn += 1));
  }
  onEvent = (listener: (event: JournalEvent) => void) => {
    this.events.add(listener);
    return () => this.events.delete(listener);
  };
  onReset = (listener: () => void) => {
    this.resets.add(listener);
    return () => this.resets.delete(listener);
  };
  queued(seq: number, call = `c${String(seq)}`, kind = "call.queued"): void {
    this.through = seq;
    for (const listener of this.events) listener({ seq, id: `e${String(seq)}`, kind, at: new Date(NOW).toISOString(), subject: { type: "call", id: call }, data: { queue_id: "sales", agent_id: "olga" } } as JournalEvent);
  }
  reset(): void {
    for (const listener of this.resets) listener();
  }
  get sales() {
    return this.feed.board.figures?.queues.get("sales");
  }
}

const loaded = (seq: number, offered: number): Loaded => ({
  snapshot: { seq, stays: new Map(), today: { seq, ...DAY, sums: new Map([["sales", { ...NO_SUMS, offered }]]) }, quarters: { seq, sums: new Map() } },
  skew: 0,
});

let bench: Bench;
let stop: () => void;
beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
  bench = new Bench();
  stop = bench.feed.start({ zone: "UTC", figures: true });
});
afterEach(() => {
  stop();
  vi.useRealTimers();
});

describe("the board's feed", () => {
  it("takes what came while the snapshot was read, and nothing twice", async () => {
    bench.queued(5);
    bench.queued(6);
    bench.asked[0]?.answer(loaded(5, 3));
    await vi.advanceTimersByTimeAsync(0);
    expect(bench.sales).toMatchObject({ waiting: 1, today: { offered: 4 } });
    bench.queued(7);
    await vi.advanceTimersByTimeAsync(CALM_MS);
    expect(bench.sales).toMatchObject({ waiting: 2, today: { offered: 5 } });
  });

  it("draws a burst once", async () => {
    bench.asked[0]?.answer(loaded(0, 0));
    await vi.advanceTimersByTimeAsync(0);
    bench.drawn = 0;
    for (let seq = 1; seq <= 1000; seq += 1) bench.queued(seq);
    await vi.advanceTimersByTimeAsync(CALM_MS);
    expect(bench.drawn).toBe(1);
    expect(bench.sales?.waiting).toBe(1000);
    // What is none of the board's draws nothing.
    bench.queued(1001, "c1", "call.held");
    await vi.advanceTimersByTimeAsync(CALM_MS);
    expect(bench.drawn).toBe(1);
  });

  it("reads anew after a reset, shows the old until then, and forgets an answer that comes too late", async () => {
    bench.asked[0]?.answer(loaded(10, 3));
    await vi.advanceTimersByTimeAsync(0);
    bench.queued(11);
    bench.reset();
    expect(bench.sales?.today.offered).toBe(4);
    expect(bench.asked[1]).toMatchObject({ floor: 0 });
    bench.reset();
    expect(bench.asked[1]?.signal.aborted).toBe(true);
    // Another epoch: its numbers begin anew.
    bench.queued(2);
    bench.asked[1]?.answer(loaded(1, 99));
    bench.asked[2]?.answer(loaded(1, 7));
    await vi.advanceTimersByTimeAsync(CALM_MS);
    expect(bench.sales).toMatchObject({ waiting: 1, today: { offered: 8 } });
  });

  it("says that it failed, keeps what it has, and tries again when asked", async () => {
    bench.asked[0]?.fail(new Error("away"));
    await vi.advanceTimersByTimeAsync(0);
    expect(bench.feed.board).toMatchObject({ figures: undefined, error: new Error("away") });
    bench.queued(3);
    bench.feed.reload();
    expect(bench.asked[1]).toMatchObject({ floor: 3 });
    expect(bench.feed.board.error).toBeUndefined();
    bench.asked[1]?.answer(loaded(3, 1));
    await vi.advanceTimersByTimeAsync(0);
    expect(bench.sales?.today.offered).toBe(1);
  });

  it("begins the next day with its own figures", async () => {
    bench.asked[0]?.answer(loaded(1, 3));
    await vi.advanceTimersByTimeAsync(0);
    await vi.advanceTimersByTimeAsync(DAY.to * QUARTER_MS - NOW - 1);
    expect(bench.asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(bench.asked).toHaveLength(2);
  });

  it("leaves nothing behind", async () => {
    bench.asked[0]?.answer(loaded(1, 3));
    await vi.advanceTimersByTimeAsync(0);
    bench.queued(2);
    stop();
    bench.queued(3);
    expect(vi.getTimerCount()).toBe(0);
    expect(bench.feed.board.figures).toBeUndefined();
  });
});
