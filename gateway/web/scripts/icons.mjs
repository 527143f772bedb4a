// Draws the icons that phones and desktops show for the panel: `node scripts/icons.mjs` writes them into `public`. The same drawing as `favicon.svg`.
import { writeFileSync } from "node:fs";
import { deflateSync } from "node:zlib";

const GROUND = [0x0f, 0x76, 0x6e];
// Cubic curves of the wave, on a square of 32.
const CURVES = [
  [6, 18, 10, 18, 10, 11, 14, 11],
  [14, 11, 18, 11, 18, 21, 22, 21],
  [22, 21, 26, 21, 24, 16, 26, 16],
];
const WIDTH = 2.6;
const POINTS = CURVES.flatMap(([x0, y0, x1, y1, x2, y2, x3, y3]) =>
  Array.from({ length: 65 }, (_, step) => {
    const [t, u] = [step / 64, 1 - step / 64];
    const at = (a, b, c, d) => u * u * u * a + 3 * u * u * t * b + 3 * u * t * t * c + t * t * t * d;
    return [at(x0, x1, x2, x3), at(y0, y1, y2, y3)];
  }),
);
const onWave = (x, y) => POINTS.some(([px, py]) => Math.hypot(px - x, py - y) <= WIDTH / 2);
function onGround(x, y, radius) {
  const dx = Math.max(radius - x, x - (32 - radius), 0);
  const dy = Math.max(radius - y, y - (32 - radius), 0);
  return Math.hypot(dx, dy) <= radius;
}

/** `inner`: how much of the square the wave has; a mask may cut the rest. */
function draw(size, radius, inner) {
  const FINE = 3;
  const rows = [];
  for (let row = 0; row < size; row += 1) {
    const line = Buffer.alloc(1 + size * 4);
    for (let column = 0; column < size; column += 1) {
      let [ground, wave] = [0, 0];
      for (let fine = 0; fine < FINE * FINE; fine += 1) {
        const x = ((column + ((fine % FINE) + 0.5) / FINE) * 32) / size;
        const y = ((row + (Math.floor(fine / FINE) + 0.5) / FINE) * 32) / size;
        if (!onGround(x, y, radius)) continue;
        ground += 1;
        if (onWave(16 + (x - 16) / inner, 16 + (y - 16) / inner)) wave += 1;
      }
      const white = ground === 0 ? 0 : wave / ground;
      GROUND.forEach((part, at) => (line[1 + column * 4 + at] = Math.round(part + (255 - part) * white)));
      line[1 + column * 4 + 3] = Math.round((ground * 255) / (FINE * FINE));
    }
    rows.push(line);
  }
  return Buffer.concat(rows);
}

const TABLE = Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value >>> 0;
});
function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  let crc = 0xffffffff;
  for (const byte of body) crc = TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE((crc ^ 0xffffffff) >>> 0);
  return Buffer.concat([length, body, sum]);
}

function png(name, size, radius, inner) {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(size, 0);
  head.writeUInt32BE(size, 4);
  head.set([8, 6, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const file = Buffer.concat([signature, chunk("IHDR", head), chunk("IDAT", deflateSync(draw(size, radius, inner), { level: 9 })), chunk("IEND", Buffer.alloc(0))]);
  writeFileSync(new URL(`../public/${name}`, import.meta.url), file);
}

png("icon-192.png", 192, 8, 1);
png("icon-512.png", 512, 8, 1);
png("icon-mask.png", 512, 0, 0.8);
