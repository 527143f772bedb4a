import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JournalEvent } from "@/live";
import { QUIET, isFree, isNumber, settled, talkOf, talkers } from "./talk";

const CALL = "c";
const at = (seq: number) => new Date(Date.parse("2026-11-20T10:00:00Z") + seq * 1000).toISOString();
const event = (seq: number, kind: string, data: Record<string, unknown> = {}): JournalEvent => ({ seq, id: `e${String(seq)}`, kind, at: at(seq), subject: { type: kind.startsWith("recording") ? "recording" : "call", id: CALL }, data });
const story = (...told: [kind: string, data?: Record<string, unknown>][]): JournalEvent[] => told.map(([kind, data], index) => event(index + 1, kind, data));

const TALKING: [string, Record<string, unknown>?][] = [
  ["call.started", { direction: "inbound" }],
  ["call.offered", { agent_id: "ann" }],
  ["call.answered", { agent_id: "ann" }],
  ["recording.started", { call_id: CALL }],
];
const ASKING: [string, Record<string, unknown>?][] = [...TALKING, ["call.held", { agent_id: "ann", for: "consult" }], ["call.offered", { agent_id: "ben", for: "consult" }]];
const ASKED: [string, Record<string, unknown>?][] = [...ASKING, ["call.consulted", { agent_id: "ben", by: "ann" }]];

describe("an attended transfer", () => {
  test("rings, is answered, swapped, and completed", () => {
    expect(talkOf(story(...ASKING)).consult).toEqual({ by: "ann", to: "ben", answered: false, with: "asked", since: at(6), seq: 6 });
    expect(talkOf(story(...ASKED)).consult).toMatchObject({ by: "ann", to: "ben", answered: true, with: "asked", since: at(7) });
    const swapped: [string, Record<string, unknown>?][] = [...ASKED, ["call.resumed", { agent_id: "ann", held_ms: 1 }]];
    expect(talkOf(story(...swapped)).consult).toMatchObject({ with: "customer" });
    expect(talkOf(story(...swapped, ["call.held", { agent_id: "ann", for: "consult" }])).consult).toMatchObject({ with: "asked" });
    const done = talkOf(story(...ASKED, ["call.resumed", { agent_id: "ben" }], ["call.answered", { agent_id: "ben", again: true }], ["call.transferred", { kind: "attended", from_agent_id: "ann", to: { agent_id: "ben" } }]));
    expect(done).toMatchObject({ consult: undefined, failure: undefined, left: ["ann"], aside: false });
    expect(isFree(done)).toBe(true);
  });

  test("that is not answered says why, and the call is where it was", () => {
    const talk = talkOf(story(...ASKING, ["call.missed_offer", { agent_id: "ben", why: "refused" }], ["call.resumed", { agent_id: "ann" }]));
    expect(talk).toMatchObject({ consult: undefined, handover: undefined, failure: { of: "consult", agent: "ben", why: "refused" }, held: {} });
  });

  test("that is called off is no failure", () => {
    const talk = talkOf(story(...ASKING, ["call.missed_offer", { agent_id: "ben", why: "cancelled" }], ["call.resumed", { agent_id: "ann" }]));
    expect(talk).toMatchObject({ consult: undefined, failure: undefined });
  });

  test("that is not waited for becomes a blind one", () => {
    const talk = talkOf(story(...ASKING, ["call.resumed", { agent_id: "ann" }]));
    expect(talk).toMatchObject({ consult: undefined, handover: { agent: "ben", back: false } });
  });

  test("becomes a conference", () => {
    expect(talkOf(story(...ASKED, ["call.resumed", {}], ["call.conferenced", { agent_id: "ben", by: "ann" }]))).toMatchObject({ consult: undefined, left: [] });
  });

  test("whose other end is gone is over once the store knows it, and not before", () => {
    // Cancelled, or hung up by who was asked: no event says so. A swap looks the same.
    const talk = talkOf(story(...ASKED, ["call.resumed", { agent_id: "ann" }]));
    const there = { talker_ids: ["ann", "ben"], ringing_agent_ids: [] };
    expect(settled(talk, there, 8).consult).toMatchObject({ with: "customer" });
    expect(settled(talk, { ...there, talker_ids: ["ann"] }, 8).consult).toBeUndefined();
    // A store that has not come to its answer yet knows nothing of it.
    expect(settled(talk, { ...there, talker_ids: ["ann"] }, 6).consult).toBeDefined();
    expect(settled(talk, undefined, 8)).toBe(talk);
  });

  test("of somebody in a conference does not claim with whom they talk", () => {
    // The others keep the customer company: there is no music, and no event.
    const talk = talkOf(story(...TALKING, ["call.conferenced", { agent_id: "cleo", by: "ann" }], ["call.offered", { agent_id: "ben", for: "consult" }], ["call.consulted", { agent_id: "ben", by: "cleo" }]));
    expect(talk.consult).toMatchObject({ by: "cleo", with: undefined });
  });

  test("seen by who was asked, who lacks what came before it", () => {
    const [offered, consulted] = story(...ASKED).slice(5);
    expect(talkOf([offered, consulted].flatMap((one) => one ?? []))).toMatchObject({ consult: { by: "ann", to: "ben", answered: true } });
    expect(talkOf(offered ? [offered] : [])).toMatchObject({ consult: { by: undefined, to: "ben", answered: false } });
  });
});

