/** What an operator sees all day, with the phone in each of its states: pictures, no fault that axe knows, and the way of the keyboard's focus. */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { type ApiUser, axe, type Customer, launch, look, open, signInQuickly, Stage } from "./harness";

const OPERATOR = "operator@demo.test";
let stage: Stage;
let browser: Browser;
let context: BrowserContext;
let operator: ApiUser;
let customers: Customer[] = [];

beforeAll(async () => {
  [stage, browser] = await Promise.all([Stage.start(), launch()]);
  operator = await stage.api(OPERATOR);
  context = await browser.newContext({ reducedMotion: "reduce" });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  await signInQuickly(page, stage.url, OPERATOR, stage.password);
  await page.close();
});
afterAll(async () => {
  await browser?.close();
  await stage?.end();
});
beforeEach(async () => {
  await operator.send("PUT", "/agents/me/state", { state: "available" });
});
afterEach(async () => {
  for (const customer of customers) await customer.hangUp().catch(() => undefined);
  customers = [];
});

async function phone(path = "/calls"): Promise<Page> {
  const page = await open(context);
  await wide(page);
  await page.goto(`${stage.url}${path}`);
  await page.locator('header [data-registration="ready"]').first().waitFor({ state: "attached" });
  await page.locator('[data-connection="live"]').waitFor();
  return page;
}

const wide = (page: Page) => page.setViewportSize({ width: 1440, height: 900 });
const press = (page: Page, name: string | RegExp) => page.getByRole("button", { name, exact: true }).click();

async function rings(page: Page, from = "+442071838750"): Promise<Customer> {
  const customer = await stage.customerCall("+15550100", { from, hz: 440 });
  customers.push(customer);
  await page.locator("[data-incoming]").waitFor();
  return customer;
}

/** What has the focus: in which part of the page, and its name. */
const focused = (page: Page) =>
  page.evaluate(() => {
    const element = document.activeElement;
    const part = element?.closest("[data-incoming]") ? "incoming" : ["main", "nav", "header"].find((one) => element?.closest(one)) ?? "page";
    return { part, tag: element?.localName ?? "", id: element?.id ?? "", name: element?.getAttribute("aria-label") ?? element?.textContent?.trim() ?? "" };
  });

it("who waits for calls: the bar, the question about notifications, the keypad, the states, the reason of a pause", async () => {
  await context.addInitScript(() => Object.defineProperty(Notification, "permission", { configurable: true, get: () => (localStorage.getItem("test.asks") === null ? "granted" : "default") }));
  const page = await open(context);
  await page.goto(`${stage.url}/favicon.svg`);
  await page.evaluate(() => localStorage.setItem("test.asks", "1"));
  await page.goto(`${stage.url}/calls`);
  await page.locator('[data-registration="ready"]').waitFor({ state: "attached" });
  await page.getByRole("button", { name: "Allow notifications" }).waitFor();
  await look(page, "operator");

  await wide(page);
  await page.keyboard.press("d");
  await page.getByRole("textbox", { name: "Number or extension" }).waitFor();
  await look(page, "operator-keypad");
  await page.keyboard.press("Escape");
  await wide(page);
  await page.locator("[data-state-of-me]").click();
  await page.getByRole("menu").waitFor();
  await look(page, "operator-states");
  await page.keyboard.press("Escape");
  await page.getByRole("menu").waitFor({ state: "detached" });
  await page.keyboard.press("s");
  await page.keyboard.press("p");
  await page.getByRole("dialog").waitFor();
  await look(page, "operator-pause");
  await page.evaluate(() => localStorage.removeItem("test.asks"));
});

it("a call: its ring over a page, the bar while it runs and while it is held, its tones", async () => {
  const page = await phone("/queues");
  await rings(page);
  await look(page, "operator-ringing");
  await press(page, "Answer");
  await page.locator('[data-phone="active"]').waitFor();
  await page.locator("[data-phone]").getByRole("button", { name: /^(Good|Fair|Poor)$/ }).waitFor({ state: "attached" });
  await wide(page);
  await look(page, "operator-call");
  await page.keyboard.press("#");
  await page.getByRole("textbox", { name: "Send tones" }).waitFor();
  await look(page, "operator-tones");
  await page.keyboard.press("Escape");
  await press(page, "Hold");
  await page.getByRole("button", { name: "Resume", exact: true }).waitFor();
  await look(page, "operator-held");
  await press(page, "Hang up");
  await page.locator('[data-phone="idle"]').waitFor();
});

