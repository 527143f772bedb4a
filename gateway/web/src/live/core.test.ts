import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Effect, type Input, OPEN_LIMIT_MS, PROBE_AFTER_MS, PROBE_LIMIT_MS, StreamCore } from "./core";
import type { ResetReason } from "./protocol";

const event = (seq: number) => ({ seq, id: `e${String(seq)}`, kind: "call.started", at: "2026-11-20T10:00:00Z", subject: { type: "call", id: "c" }, data: {} });
const frame = (value: unknown): Input => ({ type: "frame", text: JSON.stringify(value) });
const hello = (head: number, epoch = "A") => frame({ type: "hello", epoch, head, oldest: 1 });

class Bench {
  now = 1_000_000;
  core = new StreamCore(() => 0.5);
  seen: Effect[] = [];
  give(input: Input): Effect[] {
    this.core.handle(this.now, input);
    const effects = this.core.drain();
    this.seen.push(...effects);
    return effects.filter((one) => one.type !== "connection");
  }
  /** To the next deadline. */
  wait(): Effect[] {
    this.now = this.core.dueAt;
    return this.give({ type: "tick" });
  }
  live(head = 10): this {
    this.give({ type: "start" });
    this.give({ type: "ticket", ticket: "t" });
    this.give(hello(head));
    this.give({ type: "snapshot", attempt: 1, asOfSeq: head });
    this.give(frame({ type: "caught_up", seq: head }));
    return this;
  }
  /** From the wait to the subscription. */
  reconnect(head: number): Effect[] {
    if (this.core.connection.retryAt !== null) this.wait();
    this.give({ type: "ticket", ticket: "t" });
    return this.give(hello(head));
  }
  get state() {
    return this.core.connection.state;
  }
  get delivered(): number[] {
    return this.seen.flatMap((one) => (one.type === "deliver" ? [one.event.seq] : []));
  }
}

