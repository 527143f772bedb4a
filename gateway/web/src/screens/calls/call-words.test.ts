import { describe, expect, test } from "vitest";
import type { LiveCall } from "@/live";
import { canDial, otherSide, standing, talked, waited } from "./call-words";

const call = (change: Partial<LiveCall>): LiveCall => ({
  id: "a",
  direction: "inbound",
  from: "+15551234567",
  to: "+15550100",
  state: "new",
  queue_id: null,
  agent_id: null,
  ringing_agent_ids: [],
  talker_ids: [],
  started_at: "2026-11-20T10:00:00Z",
  queued_at: null,
  answered_at: null,
  held_since: null,
  ended_at: null,
  end_reason: null,
  recording_id: null,
  ...change,
});
const answered = { answered_at: "2026-11-20T10:00:18Z", queued_at: "2026-11-20T10:00:01Z" } as const;
const ended = { state: "ended", ended_at: "2026-11-20T10:04:25Z" } as const;

describe("how a call stands", () => {
  test.each([
    [{ state: "queued" }, "wait", "calls.state.queued"],
    [{ state: "queued", direction: "outbound" }, "wait", "calls.state.call-back"],
    // Somebody talked with them and put them into a queue: they are on the line.
    [{ state: "queued", direction: "outbound", ...answered }, "wait", "calls.state.queued"],
    [{ state: "ringing", direction: "outbound" }, "ring", "calls.state.ringing"],
    [{ ...ended, direction: "outbound", end_reason: "withdrawn" }, "neutral", "calls.reason.withdrawn"],
    [{ state: "ringing" }, "ring", "calls.state.ringing"],
    [{ state: "active", ...answered }, "live", "calls.state.active"],
    [{ state: "active", ...answered, held_since: "2026-11-20T10:01:00Z" }, "hold", "calls.state.held"],
    [{ ...ended, ...answered, end_reason: "completed_customer" }, "neutral", "calls.state.answered"],
    [{ ...ended, end_reason: "abandoned_queue" }, "bad", "calls.state.missed"],
    [{ ...ended, direction: "outbound", end_reason: "busy" }, "neutral", "calls.reason.busy"],
    [{ ...ended, ...answered, end_reason: "lost" }, "bad", "calls.reason.lost"],
  ] as [Partial<LiveCall>, string, string][])("%j is %s, %s", (change, tone, text) => {
    expect(standing(call(change))).toMatchObject({ tone, text });
  });
});

test("waiting is counted to the answer, to the end, or goes on", () => {
  expect(waited(call({ ...answered }))).toEqual({ ms: 17_000 });
  expect(waited(call({ ...ended }))).toEqual({ ms: 265_000 });
  expect(waited(call({ queued_at: "2026-11-20T10:00:01Z" }))).toEqual({ since: "2026-11-20T10:00:01Z" });
});

test("talking begins with the answer", () => {
  expect(talked(call({ ...ended }))).toBeUndefined();
  expect(talked(call({ ...answered, ...ended }))).toEqual({ ms: 247_000 });
  expect(talked(call({ ...answered, state: "active" }))).toEqual({ since: answered.answered_at });
});

test("the other side of a call is not ours, and can be dialled if it is a number", () => {
  expect(otherSide(call({}))).toBe("+15551234567");
  expect(otherSide(call({ direction: "outbound" }))).toBe("+15550100");
  expect([canDial("+15551234567"), canDial("101"), canDial("anonymous"), canDial("")]).toEqual([true, true, false, false]);
});
