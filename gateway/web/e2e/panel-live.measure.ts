/**
 * `panel_live`: from the moment that an event is stamped in the gateway, before its transaction, to the change of the page's DOM. The floor
 * is the arrival of the same event's WebSocket message in the same page. All clocks are this machine's one clock.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { Stage, launch, signInQuickly } from "./harness";

interface Marks {
  /** By `seq`: when it was stamped, arrived, was in the DOM. Milliseconds since 1970. */
  stamped: Record<number, number>;
  arrived: Record<number, number>;
  shown: Record<number, number>;
}

const EVENTS = 200;
const OUT = fileURLToPath(new URL("../../../target/bench/panel_live.json", import.meta.url));

function quantile(values: number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

test("panel_live", async () => {
  const stage = await Stage.start();
  const browser = await launch();
  try {
    const page = await (await browser.newContext()).newPage();
    await page.addInitScript(() => {
      const marks: Marks = { stamped: {}, arrived: {}, shown: {} };
      Object.assign(window, { marks });
      const now = () => performance.timeOrigin + performance.now();
      const Native = window.WebSocket;
      window.WebSocket = class extends Native {
        constructor(url: string | URL, protocols?: string | string[]) {
          super(url, protocols);
          // Registered before the panel's own, so that it runs first.
          this.addEventListener("message", ({ data }: MessageEvent<string>) => {
            const frame = JSON.parse(data) as { type: string; event?: { seq: number; at: string } };
            if (!frame.event) return;
            marks.arrived[frame.event.seq] = now();
            marks.stamped[frame.event.seq] = Date.parse(frame.event.at);
          });
        }
      };
      new MutationObserver(() => {
        const seq = Number(document.querySelector<HTMLElement>("[data-seq]")?.dataset.seq);
        if (seq > 0) marks.shown[seq] ??= now();
      }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-seq"] });
    });
    await signInQuickly(page, stage.url, "admin@demo.test");
    await page.goto(stage.url);
    await page.locator('[data-connection="live"]').waitFor();
    const load = await page.evaluate(() => performance.now());
    const painted = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.NaN);

    const operator = await stage.api("operator2@demo.test");
    for (let n = 0; n < EVENTS; n += 1) {
      await operator.send("PUT", "/agents/me/state", { state: n % 2 === 0 ? "paused" : "available", reason: String(n) });
    }
    await page.waitForFunction((count) => Object.keys((window as unknown as { marks: Marks }).marks.shown).length >= count, EVENTS);
    const { stamped, arrived, shown } = await page.evaluate(() => (window as unknown as { marks: Marks }).marks);
    const seqs = Object.keys(arrived).map(Number).filter((seq) => shown[seq] !== undefined);
    const since = (marks: Record<number, number>) => seqs.map((seq) => (marks[seq] ?? Number.NaN) - (stamped[seq] ?? Number.NaN));
    const round = (value: number) => Math.round(value * 10) / 10;
    const both = (values: number[]) => ({ median: round(quantile(values, 0.5)), p95: round(quantile(values, 0.95)) });
    const result = {
      name: "panel_live",
      unit: "ms",
      better: "lower",
      events: seqs.length,
      ours: both(since(shown)),
      floor: both(since(arrived)),
      first_paint_ms: round(painted),
      live_ms: round(load),
    };
    console.log(JSON.stringify(result, null, 2));
    mkdirSync(fileURLToPath(new URL("../../../target/bench", import.meta.url)), { recursive: true });
    writeFileSync(OUT, `${JSON.stringify(result, null, 2)}\n`);
    expect(seqs.length).toBeGreaterThanOrEqual(EVENTS);
  } finally {
    await browser.close();
    await stage.end();
  }
});
