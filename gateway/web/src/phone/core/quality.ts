/**
 * How good what we hear is, from what the browser counts. Pure.
 *
 * The E-model of ITU-T G.107 (06/2015) with its default values, so that only delay and loss remain: R = 93.2 - Id - Ie,eff. Id in the
 * piecewise linear form of Cole and Rosenbluth (2001); Ie,eff with Ie = 0 and Bpl = 25.1, which G.113 gives for G.711 with concealment
 * of random loss, and which is no worse than what Opus does. R becomes a MOS by G.107, annex B.
 */
import type { Quality } from "../api";

/** What is read from one report, all counted since the call began. */
export interface Sample {
  readonly received: number;
  readonly lost: number;
  /** Came too late to be played. */
  readonly discarded: number;
  readonly jitterMs: number;
  readonly rttMs: number | undefined;
  /** Of all sounds so far: milliseconds in the jitter buffer, and how many there were. */
  readonly bufferedMs: number;
  readonly emitted: number;
}

const R_DEFAULT = 93.2;
const BPL = 25.1;
/** Packet and look-ahead of the codec. */
const CODEC_MS = 30;

export function mosOf(loss: number, delayMs: number): number {
  const delay = 0.024 * delayMs + (delayMs > 177.3 ? 0.11 * (delayMs - 177.3) : 0);
  const percent = loss * 100;
  const r = R_DEFAULT - delay - (95 * percent) / (percent + BPL);
  if (r <= 0) return 1;
  const mos = 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6;
  return Math.min(4.5, Math.max(1, mos));
}

/** G.107, annex B: users are satisfied from R = 80, some are dissatisfied below 70. */
export function gradeOf(mos: number): Quality["grade"] {
  if (mos >= 4.02) return "good";
  return mos >= 3.59 ? "fair" : "poor";
}

/** Of the time between two samples; `undefined` when nothing came in it, as on hold. */
export function qualityOf(before: Sample | undefined, now: Sample): Quality | undefined {
  const since = (key: "received" | "lost" | "discarded" | "bufferedMs" | "emitted") => Math.max(0, now[key] - (before?.[key] ?? 0));
  const received = since("received");
  const lost = since("lost");
  if (received + lost === 0) return undefined;
  const loss = Math.min(1, (lost + Math.min(received, since("discarded"))) / (received + lost));
  const emitted = since("emitted");
  const buffer = emitted > 0 ? since("bufferedMs") / emitted : 2 * now.jitterMs;
  const mos = mosOf(loss, (now.rttMs ?? 0) / 2 + buffer + CODEC_MS);
  return { loss, jitterMs: now.jitterMs, rttMs: now.rttMs, mos, grade: gradeOf(mos) };
}

/** `undefined` when the report has no incoming voice. */
export function sampleOf(report: Iterable<[string, unknown]>): Sample | undefined {
  let sample: Sample | undefined;
  let rttMs: number | undefined;
  for (const [, entry] of report) {
    const one = entry as Record<string, unknown>;
    if (one.type === "inbound-rtp" && one.kind === "audio") {
      sample = {
        received: number(one.packetsReceived),
        lost: number(one.packetsLost),
        discarded: number(one.packetsDiscarded),
        jitterMs: number(one.jitter) * 1000,
        rttMs: undefined,
        bufferedMs: number(one.jitterBufferDelay) * 1000,
        emitted: number(one.jitterBufferEmittedCount),
      };
    } else if (one.type === "candidate-pair" && one.nominated === true && typeof one.currentRoundTripTime === "number") {
      rttMs = one.currentRoundTripTime * 1000;
    } else if (one.type === "remote-inbound-rtp" && rttMs === undefined && typeof one.roundTripTime === "number") rttMs = one.roundTripTime * 1000;
  }
  return sample && { ...sample, rttMs };
}

function number(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}
