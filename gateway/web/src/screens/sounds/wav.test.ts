import fc from "fast-check";
import { expect, test } from "vitest";
import { MOST_BYTES, MOST_SECONDS, mono, rateFor, wavOf } from "./wav";

test("a sound is as good as the server takes it: 16 kHz, or 8 where it would be too large", () => {
  expect([1, 300, 326, 330, 600].map(rateFor)).toEqual([16_000, 16_000, 16_000, 8_000, 8_000]);
  expect([0, -1, 601, Number.NaN, Number.POSITIVE_INFINITY].map(rateFor)).toEqual(Array(5).fill(undefined));
  fc.assert(
    fc.property(fc.double({ min: 0.01, max: MOST_SECONDS, noNaN: true }), (seconds) => {
      const rate = rateFor(seconds);
      expect(rate).toBeDefined();
      expect(Math.ceil(seconds * (rate ?? 0)) * 2 + 44).toBeLessThanOrEqual(MOST_BYTES);
    }),
  );
});

test("all channels are heard in one", () => {
  expect([...mono([Float32Array.of(1, 0, -1), Float32Array.of(0, 0, -1)])]).toEqual([0.5, 0, -1]);
  expect([...mono([Float32Array.of(0.25)])]).toEqual([0.25]);
  expect(mono([])).toHaveLength(0);
});

test("a WAV says what it is, and holds every sample within its range", () => {
  fc.assert(
    fc.property(fc.float32Array({ maxLength: 200 }), fc.constantFrom(8_000, 16_000), (samples, rate) => {
      const bytes = wavOf(samples, rate);
      const view = new DataView(bytes.buffer);
      const word = (at: number) => String.fromCharCode(...bytes.subarray(at, at + 4));
      expect([word(0), word(8), word(12), word(36)]).toEqual(["RIFF", "WAVE", "fmt ", "data"]);
      expect([view.getUint32(4, true), view.getUint16(20, true), view.getUint16(22, true), view.getUint32(24, true), view.getUint32(28, true), view.getUint16(34, true), view.getUint32(40, true)]).toEqual([bytes.length - 8, 1, 1, rate, rate * 2, 16, samples.length * 2]);
      samples.forEach((sample, at) => {
        const held = view.getInt16(44 + at * 2, true) / 32_768;
        const wanted = Number.isNaN(sample) ? 0 : Math.max(-1, Math.min(1, sample));
        expect(Math.abs(held - wanted)).toBeLessThan(0.0001);
      });
    }),
  );
});