describe("a blind transfer", () => {
  const given: [string, Record<string, unknown>?][] = [...TALKING, ["call.offered", { agent_id: "ben", for: "transfer" }]];

  test("rings, and is taken", () => {
    expect(talkOf(story(...given))).toMatchObject({ handover: { agent: "ben", back: false } });
    expect(talkOf(story(...given, ["call.answered", { agent_id: "ben", again: true }], ["call.transferred", { kind: "blind", from_agent_id: "ann", to: { agent_id: "ben" } }]))).toMatchObject({ handover: undefined, left: ["ann"] });
  });

  test("that fails comes back, and says so until something else is tried", () => {
    const back: [string, Record<string, unknown>?][] = [
      ...given,
      ["call.missed_offer", { agent_id: "ben", why: "no_answer" }],
      ["call.transfer_failed", { from_agent_id: "ann", to: { agent_id: "ben" }, why: "no_answer" }],
      ["call.offered", { agent_id: "ann", for: "take_back" }],
    ];
    expect(talkOf(story(...back))).toMatchObject({ handover: { agent: "ann", back: true }, failure: { of: "transfer", agent: "ben", why: "no_answer" } });
    const answered: [string, Record<string, unknown>?][] = [...back, ["call.answered", { agent_id: "ann", again: true }]];
    expect(talkOf(story(...answered))).toMatchObject({ handover: undefined, failure: { agent: "ben" }, left: [] });
    expect(talkOf(story(...answered, ["call.offered", { agent_id: "cleo", for: "conference" }])).failure).toBeUndefined();
  });

  test("to a queue leaves nobody in it", () => {
    expect(talkOf(story(...TALKING, ["call.transferred", { kind: "blind", from_agent_id: "ann", to: { queue_id: "q" } }], ["call.queued", { queue_id: "q", reason: "transfer" }]))).toMatchObject({ left: ["ann"], consult: undefined, handover: undefined });
  });
});

describe("a conference", () => {
  test("rings, is joined, and left", () => {
    const asked: [string, Record<string, unknown>?][] = [...TALKING, ["call.offered", { agent_id: "ben", for: "conference" }]];
    expect(talkOf(story(...asked)).joining).toMatchObject({ agent: "ben" });
    expect(settled(talkOf(story(...asked)), { talker_ids: ["ann"], ringing_agent_ids: ["ben"] }, 5).joining).toBeDefined();
    expect(settled(talkOf(story(...asked)), { talker_ids: ["ann"], ringing_agent_ids: [] }, 5).joining).toBeUndefined();
    const joined: [string, Record<string, unknown>?][] = [...asked, ["call.conferenced", { agent_id: "ben", by: "ann" }]];
    expect(talkOf(story(...joined)).joining).toBeUndefined();
    expect(talkOf(story(...joined, ["call.muted", { agent_id: "ben" }], ["call.left", { agent_id: "ben" }]))).toMatchObject({ left: ["ben"], muted: [] });
    // Who comes back has not left.
    expect(talkOf(story(...joined, ["call.left", { agent_id: "ben" }], ["call.offered", { agent_id: "ben", for: "conference" }], ["call.conferenced", { agent_id: "ben" }])).left).toEqual([]);
  });

  test("the one who is responsible stands first, and who only listens is no part of it", () => {
    const talk = talkOf(story(...TALKING, ["call.supervised", { agent_id: "mia", mode: "listen", supervised_agent_id: "ann" }]));
    expect(talkers({ agent_id: "ann", talker_ids: ["ben", "mia", "ann"] }, talk)).toEqual(["ann", "ben"]);
  });
});

