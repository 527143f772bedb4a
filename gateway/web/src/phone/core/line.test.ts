import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LineCore, type LineEffect, type LineInput } from "./line";

const HOUR = 3_600_000;

function line(random = 0.5) {
  const core = new LineCore(() => random);
  let now = 1_000;
  return {
    core,
    at: (ms: number) => (now = ms),
    give: (...inputs: LineInput[]): LineEffect["type"][] => {
      for (const input of inputs) core.handle(now, input);
      return core.drain().map((one) => one.type);
    },
    /** To the moment that something is due, and then a tick. */
    due: (): LineEffect["type"][] => {
      now = core.dueAt;
      core.handle(now, { type: "tick" });
      return core.drain().map((one) => one.type);
    },
    now: () => now,
  };
}

const granted = (now: number): LineInput => ({ type: "credentials", expiresAt: now + HOUR });

function ready(random?: number) {
  const it = line(random);
  it.give({ type: "start" }, { type: "microphone", problem: undefined }, granted(it.now()), { type: "opened" }, { type: "registered" });
  expect(it.core.ready).toBe(true);
  return it;
}

describe("on the way up", () => {
  test("microphone, credentials, socket, registration", () => {
    const it = line();
    expect(it.give({ type: "start" })).toEqual(["check_microphone"]);
    expect(it.core.registration).toEqual({ state: "connecting" });
    expect(it.give({ type: "microphone", problem: undefined })).toEqual(["ask_credentials"]);
    expect(it.give(granted(it.now()))).toEqual(["open"]);
    expect(it.give({ type: "opened" })).toEqual([]);
    expect(it.give({ type: "registered" })).toEqual([]);
    expect(it.core.registration).toEqual({ state: "ready" });
  });

  test("without a microphone there is no phone, until there is one", () => {
    const it = line();
    expect(it.give({ type: "start" }, { type: "microphone", problem: "microphone-missing" })).toEqual(["check_microphone"]);
    expect(it.core.registration).toEqual({ state: "blocked", reason: "microphone-missing" });
    expect(it.core.dueAt).toBe(Infinity);
    expect(it.give({ type: "woke" })).toEqual(["check_microphone"]);
    expect(it.give({ type: "microphone", problem: undefined })).toEqual(["ask_credentials"]);
  });

  test("a page that is not secure is not asked again", () => {
    const it = line();
    it.give({ type: "start" }, { type: "microphone", problem: "insecure" });
    expect(it.give({ type: "woke" })).toEqual([]);
  });

  test.each([403, 404])("a user who is no agent is told so (%i)", (status) => {
    const it = line();
    it.give({ type: "start" }, { type: "microphone", problem: undefined });
    expect(it.give({ type: "credentials_failed", status, retryAfterMs: undefined })).toEqual(["sign_off"]);
    expect(it.core.registration).toEqual({ state: "blocked", reason: "no-agent" });
  });

  test("the server says how long to wait", () => {
    const it = line();
    it.give({ type: "start" }, { type: "microphone", problem: undefined }, { type: "credentials_failed", status: 429, retryAfterMs: 7_000 });
    expect(it.core.registration).toEqual({ state: "lost", retryAt: 8_000, reason: "server" });
  });
});

describe("when it is lost", () => {
  test("it comes back with the same credentials", () => {
    const it = ready();
    it.give({ type: "closed" });
    expect(it.core.registration).toEqual({ state: "lost", retryAt: it.now() + 250, reason: "network" });
    expect(it.due()).toEqual(["open"]);
    it.give({ type: "opened" }, { type: "registered" });
    expect(it.core.ready).toBe(true);
  });

  test("the span doubles up to its cap, and the time in it is by chance", () => {
    const it = ready(1);
    const spans = [];
    for (let n = 0; n < 8; n += 1) {
      it.give({ type: "closed" }, { type: "credentials_failed", status: 0, retryAfterMs: undefined });
      const { registration } = it.core;
      if (registration.state !== "lost") throw new Error(registration.state);
      spans.push(registration.retryAt - it.now());
      it.due();
    }
    expect(spans).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
  });

  test("a socket that did not open gets a new key", () => {
    const it = ready();
    it.give({ type: "closed" });
    expect(it.due()).toEqual(["open"]);
    it.give({ type: "closed" });
    expect(it.due()).toEqual(["ask_credentials"]);
  });

  test("credentials that have run out are not tried", () => {
    const it = ready();
    it.give({ type: "closed" });
    it.at(it.now() + HOUR);
    expect(it.give({ type: "tick" })).toEqual(["ask_credentials"]);
  });

  test("a sign of life ends the wait", () => {
    const it = ready();
    it.give({ type: "closed" });
    expect(it.give({ type: "woke" })).toEqual(["open"]);
  });

  test("a socket that opens never, or says nothing, is given up", () => {
    const it = ready();
    it.give({ type: "closed" });
    it.due();
    expect(it.due()).toEqual(["drop"]);
    expect(it.due()).toEqual(["ask_credentials"]);
    it.give(granted(it.now()), { type: "opened" });
    expect(it.due()).toEqual(["drop"]);
  });

  test("waking asks whether the line lives; silence is a no", () => {
    const it = ready();
    // It has answered just now.
    expect(it.give({ type: "woke" })).toEqual([]);
    it.at(60_000);
    expect(it.give({ type: "woke" })).toEqual(["register"]);
    expect(it.give({ type: "woke" })).toEqual([]);
    it.give({ type: "registered" });
    expect(it.core.ready).toBe(true);
    it.at(120_000);
    it.give({ type: "woke" });
    expect(it.due()).toEqual(["drop"]);
    expect(it.core.registration.state).toBe("lost");
  });

  test("a refused registration gets other credentials", () => {
    const it = ready();
    expect(it.give({ type: "register_failed", status: 403 })).toEqual(["drop"]);
    expect(it.due()).toEqual(["ask_credentials"]);
  });
});

