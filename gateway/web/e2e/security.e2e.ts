/** What a browser makes of the headers: nothing inline runs, nobody frames us, other sites' pages reach nothing. */
import type { AddressInfo, Server } from "node:net";
import { createServer as createHttpServer } from "node:http";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Browser, Page } from "playwright-core";
import { launch, open, signInQuickly, Stage } from "./harness";

let stage: Stage;
let browser: Browser;
/** A page of another site: the same machine under another name, so that a browser takes it for a stranger. */
let stranger: Server;
let strange: string;
beforeAll(async () => {
  [stage, browser] = await Promise.all([Stage.start(), launch()]);
  const server = createHttpServer((_, answer) => {
    answer.writeHead(200, { "content-type": "text/html" });
    answer.end(`<!doctype html><title>elsewhere</title><iframe src="${stage.url}/"></iframe>`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stranger = server;
  strange = `http://localhost:${String((server.address() as AddressInfo).port)}`;
});
afterAll(async () => {
  await browser.close();
  await new Promise((resolve) => stranger.close(resolve));
  await stage.end();
});

/** What the policy refused while `work` ran; the page is none of `open`'s, which would fail. */
async function refused(page: Page, work: () => Promise<unknown>): Promise<string[]> {
  await page.evaluate(() => {
    const seen: string[] = [];
    Object.assign(window, { seen });
    document.addEventListener("securitypolicyviolation", (event) => seen.push(event.effectiveDirective));
  });
  await work();
  await page.waitForFunction(() => (window as unknown as { seen: string[] }).seen.length > 0);
  return page.evaluate(() => (window as unknown as { seen: string[] }).seen);
}

it("runs no script and takes no style that was slipped into the page", async () => {
  const page = await browser.newPage();
  await page.goto(`${stage.url}/sign-in`);
  await page.locator("h1").first().waitFor();
  // Chromium says so in its console alone.
  const told = page.waitForEvent("console", (message) => message.text().includes("'TrustedScript' assignment"));
  await page.evaluate(() => {
    const element = document.createElement("script");
    element.append("document.title = 'owned'");
    document.head.append(element);
  });
  await told;
  const style = await refused(page, () =>
    page.evaluate(() => {
      const element = document.createElement("style");
      element.append("body { display: none }");
      document.head.append(element);
    }),
  );
  expect(style).toContain("style-src-elem");
  const markup = await page.evaluate(() => {
    try {
      document.body.innerHTML = "<img src=x onerror=\"document.title = 'owned'\">";
      return "taken";
    } catch (error) {
      return (error as Error).name;
    }
  });
  expect(markup).toBe("TypeError");
  expect(await page.title()).not.toBe("owned");
  await page.close();
});

it("opens a list of choices and a dialog without a word from the policy", async () => {
  const page = await open(await browser.newContext());
  await signInQuickly(page, stage.url, "admin@demo.test");
  await page.goto(`${stage.url}/design`);
  await page.locator("h1").first().waitFor();
  await page.getByRole("combobox").filter({ hasNot: page.locator("input") }).first().click();
  await page.getByRole("listbox").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("listbox").waitFor({ state: "detached" });
  await page.goto(`${stage.url}/calls`);
  await page.locator('[data-connection="live"]').waitFor();
  await page.keyboard.press("Control+k");
  await page.getByRole("dialog").waitFor();
  expect(await page.evaluate(() => [getComputedStyle(document.body).overflowY, document.adoptedStyleSheets.length])).toEqual(["hidden", 1]);
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.waitForFunction(() => document.adoptedStyleSheets.length === 0);
});

it("shows its documentation in style, without a word from the policy", async () => {
  const page = await open(browser);
  await page.goto(`${stage.gateway.url}/dev`);
  expect(await page.evaluate(() => getComputedStyle(document.body).maxWidth)).not.toBe("none");
});

it("is shown in nobody's frame, and another site's page reads and does nothing", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await signInQuickly(page, stage.url);
  await page.goto(strange);
  const framed = page.frames().find((frame) => frame !== page.mainFrame());
  expect(framed?.url()).toBe("chrome-error://chromewebdata/");
  const outcome = await page.evaluate(async (url) => {
    const attempt = async (init: RequestInit) => {
      try {
        const answer = await fetch(`${url}/api/v1/auth/refresh`, { method: "POST", credentials: "include", ...init });
        return `${answer.type} ${String(answer.status)}`;
      } catch {
        return "refused";
      }
    };
    return [await attempt({}), await attempt({ headers: { "content-type": "application/json" }, body: "{}" })];
  }, stage.url);
  expect(outcome).toEqual(["refused", "refused"]);
  // The sign-in was not touched: the cookie that was set at first still works.
  const still = await context.request.post(`${stage.url}/api/v1/auth/refresh`);
  expect(still.status()).toBe(200);
  await context.close();
});
