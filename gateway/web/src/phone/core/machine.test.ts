import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Action, type Effect, type Input, type Invitation, PhoneMachine, resumeId } from "./machine";

const HOUR = 3_600_000;

class Bench {
  readonly machine = new PhoneMachine(() => 0.5);
  now = 1_000;
  request = 0;

  give(...inputs: Input[]): Effect[] {
    for (const input of inputs) this.machine.handle(this.now, input);
    return this.machine.drain();
  }

  act(action: Action): Effect[] {
    this.request += 1;
    return this.give({ type: "act", request: this.request, action });
  }

  /** To the moment that something is due, and then a tick. */
  due(): Effect[] {
    this.now = this.machine.dueAt;
    return this.give({ type: "line", input: { type: "tick" } });
  }

  up(): Effect[] {
    const line = (input: Extract<Input, { type: "line" }>["input"]): Input => ({ type: "line", input });
    return this.give(
      line({ type: "start" }),
      line({ type: "microphone", problem: undefined }),
      line({ type: "credentials", expiresAt: this.now + 10 * HOUR }),
      line({ type: "opened" }),
      line({ type: "registered" }),
    );
  }

  lose = () => this.give({ type: "line", input: { type: "closed" } });

  back(): Effect[] {
    const first = this.give({ type: "line", input: { type: "woke" } });
    const then = this.give({ type: "line", input: { type: "opened" } }, { type: "line", input: { type: "registered" } });
    return [...first, ...then];
  }

  call(id: string) {
    const found = this.machine.calls.find((one) => one.id === id);
    if (!found) throw new Error(`no call ${id}`);
    return found;
  }
}

const invitation = (id: string, more: Partial<Invitation> = {}): Invitation => ({ id, callId: `c-${id}`, peer: "+15550001", peerName: "Ada", queue: "Sales", reattach: undefined, ...more });

function bench(): Bench {
  const it = new Bench();
  it.up();
  return it;
}

function talking(id = "a"): Bench {
  const it = bench();
  it.give({ type: "incoming", call: invitation(id) });
  it.act({ type: "answer", id });
  it.give({ type: "accepted", id }, { type: "media", id, state: "ok" });
  return it;
}

describe("what was asked for from the panel", () => {
  const asked = (id: string) => ({ type: "incoming", call: invitation(id, { dial: true }) }) as const;

  test("is answered by itself, without a bell", () => {
    const it = bench();
    expect(it.give(asked("a"))).toEqual([{ type: "answer", request: undefined, id: "a" }]);
    expect(it.machine.sound).toBe("none");
    it.give({ type: "accepted", id: "a" });
    expect(it.call("a")).toMatchObject({ state: "active", direction: "out" });
  });

  test("rings when somebody is being talked to: they are not put on hold unasked", () => {
    const it = talking();
    expect(it.give(asked("b"))).toEqual([]);
    expect(it.call("b")).toMatchObject({ state: "incoming" });
    expect(it.call("a")).toMatchObject({ held: false });
    expect(it.machine.sound).toBe("knock");
    it.act({ type: "answer", id: "b" });
    it.give({ type: "accepted", id: "b" });
    expect(it.call("a")).toMatchObject({ held: true });
  });

  test("rings for the person when it cannot be answered, and is no missed call", () => {
    const it = bench();
    it.give(asked("a"), { type: "not_answered", id: "a" });
    expect(it.machine.sound).toBe("bell");
    it.give({ type: "ended", id: "a", by: "them", answeredElsewhere: false });
    expect(it.machine.calls).toEqual([]);
    expect(it.machine.missed).toEqual([]);
  });

  test("that failed late changes nothing of a call that talks", () => {
    const it = bench();
    it.give(asked("a"), { type: "accepted", id: "a" }, { type: "not_answered", id: "a" });
    expect(it.call("a")).toMatchObject({ state: "active" });
  });
});

