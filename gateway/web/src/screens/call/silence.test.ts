import fc from "fast-check";
import { expect, test } from "vitest";
import { barPath, bucketsFor, resample, silenceAt, silences, total } from "./silence";

const peaks = (agent: number[], customer: number[], bucketMs = 500) => ({ agent, customer, buckets: agent.length, duration_ms: agent.length * bucketMs });
const LOUD = 90;

test("only where both sides are silent for long is there silence; words keep their edges", () => {
  const agent = [LOUD, 0, 0, 0, 0, 0, 0, 0, LOUD, 0, 0, LOUD];
  const customer = [0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0];
  expect(silences(peaks(agent, customer))).toEqual([{ from: 800, to: 3_700 }]);
  expect(silences(peaks(agent, customer.map(() => LOUD)))).toEqual([]);
});

test("silence at the edges goes to the very edge", () => {
  expect(silences(peaks([0, 0, 0, 0, LOUD, 0, 0, 0, 0], Array(9).fill(0)))).toEqual([
    { from: 0, to: 1_700 },
    { from: 2_800, to: 4_500 },
  ]);
  expect(silences(peaks([0, 0, 0, 0], [0, 0, 0, 0]))).toEqual([{ from: 0, to: 2_000 }]);
  expect(silences({ agent: [], customer: [], buckets: 0, duration_ms: 0 })).toEqual([]);
});

test("silences lie apart, in order, inside the recording, and hold no loud bucket", () => {
  const side = fc.array(fc.constantFrom(0, 0, 0, 2, 5, 6, 200), { minLength: 1, maxLength: 120 });
  fc.assert(
    fc.property(side, fc.integer({ min: 20, max: 1_000 }), (agent, width) => {
      const waveform = peaks(agent, agent.map(() => 0), width);
      const found = silences(waveform);
      let last = 0;
      for (const { from, to } of found) {
        expect(from).toBeGreaterThanOrEqual(last);
        expect(to).toBeGreaterThan(from);
        expect(to).toBeLessThanOrEqual(waveform.duration_ms);
        for (let at = from; at < to; at += width / 3) expect(agent[Math.floor(at / width)]).toBeLessThanOrEqual(5);
        last = to;
      }
      expect(total(found)).toBeLessThanOrEqual(waveform.duration_ms);
      for (const segment of found) {
        expect(silenceAt(found, segment.from)).toBe(segment);
        expect(silenceAt(found, segment.to)).not.toBe(segment);
      }
    }),
  );
});

test("there are as many peaks as there is room for, and no loud one is lost", () => {
  expect(resample([1, 9, 2, 3], 2)).toEqual([9, 3]);
  expect(resample([1, 2], 4)).toEqual([1, 1, 2, 2]);
  expect(resample([], 2)).toEqual([0, 0]);
  fc.assert(
    fc.property(fc.array(fc.nat(255), { minLength: 1, maxLength: 300 }), fc.integer({ min: 1, max: 300 }), (list, count) => {
      const fewer = resample(list, count);
      expect(fewer).toHaveLength(count);
      if (count <= list.length) expect(Math.max(...fewer)).toBe(Math.max(...list));
    }),
  );
});

test("ten peaks are asked for a second, never more than the API gives", () => {
  expect([bucketsFor(0), bucketsFor(60_000), bucketsFor(3_600_000)]).toEqual([400, 600, 4_000]);
});

test("a bar is never shorter than a pixel", () => {
  expect(barPath([0, 255], { step: 3, bar: 2, zero: 40, height: 40, up: true })).toBe("M0.0 39.0h2v1.0h-2zM3.0 0.0h2v40.0h-2z");
});
