import fc from "fast-check";
import { expect, test } from "vitest";
import { clock, offset, spokenLength } from "./clock";

test("a length is written as a clock writes it", () => {
  expect([0, 999, 7_000, 754_000, 3_723_000, 36_000_000].map(clock)).toEqual(["0:00", "0:00", "0:07", "12:34", "1:02:03", "10:00:00"]);
  expect([Number.NaN, -5, Number.POSITIVE_INFINITY].map(clock)).toEqual(["0:00", "0:00", "0:00"]);
});

test("a clock reads back as the seconds that it was made of", () => {
  fc.assert(
    fc.property(fc.nat(1_000_000_000), (ms) => {
      const seconds = clock(ms).split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
      expect(seconds).toBe(Math.floor(ms / 1000));
    }),
  );
});

test("an offset says on which side of the beginning it lies", () => {
  expect([0, 7_400, -300, -2_000].map(offset)).toEqual(["+0:00", "+0:07", "+0:00", "−0:02"]);
});

test("a length is spoken in the language", () => {
  expect(spokenLength(3_723_000, "en")).toBe("1 hour 2 minutes 3 seconds");
  expect(spokenLength(0, "en")).toBe("0 seconds");
  expect(spokenLength(61_000, "it")).toBe("1 minuto 1 secondo");
});
