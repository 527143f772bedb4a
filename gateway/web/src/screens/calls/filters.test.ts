import { defaultParseSearch, defaultStringifySearch } from "@tanstack/react-router";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { components } from "@/api";
import { dayOf } from "./days";
import { DIRECTIONS, type Filters, NONE, PERIODS, REASONS, STATES, fromSearch, isFiltered, toQuery, toSearch } from "./filters";

const NOW = Date.parse("2026-11-20T23:30:00Z");

const day = fc.date({ min: new Date("2000-01-01"), max: new Date("2060-01-01"), noInvalidDate: true }).map((at) => at.toISOString().slice(0, 10));
const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined });
const filters: fc.Arbitrary<Filters> = fc
  .record({
    states: fc.subarray([...STATES]),
    queue: maybe(fc.uuid()),
    agent: maybe(fc.uuid()),
    direction: maybe(fc.constantFrom(...DIRECTIONS)),
    reasons: fc.subarray([...REASONS]),
    missed: fc.boolean(),
    tag: maybe(fc.oneof(fc.string({ maxLength: 40 }), fc.constantFrom("VIP", "call back", "007", "true", "null", "1e9", '"', "[1]", "{}", "a,b", "&=+%")).map((one) => one.trim().replace(/\s+/g, " ")).filter((one) => one !== "")),
    q: fc.oneof(fc.string({ maxLength: 40 }), fc.stringMatching(/^\+?[0-9 ]{0,20}$/), fc.constantFrom("true", "null", "0042", "1e9", '"', "[1]", "{}")),
    period: maybe(fc.constantFrom(...PERIODS)),
    from: maybe(day),
    to: maybe(day),
  })
  // Of days and a period only one holds; days stand in order.
  .map((one) => (one.period ? { ...one, from: undefined, to: undefined } : one.from && one.to && one.to < one.from ? { ...one, from: one.to, to: one.from } : one));

test("filters survive the way through the address, as the router writes and reads it", () => {
  fc.assert(
    fc.property(filters, (one) => {
      expect(fromSearch(defaultParseSearch(defaultStringifySearch(toSearch(one))))).toEqual(one);
    }),
  );
});

test("no address breaks the list", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom("state", "queue", "agent", "direction", "reason", "missed", "tag", "q", "period", "from", "to"), fc.anything()), (search) => {
      const read = fromSearch(search);
      expect(fromSearch(toSearch(read))).toEqual(read);
    }),
  );
});

test("an address that people typed is understood as far as it makes sense", () => {
  expect(fromSearch(defaultParseSearch("?state=active,nonsense&reason=lost&missed=true&q=555&direction=sideways&from=2026-02-30"))).toEqual({
    ...NONE,
    states: ["active"],
    reasons: ["lost"],
    missed: true,
    q: "555",
  });
});

test("a tag is one as the server keeps it, whatever was typed around it", () => {
  expect(fromSearch({ tag: "  call \t back " }).tag).toBe("call back");
  expect(fromSearch({ tag: " " }).tag).toBeUndefined();
  expect(fromSearch({ tag: 7 }).tag).toBe("7");
  expect(fromSearch({ tag: "x".repeat(50) }).tag).toHaveLength(40);
  expect(toQuery({ ...NONE, tag: "VIP" }, "2026-11-20", "UTC").tag).toBe("VIP");
});

test("an address without filters has nothing in it", () => {
  expect(toSearch(NONE)).toEqual({});
  expect(isFiltered(NONE)).toBe(false);
});

test("days are the tenant's, whole, and both inside", () => {
  const at = (change: Partial<Filters>, zone = "Europe/Zurich") => {
    const { from, to } = toQuery({ ...NONE, ...change }, dayOf(NOW, zone), zone);
    return [from, to];
  };
  expect(at({ period: "today" })).toEqual(["2026-11-20T23:00:00.000Z", undefined]);
  expect(at({ period: "today" }, "UTC")).toEqual(["2026-11-20T00:00:00.000Z", undefined]);
  expect(at({ period: "yesterday" })).toEqual(["2026-11-19T23:00:00.000Z", "2026-11-20T23:00:00.000Z"]);
  expect(at({ period: "7d" })).toEqual(["2026-11-14T23:00:00.000Z", undefined]);
  expect(at({ from: "2026-11-01", to: "2026-11-02" })).toEqual(["2026-10-31T23:00:00.000Z", "2026-11-02T23:00:00.000Z"]);
  expect(at({})).toEqual([undefined, undefined]);
});

test("the API gets digits, lists and ids", () => {
  const query = toQuery({ ...NONE, q: "+1 (555) 01", states: ["queued", "ringing"], reasons: ["busy"], missed: true }, "2026-11-20", "UTC");
  expect(query).toMatchObject({ q: "155501", state: "queued,ringing", end_reason: "busy", missed: true });
  expect(toQuery({ ...NONE, q: "only letters" }, "2026-11-20", "UTC").q).toBeUndefined();
});

test("every ending and state that the API knows can be filtered by", () => {
  // Fails to compile when the API's lists grow.
  const reasons: Record<components["schemas"]["EndReason"], true> = Object.fromEntries(REASONS.map((one) => [one, true])) as Record<(typeof REASONS)[number], true>;
  const states: Record<components["schemas"]["CallState"], true> = Object.fromEntries(STATES.map((one) => [one, true])) as Record<(typeof STATES)[number], true>;
  expect([Object.keys(reasons).length, Object.keys(states).length]).toEqual([18, 5]);
});
