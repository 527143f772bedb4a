/**
 * `panel_live`, the browser's half. An event: from its stamp in the gateway, before its transaction, to the frame in which the agents' screen
 * shows it; the floor is the arrival of the same event's WebSocket message in the same page. A start: a first visit, nothing kept, until a
 * screen shows what goes on. A list: frames while ten thousand calls are scrolled through by the wheel, beside the frames of the same page at rest,
 * and an event of a call on top of them. All clocks are this machine's one clock.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
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
    const seen = /mark-\d+!/.exec(document.querySelector("main")?.textContent ?? "")?.[0];
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
    await page.locator("main").getByText("Otto Operator").waitFor();
    const interactive = await page.evaluate(() => performance.now());
    const answered = await page.evaluate(() => {
      const [entry] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
      return entry?.responseEnd ?? Number.NaN;
    });
    for (let n = 0; n < EVENTS; n += 1) {
      const reason = `mark-${String(number * EVENTS + n)}!`;
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

const CALLS = 10_000;

/** As many calls as an office has after some weeks. */
function seed(stage: Stage) {
  return stage.sql(`
    INSERT INTO calls (tenant_id, id, direction, from_number, to_number, state, queue_id, started_at, ended_at, end_reason)
    SELECT q.tenant_id, ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'inbound', '+1555' || lpad(n::text, 7, '0'), '+15550100', 'ended', q.id,
           now() - interval '1 day' - (${String(CALLS)} - n) * interval '1 minute', now() - interval '1 day' - (${String(CALLS)} - n) * interval '1 minute', 'abandoned_queue'
      FROM generate_series(1, ${String(CALLS)}) n, queues q JOIN tenants t ON t.id = q.tenant_id WHERE t.slug = 'demo' AND q.slug = 'sales'
    ON CONFLICT DO NOTHING`);
}

/** Milliseconds of each frame while something is done. */
async function frames(page: Page, act: () => Promise<void>): Promise<number[]> {
  await page.evaluate(() => {
    const seen: number[] = [];
    let last = performance.now();
    const look = (at: number) => {
      seen.push(at - last);
      last = at;
      if ((window as unknown as { frames?: number[] }).frames === seen) requestAnimationFrame(look);
    };
    Object.assign(window, { frames: seen });
    requestAnimationFrame(look);
  });
  await act();
  return page.evaluate(() => {
    const { frames } = window as unknown as { frames: number[] };
    Object.assign(window, { frames: undefined });
    return frames;
  });
}

async function list(stage: Stage, browser: Browser) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  try {
    const page = await context.newPage();
    await page.addInitScript(watchCalls);
    await signInQuickly(page, stage.gateway.url, "admin@demo.test");
    await page.goto(`${stage.gateway.url}/calls`);
    await page.locator('[data-connection="live"]').waitFor({ state: "attached" });
    await page.locator("[data-calls] [data-row]").first().waitFor();
    await page.evaluate(async (all) => {
      const shown = document.querySelector<HTMLElement>("[data-calls]");
      const scroller = shown?.querySelector('[role="grid"]')?.parentElement;
      while (shown && scroller && Number(shown.dataset.calls) < all) {
        scroller.scrollTop = scroller.scrollHeight;
        await new Promise((resolve) => requestAnimationFrame(resolve));
      }
      if (scroller) scroller.scrollTop = 0;
    }, CALLS);
    await page.locator("[data-calls]").hover();
    const turn = async (pixels: number) => {
      for (let n = 0; n < 120; n += 1) await page.mouse.wheel(0, pixels);
    };
    const rest = await frames(page, () => turn(0));
    const scrolled = await frames(page, async () => {
      await turn(400);
      await turn(-400);
    });
    const events = [];
    for (let n = 0; n < 5; n += 1) {
      const from = `+1555666${String(n).padStart(4, "0")}`;
      const customer = await stage.customerCall("+15550100", { from });
      const painted = await page.waitForFunction((number) => (window as unknown as { shown: Record<string, number> }).shown[number], from, { polling: 20 });
      events.push((await painted.jsonValue()) ?? Number.NaN);
      await customer.hangUp();
    }
    return { list_rest_p95: quantile(rest, 0.95), list_frame_p95: quantile(scrolled, 0.95), list_event: quantile(events, 0.5) };
  } finally {
    await context.close();
  }
}

/** In the page, before its own scripts: milliseconds from the message of a call's start to the frame that shows it, by its number. */
function watchCalls() {
  const shown: Record<string, number> = {};
  Object.assign(window, { shown });
  const arrived = new Map<string, number>();
  const Native = window.WebSocket;
  window.WebSocket = class extends Native {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      this.addEventListener("message", ({ data }: MessageEvent<string>) => {
        if (typeof data !== "string" || !data.startsWith("{")) return;
        const { event } = JSON.parse(data) as { event?: { kind: string; data: { from?: string } } };
        if (event?.kind === "call.started" && event.data.from) arrived.set(event.data.from, performance.now());
      });
    }
  };
  new MutationObserver(() => {
    const digits = (document.querySelector("[data-calls] [data-row]")?.textContent ?? "").replace(/\D/g, "");
    for (const [from, at] of arrived) {
      if (shown[from] !== undefined || !digits.includes(from.replace(/\D/g, ""))) continue;
      arrived.delete(from);
      // The frame after the next one begins once the next one is on the screen.
      requestAnimationFrame(() => requestAnimationFrame(() => (shown[from] = performance.now() - at)));
    }
  }).observe(document, { subtree: true, childList: true, characterData: true });
}

test("panel_live", async () => {
  const stage = await Stage.start();
  const browser = await launch();
  try {
    const operator = await stage.api("operator2@demo.test");
    const rounds: object[] = [];
    for (let number = 0; number < ROUNDS; number += 1) rounds.push(await round(stage, browser, operator, number));
    // Behind the rounds: an event and a start are those of a small office.
    await seed(stage);
    for (const [number, one] of rounds.entries()) rounds[number] = { ...one, ...(await list(stage, browser)) };
    console.log(JSON.stringify(rounds, null, 2));
    mkdirSync(dirname(OUT), { recursive: true });
    writeFileSync(OUT, `${JSON.stringify(rounds, null, 2)}\n`);
  } finally {
    await browser.close();
    await stage.end();
  }
});
