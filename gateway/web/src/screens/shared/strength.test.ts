import fc from "fast-check";
import { expect, it } from "vitest";
import { SHORTEST_PASSWORD, strengthOf } from "./strength";

it("tells weak passwords from strong ones", () => {
  expect(["", "short", "aaaaaaaaaaaaaaaa", "password12345", "kettle-moor", "three dry herons", "Tr4in&Harbour"].map((one) => strengthOf(one))).toEqual(["short", "short", "weak", "weak", "fair", "strong", "strong"]);
});

it("is not taken in by one's own name", () => {
  expect(strengthOf("anna.rossi.1984", ["Anna Rossi", "anna@rossi.test"])).toBe("weak");
});

it("calls short exactly what the server refuses as too short", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => (strengthOf(text) === "short") === ([...text].length < SHORTEST_PASSWORD)));
});
