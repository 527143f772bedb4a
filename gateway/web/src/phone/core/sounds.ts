/**
 * What the phone plays by itself: bell, knock, ringback, and the sounds of a test. Made here, so that nothing has to be loaded before it
 * can ring. A sound is one loop of samples: while it plays no script runs, and when it ends the audio device is let go.
 */
import type { Sound } from "./machine";

type Wave = (t: number) => number;

const RATE = 16_000;

function tone(hz: number, t: number): number {
  return Math.sin(2 * Math.PI * hz * t);
}

/** Rises and falls in so many seconds, so that it does not click. */
function shaped(t: number, from: number, to: number, edge: number): number {
  if (t < from || t > to) return 0;
  return Math.min(1, (t - from) / edge, (to - t) / edge);
}

const LOOPS: Record<Exclude<Sound, "none">, { seconds: number; wave: Wave }> = {
  // Two notes, sixteen times a second, as of a telephone's bell: a second of it, two of rest.
  bell: { seconds: 3, wave: (t) => 0.5 * shaped(t, 0, 1, 0.02) * (tone(Math.floor(t * 16) % 2 === 0 ? 620 : 780, t) + 0.3 * tone(1_560, t)) },
  knock: { seconds: 4, wave: (t) => 0.12 * (shaped(t, 0, 0.12, 0.03) + shaped(t, 0.22, 0.34, 0.03)) * tone(440, t) },
  // 425 Hz, one second in five, as in most of Europe (ITU-T E.180).
  ringback: { seconds: 5, wave: (t) => 0.15 * shaped(t, 0, 1, 0.02) * tone(425, t) },
};

const TESTS: Record<"bell" | "speaker", { seconds: number; wave: Wave }> = {
  bell: { seconds: 1.1, wave: LOOPS.bell.wave },
  speaker: { seconds: 1, wave: (t) => 0.3 * (shaped(t, 0, 0.5, 0.08) * tone(523.25, t) + shaped(t, 0.35, 1, 0.1) * tone(659.25, t)) },
};

interface Output {
  setSinkId?(id: string): Promise<void>;
}

export class Player {
  private context: AudioContext | undefined;
  private source: AudioBufferSourceNode | undefined;
  private gain: GainNode | undefined;
  private outputs: HTMLAudioElement[] = [];
  private playing: Sound = "none";
  private wake: AbortController | undefined;

  /** Plays it over and over, on each of the devices (`""` is the system's own). */
  play(sound: Sound, devices: readonly string[], volume: number): void {
    if (sound === this.playing) {
      this.setVolume(volume);
      return;
    }
    this.stop();
    this.playing = sound;
    if (sound !== "none") this.begin(LOOPS[sound], devices, volume, true);
  }

  /** Plays it once; resolves when it is over. A bell that rings is not disturbed. */
  async test(which: "bell" | "speaker", devices: readonly string[], volume: number): Promise<void> {
    if (this.playing !== "none") return;
    this.stop();
    const source = this.begin(TESTS[which], devices, volume, false);
    await new Promise<void>((resolve) => {
      source.onended = () => resolve();
    });
    if (this.source === source) this.stop();
  }

  setVolume(volume: number): void {
    if (this.gain) this.gain.gain.value = volume;
  }

  stop(): void {
    this.playing = "none";
    this.wake?.abort();
    this.wake = undefined;
    this.source?.stop();
    this.source = undefined;
    this.gain = undefined;
    for (const output of this.outputs) {
      output.pause();
      output.srcObject = null;
    }
    this.outputs = [];
    void this.context?.close();
    this.context = undefined;
  }

  private begin({ seconds, wave }: { seconds: number; wave: Wave }, devices: readonly string[], volume: number, loop: boolean): AudioBufferSourceNode {
    const context = new AudioContext();
    const buffer = context.createBuffer(1, seconds * RATE, RATE);
    const samples = buffer.getChannelData(0);
    for (let n = 0; n < samples.length; n += 1) samples[n] = wave(n / RATE);
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.loop = loop;
    const gain = context.createGain();
    gain.gain.value = volume;
    const out = context.createMediaStreamDestination();
    source.connect(gain).connect(out);
    this.outputs = [...new Set(devices)].map((device) => {
      const output = new Audio();
      output.srcObject = out.stream;
      // A device that is gone: then on the system's own.
      const there = device === "" ? undefined : (output as Output).setSinkId?.(device);
      void Promise.resolve(there)
        .catch(() => undefined)
        .then(() => (this.source === source ? output.play() : undefined))
        .catch(() => undefined);
      return output;
    });
    source.start();
    this.context = context;
    this.source = source;
    this.gain = gain;
    if (context.state === "suspended") this.whenTouched(context);
    return source;
  }

  /** A browser lets a page sound only once somebody has touched it. */
  private whenTouched(context: AudioContext): void {
    const wake = new AbortController();
    this.wake = wake;
    const resume = () => {
      wake.abort();
      void context.resume();
      for (const output of this.outputs) void output.play().catch(() => undefined);
    };
    for (const kind of ["pointerdown", "keydown"]) window.addEventListener(kind, resume, { signal: wake.signal, capture: true });
  }
}