describe("a call that comes in", () => {
  test("rings with who and what for", () => {
    const it = bench();
    it.give({ type: "incoming", call: invitation("a") });
    expect(it.call("a")).toMatchObject({ state: "incoming", direction: "in", peer: "+15550001", peerName: "Ada", queue: "Sales", callId: "c-a", startedAt: 1_000 });
    expect(it.machine.sound).toBe("bell");
  });

  test("is answered", () => {
    const it = bench();
    it.give({ type: "incoming", call: invitation("a") });
    expect(it.act({ type: "answer", id: "a" })).toEqual([{ type: "answer", request: 1, id: "a" }]);
    expect(it.machine.sound).toBe("none");
    expect(it.give({ type: "accepted", id: "a" })).toEqual([{ type: "remember", call: { callId: "c-a", muted: false, held: false } }]);
    expect(it.call("a")).toMatchObject({ state: "active", answeredAt: 1_000, interrupted: false });
  });

  test("rings on when the microphone is refused", () => {
    const it = bench();
    it.give({ type: "incoming", call: invitation("a") });
    it.act({ type: "answer", id: "a" });
    it.give({ type: "done", request: 1, ok: false });
    expect(it.machine.sound).toBe("bell");
    expect(it.act({ type: "answer", id: "a" })).toEqual([{ type: "answer", request: 2, id: "a" }]);
  });

  test("is missed when the other side gives up", () => {
    const it = bench();
    it.give({ type: "incoming", call: invitation("a") }, { type: "ended", id: "a", by: "them", answeredElsewhere: false });
    expect(it.machine.missed).toMatchObject([{ id: "a", peer: "+15550001", queue: "Sales", at: 1_000 }]);
    expect(it.machine.calls).toEqual([]);
    it.give({ type: "clear_missed" });
    expect(it.machine.missed).toEqual([]);
  });

  test("is not missed when declined, or answered elsewhere", () => {
    const it = bench();
    it.give({ type: "incoming", call: invitation("a") });
    expect(it.act({ type: "hang_up", id: "a" })).toEqual([{ type: "hang_up", request: 1, id: "a", decline: true }]);
    it.give({ type: "ended", id: "a", by: "us", answeredElsewhere: false });
    it.give({ type: "incoming", call: invitation("b") }, { type: "ended", id: "b", by: "them", answeredElsewhere: true });
    it.give({ type: "incoming", call: invitation("c") }, { type: "ended", id: "c", by: "them", answeredElsewhere: false });
    it.give({ type: "answered", callId: "c-c" });
    it.give({ type: "answered", callId: "c-d" }, { type: "incoming", call: invitation("d") }, { type: "ended", id: "d", by: "them", answeredElsewhere: false });
    expect(it.machine.missed).toEqual([]);
  });

  test("knocks while another is talked in, which is held once it is answered", () => {
    const it = talking("a");
    it.give({ type: "incoming", call: invitation("b") });
    expect(it.machine.sound).toBe("knock");
    expect(it.machine.calls.map((one) => one.id)).toEqual(["b", "a"]);
    it.act({ type: "answer", id: "b" });
    expect(it.give({ type: "accepted", id: "b" })).toContainEqual({ type: "hold", request: undefined, id: "a", held: true });
    expect(it.machine.talking?.id).toBe("b");
  });

  test("that rings when the socket goes is rung anew by the gateway", () => {
    const it = bench();
    it.give({ type: "incoming", call: invitation("a") });
    expect(it.lose()).toEqual([{ type: "hang_up", request: undefined, id: "a", decline: false }]);
    it.give({ type: "ended", id: "a", by: "us", answeredElsewhere: false });
    expect(it.machine.missed).toEqual([]);
    expect(it.act({ type: "answer", id: "a" })).toEqual([{ type: "settle", request: 1, error: "no-call" }]);
  });
});

