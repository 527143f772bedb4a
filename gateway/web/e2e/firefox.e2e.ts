/** The panel in Firefox: people may choose their browser. Everything else is tested in Chromium. */
import { existsSync } from "node:fs";
import puppeteer, { type Browser } from "puppeteer-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Stage } from "./harness";

const PLACES = [process.env.FIREFOX, "/usr/bin/firefox-esr", "/usr/bin/firefox"];
/** While a page is left behind, its requests end early; Firefox says so as a line of the console or as an error of the page. */
const LEFT_BEHIND = [/NS_BINDING_ABORTED/, /can’t establish a connection/, /was interrupted while the page was loading/];

let stage: Stage;
let browser: Browser;
beforeAll(async () => {
  const executablePath = PLACES.find((path) => path && existsSync(path));
  if (!executablePath) throw new Error("Firefox is not installed: apt-get install firefox-esr");
  const extraPrefsFirefox = { "media.navigator.streams.fake": true, "media.navigator.permission.disabled": true };
  [stage, browser] = await Promise.all([Stage.start(), puppeteer.launch({ browser: "firefox", executablePath, headless: true, extraPrefsFirefox })]);
});
afterAll(async () => {
  await browser.close();
  await stage.end();
});

it("signs in, follows the stream, and shows every screen without a word from the console", async () => {
  const page = await browser.newPage();
  const errors: string[] = [];
  const report = (text: string) => {
    if (!LEFT_BEHIND.some((one) => one.test(text))) errors.push(text);
  };
  page.on("console", (message) => {
    if (message.type() === "error") report(message.text());
  });
  page.on("pageerror", (error) => report(String(error)));
  await page.exposeFunction("tellOfViolation", (words: string) => errors.push(words));
  await page.evaluateOnNewDocument(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      const { tellOfViolation } = window as unknown as { tellOfViolation(words: string): void };
      tellOfViolation(`refused by ${event.effectiveDirective}: ${event.blockedURI} ${event.sample}`);
    });
  });
  await page.setViewport({ width: 1280, height: 800 });
  await page.goto(`${stage.url}/sign-in`);
  await (await page.waitForSelector('input[type="email"]'))?.type("admin@demo.test");
  await (await page.waitForSelector('input[type="password"]'))?.type(stage.password);
  await page.keyboard.press("Enter");
  await page.waitForSelector('[data-connection="live"]');
  for (const path of ["/calls", "/agents", "/queues", "/devices", "/settings", "/audit", "/setup", "/design"]) {
    // Firefox gives a navigation up when the page before begins one of its own in that moment.
    await page.goto(`${stage.url}${path}`).catch(async (error: unknown) => {
      if (!String(error).includes("NS_BINDING_ABORTED")) throw error;
      await page.goto(`${stage.url}${path}`);
    });
    await page.waitForSelector("h1");
  }

  await page.goto(`${stage.url}/calls`);
  await page.waitForSelector('[data-connection="live"]');
  const customer = await stage.customerCall("+15550100", { from: "+15550777" });
  await page.waitForFunction(() => document.querySelector("main")?.textContent.replace(/[^\d+]/g, "").includes("15550777"));
  await customer.hangUp();
  expect(errors).toEqual([]);
});

it("is a phone: rings, talks both ways, holds", async () => {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await page.setViewport({ width: 1280, height: 800 });
  await page.goto(`${stage.url}/sign-in`);
  await (await page.waitForSelector('input[type="email"]'))?.type("operator@demo.test");
  await (await page.waitForSelector('input[type="password"]'))?.type(stage.password);
  await page.keyboard.press("Enter");
  await page.waitForSelector('[data-registration="ready"]');
  const operator = await stage.api("operator@demo.test");
  await operator.send("PUT", "/agents/me/state", { state: "available" });
  const customer = await stage.customerCall();
  await (await page.waitForSelector("aria/Answer"))?.click();
  await page.waitForSelector('[data-phone="active"]');
  await customer.wait("established");
  // What Firefox's fake microphone gives.
  await customer.hears(1_000);
  const played = () => page.$eval("audio#remote-audio", (element) => element.currentTime);
  const before = await played();
  await page.waitForFunction((at) => (document.querySelector<HTMLAudioElement>("audio#remote-audio")?.currentTime ?? 0) > at, {}, before);
  await (await page.waitForSelector("aria/Hold"))?.click();
  await customer.hearsMusic();
  await (await page.waitForSelector("aria/Hang up"))?.click();
  await customer.wait("closed");
  await context.close();
});
