import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import type { Setting } from "@/api/settings";
import { loadArea, setLanguage } from "@/i18n";
import { LEVELS, matches, titleOf, valueAt, valueText } from "./words";

beforeAll(async () => {
  await setLanguage("en");
  await loadArea("company");
});

const theme: Setting = {
  key: "looks.theme",
  group: "looks",
  description: "Light or dark.",
  kind: { type: "choice", words: ["system", "light", "dark"] },
  default: "system",
  value: "system",
  source: "default",
  lock: "none",
  levels: [...LEVELS],
  open_levels: [...LEVELS],
  said: [],
};

test("a setting is found by any of its words, in any order", () => {
  expect(matches(theme, "")).toBe(true);
  expect(matches(theme, `${titleOf(theme).toLowerCase()} LOOKS.theme`)).toBe(true);
  expect(matches(theme, "recording")).toBe(false);
});

test("values are said in words, and one of a newer server as it is", () => {
  expect(valueText(theme, "dark")).toBe("Dark");
  expect(valueText(theme, "sepia")).toBe("sepia");
  const keep: Setting = { ...theme, key: "recordings.keep_days", kind: { type: "number", min: 0, max: 3650, unit: "days" } };
  expect(valueText(keep, 1)).toBe("1 day");
});

test("a level comes to what the lowest at or above it says, down to a hard lock", () => {
  const lock = fc.constantFrom("none" as const, "soft" as const, "hard" as const);
  const one = fc.option(fc.record({ value: fc.string(), lock }));
  fc.assert(
    fc.property(fc.tuple(one, one, one, one), fc.integer({ min: 0, max: 3 }), (levels, at) => {
      const said = LEVELS.flatMap((level, index) => {
        const what = levels[index];
        return what ? [{ level, ...what }] : [];
      });
      const level = LEVELS[at] ?? "session";
      const counts = said.filter((what) => LEVELS.indexOf(what.level) <= at);
      const hard = counts.findIndex((what) => what.lock === "hard");
      const last = hard >= 0 ? counts[hard] : counts.at(-1);
      expect(valueAt({ ...theme, said }, level)).toBe(last?.value ?? "system");
    }),
  );
});
