import fc from "fast-check";
import { expect, test } from "vitest";
import { addDays, dayOf, isDay, startOfDay } from "./days";

const iso = (at: number) => new Date(at).toISOString();

test("a day begins at the zone's midnight, in summer and in winter", () => {
  expect(iso(startOfDay("2026-11-20", "Europe/Zurich"))).toBe("2026-11-19T23:00:00.000Z");
  expect(iso(startOfDay("2026-07-01", "Europe/Zurich"))).toBe("2026-06-30T22:00:00.000Z");
  expect(iso(startOfDay("2026-11-20", "Asia/Kathmandu"))).toBe("2026-11-19T18:15:00.000Z");
  expect(iso(startOfDay("2026-11-20", "America/New_York"))).toBe("2026-11-20T05:00:00.000Z");
});

test("the days on which clocks change begin at midnight, too", () => {
  expect(iso(startOfDay("2026-03-29", "Europe/Zurich"))).toBe("2026-03-28T23:00:00.000Z");
  expect(iso(startOfDay("2026-03-30", "Europe/Zurich"))).toBe("2026-03-29T22:00:00.000Z");
  expect(iso(startOfDay("2026-10-26", "Europe/Zurich"))).toBe("2026-10-25T23:00:00.000Z");
});

test("where clocks skip midnight, a day begins an hour later", () => {
  expect(iso(startOfDay("2018-11-04", "America/Sao_Paulo"))).toBe("2018-11-04T03:00:00.000Z");
});

test("days are counted by the calendar", () => {
  expect(addDays("2026-03-01", -1)).toBe("2026-02-28");
  expect(addDays("2024-02-28", 1)).toBe("2024-02-29");
  expect([isDay("2026-02-29"), isDay("2024-02-29"), isDay("2026-1-1"), isDay("today")]).toEqual([false, true, false, false]);
});

test("the first moment of a day is on that day, and the one before it is not", () => {
  const zones = ["UTC", "Europe/Zurich", "Asia/Kathmandu", "America/St_Johns", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Australia/Lord_Howe"];
  fc.assert(
    fc.property(fc.constantFrom(...zones), fc.integer({ min: Date.UTC(2015, 0, 1), max: Date.UTC(2035, 0, 1) }), (zone, at) => {
      const day = dayOf(at, zone);
      const start = startOfDay(day, zone);
      expect(dayOf(start, zone)).toBe(day);
      expect(dayOf(start - 1, zone)).toBe(addDays(day, -1));
    }),
    { numRuns: 200 },
  );
});