describe("hold, mute and recording", () => {
  test("are each agent's own", () => {
    const talk = talkOf(story(...TALKING, ["call.held", { agent_id: "ann" }], ["call.held", { agent_id: "ben" }], ["call.muted", { agent_id: "ann" }], ["call.muted", { agent_id: "ann" }]));
    expect(talk).toMatchObject({ held: { ann: at(5), ben: at(6) }, muted: ["ann"], aside: false });
    expect(talkOf(story(...TALKING, ["call.held", { agent_id: "ann" }], ["call.held", { agent_id: "ben" }], ["call.resumed", { agent_id: "ann", held_ms: 5 }])).held).toEqual({ ben: at(6) });
    expect(talkOf(story(...TALKING, ["call.held", { agent_id: "ann" }], ["call.resumed", {}])).held).toEqual({});
    expect(talkOf(story(...TALKING, ["call.muted", { agent_id: "ann" }], ["call.unmuted", { agent_id: "ann" }])).muted).toEqual([]);
  });

  test("a pause is told with its time, also after a reload, and ends with the call", () => {
    const paused = story(...TALKING, ["recording.paused", { call_id: CALL, agent_id: "ann" }]);
    expect(talkOf(paused).recording).toEqual({ state: "paused", since: at(5), by: "ann" });
    expect(talkOf([...paused, event(6, "recording.resumed", { call_id: CALL, agent_id: "ann", paused_ms: 1 })]).recording).toMatchObject({ state: "running" });
    expect(talkOf([...paused, event(6, "call.ended"), event(7, "recording.ready", { call_id: CALL })]).recording).toEqual({ state: "over" });
    expect(talkOf([]).recording).toEqual({ state: "none" });
  });

  test("who listens in another way is one ear, not two", () => {
    const talk = talkOf(story(...TALKING, ["call.supervised", { agent_id: "mia", mode: "listen" }], ["call.supervised", { agent_id: "mia", mode: "barge" }]));
    expect(talk.watchers).toEqual([{ agent: "mia", mode: "barge", since: at(5) }]);
    expect(talkOf(story(...TALKING, ["call.supervised", { agent_id: "mia", mode: "listen" }], ["call.supervision_ended", { agent_id: "mia" }])).watchers).toEqual([]);
  });
});

const KINDS = ["call.offered", "call.missed_offer", "call.held", "call.resumed", "call.consulted", "call.conferenced", "call.left", "call.transferred", "call.transfer_failed", "call.answered", "call.queued", "call.muted", "call.unmuted", "call.supervised", "call.supervision_ended", "recording.started", "recording.paused", "recording.resumed", "nothing.known"];
const who = fc.constantFrom("ann", "ben", "cleo", undefined, 7, "");
const any = fc.record({ kind: fc.constantFrom(...KINDS), agent_id: who, by: who, for: fc.constantFrom("consult", "conference", "transfer", "take_back", undefined, 3), from_agent_id: who, to: fc.constantFrom({ agent_id: "ben" }, { queue_id: "q" }, undefined, null) });

test("any events, in any order and repeated, tell the same story as in the journal's", () => {
  fc.assert(
    fc.property(
      fc.array(any, { maxLength: 30 }).chain((told) => {
        const events = told.map(({ kind, ...data }, index) => event(index + 1, kind, data));
        return fc.tuple(fc.constant(events), fc.shuffledSubarray([...events, ...events], { minLength: events.length }));
      }),
      ([events, shuffled]) => {
        const inOrder = talkOf(events);
        const whole = [...shuffled, ...events];
        expect(talkOf(whole)).toEqual(inOrder);
        // The end of a call is the end of all of it.
        expect(talkOf([...whole, event(100, "call.ended")])).toMatchObject({ consult: undefined, joining: undefined, handover: undefined, held: {}, muted: [], watchers: [] });
        expect(new Set(inOrder.left).size).toBe(inOrder.left.length);
        expect(new Set(inOrder.muted).size).toBe(inOrder.muted.length);
        // Once nobody is in it nobody is asked.
        const none = settled(inOrder, { talker_ids: [], ringing_agent_ids: [] }, 1_000);
        expect([none.consult, none.joining, none.handover]).toEqual([undefined, undefined, undefined]);
      },
    ),
  );
});

