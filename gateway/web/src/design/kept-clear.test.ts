import { expect, test } from "vitest";
import { roomFor } from "./kept-clear";

const box = (left: number, right: number, top: number, height = 120) => ({ left, right, top, height });

test("notices stand above what lies beneath them, and where they are when nothing does", () => {
  expect(roomFor(box(0, 360, 560), { width: 360, height: 740 })).toBe(180);
  expect(roomFor(box(500, 1024, 640), { width: 1024, height: 768 })).toBe(128);
  expect(roomFor(box(500, 1040, 640), { width: 1440, height: 768 })).toBeUndefined();
  expect(roomFor(box(0, 360, 560, 0), { width: 360, height: 740 })).toBeUndefined();
  expect(roomFor(box(400, 1000, 640), { width: 1024, height: 768 }, true)).toBeUndefined();
  expect(roomFor(box(0, 600, 640), { width: 1024, height: 768 }, true)).toBe(128);
});
