import { expect, test } from "vitest";
import { every, pieces, roundUp } from "./scale";

test("the scale ends at a round number that splits into whole parts", () => {
  expect([0, 1, 4, 5, 9, 17, 93, 401, 12_345].map((most) => roundUp(most, 4))).toEqual([4, 4, 4, 8, 20, 20, 100, 800, 20_000]);
  for (let most = 0; most < 5_000; most += 7) {
    const top = roundUp(most, 4);
    expect(top).toBeGreaterThanOrEqual(most);
    expect(Number.isInteger(top / 4)).toBe(true);
  }
});

test("labels keep off each other", () => {
  expect(every(7, 700, 60)).toBe(1);
  expect(every(25, 300, 60)).toBe(5);
  expect(every(100, 20, 60)).toBe(100);
});

test("a line is broken where there is nothing", () => {
  const at = (x: number) => ({ x, y: 0 });
  expect(pieces([at(1), at(2), undefined, at(4), undefined])).toEqual([[at(1), at(2)], [at(4)]]);
  expect(pieces([])).toEqual([]);
});