describe("a running call", () => {
  test("is held and taken back", () => {
    const it = talking();
    expect(it.act({ type: "hold", id: "a", held: true })).toContainEqual({ type: "hold", request: 2, id: "a", held: true });
    expect(it.act({ type: "hold", id: "a", held: false })).toEqual([{ type: "settle", request: 3, error: "busy" }]);
    it.give({ type: "done", request: 2, ok: true });
    expect(it.call("a").held).toBe(true);
    expect(it.act({ type: "hold", id: "a", held: true })).toEqual([{ type: "settle", request: 4, error: undefined }]);
    it.act({ type: "hold", id: "a", held: false });
    it.give({ type: "done", request: 5, ok: false });
    expect(it.call("a").held).toBe(true);
  });

  test("is muted, and gets digits", () => {
    const it = talking();
    const kept = { callId: "c-a", muted: true, held: false };
    expect(it.act({ type: "mute", id: "a", muted: true })).toEqual([{ type: "mute", request: 2, id: "a", muted: true }, { type: "remember", call: kept }]);
    expect(it.call("a").muted).toBe(true);
    expect(it.act({ type: "digits", id: "a", digits: "1,#a" })).toEqual([{ type: "digits", request: 3, id: "a", digits: "1,#A" }]);
    expect(it.act({ type: "digits", id: "a", digits: "1x" })).toEqual([{ type: "settle", request: 4, error: "failed" }]);
  });

  test("goes on without the socket, and is refreshed when it is back", () => {
    const it = talking();
    it.lose();
    expect(it.call("a")).toMatchObject({ state: "active", interrupted: true });
    expect(it.act({ type: "hold", id: "a", held: true })).toEqual([{ type: "settle", request: 2, error: "offline" }]);
    expect(it.act({ type: "mute", id: "a", muted: true })).toContainEqual({ type: "mute", request: 3, id: "a", muted: true });
    expect(it.back()).toContainEqual({ type: "refresh", id: "a", restartIce: false });
    expect(it.call("a").interrupted).toBe(true);
    it.give({ type: "refreshed", id: "a", ok: true });
    expect(it.call("a")).toMatchObject({ interrupted: false, refreshAt: undefined });
  });

  test("is refreshed again when that gets no answer", () => {
    const it = talking();
    it.lose();
    it.back();
    it.give({ type: "refreshed", id: "a", ok: false });
    expect(it.due()).toContainEqual({ type: "refresh", id: "a", restartIce: false });
    expect(it.due()).toContainEqual({ type: "refresh", id: "a", restartIce: false });
  });

  test("hung up without a socket ends as soon as there is one", () => {
    const it = talking();
    it.lose();
    expect(it.act({ type: "hang_up", id: "a" })).toEqual([{ type: "settle", request: 2, error: undefined }, { type: "remember", call: undefined }]);
    expect(it.machine.talking).toBeUndefined();
    expect(it.back()).toContainEqual({ type: "hang_up", request: undefined, id: "a", decline: false });
  });

  test("whose sound has failed gets a new path", () => {
    const it = talking();
    it.give({ type: "media", id: "a", state: "broken" });
    expect(it.call("a").interrupted).toBe(true);
    expect(it.give({ type: "media", id: "a", state: "failed" })).toEqual([{ type: "refresh", id: "a", restartIce: true }]);
    it.give({ type: "refreshed", id: "a", ok: true });
    expect(it.call("a").interrupted).toBe(true);
    it.give({ type: "media", id: "a", state: "ok" });
    expect(it.call("a").interrupted).toBe(false);
  });
});

describe("dialling", () => {
  test("rings back until it is answered, and is remembered for redial", () => {
    const it = bench();
    expect(it.act({ type: "dial", number: "+1 (555) 010-0" })).toEqual([{ type: "dial", request: 1, number: "+15550100" }]);
    it.give({ type: "dialing", request: 1, id: "d" });
    expect(it.machine.sound).toBe("ringback");
    expect(it.machine.lastDialed).toBe("+15550100");
    it.give({ type: "media", id: "d", state: "ok" });
    expect(it.machine.sound).toBe("none");
    it.give({ type: "accepted", id: "d" });
    expect(it.call("d")).toMatchObject({ state: "active", direction: "out", peer: "+15550100" });
  });

  test("is refused beside a call, without a line, and for what is no number", () => {
    const it = talking();
    expect(it.act({ type: "dial", number: "1" })).toEqual([{ type: "settle", request: 2, error: "busy" }]);
    expect(it.act({ type: "dial", number: "ada" })).toEqual([{ type: "settle", request: 3, error: "failed" }]);
    const off = new Bench();
    expect(off.act({ type: "dial", number: "1" })).toEqual([{ type: "settle", request: 1, error: "offline" }]);
  });
});