describe("renewal", () => {
  test("at half life, on the socket that is open", () => {
    const it = ready();
    expect(it.core.dueAt).toBe(1_000 + HOUR / 2);
    expect(it.due()).toEqual(["ask_credentials"]);
    expect(it.core.ready).toBe(true);
    expect(it.give(granted(it.now()))).toEqual(["register"]);
    expect(it.core.ready).toBe(true);
    it.give({ type: "registered" });
    expect(it.core.dueAt).toBe(it.now() + HOUR / 2);
  });

  test("one that fails is tried again, while the line stays", () => {
    const it = ready();
    it.due();
    expect(it.give({ type: "credentials_failed", status: 503, retryAfterMs: undefined })).toEqual([]);
    expect(it.core.ready).toBe(true);
    const again = it.core.dueAt - it.now();
    expect(again).toBeGreaterThan(0);
    expect(again).toBeLessThanOrEqual(5_000);
    expect(it.due()).toEqual(["ask_credentials"]);
  });
});

test("signing out says goodbye, and nothing is due any more", () => {
  const it = ready();
  expect(it.give({ type: "stop" })).toEqual(["sign_off"]);
  expect(it.core.registration).toEqual({ state: "off" });
  expect(it.core.dueAt).toBe(Infinity);
  expect(it.give(granted(it.now()), { type: "opened" }, { type: "registered" }, { type: "woke" })).toEqual([]);
});

const input: fc.Arbitrary<LineInput> = fc.oneof(
  fc.constantFrom<LineInput>(
    { type: "start" },
    { type: "stop" },
    { type: "opened" },
    { type: "closed" },
    { type: "registered" },
    { type: "woke" },
    { type: "tick" },
    { type: "microphone", problem: undefined },
    { type: "microphone", problem: "microphone-busy" },
  ),
  fc.record({ type: fc.constant("credentials" as const), expiresAt: fc.integer({ min: 0, max: 2 * HOUR }) }),
  fc.record({ type: fc.constant("credentials_failed" as const), status: fc.constantFrom(0, 403, 429, 503), retryAfterMs: fc.constant(undefined) }),
  fc.record({ type: fc.constant("register_failed" as const), status: fc.constantFrom(401, 403, 503) }),
);

test("over any history: it never waits for nothing, and never has two things under way", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(input, fc.nat(20_000)), { maxLength: 60 }), fc.double({ min: 0.01, max: 1, noNaN: true }), (history, random) => {
      const core = new LineCore(() => random);
      let now = 0;
      for (const [one, later] of history) {
        now += later;
        core.handle(now, one);
        const effects = core.drain().map((effect) => effect.type);
        // Whoever opens has let go of the socket before, or it was closed.
        expect(effects.filter((type) => type === "open" || type === "ask_credentials" || type === "register").length).toBeLessThanOrEqual(1);
        const { state } = core.registration;
        // What waits for nobody has a time at which it goes on.
        if (state === "lost") expect(core.dueAt).toBeLessThan(Infinity);
        if (state === "off" || state === "blocked") expect(core.dueAt).toBe(Infinity);
        // A tick at the time that it is due makes headway: no busy loop.
        if (core.dueAt <= now) {
          core.handle(now, { type: "tick" });
          core.drain();
          expect(core.dueAt).toBeGreaterThan(now - 1);
          core.handle(now, { type: "tick" });
          expect(core.drain()).toEqual([]);
        }
      }
    }),
  );
});
