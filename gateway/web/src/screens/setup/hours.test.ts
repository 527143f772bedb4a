import { expect, it } from "vitest";
import { faultsOf, firstDraft } from "./draft";
import { PRESETS, presetOf, presetWeek, toWeekdays } from "./hours";

it("has weeks to begin with, none of which has a fault", () => {
  for (const preset of PRESETS) {
    const week = presetWeek(preset);
    expect(week.map((one) => one.day)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(faultsOf("hours", { ...firstDraft("en", "UTC", "Reception"), week }, "")).toEqual({});
    expect(presetOf(week)).toBe(preset);
  }
});

it("knows a week that is none of them", () => {
  expect(presetOf(presetWeek("office").map((one) => (one.day === 3 ? { day: 3, spans: [] } : one)))).toBeUndefined();
});

it("copies a day from Monday to Friday, and leaves the weekend", () => {
  const sunday = { day: 7, spans: [{ open: "10:00", close: "12:00" }] };
  const week = toWeekdays(presetWeek("shop"), sunday);
  expect(week.slice(0, 5).every((one) => one.spans === sunday.spans)).toBe(true);
  expect(week.slice(5)).toEqual(presetWeek("shop").slice(5));
});
