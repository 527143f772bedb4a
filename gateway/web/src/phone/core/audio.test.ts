import { expect, test } from "vitest";
import { levelOf, microphoneProblem } from "./audio";

test("what keeps a microphone from us is told apart", () => {
  const named = (name: string) => microphoneProblem(new DOMException("", name));
  expect(named("NotAllowedError")).toBe("microphone-refused");
  expect(named("SecurityError")).toBe("microphone-refused");
  expect(named("NotFoundError")).toBe("microphone-missing");
  expect(named("OverconstrainedError")).toBe("microphone-missing");
  expect(named("NotReadableError")).toBe("microphone-busy");
  expect(named("AbortError")).toBe("microphone-busy");
});

test("the level is what an ear makes of it", () => {
  const tone = (loud: number) => Float32Array.from({ length: 1_000 }, (_, n) => loud * Math.sin(n / 5));
  expect(levelOf(tone(0))).toBe(0);
  expect(levelOf(tone(0.000_1))).toBe(0);
  expect(levelOf(tone(1))).toBeCloseTo(0.95, 1);
  expect(levelOf(tone(0.1))).toBeCloseTo(0.62, 1);
  expect(levelOf(new Float32Array())).toBe(0);
});
