/**
 * A voice message as messengers take it: Opus in Ogg (RFC 7845). Chromium records Opus too, but in WebM (Matroska, RFC 9559): the packets stay
 * as they are, only what is around them changes. Pure.
 */

const CODEC_ID = 0x86;
const CODEC_PRIVATE = 0x63a2;
const SIMPLE_BLOCK = 0xa3;
const BLOCK = 0xa1;
/** What is gone into: segment, tracks, a track, clusters, block groups. Recorders leave their sizes open, so what follows is read flat. */
const OPENED = new Set([0x18538067, 0x1654ae6b, 0xae, 0x1f43b675, 0xa0]);
/** Of a page: its segments, and how much of the sound is lost with one that is broken. */
const SEGMENTS = 255;
const PACKETS = 50;
const BEGINS = 2;
const ENDS = 4;

interface Read {
  readonly value: number;
  readonly length: number;
}

/** A number of EBML's (RFC 8794): its first byte says how many there are. `id`: with that mark left in. */
function number(bytes: Uint8Array, at: number, id: boolean): Read | undefined {
  const first = bytes[at];
  if (first === undefined || first === 0) return undefined;
  const length = Math.clz32(first) - 23;
  if (at + length > bytes.length) return undefined;
  let value = id ? first : first & ((1 << (8 - length)) - 1);
  for (let more = 1; more < length; more += 1) value = value * 256 + (bytes[at + more] ?? 0);
  return { value, length };
}

interface Opus {
  readonly head: Uint8Array;
  readonly packets: readonly Uint8Array[];
}

function opusOf(webm: Uint8Array): Opus | undefined {
  let head: Uint8Array | undefined;
  let codec = "";
  const packets: Uint8Array[] = [];
  let at = 0;
  while (at < webm.length) {
    const id = number(webm, at, true);
    const size = id && number(webm, at + id.length, false);
    // A recording that was cut short ends where it ends.
    if (!id || !size) break;
    at += id.length + size.length;
    if (OPENED.has(id.value)) continue;
    const end = at + size.value;
    if (end > webm.length) break;
    const data = webm.subarray(at, end);
    if (id.value === CODEC_ID) codec = String.fromCharCode(...data).replace(/\0+$/, "");
    else if (id.value === CODEC_PRIVATE) head = data;
    else if (id.value === SIMPLE_BLOCK || id.value === BLOCK) {
      const track = number(data, 0, false);
      const flags = track && data[track.length + 2];
      // Laced blocks hold several packets; recorders of sound write none.
      if (!track || flags === undefined || (flags & 0x06) !== 0) return undefined;
      packets.push(data.subarray(track.length + 3));
    }
    at = end;
  }
  return codec === "A_OPUS" && head && isHead(head) && packets.length > 0 ? { head, packets } : undefined;
}

const isHead = (head: Uint8Array): boolean => head.length >= 19 && String.fromCharCode(...head.subarray(0, 8)) === "OpusHead";

/** Samples of a packet at 48 kHz, by its first byte (RFC 6716, 3.1). */
export function samples(packet: Uint8Array): number {
  const [toc = 0, count = 0] = packet;
  const config = toc >> 3;
  const frame = config < 12 ? [480, 960, 1920, 2880][config & 3] : config < 16 ? [480, 960][config & 1] : [120, 240, 480, 960][config & 3];
  const frames = (toc & 3) === 0 ? 1 : (toc & 3) === 3 ? count & 0x3f : 2;
  return (frame ?? 0) * frames;
}

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte << 24;
  for (let bit = 0; bit < 8; bit += 1) sum = (sum << 1) ^ (sum & 0x80000000 ? 0x04c11db7 : 0);
  return sum >>> 0;
});

/** The checksum of a page (RFC 3533, 6). */
export function crc(page: Uint8Array): number {
  let sum = 0;
  for (const byte of page) sum = ((sum << 8) ^ (CRC[(sum >>> 24) ^ byte] ?? 0)) >>> 0;
  return sum;
}

function page(packets: readonly Uint8Array[], granule: number, serial: number, sequence: number, flags: number): Uint8Array {
  const lacing = packets.flatMap((packet) => [...Array<number>(Math.floor(packet.length / 255)).fill(255), packet.length % 255]);
  const length = packets.reduce((sum, packet) => sum + packet.length, 0);
  const bytes = new Uint8Array(27 + lacing.length + length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x4f, 0x67, 0x67, 0x53, 0, flags]);
  view.setBigUint64(6, BigInt(granule), true);
  view.setUint32(14, serial, true);
  view.setUint32(18, sequence, true);
  bytes[26] = lacing.length;
  bytes.set(lacing, 27);
  let at = 27 + lacing.length;
  for (const packet of packets) {
    bytes.set(packet, at);
    at += packet.length;
  }
  view.setUint32(22, crc(bytes), true);
  return bytes;
}

/** `undefined`: it is no Opus in WebM, or none that can be read. */
export function oggOf(webm: Uint8Array, serial: number): Uint8Array<ArrayBuffer> | undefined {
  const opus = opusOf(webm);
  if (!opus) return undefined;
  const vendor = new TextEncoder().encode("trunkline");
  const tags = new Uint8Array(16 + vendor.length);
  tags.set(new TextEncoder().encode("OpusTags"));
  new DataView(tags.buffer).setUint32(8, vendor.length, true);
  tags.set(vendor, 12);
  const pages = [page([opus.head], 0, serial, 0, BEGINS), page([tags], 0, serial, 1, 0)];
  let granule = 0;
  let some: Uint8Array[] = [];
  let segments = 0;
  const turn = (flags: number) => {
    pages.push(page(some, granule, serial, pages.length, flags));
    some = [];
    segments = 0;
  };
  for (const packet of opus.packets) {
    const needs = Math.floor(packet.length / 255) + 1;
    if (needs > SEGMENTS) return undefined;
    if (some.length >= PACKETS || segments + needs > SEGMENTS) turn(0);
    some.push(packet);
    segments += needs;
    granule += samples(packet);
  }
  turn(ENDS);
  const bytes = new Uint8Array(pages.reduce((sum, one) => sum + one.length, 0));
  let at = 0;
  for (const one of pages) {
    bytes.set(one, at);
    at += one.length;
  }
  return bytes;
}