describe("the stream's core", () => {
  it("asks for a ticket, a snapshot after hello, and what comes behind the snapshot", () => {
    const bench = new Bench();
    expect(bench.give({ type: "start" })).toEqual([{ type: "fetch_ticket" }]);
    expect(bench.give({ type: "ticket", ticket: "t" })).toEqual([{ type: "connect", ticket: "t" }]);
    expect(bench.give(hello(10))).toEqual([{ type: "load_snapshot", attempt: 1, reason: "first" }]);
    expect(bench.state).toBe("connecting");
    expect(bench.give({ type: "snapshot", attempt: 1, asOfSeq: 7 })).toContainEqual({ type: "send", frame: { type: "subscribe", after: 7, epoch: "A" } });
    expect(bench.core.connection).toMatchObject({ state: "catching_up", behind: 3 });
    for (const seq of [8, 9, 10]) bench.give(frame({ type: "event", event: event(seq) }));
    bench.give(frame({ type: "caught_up", seq: 10 }));
    expect(bench.core.connection).toMatchObject({ state: "live", behind: 0, seq: 10 });
    expect(bench.delivered).toEqual([8, 9, 10]);
  });

  it("counts what was skipped, and resumes behind it", () => {
    const bench = new Bench().live(10);
    bench.give(frame({ type: "skipped", through: 14 }));
    bench.give(frame({ type: "event", event: event(15) }));
    bench.give({ type: "closed", code: 1006 });
    expect(bench.state).toBe("offline");
    expect(bench.reconnect(15)).toContainEqual({ type: "send", frame: { type: "subscribe", after: 15, epoch: "A", after_id: "e15" } });
    expect(bench.delivered).toEqual([15]);
  });

  it.each<ResetReason>(["epoch", "ahead", "truncated", "diverged", "permissions"])("starts over from a snapshot after reset: %s", (reason) => {
    const bench = new Bench().live(10);
    expect(bench.give(frame({ type: "reset", reason }))).toEqual([{ type: "load_snapshot", attempt: 2, reason }]);
    expect(bench.state).toBe("catching_up");
    // A snapshot that was asked for before the reset is not taken.
    expect(bench.give({ type: "snapshot", attempt: 1, asOfSeq: 99 })).toEqual([]);
    bench.give({ type: "snapshot", attempt: 2, asOfSeq: 3 });
    bench.give(frame({ type: "caught_up", seq: 3 }));
    expect(bench.core.connection).toMatchObject({ state: "live", seq: 3 });
  });

  it("comes back at once when the server stops, and when it was not read", () => {
    for (const code of [1001, 1013]) {
      const bench = new Bench().live();
      bench.give({ type: "closed", code });
      expect(bench.core.connection.retryAt).toBe(bench.now);
    }
  });

  it("starts over after a frame of its own was refused (4400)", () => {
    const bench = new Bench().live();
    bench.give({ type: "closed", code: 4400 });
    expect(bench.reconnect(10)).toEqual([{ type: "load_snapshot", attempt: 2, reason: "first" }]);
  });

  it("gets a new token after 4401, and is signed out when there is none", () => {
    const bench = new Bench().live();
    expect(bench.give({ type: "closed", code: 4401 })).toEqual([{ type: "renew_token" }]);
    expect(bench.give({ type: "token", token: "n", expiresAt: bench.now + 900_000 })).toEqual([{ type: "fetch_ticket" }]);

    const other = new Bench().live();
    other.give({ type: "closed", code: 4401 });
    expect(other.give({ type: "renewal_failed", status: 401 })).toEqual([{ type: "signed_out" }]);
    expect(other.core.dueAt).toBe(Number.POSITIVE_INFINITY);
  });

  it("does not ask for token after token when each is refused", () => {
    const bench = new Bench().live();
    bench.give({ type: "closed", code: 4401 });
    bench.give({ type: "token", token: "n", expiresAt: bench.now + 900_000 });
    bench.give({ type: "ticket_failed", status: 401 });
    expect(bench.core.connection).toMatchObject({ state: "offline", reason: "server" });
  });

  it("does not come back where it is forbidden (4403)", () => {
    const bench = new Bench().live();
    bench.give({ type: "closed", code: 4403 });
    expect(bench.core.connection).toMatchObject({ state: "offline", reason: "forbidden", retryAt: null });
  });

  it("waits longer when there are too many (4429, ticket 429)", () => {
    const bench = new Bench().live();
    bench.give({ type: "closed", code: 4429 });
    expect(bench.core.connection.retryAt).toBeGreaterThanOrEqual(bench.now + 5_000);
    bench.wait();
    bench.give({ type: "ticket_failed", status: 429, retryAfterMs: 20_000 });
    expect(bench.core.connection.retryAt).toBeGreaterThanOrEqual(bench.now + 20_000);
  });

  it("draws the whole of each wait, from a range that doubles up to its limit", () => {
    const waits = (random: number) => {
      const core = new StreamCore(() => random);
      core.handle(0, { type: "start" });
      return Array.from({ length: 8 }, () => {
        core.handle(0, { type: "ticket_failed", status: 503 });
        const wait = core.connection.retryAt ?? 0;
        core.handle(0, { type: "woke" });
        return wait;
      });
    };
    expect(waits(0)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    expect(waits(1)).toEqual([500, 1000, 2000, 4000, 8000, 15000, 15000, 15000]);
  });

  it("asks a silent server for a sign of life, and says offline when none comes", () => {
    const bench = new Bench().live();
    expect(bench.core.dueAt).toBe(bench.now + PROBE_AFTER_MS);
    expect(bench.wait()).toContainEqual({ type: "send", frame: { type: "subscribe", after: 10, epoch: "A" } });
    bench.give(frame({ type: "caught_up", seq: 10 }));
    expect(bench.state).toBe("live");
    bench.wait();
    expect(bench.core.dueAt).toBe(bench.now + PROBE_LIMIT_MS);
    expect(bench.wait()).toContainEqual({ type: "disconnect" });
    expect(bench.core.connection).toMatchObject({ state: "offline", reason: "silent" });
  });

  it("asks first after a sleep, and reconnects at once when it was waiting", () => {
    const bench = new Bench().live();
    bench.wait();
    bench.now += 3_600_000;
    expect(bench.give({ type: "tick" }).map((one) => one.type)).toEqual(["send"]);
    bench.wait();
    expect(bench.state).toBe("offline");
    expect(bench.give({ type: "woke" })).toEqual([{ type: "fetch_ticket" }]);
  });

  it("gives up an opening that takes too long", () => {
    const bench = new Bench();
    bench.give({ type: "start" });
    expect(bench.core.dueAt).toBe(bench.now + OPEN_LIMIT_MS);
    bench.wait();
    expect(bench.state).toBe("offline");
  });

  it("renews the token before it ends, on the open stream", () => {
    const bench = new Bench();
    bench.give({ type: "start", tokenExpiresAt: bench.now + 63_000 });
    bench.give({ type: "ticket", ticket: "t" });
    bench.give(hello(1));
    bench.give({ type: "snapshot", attempt: 1, asOfSeq: 1 });
    const started = bench.now;
    while (!bench.seen.some((one) => one.type === "renew_token")) {
      bench.wait();
      bench.give(frame({ type: "caught_up", seq: 1 }));
    }
    expect(bench.now).toBeLessThanOrEqual(started + 60_000);
    expect(bench.give({ type: "token", token: "new", expiresAt: bench.now + 900_000 })).toEqual([{ type: "send", frame: { type: "auth", token: "new" } }]);
  });

  it("asks again behind the last good event when one is missing", () => {
    const bench = new Bench().live(10);
    expect(bench.give(frame({ type: "event", event: event(12) }))).toEqual([{ type: "disconnect" }]);
    bench.reconnect(12);
    for (const seq of [11, 12]) bench.give(frame({ type: "event", event: event(seq) }));
    expect(bench.delivered).toEqual([11, 12]);
  });

  it("never loses or doubles an event, however often it is cut and whatever comes twice", () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.constant("next" as const) },
      fc.constant("again" as const),
      fc.constant("hidden" as const),
      fc.constant("cut" as const),
      fc.constant("silent" as const),
      fc.constant("jump" as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const bench = new Bench().live(0);
        const hidden = new Set<number>();
        let sent = 0;
        let head = 0;
        const connect = () => {
          if (bench.core.connection.state !== "offline") return;
          const subscribe = bench.reconnect(head).find((one) => one.type === "send");
          if (subscribe?.type === "send" && subscribe.frame.type === "subscribe") sent = subscribe.frame.after;
        };
        const next = () => {
          sent += 1;
          head = Math.max(head, sent);
          if (hidden.has(sent)) bench.give(frame({ type: "skipped", through: sent }));
          else bench.give(frame({ type: "event", event: event(sent) }));
        };
        for (const one of steps) {
          connect();
          if (one === "next") next();
          else if (one === "hidden" && sent === head) {
            hidden.add(head + 1);
            next();
          } else if (one === "again" && sent > 0 && !hidden.has(sent)) bench.give(frame({ type: "event", event: event(sent) }));
          else if (one === "cut") bench.give({ type: "closed", code: 1006 });
          else if (one === "silent") {
            bench.wait();
            bench.wait();
          } else if (one === "jump") {
            head = Math.max(head, sent + 3);
            bench.give(frame({ type: "event", event: event(sent + 3) }));
          }
        }
        connect();
        while (sent < head) next();
        const visible = Array.from({ length: head }, (_, index) => index + 1).filter((seq) => !hidden.has(seq));
        expect(bench.delivered.filter((seq) => !hidden.has(seq))).toEqual(visible);
        expect(new Set(bench.delivered).size).toBe(bench.delivered.length);
      }),
    );
  });
});
