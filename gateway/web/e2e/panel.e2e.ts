/** The panel as the gateway serves it: whole, small, kept by browsers, and with nothing from elsewhere. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Browser } from "playwright-core";
import { launch, open, signInQuickly, Stage } from "./harness";

const DIST = fileURLToPath(new URL("../dist", import.meta.url));
/** What a first visit may cost until the screen lives, in bytes of gzip. */
const FIRST_LOAD = 250_000;
/** What comes after it, for those who take calls: the SIP stack. */
const LATER = /^\/assets\/jssip-/;
const LATER_LOAD = 60_000;
const PAGE = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };

let stage: Stage;
let browser: Browser;
beforeAll(async () => {
  [stage, browser] = await Promise.all([Stage.start(), launch()]);
});
afterAll(async () => {
  await browser.close();
  await stage.end();
});

const get = (path: string, headers: Record<string, string> = PAGE) => fetch(`${stage.gateway.url}${path}`, { headers, redirect: "manual" });

it("is in the program as it was built last", async () => {
  expect(await (await get("/")).text()).toBe(readFileSync(join(DIST, "index.html"), "utf8"));
});

it("lets a page load nothing from elsewhere", async () => {
  for (const path of ["/", "/calls", "/calls/019a?x=1", "/no-such-screen"]) {
    const page = await get(path);
    expect([path, page.status, page.headers.get("content-type")]).toEqual([path, 200, "text/html; charset=utf-8"]);
    const policy = page.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(/script-src ([^;]*)/.exec(policy)?.[1]).toBe("'self'");
    expect(page.headers.get("permissions-policy")).toContain("microphone=(self)");
    expect(page.headers.get("cache-control")).toBe("no-cache");
  }
});

it("answers programs with faults, not with pages", async () => {
  for (const path of ["/api/v1/nothing", "/webhooks/nothing", "/assets/gone-h4sh.js", "/ws/nothing", "/favicon.png"]) {
    const answer = await get(path);
    expect([path, answer.status, answer.headers.get("content-type")]).toEqual([path, 404, "application/problem+json"]);
  }
  const posted = await fetch(`${stage.gateway.url}/calls`, { method: "POST" });
  expect(posted.status).toBe(405);
});

it("is kept by hash, compressed before it is served", async () => {
  const script = /assets\/index-[^"]+\.js/.exec(readFileSync(join(DIST, "index.html"), "utf8"))?.[0] ?? "none";
  const plain = readFileSync(join(DIST, script));
  for (const encoding of ["br", "gzip"]) {
    const answer = await get(`/${script}`, { "accept-encoding": encoding });
    expect(answer.headers.get("content-encoding")).toBe(encoding);
    expect(answer.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    // `fetch` has unpacked it.
    expect(Buffer.from(await answer.arrayBuffer()).equals(plain)).toBe(true);
    const again = await get(`/${script}`, { "accept-encoding": encoding, "if-none-match": answer.headers.get("etag") ?? "" });
    expect(again.status).toBe(304);
  }
  expect(gunzipSync(readFileSync(join(DIST, `${script}.gz`))).equals(plain)).toBe(true);
});

it("comes in under 250 KB on a first visit, and every screen without a word from the console", async () => {
  const context = await browser.newContext();
  const page = await open(context);
  const loaded = new Set<string>();
  page.on("response", (response) => {
    const { pathname } = new URL(response.url());
    if (response.status() === 200 && !pathname.startsWith("/api")) loaded.add(pathname);
  });
  await signInQuickly(page, stage.url);
  await page.goto(`${stage.url}/`);
  await page.locator('[data-connection="live"]').waitFor({ state: "attached" });
  await page.locator('[data-registration="ready"]').waitFor({ state: "attached" });
  const weights = [...loaded].map((path) => {
    const file = join(DIST, path === "/" ? "index.html" : path);
    return [path, statSync(existsSync(`${file}.gz`) ? `${file}.gz` : existsSync(file) ? file : join(DIST, "index.html.gz")).size] as const;
  });
  const sum = weights.filter(([path]) => !LATER.test(path)).reduce((total, [, size]) => total + size, 0);
  const later = weights.filter(([path]) => LATER.test(path)).reduce((total, [, size]) => total + size, 0);
  console.log(`first load: ${String(Math.round(sum / 1000))} KB of gzip in ${String(weights.length)} files`);
  expect(sum, JSON.stringify(weights)).toBeLessThan(FIRST_LOAD);
  expect(later, "the SIP stack, a chunk of its own").toBeGreaterThan(0);
  expect(later).toBeLessThan(LATER_LOAD);
  for (const path of ["/agents", "/queues", "/devices", "/settings", "/setup", "/calls"]) {
    await page.goto(`${stage.url}${path}`);
    await page.locator("main h1, main h2").first().waitFor();
  }
});
