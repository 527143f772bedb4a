import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JournalEvent } from "@/live";
import { type Figures, NO_FIGURES, NO_SUMS, QUARTER_MS, type Snapshot, type Stay, type Sums, abandonRate, add, apply, averageAnswer, begin, quarterOf, recent, serviceLevel, stayAfter } from "./figures";

const DAY = Date.parse("2026-11-29T00:00:00Z");
const FROM = quarterOf(DAY);
const TO = FROM + 96;

function event(seq: number, at: number, kind: string, call: string, data: Record<string, unknown> = {}): JournalEvent {
  return { seq, id: `e${String(seq)}`, kind, at: new Date(DAY + at).toISOString(), subject: { type: "call", id: call }, data } as JournalEvent;
}

const EMPTY: Snapshot = { seq: 0, stays: new Map(), today: { seq: 0, from: FROM, to: TO, sums: new Map() }, quarters: { seq: 0, sums: new Map() } };

/** What a reader can tell. */
function seen({ through, stays, queues }: Figures) {
  return {
    through,
    stays: [...stays].sort(([a], [b]) => a.localeCompare(b)),
    queues: [...queues]
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([id, { today, quarters, waiting, longest }]) => ({ id, today, waiting, longest: longest?.waiting_since, quarters: [...quarters].filter(([, sums]) => sums !== NO_SUMS).sort(([a], [b]) => a - b) })),
  };
}

/**
 * The report, counted the slow way: each call's life by itself, stay by stay, of the events up to one of them. Its own reading of the rules,
 * so that one mistake is not made twice.
 */
function report(events: readonly JournalEvent[], seq: number): Map<string, Map<number, Sums>> {
  const cells = new Map<string, Map<number, Sums>>();
  const count = (queue: string, at: number, more: Partial<Sums>) => {
    const row = cells.get(queue) ?? new Map<number, Sums>();
    cells.set(queue, row.set(quarterOf(at), add(row.get(quarterOf(at)) ?? NO_SUMS, more)));
  };
  const past = events.filter((one) => one.seq <= seq);
  for (const call of new Set(past.map((one) => one.subject.id))) {
    const life = past.filter((one) => one.subject.id === call && ["call.queued", "call.answered", "call.ended"].includes(one.kind));
    let at = 0;
    while (at < life.length) {
      const start = life[at];
      at += 1;
      if (start?.kind !== "call.queued") continue;
      const queue = start.data.queue_id as string;
      const since = Date.parse(start.at);
      count(queue, since, { offered: 1 });
      const over = life.findIndex((one, place) => place >= at && !(one.kind === "call.queued" && one.data.queue_id === queue));
      const end = life[over];
      if (!end) break;
      const wait = Math.max(0, Date.parse(end.at) - since);
      if (end.kind === "call.queued") count(queue, since, { overflowed: 1 });
      else if (end.kind === "call.answered") count(queue, since, { answered: 1, answered_in_level: wait <= (start.data.service_level_s as number) * 1000 ? 1 : 0, answer_wait_ms: wait });
      else if (end.data.end_reason === "abandoned_queue") count(queue, since, { abandoned: 1, short_abandoned: wait < (start.data.short_abandon_s as number) * 1000 ? 1 : 0 });
      else count(queue, since, end.data.end_reason === "overflow" ? { overflowed: 1 } : { unserved: 1 });
      at = end.kind === "call.queued" ? over : over + 1;
    }
  }
  return cells;
}

/** What the server would answer at three moments. */
function snapshot(events: readonly JournalEvent[], seq: number, today: number, quarters: number): Snapshot {
  const stays = new Map<string, Stay>();
  for (const call of new Set(events.map((one) => one.subject.id))) {
    const stay = stayAfter(events.filter((one) => one.subject.id === call), seq);
    if (stay) stays.set(call, stay);
  }
  const day = new Map([...report(events, today)].map(([queue, row]) => [queue, [...row].reduce((sum, [quarter, sums]) => (quarter >= FROM && quarter < TO ? add(sum, sums) : sum), NO_SUMS)]));
  return { seq, stays, today: { seq: today, from: FROM, to: TO, sums: day }, quarters: { seq: quarters, sums: report(events, quarters) } };
}

