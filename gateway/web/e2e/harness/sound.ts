/** A microphone that gives a tone, and what is heard of one. */
import type { Page } from "playwright-core";
import { expect } from "vitest";

/** Some seconds of a tone as a WAV file, whole periods of it, so that it can be repeated without a click. */
export function tone(hz: number): Buffer {
  const rate = 48_000;
  const samples = Int16Array.from({ length: 2 * rate }, (_, n) => 9_000 * Math.sin((2 * Math.PI * hz * n) / rate));
  const head = Buffer.alloc(44);
  head.write("RIFF", 0).toString();
  head.writeUInt32LE(36 + samples.byteLength, 4);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(2 * rate, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write("data", 36);
  head.writeUInt32LE(samples.byteLength, 40);
  return Buffer.concat([head, Buffer.from(samples.buffer)]);
}

/** How much of what is heard lies at this tone, 0 to 1, in what comes from now on. */
export async function share(page: Page, hz: number): Promise<number> {
  return page.evaluate(async (tone) => {
    const stream = document.querySelector<HTMLAudioElement>("audio#remote-audio")?.srcObject as MediaStream | null;
    if (!stream) return -1;
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 8192;
    analyser.smoothingTimeConstant = 0;
    context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    // Until it is filled with sound of now.
    const filled = context.currentTime + (1.2 * analyser.fftSize) / context.sampleRate;
    while (context.currentTime < filled) await new Promise((resolve) => requestAnimationFrame(resolve));
    analyser.getFloatTimeDomainData(samples);
    await context.close();
    // Goertzel, with a Hann window.
    let [real, imaginary, energy, window] = [0, 0, 0, 0];
    for (const [n, sample] of samples.entries()) {
      const weight = 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / samples.length);
      const angle = (2 * Math.PI * tone * n) / context.sampleRate;
      real += weight * sample * Math.cos(angle);
      imaginary += weight * sample * Math.sin(angle);
      energy += weight * sample * sample;
      window += weight;
    }
    return energy < 1e-6 ? 0 : (2 * (real * real + imaginary * imaginary)) / (window * energy);
  }, hz);
}

/** In what comes from now on. */
export const hearsTone = (page: Page, hz: number) => expect.poll(() => share(page, hz), { timeout: 15_000, interval: 50 }).toBeGreaterThan(0.8);
