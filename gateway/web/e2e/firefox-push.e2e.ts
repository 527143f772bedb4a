/** Web push from end to end: what the gateway seals is opened by Firefox itself, told by a push service on loopback. */
import { existsSync } from "node:fs";
import puppeteer, { type Browser } from "puppeteer-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { DELIVERED, NOT_OPENED, PushService, Stage } from "./harness";

const PLACES = [process.env.FIREFOX, "/usr/bin/firefox-esr", "/usr/bin/firefox"];

let stage: Stage;
let service: PushService;
let browser: Browser;
beforeAll(async () => {
  const executablePath = PLACES.find((path) => path && existsSync(path));
  if (!executablePath) throw new Error("Firefox is not installed: apt-get install firefox-esr");
  [stage, service] = await Promise.all([Stage.start({ TRUNKLINE_PRIVATE_PUSH_SERVICES: "true" }), PushService.start()]);
  browser = await puppeteer.launch({ browser: "firefox", executablePath, headless: true, extraPrefsFirefox: service.preferences });
});
afterAll(async () => {
  await browser?.close();
  await service?.end();
  await stage?.end();
});

it("opens what is sealed for it while no page of the panel is open, and nothing else", async () => {
  const page = await browser.newPage();
  await page.goto(`${stage.url}/sign-in`);
  await (await page.waitForSelector('input[type="email"]'))?.type("operator@demo.test");
  await (await page.waitForSelector('input[type="password"]'))?.type(stage.password);
  await page.keyboard.press("Enter");
  await page.waitForSelector('[data-connection="live"]');
  await page.goto(`${stage.url}/settings`);
  await (await page.waitForSelector("aria/Tell me on this device, also while the panel is closed"))?.click();
  await page.waitForSelector("[data-browser]");

  // Nobody looks: whoever asks is another sign-in of the same person.
  await page.goto("about:blank");
  const operator = await stage.api("operator@demo.test");
  await operator.send("POST", "/push/test", {});
  expect(await service.told(1)).toEqual([DELIVERED]);
  expect(service.posts[0]).toMatchObject({ "content-encoding": "aes128gcm", urgency: "high", ttl: "3600" });

  // Somebody names them in a note.
  const customer = await stage.customerCall("+15550101", { from: "+15557770901" });
  await customer.wait("established");
  await customer.hangUp();
  const admin = await stage.api("admin@demo.test");
  const newest = async () => (await admin.send<{ items: { id: string }[] }>("GET", "/conversations?state=all")).items[0]?.id;
  await expect.poll(newest, { timeout: 20_000 }).toBeTruthy();
  await admin.send("POST", `/conversations/${String(await newest())}/messages`, { text: "Call them back, please", private: true, mentions: [operator.id] });
  expect(await service.told(2)).toEqual([DELIVERED, DELIVERED]);

  // What is not sealed for this browser it does not open.
  const sealed = { method: "POST", headers: { "content-encoding": "aes128gcm", ttl: "60" }, body: new Uint8Array(120) };
  expect((await fetch(service.endpoint, sealed)).status).toBe(201);
  expect((await service.told(3)).at(-1)).toBe(NOT_OPENED);
});
