/** Chromium with a fake microphone, and what every browser test does with it. */
import axeCore from "axe-core";
import { existsSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContext, type Page, chromium } from "playwright-core";
import { expect, onTestFailed, onTestFinished } from "vitest";

/** A beep once a second for a microphone, loopback for ICE, sound without a click. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--use-fake-ui-for-media-stream",
  "--use-fake-device-for-media-stream",
  "--allow-loopback-in-peer-connection",
  "--autoplay-policy=no-user-gesture-required",
];
const SHOTS = fileURLToPath(new URL("../shots", import.meta.url));

export async function launch(flags: string[] = []): Promise<Browser> {
  const places = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
  const executablePath = places.find((path) => path && existsSync(path));
  if (!executablePath) throw new Error("Chromium is not installed: apt-get install chromium");
  return chromium.launch({ executablePath, args: [...FLAGS, ...flags], headless: true });
}

/**
 * A page that takes no fault in silence: what its console says is printed when the test fails, and an error that nobody expected fails it.
 * While the line is cut Chromium itself writes of failed requests: those are always expected. What the content security policy refuses
 * never is.
 */
export async function open(where: Browser | BrowserContext, options: { expect?: RegExp[] } = {}): Promise<Page> {
  const page = await where.newPage();
  const expected = [/Failed to load resource/, /WebSocket connection to/, /net::ERR_/, ...(options.expect ?? [])];
  const said: string[] = [];
  const errors: string[] = [];
  await page.exposeFunction("tellOfViolation", (words: string) => errors.push(words));
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      const { tellOfViolation } = window as unknown as { tellOfViolation(words: string): void };
      tellOfViolation(`refused by ${event.effectiveDirective}: ${event.blockedURI} ${event.sample} (${event.sourceFile}:${String(event.lineNumber)})`);
    });
  });
  page.on("console", (message) => {
    said.push(`${message.type()}: ${message.text()}`);
    if (message.type() === "error" && !expected.some((one) => one.test(message.text()))) errors.push(message.text());
  });
  page.on("pageerror", (error) => {
    said.push(`uncaught: ${error.stack ?? error.message}`);
    errors.push(error.message);
  });
  onTestFailed(() => {
    console.error(`console of ${page.url()}:\n${said.slice(-50).join("\n")}`);
  });
  onTestFinished(async () => {
    await page.close().catch(() => undefined);
    expect(errors, "errors in the page's console").toEqual([]);
  });
  return page;
}

/** Signs in by the form, as a person does, and waits for the first screen. */
export async function signIn(page: Page, base: string, email = "operator@demo.test", password = "trunkline-demo"): Promise<void> {
  await page.goto(`${base}/sign-in`);
  await page.locator('input[type="email"], input[name="email"]').fill(email);
  await page.locator('input[type="password"]').fill(password);
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => !url.pathname.startsWith("/sign-in"));
}

/** Signs in without the form: the refresh cookie is all that the panel needs. */
export async function signInQuickly(page: Page, base: string, email = "operator@demo.test", password = "trunkline-demo"): Promise<void> {
  const answer = await page.context().request.post(`${base}/api/v1/auth/login`, { data: { email, password } });
  expect(answer.status()).toBe(200);
}

/** WCAG 2.2 AA, by axe. */
export async function axe(page: Page, scope?: string): Promise<void> {
  await page.evaluate(axeCore.source);
  const violations = await page.evaluate(async (selector) => {
    const { axe } = window as unknown as { axe: typeof axeCore };
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
    const result = await axe.run(selector ?? document, { runOnly: { type: "tag", values: tags } });
    return result.violations.map((one) => `${one.id}: ${one.help}\n  ${one.nodes.map((node) => node.html).join("\n  ")}`);
  }, scope);
  expect(violations, `axe at ${page.url()}`).toEqual([]);
}

const THEMES = ["light", "dark"] as const;
const SIZES = [
  [1440, 900],
  [1024, 768],
  [360, 740],
] as const;

/** Colours on their way from one theme to the other are nobody's: waits until they have arrived. */
export async function turn(page: Page, colorScheme: (typeof THEMES)[number]): Promise<void> {
  await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
  await page.waitForFunction((theme) => document.documentElement.dataset.theme === theme && document.getAnimations().every((one) => one.playState !== "running" || one.effect?.getTiming().iterations === Infinity), colorScheme);
}

/** What a new width brings with it is drawn in the frames after it. */
async function resize(page: Page, width: number, height: number): Promise<void> {
  await page.setViewportSize({ width, height });
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
}

async function picture(page: Page, name: string, width: number, height: number, theme: string): Promise<void> {
  mkdirSync(SHOTS, { recursive: true });
  await resize(page, width, height);
  await page.screenshot({ path: `${SHOTS}/${name}-${String(width)}-${theme}.png` });
}

/** Pictures at three widths in both themes, and on a large screen in one, in `e2e/shots`. */
export async function shots(page: Page, name: string): Promise<void> {
  for (const theme of THEMES) {
    await turn(page, theme);
    for (const [width, height] of SIZES) await picture(page, name, width, height, theme);
    if (theme === "light") await picture(page, name, 1920, 1080, theme);
  }
}

async function fits(page: Page): Promise<void> {
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(overflow, `${page.url()} scrolls sideways at ${String(page.viewportSize()?.width)} px`).toBeLessThanOrEqual(0);
  // Nor what lies over it.
  const over = await page.evaluate(() =>
    [...document.querySelectorAll('[role="dialog"], [role="alertdialog"], [role="menu"], [data-incoming]')]
      .flatMap((one) => [one, ...one.querySelectorAll("*")])
      .filter((one) => one.scrollWidth > one.clientWidth && /auto|scroll/.test(getComputedStyle(one).overflowX))
      .map((one) => one.outerHTML.slice(0, 200)),
  );
  expect(over, `scrolls sideways over ${page.url()}`).toEqual([]);
}

/** No fault that axe knows in both themes, wide and narrow, and nothing that scrolls sideways: contrast differs by theme, the order of things by width. */
export async function clean(page: Page): Promise<void> {
  for (const theme of THEMES) {
    await turn(page, theme);
    for (const width of theme === "light" ? [1440, 1024, 360] : [1440, 360]) {
      await resize(page, width, 800);
      await axe(page);
      await fits(page);
    }
  }
}

/** One state of a screen: its pictures, and `clean` at two of their corners, since there are many states. */
export async function look(page: Page, name: string): Promise<void> {
  for (const theme of THEMES) {
    await turn(page, theme);
    for (const [width, height] of SIZES) {
      await picture(page, name, width, height, theme);
      if (width === 360) await fits(page);
      if (width === (theme === "light" ? 1440 : 360)) await axe(page);
    }
  }
}
