/** Where nobody speaks, told from a waveform's peaks. */
import type { components } from "@/api";

export type Waveform = components["schemas"]["Waveform"];

/** ms from the beginning of the recording. */
export interface Segment {
  readonly from: number;
  readonly to: number;
}

/** A peak of 255 is full scale: 5 is about −34 dB, louder than a line's noise and softer than any voice. */
const QUIET = 5;
/** Shorter pauses belong to speech. */
const LEAST_MS = 1_500;
/** Left of each pause at both ends, so that no word loses its beginning. */
const KEPT_MS = 300;

/** Stretches in which both sides are silent, long enough to be passed over. */
export function silences({ agent, customer, buckets, duration_ms }: Waveform): readonly Segment[] {
  if (buckets <= 0 || duration_ms <= 0) return [];
  const width = duration_ms / buckets;
  const found: Segment[] = [];
  let begun: number | undefined;
  for (let bucket = 0; bucket <= buckets; bucket += 1) {
    const quiet = bucket < buckets && (agent[bucket] ?? 0) <= QUIET && (customer[bucket] ?? 0) <= QUIET;
    if (quiet) {
      begun ??= bucket;
      continue;
    }
    if (begun === undefined) continue;
    // The recording's own edges need no rest of silence before or after them.
    const from = begun === 0 ? 0 : begun * width + KEPT_MS;
    const to = bucket === buckets ? duration_ms : bucket * width - KEPT_MS;
    if ((bucket - begun) * width >= LEAST_MS && to > from) found.push({ from, to });
    begun = undefined;
  }
  return found;
}

/** The pause that a moment lies in, if any. */
export function silenceAt(segments: readonly Segment[], ms: number): Segment | undefined {
  let [low, high] = [0, segments.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const segment = segments[middle];
    if (!segment) return undefined;
    if (ms < segment.from) high = middle - 1;
    else if (ms >= segment.to) low = middle + 1;
    else return segment;
  }
  return undefined;
}

export function total(segments: readonly Segment[]): number {
  return segments.reduce((sum, { from, to }) => sum + to - from, 0);
}

/** How many peaks to ask for: ten a second, as many as the API gives at most. */
export function bucketsFor(durationMs: number): number {
  return Math.min(4_000, Math.max(400, Math.ceil(durationMs / 100)));
}

/** As many peaks as there is room for: each the loudest of those it stands for. */
export function resample(peaks: readonly number[], count: number): readonly number[] {
  if (count <= 0) return [];
  if (count >= peaks.length) return Array.from({ length: count }, (_, n) => peaks[Math.floor((n * peaks.length) / count)] ?? 0);
  return Array.from({ length: count }, (_, n) => {
    let loudest = 0;
    const end = Math.max(Math.floor(((n + 1) * peaks.length) / count), Math.floor((n * peaks.length) / count) + 1);
    for (let at = Math.floor((n * peaks.length) / count); at < end; at += 1) loudest = Math.max(loudest, peaks[at] ?? 0);
    return loudest;
  });
}

/** Bars of one side as an SVG path: rounded lines of `bar` width every `step`, growing up or down from the middle line at `zero`. */
export function barPath(peaks: readonly number[], { step, bar, zero, height, up }: { step: number; bar: number; zero: number; height: number; up: boolean }): string {
  return peaks
    .map((peak, n) => {
      // Loudness is heard by powers: the root shows a quiet voice as one.
      const tall = Math.max(1, Math.sqrt(peak / 255) * height);
      const x = (n * step).toFixed(1);
      return `M${x} ${(up ? zero - tall : zero).toFixed(1)}h${String(bar)}v${tall.toFixed(1)}h-${String(bar)}z`;
    })
    .join("");
}