it("who called in vain", async () => {
  const page = await phone();
  const customer = await rings(page);
  await customer.hangUp();
  await page.getByRole("button", { name: /1 missed/ }).click();
  await page.getByRole("button", { name: /^Call .* back$/ }).waitFor();
  await look(page, "operator-missed");
  await press(page, "Clear");
});

it("a phone on the desk: its name, its credentials, and its going with an undo", async () => {
  const page = await phone("/devices");
  await press(page, "Add a phone");
  await page.getByRole("dialog").waitFor();
  await look(page, "devices-add");
  await wide(page);
  await page.getByLabel("Name").fill("Kitchen");
  await page.keyboard.press("Enter");
  await page.locator('[data-credential="Password"]').waitFor();
  await look(page, "devices-credentials");
  await press(page, "Done");
  await wide(page);
  await press(page, "Remove Kitchen");
  await page.getByRole("button", { name: "Undo" }).hover();
  await look(page, "devices-removed");
  await press(page, "Undo");
  await page.getByRole("button", { name: "Remove Kitchen" }).waitFor();
});

it("a server that is away", async () => {
  const page = await open(context, { expect: [/The server did not answer/] });
  await page.route("**/api/**", (route) => route.abort("connectionrefused"));
  await page.goto(`${stage.url}/calls`);
  await page.getByText("The server cannot be reached").waitFor();
  await look(page, "server-away");
});

it("the focus goes from the skip link through the bar and the navigation into the screen, and is always seen", async () => {
  const page = await phone();
  await page.keyboard.press("Tab");
  expect(await focused(page)).toMatchObject({ tag: "a", name: "Skip to content" });
  const parts: string[] = [];
  for (let step = 0; step < 40 && parts.at(-1) !== "main"; step += 1) {
    await page.keyboard.press("Tab");
    const { part, name } = await focused(page);
    if (parts.at(-1) !== part) parts.push(part);
    expect(name, "everything that can be reached has a name").not.toBe("");
    const outline = await page.evaluate(() => (document.activeElement ? getComputedStyle(document.activeElement).outlineStyle : "none"));
    expect([name, outline]).not.toEqual([name, "none"]);
  }
  expect(parts).toEqual(["header", "nav", "main"]);

  // The short way.
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  await page.reload();
  await page.locator('[data-connection="live"]').waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await expect.poll(() => focused(page)).toMatchObject({ id: "content" });
  await page.keyboard.press("Tab");
  expect(await focused(page)).toMatchObject({ part: "main" });
});

it("another screen is begun at its beginning; what was open gives the focus back", async () => {
  const page = await phone();
  await page.keyboard.press("g");
  await page.keyboard.press("d");
  await page.waitForURL(/\/devices$/);
  await expect.poll(() => focused(page)).toMatchObject({ tag: "main", id: "content" });

  const add = page.getByRole("button", { name: "Add a phone" });
  const returned = () => add.evaluate((element) => element === document.activeElement);
  await add.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  expect(await page.evaluate(() => document.activeElement?.closest('[role="dialog"]') !== null)).toBe(true);
  await page.keyboard.press("Escape");
  await expect.poll(returned).toBe(true);
  await page.keyboard.press("Control+k");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await expect.poll(returned).toBe(true);
  const me = page.locator("[data-state-of-me]");
  await me.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("menu").waitFor();
  await page.keyboard.press("Escape");
  await expect.poll(() => me.evaluate((element) => element === document.activeElement)).toBe(true);
});

it("a call that rings takes the focus from nobody, is a step away, and leaves it at the call", async () => {
  const page = await phone("/settings");
  const name = page.getByLabel("Name", { exact: true });
  await name.fill("Olga");
  await rings(page);
  await page.keyboard.type(" O.");
  expect(await name.inputValue()).toBe("Olga O.");
  await axe(page);
  // It is the last thing of the page: a step back from the first.
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  await page.locator('a[href="#content"]').focus();
  await page.keyboard.press("Shift+Tab");
  for (let step = 0; step < 3 && (await focused(page)).part !== "incoming"; step += 1) await page.keyboard.press("Shift+Tab");
  expect(await focused(page)).toMatchObject({ part: "incoming", name: expect.stringContaining("Answer") as string });
  await page.keyboard.press("Enter");
  await page.locator('[data-phone="active"]').waitFor();
  await expect.poll(() => page.evaluate(() => document.activeElement?.hasAttribute("data-phone"))).toBe(true);
  await page.keyboard.press("Control+Shift+E");
  await page.locator('[data-phone="idle"]').waitFor();
});
