/** The way in, from nothing: hours and a flow are drawn in the panel, and callers of SIPp's go through it, in and out of hours. Each test begins where the one before it ends. */
import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Stage, clean, launch, open, signInQuickly } from "./harness";

const NUMBER = "+390655501234";
/** Longer than any call takes: it is the other side that ends it. */
const PATIENT = { talk_ms: 60_000 };
const SERVED = { succeeded: 1, failed: 0, errors: "" };
/** An event is waited for, not for luck: nothing takes that long. */
const SOON = { timeout: 12_000 };

let stage: Stage;
let browser: Browser;
let context: BrowserContext;

beforeAll(async () => {
  [stage, browser] = await Promise.all([Stage.start(), launch()]);
  context = await browser.newContext({ locale: "en-GB", viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" });
  context.setDefaultTimeout(SOON.timeout);
  const page = await context.newPage();
  await signInQuickly(page, stage.url, "admin@demo.test", stage.password);
  await page.close();
});
afterAll(async () => {
  await browser?.close();
  await stage?.end();
});

async function panel(path: string): Promise<Page> {
  const page = await open(context);
  await page.goto(`${stage.url}${path}`);
  await page.locator('[data-connection="live"]').waitFor({ state: "attached" });
  return page;
}
const notice = (page: Page, words: string | RegExp) => page.getByRole("region", { name: "Notifications" }).getByText(words).waitFor();
const form = (page: Page) => page.getByRole("group", { name: "Step", exact: true });
const field = (page: Page, name: string) => form(page).getByRole("combobox", { name, exact: true });
const faults = (page: Page) => page.getByRole("list", { name: "Faults" }).getByRole("button");

async function choose(combobox: Locator, option: string): Promise<void> {
  await combobox.click();
  await combobox.page().getByRole("option", { name: option, exact: true }).click();
}
/** A new step behind a way out of the one that is open; then the new one is. */
async function after(page: Page, exit: string, type: RegExp): Promise<void> {
  await form(page).getByRole("button", { name: `Add a step after ${exit}`, exact: true }).click();
  await page.getByRole("dialog", { name: `Add a step after ${exit}`, exact: true }).getByRole("button", { name: type }).click();
}
async function step(page: Page, id: string): Promise<void> {
  await page.locator(`[data-node="${id}"] > button`).press("Enter");
}
async function says(page: Page, words: string): Promise<void> {
  await form(page).getByRole("group", { name: "What callers hear" }).getByRole("textbox").fill(words);
}

/** One call from outside, found in the list of calls and opened. */
async function callPage(page: Page, from: string): Promise<void> {
  await page.getByRole("link", { name: "Calls", exact: true }).first().click();
  await page.getByRole("row").filter({ hasText: from }).click();
  await page.locator("[data-call]").waitFor();
}
const why = (page: Page) => page.getByRole("region", { name: "Why did this call go there?" });

test("opening hours are made", async () => {
  const page = await panel("/settings/hours");
  await page.getByRole("button", { name: "Add opening hours" }).click();
  await page.getByLabel("Name", { exact: true }).fill("Front desk");
  const monday = page.getByLabel("Hours on Monday", { exact: true });
  await monday.fill("0-24");
  await monday.press("Enter");
  await page.getByRole("button", { name: "Copy the hours of Monday to other days" }).click();
  const copy = page.getByRole("dialog", { name: "Copy the hours of Monday to other days" });
  for (const day of ["Saturday", "Sunday"]) await copy.getByRole("checkbox", { name: day }).click();
  await copy.getByRole("button", { name: "Copy", exact: true }).click();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await notice(page, "Front desk is saved");
  await page.locator('[data-open="true"]').waitFor();
});

test("a flow is drawn from nothing, cannot be published while it is broken, is mended, tried and published, and a number leads to it", async () => {
  const page = await panel("/settings/flows");
  await page.getByRole("button", { name: "New flow" }).first().click();
  const making = page.getByRole("dialog", { name: "New flow" });
  await making.getByLabel("Name").fill("Front desk");
  await making.getByRole("radio", { name: /^Nothing/ }).click();
  await making.getByRole("button", { name: "Create" }).click();
  const palette = page.getByRole("navigation", { name: "Add a step" });
  await palette.getByRole("button", { name: "Opening hours" }).click();
  await choose(field(page, "Opening hours"), "Front desk · open now");

  await after(page, "Open", /^Menu/);
  await says(page, "Press a key.");
  await form(page).getByRole("button", { name: "Add a key: 3" }).click();
  await after(page, "Key 1", /^To a queue/);
  await choose(field(page, "Queue"), "Sales");
  await step(page, "menu");
  await after(page, "Key 2", /^Voice message/);
  await choose(field(page, "Whose inbox it comes to"), "Sales");
  await says(page, "Speak now.");
  // The shortest there is: then the call ends by itself.
  await form(page).getByLabel("Longest message (seconds)").fill("5");
  await step(page, "menu");
  await after(page, "No choice made", /^Hang up/);
  await step(page, "hours");
  await after(page, "Closed", /^Hang up/);
  await choose(field(page, "The call counts as"), "Outside opening hours");

  // Key 3 leads nowhere yet.
  const publish = page.getByRole("button", { name: "Publish", exact: true });
  await publish.hover();
  await page.getByRole("tooltip").filter({ hasText: "Not while there are errors" }).waitFor({ state: "attached" });
  await publish.press("Enter");
  await expect.poll(() => faults(page).allInnerTexts(), SOON).toEqual([expect.stringMatching(/Menu\s+It leads nowhere yet: choose what follows/)]);
  expect(await page.getByRole("dialog").count()).toBe(0);
  await faults(page).click();
  await expect.poll(() => field(page, "Key 3").evaluate((element) => element === document.activeElement), SOON).toBe(true);
  expect(await field(page, "Key 3").getAttribute("aria-invalid")).toBe("true");
  await after(page, "Key 3", /^Offer a call back/);
  await choose(field(page, "Queue whose place is kept"), "Sales");
  await says(page, "Press 1 to be called.");
  // By hand: from its way out to a step that is there.
  await page.getByRole("button", { name: "All in sight" }).click();
  await page.getByRole("button", { name: "Lead Not wanted of Offer a call back to another step" }).dragTo(page.locator('[data-node="hang_up"] > button'));
  await page.getByRole("button", { name: "Faults: Nothing is wrong with it" }).click();
  await page.getByText("It can be published. Try it first: no phone is needed.").waitFor();

  await page.getByRole("button", { name: "Try it" }).click();
  const trying = page.getByRole("complementary", { name: "Try it" });
  await trying.getByRole("button", { name: "Call", exact: true }).click();
  await trying.getByRole("group", { name: "Keypad" }).getByRole("button", { name: /^1/ }).click();
  await trying.getByText("Ends: waits in Sales").waitFor();
  await trying.getByRole("button", { name: "One back" }).click();
  await trying.getByText("Menu waits for a key").waitFor();
  await trying.getByRole("button", { name: /^3/ }).click();
  await trying.getByText("Offer a call back waits for a key").waitFor();
  await trying.getByRole("button", { name: /^1/ }).click();
  await trying.getByText("Ends: is called back from Sales").waitFor();

  await publish.click();
  await page.getByRole("dialog", { name: "Publish Front desk" }).getByRole("button", { name: "Publish" }).click();
  await notice(page, "Version 1 is published");

  await page.goto(`${stage.url}/settings/numbers`);
  await page.getByRole("button", { name: "Add a number" }).first().click();
  const adding = page.getByRole("dialog", { name: "Add a number" });
  await adding.getByLabel("Number", { exact: true }).fill("+39 06 5550 1234");
  await choose(adding.getByRole("combobox", { name: "Leads to" }), "Flow: Front desk");
  await adding.getByRole("button", { name: "Save" }).click();
  await notice(page, /is saved/);
  await page.getByRole("row").filter({ hasText: "Flow: Front desk" }).waitFor();
});

test("key 1 leads to the queue, and the call's page says why; a draft says what would have been", async () => {
  const page = await panel("/calls");
  const over = stage.sippCall(NUMBER, { ...PATIENT, from: "+15550301", keys: "1" });
  await callPage(page, "0301");
  await page.locator('[data-call="queued"]').waitFor();
  await why(page).getByText("Menu – pressed 1").waitFor();
  await why(page).getByText("Queue – waits in Sales").waitFor();
  await why(page).getByText(/^Opening hours – open/).waitFor();
  await page.getByRole("button", { name: "End call" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "End call" }).click();
  expect(await over).toEqual(SERVED);

  // What was is taken through what is drawn: the same at first, another way once key 1 leads elsewhere.
  await why(page).getByRole("link", { name: "Compare" }).click();
  const past = page.getByRole("complementary", { name: "A past call" });
  await past.getByRole("button", { name: "Compare" }).click();
  await past.getByText("It would have gone the same way.").waitFor();
  await step(page, "menu");
  await field(page, "Key 1").fill("Voice message");
  await field(page, "Key 1").press("Enter");
  await page.getByRole("button", { name: "More for Front desk" }).click();
  await page.getByRole("menuitem", { name: "A past call" }).click();
  await past.getByRole("button", { name: "Compare" }).click();
  await past.getByText("Ends: leaves a message for Sales").waitFor();
  await past.getByText("The ways part here").first().waitFor();
});

test("key 2 takes a message, which is heard in the panel", async () => {
  const page = await panel("/worklist?what=voicemails");
  const call = await stage.sippCall(NUMBER, { ...PATIENT, from: "+15550302", keys: "2" });
  expect(call).toEqual(SERVED);
  const message = page.getByRole("list", { name: "Voicemails" }).getByRole("listitem").filter({ hasText: "0302" });
  await message.getByRole("button", { name: "Hear the message" }).click();
  const sound = message.locator("audio");
  await expect.poll(() => sound.evaluate((element: HTMLAudioElement) => element.duration), SOON).toBeGreaterThan(3);
  await expect.poll(() => sound.evaluate((element: HTMLAudioElement) => element.currentTime), SOON).toBeGreaterThan(0.2);
  // It is in the conversation with its caller, too.
  await page.goto(`${stage.url}/inbox?view=all`);
  await page.getByRole("row").filter({ hasText: "0302" }).click();
  await page.locator("[data-message]").getByRole("button", { name: "Hear the message" }).waitFor();
});

test("key 3 asks for a call back, which is to be returned", async () => {
  const page = await panel("/worklist");
  const call = await stage.sippCall(NUMBER, { ...PATIENT, from: "+15550303", keys: "31" });
  expect(call).toEqual(SERVED);
  const row = page.getByRole("list", { name: "Calls to return" }).getByRole("listitem").filter({ hasText: "0303" });
  await row.getByText("Asked for a call").waitFor();
  await row.getByRole("button", { name: "Take" }).click();
  await row.getByText("You call").waitFor();
});

test("closed in one click, callers are told so", async () => {
  const page = await panel("/settings/hours");
  await page.getByRole("button", { name: "Close now: Front desk" }).click();
  await notice(page, /^Front desk is closed until/);
  const call = await stage.sippCall(NUMBER, { ...PATIENT, from: "+15550304" });
  expect(call).toEqual(SERVED);
  await callPage(page, "0304");
  await page.locator('[data-call="ended"]').waitFor();
  await page.getByRole("region", { name: "Record" }).getByText("Outside opening hours").waitFor();
  await why(page).getByText("Opening hours – closed (switched by hand)").waitFor();
});

test.each([
  ["flows", "/settings/flows", undefined],
  ["a flow", "/settings/flows", "Front desk"],
  ["opening hours", "/settings/hours", undefined],
  ["the hours of the front desk", "/settings/hours", "Front desk"],
  ["numbers", "/settings/numbers", undefined],
  ["trunks", "/settings/trunks", undefined],
  ["calls to return", "/worklist", undefined],
  ["voicemails", "/worklist?what=voicemails", undefined],
])("what is there is seen by everybody, wide and narrow: %s", async (_, path, one) => {
  const page = await panel(path);
  if (one !== undefined) {
    await page.locator("main").getByRole("link", { name: one, exact: true }).click();
    await page.getByRole("heading", { level: 1, name: one }).waitFor();
  }
  await page.locator("h1").first().waitFor();
  await page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'));
  await clean(page);
});
