import { expect, test } from "vitest";
import { office, withOffice } from "./office-hours";

const italy = { countries: ["IT"], windows: [{ day: "monday" as const, from: 0, until: 60 }] };

test("what was written is shown, and rules for single countries stay", () => {
  const hours = { days: ["monday" as const, "friday" as const], from: "09:00", until: "20:30" };
  const rules = withOffice([italy], hours);
  expect(rules[0]).toEqual(italy);
  expect(rules[1]).toEqual({ countries: [], windows: [{ day: "monday", from: 540, until: 1230 }, { day: "friday", from: 540, until: 1230 }] });
  expect(office(rules)).toEqual(hours);
  expect(withOffice(rules, undefined)).toEqual([italy]);
  expect(office([italy])).toBeUndefined();
});

test("midnight is the end of the day", () => {
  const [rule] = withOffice([], { days: ["sunday"], from: "00:00", until: "00:00" });
  expect(rule?.windows).toEqual([{ day: "sunday", from: 0, until: 1440 }]);
  expect(office(rule ? [rule] : [])).toEqual({ days: ["sunday"], from: "00:00", until: "00:00" });
});
