import fc from "fast-check";
import { expect, test } from "vitest";
import { limitsOf, textsOf } from "./tenant";

const none = { agents: "", messages: "", minutes: "", storage_bytes: "" };

test("nothing written is no limit, and storage is written in gigabytes", () => {
  expect(limitsOf(none)).toEqual({ agents: null, messages: null, minutes: null, storage_bytes: null });
  expect(limitsOf({ ...none, agents: " 0 ", storage_bytes: "1,5" })).toMatchObject({ agents: 0, storage_bytes: 1_500_000_000 });
  for (const wrong of ["-1", "1.5", "many", "1e99"]) expect(limitsOf({ ...none, agents: wrong }), wrong).toBeUndefined();
});

test("limits survive the form", () => {
  const limit = fc.option(fc.integer({ min: 0, max: 2_000_000_000 }));
  fc.assert(
    fc.property(fc.record({ agents: limit, messages: limit, minutes: limit, storage_bytes: limit }), (limits) => {
      expect(limitsOf(textsOf(limits))).toEqual(limits);
    }),
  );
});