const step = fc.record({
  call: fc.constantFrom("a", "b", "c", "d", "e"),
  kind: fc.constantFrom("call.started", "call.queued", "call.queued", "call.offered", "call.missed_offer", "call.answered", "call.held", "call.ended", "agent.state_changed"),
  queue: fc.constantFrom("sales", "support"),
  reason: fc.constantFrom("abandoned_queue", "overflow", "failed"),
  // Now and then a clock goes back, and a day ends in between.
  wait: fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 0, max: 60_000 }) }, { weight: 1, arbitrary: fc.integer({ min: -5_000, max: 3 * 3_600_000 }) }),
  // Others' events, which are not told.
  skip: fc.integer({ min: 1, max: 3 }),
});
const history = fc.array(step, { maxLength: 60 }).map((steps) => {
  let [seq, at] = [0, 23 * 3_600_000];
  return steps.map(({ call, kind, queue, reason, wait, skip }) => {
    seq += skip;
    at += wait;
    const data: Record<string, Record<string, unknown>> = { "call.queued": { queue_id: queue, service_level_s: 20, short_abandon_s: 5 }, "call.answered": { agent_id: "olga" }, "call.ended": { end_reason: reason } };
    return event(seq, at, kind, call, data[kind] ?? {});
  });
});

describe("the board's figures", () => {
  it("agree with the reports' example", () => {
    const at = (clock: string) => Date.parse(`2026-11-29T${clock}Z`) - DAY;
    const queued = { queue_id: "sales", service_level_s: 20, short_abandon_s: 5 };
    const events = [
      event(1, at("09:01:00"), "call.queued", "1", queued),
      event(2, at("09:01:12"), "call.answered", "1", { agent_id: "ada" }),
      event(3, at("09:01:40"), "call.queued", "2", queued),
      event(4, at("09:01:43"), "call.ended", "2", { end_reason: "abandoned_queue" }),
      event(5, at("09:02:00"), "call.queued", "3", queued),
      event(6, at("09:03:12"), "call.ended", "3", { end_reason: "abandoned_queue" }),
      event(7, at("09:04:12"), "call.ended", "1", { end_reason: "completed_customer" }),
      event(8, at("09:05:00"), "call.queued", "4", queued),
      event(9, at("09:05:20"), "call.queued", "4", { queue_id: "sales", reason: "unanswered" }),
      event(10, at("09:05:30"), "call.answered", "4", { agent_id: "ada" }),
    ];
    const { today } = apply(begin(EMPTY), events).queues.get("sales") ?? NO_FIGURES;
    expect(today).toEqual({ ...NO_SUMS, offered: 4, answered: 2, answered_in_level: 1, abandoned: 2, short_abandoned: 1, answer_wait_ms: 42_000 });
    expect([serviceLevel(today), abandonRate(today), averageAnswer(today)]).toEqual([0.3333, 0.3333, 21_000]);
  });

  it("leave out who is to be called back: they were counted when they called", () => {
    const back = { queue_id: "sales", callback: true };
    const events = [event(1, 1_000, "call.queued", "b", { ...back, callback_of: "a" }), event(2, 2_000, "call.queued", "b", { ...back, reason: "unanswered" }), event(3, 3_000, "call.answered", "b", { agent_id: "ada" })];
    expect(apply(begin(EMPTY), events).queues.get("sales")).toBeUndefined();
    expect(stayAfter(events, 2)).toBeUndefined();
    // They talked, and wait again like anybody.
    const { waiting, today } = apply(begin(EMPTY), [...events, event(4, 4_000, "call.queued", "b", { queue_id: "sales", reason: "transfer" })]).queues.get("sales") ?? NO_FIGURES;
    expect([waiting, today.offered]).toEqual([1, 1]);
  });

  it("say nothing where there is nothing to divide by", () => {
    expect([serviceLevel(NO_SUMS), abandonRate(NO_SUMS), averageAnswer(NO_SUMS)]).toEqual([undefined, undefined, undefined]);
  });

  it("are the report's, whatever happened", () => {
    fc.assert(
      fc.property(history, (events) => {
        const { queues } = apply(begin(EMPTY), events);
        for (const [queue, row] of report(events, Infinity)) expect(new Map(queues.get(queue)?.quarters), queue).toEqual(row);
      }),
    );
  });

  it("are the same in one go, in pieces, and from any snapshot in between", () => {
    fc.assert(
      fc.property(history, fc.array(fc.nat(59), { maxLength: 5 }), fc.nat(59), fc.nat(20), fc.nat(20), (events, cuts, middle, today, quarters) => {
        const whole = apply(begin(EMPTY), events);
        const pieces = [...cuts, events.length].sort((a, b) => a - b).reduce<[Figures, number]>(([state, from], to) => [apply(state, events.slice(from, to)), Math.max(from, to)], [begin(EMPTY), 0])[0];
        expect(seen(pieces)).toEqual(seen(whole));
        // The figures may be some events ahead of the calls, each by as many.
        const seq = events[middle]?.seq ?? 0;
        const later = apply(begin(snapshot(events, seq, seq + today, seq + quarters)), events);
        expect({ ...seen(later), through: whole.through }).toEqual(seen(whole));
      }),
      { numRuns: 300 },
    );
  });

  it("change nothing for what comes twice, and keep what did not change", () => {
    fc.assert(
      fc.property(history, fc.nat(59), (events, from) => {
        const whole = apply(begin(EMPTY), events);
        expect(apply(whole, events.slice(from))).toBe(whole);
        const twice = events.flatMap((one) => [one, one]);
        expect(seen(apply(begin(EMPTY), twice))).toEqual(seen(whole));
        const { seq } = events.at(-1) ?? { seq: 0 };
        const next = apply(whole, [event(seq + 1, 0, "call.queued", "new", { queue_id: "sales" })]);
        expect(next.queues.get("support")).toBe(whole.queues.get("support"));
        expect(next.queues.get("sales")).not.toBe(whole.queues.get("sales"));
        expect(apply(next, [event(seq + 2, 0, "agent.state_changed", "olga")]).queues).toBe(next.queues);
      }),
    );
  });

  it("hold every offered call once: answered, abandoned, overflowed, unserved or waiting", () => {
    fc.assert(
      fc.property(history, (events) => {
        const { queues, stays } = apply(begin(EMPTY), events);
        for (const [id, { quarters, waiting }] of queues) {
          const all = [...quarters.values()].reduce((sum, one) => add(sum, one), NO_SUMS);
          expect(all.answered + all.abandoned + all.overflowed + all.unserved + waiting, id).toBe(all.offered);
          expect(waiting).toBe([...stays.values()].filter((one) => one.queue === id).length);
        }
      }),
    );
  });

  it("keep the wait of a caller who is moved, and count them in both queues", () => {
    const events = [event(1, 0, "call.queued", "a", { queue_id: "sales" }), event(2, 30_000, "call.queued", "a", { queue_id: "support", from_queue_id: "sales", reason: "moved" })];
    const { queues } = apply(begin(EMPTY), events);
    expect(queues.get("sales")).toMatchObject({ waiting: 0, longest: undefined, today: { offered: 1, overflowed: 1 } });
    expect(queues.get("support")).toMatchObject({ waiting: 1, longest: { since: DAY + 30_000, waiting_since: DAY }, today: { offered: 1, overflowed: 0 } });
  });

  it("bear any details", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom("call.queued", "call.answered", "call.ended"), fc.dictionary(fc.constantFrom("queue_id", "agent_id", "service_level_s", "short_abandon_s", "end_reason"), fc.jsonValue()))), (steps) => {
        const { queues } = apply(begin(EMPTY), steps.map(([kind, data], at) => event(at + 1, at * 1000, kind, "a", data as Record<string, unknown>)));
        for (const { today } of queues.values()) for (const value of Object.values(today)) expect(value).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it("take now to be the running quarter hour and the one before it", () => {
    const queued = (seq: number, at: number) => event(seq, at, "call.queued", `c${String(seq)}`, { queue_id: "sales" });
    const { queues } = apply(begin(EMPTY), [queued(1, 0), queued(2, QUARTER_MS), queued(3, 2 * QUARTER_MS), queued(4, 3 * QUARTER_MS)]);
    const sales = queues.get("sales") ?? NO_FIGURES;
    expect(recent(sales, DAY + 2 * QUARTER_MS + 5).offered).toBe(2);
    expect(recent(sales, DAY + 4 * QUARTER_MS).offered).toBe(1);
    expect(recent(sales, DAY + 6 * QUARTER_MS).offered).toBe(0);
  });

  it("are cheap: a hundred thousand events, in pieces as a busy board gets them", () => {
    const queues = Array.from({ length: 40 }, (_, one) => `queue-${String(one)}`);
    const events: JournalEvent[] = [];
    for (let n = 0; events.length < 100_000; n += 1) {
      const [call, at] = [`call-${String(n)}`, n * 600];
      events.push(event(events.length + 1, at, "call.queued", call, { queue_id: queues[n % queues.length] }));
      events.push(event(events.length + 1, at, "call.offered", call));
      // Two hundred wait at any time.
      if (n >= 200) {
        events.push(event(events.length + 1, at, n % 7 === 0 ? "call.ended" : "call.answered", `call-${String(n - 200)}`, { agent_id: "olga", end_reason: "abandoned_queue" }));
        events.push(event(events.length + 1, at, "call.held", `call-${String(n - 200)}`));
      }
    }
    let state = begin(EMPTY);
    let pieces = 0;
    const began = performance.now();
    // A thousand a minute are four in a quarter of a second.
    for (let at = 0; at < events.length; at += 4, pieces += 1) state = apply(state, events.slice(at, at + 4));
    const took = performance.now() - began;
    console.log(`board: ${String(events.length)} events in ${String(pieces)} pieces: ${took.toFixed(0)} ms, ${((took / pieces) * 1000).toFixed(0)} µs a piece`);
    expect(state.stays.size).toBeLessThanOrEqual(201);
    // A piece comes each 250 ms: it must be nothing beside that.
    expect(took / pieces).toBeLessThan(5);
  }, 60_000);
});