describe("a call that a page left behind", () => {
  const left = { peer: "+15550001", queue: "Sales", startedAt: 1, answeredAt: 2 };

  function resumed(): Bench {
    const it = new Bench();
    expect(it.give({ type: "resume", callId: "c", muted: false, held: false })).toEqual([{ type: "look_up", callId: "c" }, { type: "remember", call: { callId: "c", muted: false, held: false } }]);
    expect(it.call(resumeId("c"))).toMatchObject({ state: "reattaching", interrupted: true });
    return it;
  }

  test("rings here once this is a phone again, and is answered by itself", () => {
    const it = resumed();
    it.give({ type: "resume_known", callId: "c", left });
    expect(it.up()).toContainEqual({ type: "reattach", callId: "c" });
    // The ring may be quicker than the answer to the request.
    expect(it.give({ type: "incoming", call: invitation("n", { callId: "c", reattach: "c" }) })).toEqual([{ type: "answer", request: undefined, id: "n" }]);
    expect(it.machine.sound).toBe("none");
    it.give({ type: "reattach_asked", callId: "c", answer: "ringing" }, { type: "accepted", id: "n" });
    expect(it.machine.calls).toHaveLength(1);
    expect(it.call("n")).toMatchObject({ state: "active", callId: "c", answeredAt: 2, startedAt: 1, interrupted: false });
    expect(it.machine.dueAt).toBeGreaterThan(HOUR);
  });

  test("is muted and on hold as it was", () => {
    const it = bench();
    it.give({ type: "resume", callId: "c", muted: true, held: true }, { type: "resume_known", callId: "c", left });
    it.give({ type: "incoming", call: invitation("n", { callId: "c", reattach: "c" }) });
    expect(it.give({ type: "accepted", id: "n" })).toEqual([
      { type: "mute", request: undefined, id: "n", muted: true },
      { type: "hold", request: undefined, id: "n", held: true },
    ]);
    expect(it.call("n")).toMatchObject({ state: "active", muted: true, held: true });
  });

  test("that has ended meanwhile is forgotten", () => {
    const it = resumed();
    expect(it.give({ type: "resume_known", callId: "c", left: undefined })).toEqual([{ type: "remember", call: undefined }]);
    expect(it.machine.calls).toEqual([]);
  });

  test("is asked for again when the gateway could not, and given up when it is gone", () => {
    const it = resumed();
    it.up();
    it.give({ type: "resume_known", callId: "c", left }, { type: "reattach_asked", callId: "c", answer: "failed" });
    expect(it.due()).toContainEqual({ type: "reattach", callId: "c" });
    it.give({ type: "reattach_asked", callId: "c", answer: "ringing" });
    expect(it.due()).toContainEqual({ type: "reattach", callId: "c" });
    it.give({ type: "reattach_asked", callId: "c", answer: "gone" });
    expect(it.machine.calls).toEqual([]);
  });

  test("whose ring is taken back is asked for again", () => {
    const it = resumed();
    it.up();
    it.give({ type: "resume_known", callId: "c", left }, { type: "incoming", call: invitation("n", { reattach: "c" }) }, { type: "reattach_asked", callId: "c", answer: "ringing" });
    it.give({ type: "ended", id: "n", by: "them", answeredElsewhere: false });
    expect(it.call(resumeId("c")).state).toBe("reattaching");
    expect(it.machine.missed).toEqual([]);
    expect(it.due()).toContainEqual({ type: "reattach", callId: "c" });
  });

  test("is given up in the end", () => {
    const it = resumed();
    it.now += 60_000;
    it.give({ type: "line", input: { type: "tick" } });
    expect(it.machine.calls).toEqual([]);
  });

  test("can be hung up before it is back", () => {
    const it = resumed();
    expect(it.act({ type: "hang_up", id: resumeId("c") })).toContainEqual({ type: "end_call", request: 1, callId: "c" });
    expect(it.machine.calls).toEqual([]);
  });

  test("a ring that this page did not ask for is not answered", () => {
    const it = bench();
    expect(it.give({ type: "incoming", call: invitation("n", { reattach: "other" }) })).toEqual([{ type: "hang_up", request: undefined, id: "n", decline: true }]);
    expect(it.machine.calls).toEqual([]);
  });
});

