/**
 * `panel_live`, the browser's half. An event: from its stamp in the gateway, before its transaction, to the frame in which the agents' screen
 * shows it; the floor is the arrival of the same event's WebSocket message in the same page. A start: a first visit, nothing kept, until a
 * screen shows what goes on. All clocks are this machine's one clock.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import { expect, test } from "vitest";
import { type ApiUser, Stage, launch, signInQuickly } from "./harness";

interface Marks {
  /** By `seq`, in milliseconds since 1970: when it was stamped, when its message arrived. */
  stamped: Record<number, number>;
  arrived: Record<number, number>;
  /** When a frame had been painted that shows this reason. */
  painted: Record<string, number>;
  /** Which event carried which reason. */
  reasons: Record<string, number>;
}

const EVENTS = 100;
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 1);
const OUT = process.env.BENCH_PANEL_OUT ?? fileURLToPath(new URL("../../../target/bench/panel_live.json", import.meta.url));

function quantile(values: number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

/** In the page, before its own scripts. */
function watch() {
  const marks: Marks = { stamped: {}, arrived: {}, painted: {}, reasons: {} };
  Object.assign(window, { marks });
  const now = () => performance.timeOrigin + performance.now();
  const Native = window.WebSocket;
  window.WebSocket = class extends Native {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      // Registered before the panel's own, so that it runs first.
      this.addEventListener("message", ({ data }: MessageEvent<string>) => {
        if (typeof data !== "string" || !data.startsWith("{")) return;
        const frame = JSON.parse(data) as { event?: { seq: number; at: string; data: { reason?: string } } };
        if (!frame.event) return;
        marks.arrived[frame.event.seq] = now();
        marks.stamped[frame.event.seq] = Date.parse(frame.event.at);
        if (frame.event.data.reason) marks.reasons[frame.event.data.reason] = frame.event.seq;
      });
    }
  };
  let waiting = false;
  new MutationObserver(() => {
    if (waiting) return;
    const seen = /mark-\d+/.exec(document.querySelector("main")?.textContent ?? "")?.[0];
    if (!seen || marks.painted[seen]) return;
    waiting = true;
    // The frame after the next one begins once the next one is on the screen.
    requestAnimationFrame(() => {
      requestAnimationFrame(() => {
        waiting = false;
        marks.painted[seen] ??= now();
      });
    });
  }).observe(document, { subtree: true, childList: true, characterData: true });
}

async function round(stage: Stage, browser: Browser, operator: ApiUser, number: number) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  try {
    const page = await context.newPage();
    await page.addInitScript(watch);
    await signInQuickly(page, stage.gateway.url, "admin@demo.test");
    await page.goto(`${stage.gateway.url}/agents`);
    await page.locator('[data-connection="live"]').waitFor({ state: "attached" });
    await page.locator("main").getByText("operator2@demo.test").or(page.locator("main").getByText(/operator 2|operator two/i)).first().waitFor();
    const interactive = await page.evaluate(() => performance.now());
    const answered = await page.evaluate(() => {
      const [entry] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
      return entry?.responseEnd ?? Number.NaN;
    });
    for (let n = 0; n < EVENTS; n += 1) {
      const reason = `mark-${String(number * EVENTS + n)}`;
      await operator.send("PUT", "/agents/me/state", { state: "paused", reason });
      await page.waitForFunction((text) => (window as unknown as { marks: Marks }).marks.painted[text] !== undefined, reason, { polling: 20 });
    }
    const marks = await page.evaluate(() => (window as unknown as { marks: Marks }).marks);
    const known = Object.entries(marks.reasons).filter(([reason]) => marks.painted[reason] !== undefined);
    expect(known.length).toBe(EVENTS);
    const shown = known.map(([reason, seq]) => (marks.painted[reason] ?? Number.NaN) - (marks.stamped[seq] ?? Number.NaN));
    const arrived = known.map(([, seq]) => (marks.arrived[seq] ?? Number.NaN) - (marks.stamped[seq] ?? Number.NaN));
    return {
      shown: quantile(shown, 0.5),
      shown_p95: quantile(shown, 0.95),
      arrived: quantile(arrived, 0.5),
      interactive,
      answered,
      browser: `Chromium ${browser.version()}`,
    };
  } finally {
    await context.close();
  }
}

test("panel_live", async () => {
  const stage = await Stage.start();
  const browser = await launch();
  try {
    const operator = await stage.api("operator2@demo.test");
    const rounds = [];
    for (let number = 0; number < ROUNDS; number += 1) rounds.push(await round(stage, browser, operator, number));
    console.log(JSON.stringify(rounds, null, 2));
    mkdirSync(dirname(OUT), { recursive: true });
    writeFileSync(OUT, `${JSON.stringify(rounds, null, 2)}\n`);
  } finally {
    await browser.close();
    await stage.end();
  }
});