test("nothing told is a quiet call", () => {
  expect(talkOf([])).toMatchObject(QUIET);
});

describe("somebody outside", () => {
  const OUT = "+390644121234";
  const to = { number: OUT };
  const HELD: [string, Record<string, unknown>?][] = [...TALKING, ["call.held", { agent_id: "ann", for: "consult" }], ["call.dialled", { agent_id: "ann", to: OUT }]];
  const HEARD: [string, Record<string, unknown>?][] = [...HELD, ["call.consulted", { to, by: "ann" }]];
  const there = { talker_ids: ["ann"], ringing_agent_ids: [] };

  test("is told from an agent", () => {
    expect([OUT, "116117", "*21"].map(isNumber)).toEqual([true, true, true]);
    expect(["0193aaaa-0000-7000-8000-000000000001", "ann", ""].map(isNumber)).toEqual([false, false, false]);
  });

  test("is asked, answers, is swapped with the customer, and is given the call", () => {
    expect(talkOf(story(...HELD)).consult).toMatchObject({ by: "ann", to: OUT, answered: false, with: "asked" });
    const asked = talkOf(story(...HEARD));
    expect(asked.consult).toMatchObject({ by: "ann", to: OUT, answered: true, with: "asked" });
    // The store knows agents only: it has nothing to say of them.
    expect(settled(asked, there, 99)).toBe(asked);
    expect(talkOf(story(...HEARD, ["call.resumed", { agent_id: "ann" }])).consult).toMatchObject({ with: "customer" });
    const done = talkOf(story(...HEARD, ["call.transferred", { kind: "attended", from_agent_id: "ann", to }]));
    expect(done).toMatchObject({ consult: undefined, outside: OUT, left: ["ann"], failure: undefined });
    expect(isFree(done)).toBe(true);
  });

  test("that does not answer is named with the reason; one that was called off is no failure", () => {
    expect(talkOf(story(...HELD, ["call.transfer_failed", { kind: "attended", from_agent_id: "ann", to, why: "busy" }], ["call.resumed", { agent_id: "ann" }]))).toMatchObject({ consult: undefined, handover: undefined, failure: { of: "consult", agent: OUT, why: "busy" } });
    expect(talkOf(story(...HELD, ["call.transfer_failed", { kind: "attended", from_agent_id: "ann", to, why: "cancelled" }], ["call.resumed", { agent_id: "ann" }]))).toMatchObject({ consult: undefined, failure: undefined });
  });

  test("that hangs up while being asked is gone", () => {
    expect(talkOf(story(...HEARD, ["call.left", { number: OUT }], ["call.resumed", { agent_id: "ann" }]))).toMatchObject({ consult: undefined, handover: undefined });
  });

  test("is rung for the customer when it is handed on at once, and the call comes back if they do not come", () => {
    const rung = talkOf(story(...TALKING, ["call.dialled", { agent_id: "ann", to: OUT }]));
    expect(rung).toMatchObject({ consult: undefined, handover: { agent: OUT, back: false } });
    expect(settled(rung, { talker_ids: [], ringing_agent_ids: [] }, 99).handover).toBeDefined();
    expect(talkOf(story(...TALKING, ["call.dialled", { agent_id: "ann", to: OUT }], ["call.transferred", { kind: "blind", from_agent_id: "ann", to }]))).toMatchObject({ handover: undefined, outside: OUT });
    const back = talkOf(story(...TALKING, ["call.dialled", { agent_id: "ann", to: OUT }], ["call.transfer_failed", { kind: "blind", from_agent_id: "ann", to, why: "no_answer" }], ["call.offered", { agent_id: "ann", for: "take_back" }]));
    expect(back).toMatchObject({ handover: { agent: "ann", back: true }, failure: { of: "transfer", agent: OUT, why: "no_answer" } });
  });

  test("who is not waited for is rung for the customer", () => {
    const talk = talkOf(story(...HELD));
    expect(settled(talk, { talker_ids: [], ringing_agent_ids: [] }, 99)).toMatchObject({ consult: undefined, handover: { agent: OUT } });
  });

  test("is in a conference until they leave", () => {
    const joined: [string, Record<string, unknown>?][] = [...HEARD, ["call.resumed", {}], ["call.conferenced", { number: OUT, by: "ann" }]];
    expect(talkOf(story(...joined))).toMatchObject({ consult: undefined, outside: OUT });
    expect(talkOf(story(...joined, ["call.left", { number: OUT }]))).toMatchObject({ outside: undefined, left: [OUT] });
    expect(talkOf(story(...joined, ["call.transferred", { kind: "conference", from_agent_id: "ann", to }]))).toMatchObject({ outside: OUT, left: ["ann"] });
  });

  test("whom a call out is for is handed nothing", () => {
    const out: [string, Record<string, unknown>?][] = [["call.started", { direction: "outbound" }], ["call.offered", { agent_id: "ann" }], ["call.dialled", { agent_id: "ann", to: OUT }], ["call.answered", { agent_id: "ann" }]];
    expect(talkOf(story(...out))).toMatchObject({ handover: undefined, consult: undefined });
    expect(talkOf(story(...out, ["call.dialled", { agent_id: "ann", to: "+4930" }]))).toMatchObject({ handover: { agent: "+4930" } });
    // Its first trunk would not take it.
    expect(talkOf(story(...out.slice(0, 3), ["call.dialled", { agent_id: "ann", to: OUT }]))).toMatchObject({ handover: undefined, consult: undefined });
  });

  test("who is called back by the router is handed to nobody, however often it is offered", () => {
    const inLine: [string, Record<string, unknown>?][] = [["call.started", { direction: "outbound", callback_of: "c" }], ["call.queued", { queue_id: "q", callback_of: "c" }], ["call.offered", { agent_id: "ben" }], ["call.missed_offer", { agent_id: "ben", why: "no_answer" }], ["call.queued", { queue_id: "q", reason: "unanswered" }], ["call.offered", { agent_id: "ann" }]];
    expect(talkOf(story(...inLine, ["call.dialled", { agent_id: "ann", to: OUT }]))).toMatchObject({ ...QUIET });
    expect(talkOf(story(...inLine, ["call.dialled", { agent_id: "ann", to: OUT }], ["call.answered", { agent_id: "ann" }], ["call.dialled", { agent_id: "ann", to: "+4930" }]))).toMatchObject({ handover: { agent: "+4930" } });
  });
});

