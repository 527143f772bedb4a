import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Stage, launch, open, signInQuickly } from "./harness";

let stage: Stage;
let browser: Browser;

beforeAll(async () => {
  stage = await Stage.start();
  browser = await launch();
});
afterAll(async () => {
  await browser?.close();
  await stage?.end();
});

const badge = (page: Page, state: string) => page.locator(`[data-connection="${state}"]`).waitFor({ timeout: 30_000 });

/** The panel has counted every event up to this one: its core passes none by. */
const shows = (page: Page, seq: number) =>
  page.waitForFunction((least) => {
    const at = document.querySelector<HTMLElement>('[data-connection="live"]')?.dataset.seq;
    return at !== undefined && Number(at) >= least;
  }, seq, { timeout: 30_000 });

async function head(): Promise<number> {
  const admin = await stage.api();
  return (await admin.send<{ as_of_seq: number }>("GET", "/events?after=0&limit=1")).as_of_seq;
}

/** Somebody's state changes so often: as many events. */
async function events(count: number): Promise<void> {
  const operator = await stage.api("operator2@demo.test");
  for (let n = 0; n < count; n += 1) await operator.send("PUT", "/agents/me/state", { state: n % 2 === 0 ? "paused" : "available", reason: `r${String(n)}` });
}

async function panel(): Promise<Page> {
  const page = await open(await browser.newContext());
  await signInQuickly(page, stage.url, "admin@demo.test");
  await page.goto(stage.url);
  await badge(page, "live");
  return page;
}

test("a cut in the middle of a burst is shown, and loses nothing", async () => {
  const page = await panel();
  const before = await head();
  const burst = events(60);
  // Some of them are on the screen, the others are not yet written.
  await shows(page, before + 5);
  stage.line.cut();
  await badge(page, "offline");
  await burst;
  stage.line.mend();
  await shows(page, await head());
});

test("a line that is silently dead is noticed", async () => {
  const page = await panel();
  stage.line.freeze();
  await badge(page, "offline");
  stage.line.mend();
  await badge(page, "live");
});

test("a gateway that was killed is followed again where it was left", async () => {
  const page = await panel();
  await stage.killGateway();
  await badge(page, "offline");
  await stage.startGateway();
  await events(5);
  await shows(page, await head());
});

test("a restored database is read anew", async () => {
  await stage.keepDatabase();
  const page = await panel();
  await events(20);
  const before = await head();
  await shows(page, before);
  await stage.restoreDatabase();
  const after = await head();
  expect(after).toBeLessThan(before);
  await page.waitForFunction((seq) => Number(document.querySelector<HTMLElement>('[data-connection="live"]')?.dataset.seq) === seq, after);
});

test("two tabs share one socket; when its tab is closed the other takes over", async () => {
  const first = await panel();
  const second = await open(first.context());
  await second.goto(stage.url);
  await badge(second, "live");
  expect(stage.line.openStreams).toBe(1);
  await events(3);
  const seq = await head();
  await shows(first, seq);
  await shows(second, seq);
  await first.close();
  await events(3);
  await shows(second, await head());
  expect(stage.line.openStreams).toBe(1);
});

test("a sign-in that was ended elsewhere leads to the sign-in", async () => {
  const page = await panel();
  await page.context().request.post(`${stage.url}/api/v1/auth/logout`);
  await page.waitForURL(/sign-in/);
});
