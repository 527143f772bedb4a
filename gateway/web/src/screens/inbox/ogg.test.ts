import { describe, expect, it } from "vitest";
import { crc, oggOf, samples } from "./ogg";

const text = (words: string) => new TextEncoder().encode(words);
const join = (...parts: readonly (Uint8Array | readonly number[])[]) => Uint8Array.from(parts.flatMap((part) => [...part]));
/** An element of EBML; `open`: its size is left open, as recorders do. */
const element = (id: readonly number[], data: Uint8Array, open = false) => {
  const size = data.length;
  return join(id, open ? [0x01, 255, 255, 255, 255, 255, 255, 255] : [0x40 | (size >> 8), size & 255], data);
};
const head = join(text("OpusHead"), [1, 1, 0x38, 0x01, 0x80, 0xbb, 0, 0, 0, 0, 0]);
/** A packet of 20 ms of sound, of so many bytes. */
const packet = (length: number, fill = 7) => join([0x78], Array<number>(length - 1).fill(fill));
const block = (data: Uint8Array, flags = 0x80) => element([0xa3], join([0x81, 0, 0, flags], data));
const webm = (packets: readonly Uint8Array[], codec = "A_OPUS", flags = 0x80) => {
  const track = element([0xae], join(element([0xd7], join([1])), element([0x86], text(codec)), element([0x63, 0xa2], head)));
  const cluster = element([0x1f, 0x43, 0xb6, 0x75], join(element([0xe7], join([0])), ...packets.map((one) => block(one, flags))), true);
  return join(element([0x1a, 0x45, 0xdf, 0xa3], text("webm")), element([0x18, 0x53, 0x80, 0x67], join(element([0x16, 0x54, 0xae, 0x6b], track), cluster), true));
};

interface Page {
  flags: number;
  granule: number;
  sequence: number;
  packets: Uint8Array[];
}
/** Reads it back as a player does, and looks at each page's sum. */
function pages(ogg: Uint8Array): Page[] {
  const found: Page[] = [];
  for (let at = 0; at < ogg.length; ) {
    expect(String.fromCharCode(...ogg.subarray(at, at + 4))).toBe("OggS");
    const view = new DataView(ogg.buffer, at);
    const lacing = [...ogg.subarray(at + 27, at + 27 + view.getUint8(26))];
    const end = at + 27 + lacing.length + lacing.reduce((sum, one) => sum + one, 0);
    const whole = ogg.slice(at, end);
    new DataView(whole.buffer).setUint32(22, 0);
    expect(crc(whole)).toBe(view.getUint32(22, true));
    const packets: Uint8Array[] = [];
    let from = at + 27 + lacing.length;
    let length = 0;
    for (const one of lacing) {
      length += one;
      if (one === 255) continue;
      packets.push(ogg.slice(from, from + length));
      from += length;
      length = 0;
    }
    found.push({ flags: view.getUint8(5), granule: Number(view.getBigUint64(6, true)), sequence: view.getUint32(18, true), packets });
    at = end;
  }
  return found;
}

describe("a recording of Chromium's as a voice message", () => {
  it("keeps every packet, in pages that say where they are", () => {
    const sound = [...Array.from({ length: 120 }, (_, n) => packet(80 + n)), packet(255), packet(510), packet(1_200)];
    const ogg = oggOf(webm(sound), 42);
    if (!ogg) throw new Error("it is one");
    const [first, second, ...rest] = pages(ogg);
    expect(first).toMatchObject({ flags: 2, granule: 0, packets: [head] });
    expect(second?.packets[0]).toEqual(join(text("OpusTags"), [9, 0, 0, 0], text("trunkline"), [0, 0, 0, 0]));
    expect(rest.flatMap((one) => one.packets)).toEqual(sound);
    expect(rest.at(-1)).toMatchObject({ flags: 4, granule: 960 * sound.length });
    expect([first, second, ...rest].map((one) => one?.sequence)).toEqual([...rest.keys(), rest.length, rest.length + 1]);
  });

  it("counts samples by the packet's first bytes", () => {
    expect(samples(join([0x78]))).toBe(960);
    expect(samples(join([0x18 | 1]))).toBe(5_760);
    expect(samples(join([0xfc | 3, 6]))).toBe(5_760);
    expect(samples(join([0x80]))).toBe(120);
  });

  it("says of anything else that it is none", () => {
    expect(oggOf(webm([packet(50)], "A_VORBIS"), 1)).toBeUndefined();
    expect(oggOf(webm([packet(50)], "A_OPUS", 0x86), 1)).toBeUndefined();
    expect(oggOf(webm([]), 1)).toBeUndefined();
    expect(oggOf(new Uint8Array(), 1)).toBeUndefined();
    const whole = webm([packet(50), packet(60)]);
    // Cut anywhere it is what there is of it, or nothing, and nobody falls over it.
    for (let length = 0; length < whole.length; length += 1) {
      const cut = oggOf(whole.subarray(0, length), 1);
      if (cut) expect(pages(cut).length).toBe(3);
    }
    let seed = 7;
    const random = () => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648);
    for (let turn = 0; turn < 2_000; turn += 1) {
      const broken = whole.slice();
      for (let change = 0; change < 3; change += 1) broken[random() % broken.length] = random() & 255;
      const ogg = oggOf(broken, 1);
      if (ogg) pages(ogg);
    }
  });
});
