import { expect, test } from "vitest";
import { choiceOf } from "../shared/disposition";
import { waitOf } from "./wait";

const since = "2026-11-20T10:00:00Z";
const at = (second: number) => Date.parse(since) + second * 1000;
const wrapUp = (until: string | null) => ({ activity_since: since, wrap_up: { call_id: "c", queue_id: "q", until } });

test("what is left of wrap-up goes by the server's time, else by the queue's rule", () => {
  expect(waitOf(wrapUp("2026-11-20T10:00:30Z"), 90, at(10))).toEqual({ ms: 20_000, over: false });
  expect(waitOf(wrapUp(null), 90, at(10))).toEqual({ ms: 80_000, over: false });
  expect(waitOf(wrapUp(null), 90, at(97))).toEqual({ ms: 7_000, over: true });
  expect(waitOf(wrapUp(null), undefined, at(97))).toBeUndefined();
  // A disposition may be required with no time at all.
  expect(waitOf(wrapUp(null), 0, at(3))).toEqual({ ms: 3_000, over: true });
});

test("what was said stands in the form until something else is chosen", () => {
  const said = { agent_id: "a", code: "sold", label: "Sold", note: "two", at: since };
  expect(choiceOf(undefined, {})).toEqual({ code: undefined, note: "", changed: false });
  expect(choiceOf(undefined, { note: "only a note" }).changed).toBe(false);
  expect(choiceOf(undefined, { code: "sold" })).toEqual({ code: "sold", note: "", changed: true });
  expect(choiceOf(said, {})).toEqual({ code: "sold", note: "two", changed: false });
  expect(choiceOf(said, { code: "sold", note: " two " }).changed).toBe(false);
  expect(choiceOf(said, { note: "" })).toEqual({ code: "sold", note: "", changed: true });
  expect(choiceOf(said, { code: "lost" })).toEqual({ code: "lost", note: "two", changed: true });
});
