import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addDays, dateOf, daysBetween, endOf, instantOf, isDate, localOf, turnsBetween, weekdayOf } from "./dates";
import { type Rules, conflict, hoursOn, nextChange, stateAt, turnNotes } from "./rules";
import { CLOSED_WEEK, DAY_END, merged } from "./week";

const ZONES = ["UTC", "Europe/Rome", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Santiago", "Pacific/Apia", "Africa/Cairo"];
const at = (text: string) => Date.parse(text);
const office = CLOSED_WEEK.map((_, day) => (day < 5 ? [{ from: 540, to: 1080 }] : []));

describe("dates", () => {
  it("are those of the calendar", () => {
    expect(["2026-02-28", "2028-02-29"].every(isDate)).toBe(true);
    expect(["2026-02-29", "2026-13-01", "2026-1-1", "", "20260101"].some(isDate)).toBe(false);
    expect([addDays("2026-12-31", 1), addDays("2024-03-01", -1), daysBetween("2026-01-01", "2027-01-01"), weekdayOf("2026-11-30"), dateOf(2026, 2, 28)]).toEqual(["2027-01-01", "2024-02-29", 365, 0, "2026-02-28"]);
  });

  it("and clocks of a zone come back, where the clock shows it at all", () => {
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), fc.integer({ min: at("2024-01-01T00:00:00Z") / 60_000, max: at("2029-01-01T00:00:00Z") / 60_000 }), (zone, minutes) => {
        const instant = minutes * 60_000;
        const local = localOf(instant, zone);
        const back = instantOf(local.date, local.minute, zone);
        expect(localOf(back, zone)).toEqual(local);
        // The same moment, or the first of two that the clock shows alike.
        expect(back <= instant && instant - back <= 2 * 3_600_000).toBe(true);
      }),
    );
  });

  it("where clocks turn: what is never shown is the change, what is shown twice is the first", () => {
    // 29 March 2026: 02:00 becomes 03:00. 25 October: 03:00 becomes 02:00.
    expect(new Date(instantOf("2026-03-29", 150, "Europe/Rome")).toISOString()).toBe("2026-03-29T01:00:00.000Z");
    expect(new Date(instantOf("2026-10-25", 150, "Europe/Rome")).toISOString()).toBe("2026-10-25T00:30:00.000Z");
    expect(new Date(endOf("2026-10-25", "Europe/Rome")).toISOString()).toBe("2026-10-25T23:00:00.000Z");
    expect(turnsBetween(at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"), "Europe/Rome").map((one) => new Date(one).toISOString())).toEqual(["2026-03-29T01:00:00.000Z", "2026-10-25T01:00:00.000Z"]);
    expect(turnsBetween(at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"), "Asia/Kolkata")).toEqual([]);
  });
});

describe("whether it is open", () => {
  const rules: Rules = { zone: "Europe/Rome", week: office, special: [{ name: "Christmas", from: "2026-12-24", to: "2026-12-26", stretches: [] }, { name: "Stocktaking", from: "2026-12-30", to: "2026-12-30", stretches: [{ from: 600, to: 720 }] }] };

  it("goes by the clock of its zone, to the minute", () => {
    expect(["2026-11-30T07:59:59Z", "2026-11-30T08:00:00Z", "2026-11-30T16:59:59Z", "2026-11-30T17:00:00Z", "2026-11-29T10:00:00Z"].map((one) => stateAt(rules, at(one)))).toEqual(["closed", "open", "open", "closed", "closed"]);
    // In summer the same clock is an hour earlier.
    expect(stateAt(rules, at("2026-07-01T07:00:00Z"))).toBe("open");
  });

  it("goes by a special day before the week, and by what somebody said before both", () => {
    expect(stateAt(rules, at("2026-12-25T10:00:00Z"))).toBe("closed");
    expect(stateAt(rules, at("2026-12-30T10:30:00Z"))).toBe("open");
    expect(stateAt(rules, at("2026-12-30T13:00:00Z"))).toBe("closed");
    expect(hoursOn(rules, "2026-12-24").special?.name).toBe("Christmas");
    const said = { state: "open" as const, until: "2026-12-25T12:00:00Z", note: null, since: "2026-12-24T12:00:00Z" };
    expect(stateAt({ ...rules, override: said }, at("2026-12-25T11:59:00Z"))).toBe("open");
    expect(stateAt({ ...rules, override: said }, at("2026-12-25T12:00:00Z"))).toBe("closed");
    expect(stateAt({ ...rules, override: { ...said, until: null } }, at("2027-06-06T12:00:00Z"))).toBe("open");
  });

  it("changes when it says", () => {
    const next = (from: string, changed: Partial<Rules> = {}) => {
      const found = nextChange({ ...rules, ...changed }, at(from));
      return found === undefined ? undefined : new Date(found).toISOString();
    };
    expect(next("2026-11-30T12:00:00Z")).toBe("2026-11-30T17:00:00.000Z");
    // Over the weekend, and over Christmas.
    expect(next("2026-12-04T17:30:00Z")).toBe("2026-12-07T08:00:00.000Z");
    expect(next("2026-12-23T18:00:00Z")).toBe("2026-12-28T08:00:00.000Z");
    // Day and night without an end, over midnight as one.
    expect(next("2026-11-30T12:00:00Z", { week: CLOSED_WEEK.map(() => [{ from: 0, to: DAY_END }]), special: [] })).toBeUndefined();
    const night = CLOSED_WEEK.map((_, day) => (day === 0 ? [{ from: 1320, to: DAY_END }] : day === 1 ? [{ from: 0, to: 120 }] : []));
    expect(next("2026-11-30T22:00:00Z", { week: night, special: [] })).toBe("2026-12-01T01:00:00.000Z");
    expect(next("2026-11-30T12:00:00Z", { override: { state: "closed", until: "2026-11-30T15:00:00Z", note: null, since: "" } })).toBe("2026-11-30T15:00:00.000Z");
    // What opens while the clock is put forward opens when it has been.
    const small = CLOSED_WEEK.map((_, day) => (day === 6 ? [{ from: 150, to: 240 }] : []));
    expect(next("2026-03-28T12:00:00Z", { week: small, special: [] })).toBe("2026-03-29T01:00:00.000Z");
  });

  it("is what a walk through the minutes finds, where clocks turn too", () => {
    const edge = fc.integer({ min: 0, max: 48 }).map((half) => half * 30);
    const day = fc.array(fc.tuple(edge, edge), { maxLength: 3 }).map((pairs) => merged(pairs.map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }))));
    const begin = fc.constantFrom("2026-03-28T20:00:00Z", "2026-10-24T20:00:00Z", "2026-04-04T10:00:00Z", "2026-10-03T10:00:00Z", "2026-11-01T00:00:00Z", "2026-03-08T00:00:00Z").map(at);
    fc.assert(
      fc.property(fc.constantFrom("Europe/Rome", "Australia/Lord_Howe", "America/New_York", "UTC"), fc.array(day, { minLength: 7, maxLength: 7 }), begin, fc.nat(600), (zone, week, from, minutes) => {
        const rules: Rules = { zone, week, special: [] };
        const instant = from + minutes * 60_000;
        const found = nextChange(rules, instant, 3);
        const now = stateAt(rules, instant);
        let walked: number | undefined;
        for (let step = 1; step <= 36 * 60 && walked === undefined; step += 1) if (stateAt(rules, instant + step * 60_000) !== now) walked = instant + step * 60_000;
        if (walked !== undefined) expect(found).toBe(walked);
        else expect(found === undefined || found > instant + 36 * 3_600_000).toBe(true);
      }),
      { numRuns: 25 },
    );
  }, 60_000);

  it("cannot be told where two entries say different things of one date", () => {
    const closed = { name: "August", from: "2026-08-01", to: "2026-08-31", stretches: [] };
    const feast = { name: "15 August", from: "2026-08-15", to: "2026-08-15", stretches: [] };
    expect(conflict([closed, feast])).toBeUndefined();
    // A day within a longer time counts before it.
    expect(conflict([closed, { ...feast, stretches: [{ from: 540, to: 720 }] }])).toBeUndefined();
    expect(conflict([feast, { ...feast, stretches: [{ from: 540, to: 720 }] }])).toEqual({ one: 0, other: 1, date: "2026-08-15" });
    expect(conflict([closed, { ...feast, to: "2026-09-02", stretches: [{ from: 540, to: 720 }] }])).toEqual({ one: 0, other: 1, date: "2026-08-15" });
    expect(conflict([closed, { ...feast, from: "2026-09-01", to: "2026-09-02", stretches: [{ from: 540, to: 720 }] }])).toBeUndefined();
  });
});

it("tells of nights in which something opens or closes while clocks turn, and of no others", () => {
  const sunday = (from: number, to: number) => CLOSED_WEEK.map((_, day) => (day === 6 ? [{ from, to }] : []));
  const notes = (week: Rules["week"], zone = "Europe/Rome") => turnNotes({ zone, week, special: [] }, "2026-01-01");
  expect(notes(sunday(0, 150))).toEqual([
    { date: "2026-03-29", kind: "forward", from: 120, to: 180 },
    { date: "2026-10-25", kind: "back", from: 120, to: 180 },
  ]);
  expect(notes(sunday(0, DAY_END))).toEqual([]);
  expect(notes(sunday(120, 180))).toEqual([]);
  expect(notes(sunday(0, 150), "Asia/Kolkata")).toEqual([]);
});