test("a queue that is asked rings whoever of it is free, until one of them answers or nobody does", () => {
  const asking: [string, Record<string, unknown>?][] = [...TALKING, ["call.held", { agent_id: "ann", for: "consult" }], ["call.asked", { agent_id: "ann", queue_id: "support" }]];
  expect(talkOf(story(...asking)).consult).toMatchObject({ by: "ann", to: "support", rung: [], answered: false, with: "asked" });
  const rings: typeof asking = [...asking, ["call.offered", { agent_id: "ben", for: "consult" }]];
  expect(talkOf(story(...rings)).consult).toMatchObject({ to: "support", rung: ["ben"] });
  const passed: typeof asking = [...rings, ["call.missed_offer", { agent_id: "ben", why: "no_answer" }]];
  expect(talkOf(story(...passed))).toMatchObject({ consult: { to: "support", rung: [] }, failure: undefined });
  const answered = talkOf(story(...passed, ["call.offered", { agent_id: "cleo", for: "consult" }], ["call.consulted", { agent_id: "cleo", by: "ann" }])).consult;
  expect(answered).toMatchObject({ by: "ann", to: "cleo", answered: true, with: "asked" });
  expect(answered?.rung).toBeUndefined();
  const nobody = talkOf(story(...passed, ["call.transfer_failed", { kind: "attended", from_agent_id: "ann", to: { queue_id: "support" }, why: "silent" }], ["call.resumed", {}]));
  expect(nobody).toMatchObject({ consult: undefined, handover: undefined, failure: { of: "consult", agent: "support", why: "silent" } });
  expect(talkOf(story(...asking, ["call.resumed", {}]))).toMatchObject({ consult: undefined, handover: undefined });
});