const id = fc.constantFrom("a", "b", "c");
const line = (input: Extract<Input, { type: "line" }>["input"]): Input => ({ type: "line", input });
const step: fc.Arbitrary<Input | { action: Action }> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(line({ type: "closed" }), line({ type: "woke" }), line({ type: "opened" }), line({ type: "registered" }), line({ type: "tick" })) },
  { weight: 1, arbitrary: fc.constantFrom(line({ type: "stop" }), line({ type: "start" }), line({ type: "microphone", problem: undefined }), line({ type: "credentials", expiresAt: 100 * HOUR })) },
  { weight: 3, arbitrary: id.map((one): Input => ({ type: "incoming", call: invitation(one) })) },
  { weight: 3, arbitrary: id.map((one): Input => ({ type: "accepted", id: one })) },
  { weight: 2, arbitrary: fc.tuple(id, fc.boolean()).map(([one, them]): Input => ({ type: "ended", id: one, by: them ? "them" : "us", answeredElsewhere: false })) },
  { weight: 2, arbitrary: fc.tuple(id, fc.constantFrom("ok" as const, "broken" as const, "failed" as const)).map(([one, state]): Input => ({ type: "media", id: one, state })) },
  { weight: 2, arbitrary: fc.tuple(id, fc.boolean()).map(([one, ok]): Input => ({ type: "refreshed", id: one, ok })) },
  { weight: 1, arbitrary: fc.constant<Input>({ type: "resume", callId: "left", muted: false, held: false }) },
  { weight: 1, arbitrary: fc.constant<Input>({ type: "resume_known", callId: "left", left: { peer: "1", queue: undefined, startedAt: 0, answeredAt: 0 } }) },
  { weight: 1, arbitrary: fc.constantFrom("ringing" as const, "gone" as const, "failed" as const).map((answer): Input => ({ type: "reattach_asked", callId: "left", answer })) },
  { weight: 1, arbitrary: id.map((one): Input => ({ type: "incoming", call: invitation(one, { callId: "left", reattach: "left" }) })) },
  { weight: 2, arbitrary: fc.tuple(fc.nat(30), fc.boolean()).map(([request, ok]): Input => ({ type: "done", request, ok })) },
  {
    weight: 6,
    arbitrary: fc.oneof(
      fc.tuple(id, fc.constantFrom("answer" as const, "hang_up" as const)).map(([one, type]): { action: Action } => ({ action: { type, id: one } })),
      fc.tuple(id, fc.boolean()).map(([one, held]): { action: Action } => ({ action: { type: "hold", id: one, held } })),
      fc.tuple(id, fc.boolean()).map(([one, muted]): { action: Action } => ({ action: { type: "mute", id: one, muted } })),
      fc.constant<{ action: Action }>({ action: { type: "dial", number: "1" } }),
    ),
  },
);

test("over any history", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(step, fc.nat(4_000)), { maxLength: 80 }), (history) => {
      const it = bench();
      let remembered: string | undefined;
      const seen = new Set<string>();
      for (const [one, later] of history) {
        it.now += later;
        const before = it.machine.calls;
        // A dialog has one name for ever.
        if (!("action" in one) && one.type === "incoming") {
          if (seen.has(one.call.id)) continue;
          seen.add(one.call.id);
        }
        const effects = "action" in one ? it.act(one.action) : it.give(one);
        const { calls } = it.machine;

        expect(calls.filter((call) => call.state === "active" && !call.held && !call.ending).length).toBeLessThanOrEqual(1);
        expect(new Set(calls.map((call) => call.id)).size).toBe(calls.length);
        const rings = calls.some((call) => call.state === "incoming" && !call.answering);
        expect(it.machine.sound === "bell" || it.machine.sound === "knock").toBe(rings);
        // What was talked in ends by a word of either side, or with the phone; never because the line is away.
        const over = !("action" in one) && (one.type === "ended" || (one.type === "line" && one.input.type === "stop"));
        if (!over) for (const call of before) if (call.state === "active") expect(calls.map((other) => other.id)).toContain(call.id);
        // Whoever asked is answered: now, or by whoever does it.
        if ("action" in one) expect(effects.filter((effect) => "request" in effect && effect.request === it.request)).toHaveLength(1);
        if (!it.machine.line.ready) for (const call of calls) if (call.state === "active") expect(call.interrupted).toBe(true);
        // Headway: what is due now is done once.
        if (it.machine.dueAt <= it.now) {
          it.give(line({ type: "tick" }));
          expect(it.give(line({ type: "tick" })).filter((effect) => effect.type !== "open" && effect.type !== "ask_credentials")).toEqual([]);
        }
        for (const effect of effects) if (effect.type === "remember") remembered = effect.call?.callId;
        if (it.machine.line.registration.state !== "off") {
          const running = it.machine.calls.find((call) => (call.state === "active" || call.state === "reattaching") && !call.ending && call.callId !== undefined);
          if (it.machine.calls === calls) expect(remembered).toBe(running?.callId);
          else remembered = running?.callId;
        } else remembered = undefined;
      }
    }),
    { numRuns: 500 },
  );
});
