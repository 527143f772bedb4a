/** Any sound that the browser can decode, as a telephone system takes it: 16-bit mono WAV. */

/** Bytes, and seconds: the server's limits. */
export const MOST_BYTES = 10 * 1024 * 1024;
export const MOST_SECONDS = 600;
const HEADER = 44;
const RATES = [16_000, 8_000] as const;

/** The best rate with which it is not too large; undefined for what is too long. */
export function rateFor(seconds: number): number | undefined {
  if (!Number.isFinite(seconds) || seconds <= 0 || seconds > MOST_SECONDS) return undefined;
  return RATES.find((rate) => Math.ceil(seconds * rate) * 2 + HEADER <= MOST_BYTES);
}

/** All channels as one. */
export function mono(channels: readonly Float32Array[]): Float32Array {
  const [first = new Float32Array(0)] = channels;
  if (channels.length <= 1) return first;
  return first.map((_, at) => channels.reduce((sum, channel) => sum + (channel[at] ?? 0), 0) / channels.length);
}

/** RIFF with one chunk of 16-bit samples. */
export function wavOf(samples: Float32Array, rate: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER + samples.length * 2);
  const view = new DataView(bytes.buffer);
  const word = (at: number, text: string) => [...text].forEach((letter, index) => view.setUint8(at + index, letter.charCodeAt(0)));
  word(0, "RIFF");
  view.setUint32(4, bytes.length - 8, true);
  word(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  word(36, "data");
  view.setUint32(40, samples.length * 2, true);
  samples.forEach((sample, at) => {
    const held = Math.max(-1, Math.min(1, Number.isNaN(sample) ? 0 : sample));
    view.setInt16(HEADER + at * 2, Math.round(held * (held < 0 ? 32_768 : 32_767)), true);
  });
  return bytes;
}

export class TooLong extends Error {}
/** Not a sound, or of a kind that this browser does not know. */
export class NoSound extends Error {}

/** Decoded, mixed to one channel and brought to the telephone's rate by the browser. */
export async function telephoneWav(file: Blob): Promise<Blob> {
  const data = await file.arrayBuffer();
  const context = new OfflineAudioContext(1, 1, 48_000);
  const decoded = await context.decodeAudioData(data).catch(() => {
    throw new NoSound();
  });
  const rate = rateFor(decoded.duration);
  if (rate === undefined) throw decoded.duration > 0 ? new TooLong() : new NoSound();
  const offline = new OfflineAudioContext(1, Math.max(1, Math.ceil(decoded.duration * rate)), rate);
  const source = offline.createBufferSource();
  const one = offline.createBuffer(1, decoded.length, decoded.sampleRate);
  one.copyToChannel(new Float32Array(mono(Array.from({ length: decoded.numberOfChannels }, (_, at) => decoded.getChannelData(at)))), 0);
  source.buffer = one;
  source.connect(offline.destination);
  source.start();
  const rendered = await offline.startRendering();
  return new Blob([wavOf(rendered.getChannelData(0), rate)], { type: "audio/wav" });
}
