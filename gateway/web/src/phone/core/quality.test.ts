import fc from "fast-check";
import { expect, test } from "vitest";
import { gradeOf, mosOf, qualityOf, type Sample, sampleOf } from "./quality";

const sample = (more: Partial<Sample> = {}): Sample => ({ received: 100, lost: 0, discarded: 0, jitterMs: 2, rttMs: 20, bufferedMs: 4_000, emitted: 100, ...more });

test("known points of the E-model", () => {
  // R = 93.2 is a MOS of 4.41 (G.107, annex B); 5 % of random loss on G.711 with concealment is some 3.6.
  expect(mosOf(0, 0)).toBeCloseTo(4.41, 2);
  expect(mosOf(0.05, 0)).toBeCloseTo(3.95, 1);
  expect(mosOf(0.05, 200)).toBeLessThan(3.8);
  expect(mosOf(1, 2_000)).toBe(1);
});

test("grades", () => {
  expect([4.4, 4.1, 3.8, 3.59, 3.5, 1].map(gradeOf)).toEqual(["good", "good", "fair", "fair", "poor", "poor"]);
});

test("counts what was between two samples only", () => {
  const before = sample({ received: 1_000, lost: 500 });
  const quality = qualityOf(before, sample({ received: 1_090, lost: 510, bufferedMs: 8_000, emitted: 200 }));
  expect(quality?.loss).toBeCloseTo(0.1);
  expect(quality).toMatchObject({ jitterMs: 2, rttMs: 20, grade: "poor" });
});

test("says nothing when nothing came", () => {
  expect(qualityOf(sample(), sample())).toBeUndefined();
});

test("what comes too late is as good as lost", () => {
  expect(qualityOf(sample(), sample({ received: 200, discarded: 20 }))?.loss).toBeCloseTo(0.2);
});

test("reads a report of getStats", () => {
  const report = new Map<string, unknown>([
    ["a", { type: "inbound-rtp", kind: "audio", packetsReceived: 10, packetsLost: -1, packetsDiscarded: 2, jitter: 0.003, jitterBufferDelay: 1.5, jitterBufferEmittedCount: 480 }],
    ["b", { type: "candidate-pair", nominated: true, currentRoundTripTime: 0.05 }],
    ["c", { type: "remote-inbound-rtp", roundTripTime: 0.2 }],
    ["d", { type: "inbound-rtp", kind: "video", packetsReceived: 9 }],
  ]);
  expect(sampleOf(report)).toEqual({ received: 10, lost: -1, discarded: 2, jitterMs: 3, rttMs: 50, bufferedMs: 1_500, emitted: 480 });
  expect(sampleOf(new Map())).toBeUndefined();
});

test("more loss or delay is never better, and all is within bounds", () => {
  const loss = fc.double({ min: 0, max: 1, noNaN: true });
  const delay = fc.double({ min: 0, max: 5_000, noNaN: true });
  fc.assert(
    fc.property(loss, loss, delay, delay, (a, b, c, d) => {
      const better = mosOf(Math.min(a, b), Math.min(c, d));
      const worse = mosOf(Math.max(a, b), Math.max(c, d));
      expect(worse).toBeLessThanOrEqual(better + 1e-9);
      for (const mos of [better, worse]) {
        expect(mos).toBeGreaterThanOrEqual(1);
        expect(mos).toBeLessThanOrEqual(4.5);
      }
    }),
  );
});

test("samples that run backwards, as after a change of streams, do no harm", () => {
  const any = fc.record({
    received: fc.integer({ min: 0, max: 1e6 }),
    lost: fc.integer({ min: -50, max: 1e6 }),
    discarded: fc.integer({ min: 0, max: 1e6 }),
    jitterMs: fc.nat(1_000),
    rttMs: fc.option(fc.nat(5_000), { nil: undefined }),
    bufferedMs: fc.nat(1e6),
    emitted: fc.nat(1e6),
  });
  fc.assert(
    fc.property(fc.option(any, { nil: undefined }), any, (before, now) => {
      const quality = qualityOf(before, now);
      if (!quality) return;
      expect(quality.loss).toBeGreaterThanOrEqual(0);
      expect(quality.loss).toBeLessThanOrEqual(1);
      expect(quality.mos).toBeGreaterThanOrEqual(1);
    }),
  );
});
