import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EMPTY, HANG_UP, NONE, bodyOf, changesOf, choiceOf, draftOf, faultsOf, matches, targetOf } from "./draft";
import type { InboundNumber, Target } from "./model";

const number: InboundNumber = { number: "+390612345678", label: "Main", site_id: null, target: { type: "queue", queue_id: "q" }, schedule_id: "s", closed_target: { type: "flow", flow_id: "f" }, recording: "never" };

describe("a number's form", () => {
  it("comes back as it was, and changes nothing when nothing was changed", () => {
    expect(bodyOf(draftOf(number))).toEqual(number);
    expect(changesOf(draftOf(number), draftOf(number))).toEqual({});
  });

  it("sends what is another, and null for none", () => {
    const before = draftOf(number);
    expect(changesOf(before, { ...before, label: "  ", schedule: NONE, closed: HANG_UP, target: "agent:a" })).toEqual({ label: "", schedule_id: null, closed_target: { type: "hang_up" }, target: { type: "agent", agent_id: "a" } });
    // It is what the others know it by.
    expect(changesOf(before, { ...before, number: "+390699999999" })).toEqual({});
  });

  it("says what is wrong in time", () => {
    expect(faultsOf(EMPTY, [])).toEqual({ number: "number", target: "target" });
    const good = { ...EMPTY, number: "00 39 (06) 1234-5678", target: "queue:q" };
    expect(faultsOf(good, [])).toEqual({});
    expect(bodyOf(good).number).toBe("+390612345678");
    expect(faultsOf(good, ["+390612345678"])).toEqual({ number: "twice" });
    expect(faultsOf({ ...good, number: "06 1234 5678" }, [])).toEqual({ number: "country" });
    expect(faultsOf({ ...good, number: "+39 06 CALL" }, [])).toEqual({ number: "number" });
  });

  it("leads where it was said to lead", () => {
    const target: fc.Arbitrary<Target> = fc.oneof(
      fc.string({ minLength: 1 }).map((queue_id) => ({ type: "queue" as const, queue_id })),
      fc.string({ minLength: 1 }).map((flow_id) => ({ type: "flow" as const, flow_id })),
      fc.string({ minLength: 1 }).map((agent_id) => ({ type: "agent" as const, agent_id })),
      fc.constant({ type: "hang_up" as const }),
    );
    fc.assert(fc.property(target, (one) => void expect(targetOf(choiceOf(one))).toEqual(one)));
  });
});

it("is found by its digits however they are grouped, and by words", () => {
  const words = ["+390612345678", "Main line", "Sales"];
  expect(["06 1234", "1234-5678", "main", "line sales", ""].every((typed) => matches(words, typed))).toBe(true);
  expect(["07", "support", "main support"].some((typed) => matches(words, typed))).toBe(false);
});
