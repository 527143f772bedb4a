/** What a team keeps for its inbox, made, changed and removed through the screen; and what happens when two change the same. */
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type ApiUser, Providers, Stage, axe, clean, launch, look, open, signInQuickly } from "./harness";

let stage: Stage;
let browser: Browser;
let providers: Providers;
let admin: ApiUser;
beforeAll(async () => {
  [stage, browser, providers] = await Promise.all([Stage.start(), launch(), Providers.start()]);
  admin = await stage.api("admin@demo.test");
});
afterAll(async () => {
  await browser?.close();
  await providers?.end();
  await stage?.end();
});

async function panel(tab: string, email = "admin@demo.test"): Promise<Page> {
  const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" });
  onTestFinished(() => context.close());
  const page = await open(context);
  await signInQuickly(page, stage.url, email, stage.password);
  await page.goto(`${stage.url}/settings/inbox?tab=${tab}`);
  await page.getByRole("heading", { name: "Inbox settings" }).waitFor();
  await page.locator('[data-connection="live"]').waitFor({ state: "attached" });
  return page;
}

const dialog = (page: Page) => page.getByRole("dialog");
const told = (page: Page, words: string) => page.getByRole("region", { name: "Notifications" }).getByText(words).first().waitFor();
const item = (page: Page, words: string | RegExp) => page.getByRole("tabpanel").getByRole("listitem").filter({ hasText: words });

async function save(page: Page): Promise<void> {
  await dialog(page).getByRole("button", { name: "Save" }).click();
  await dialog(page).waitFor({ state: "detached" });
}

async function choose(page: Page, field: Locator, option: string): Promise<void> {
  await field.click();
  await page.getByRole("option", { name: option, exact: true }).click();
}

async function remove(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name: `Remove ${name}` }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Remove", exact: true }).click();
  await told(page, `${name} was removed`);
  await page.getByRole("button", { name: `Remove ${name}` }).waitFor({ state: "detached" });
}

/** Pictures of a dialog, and no fault in it. */
async function lookAt(page: Page, name: string): Promise<void> {
  await look(page, name);
  await page.setViewportSize({ width: 1440, height: 900 });
}

const names = async (path: string, of = "name"): Promise<string[]> => (await admin.send<{ items: Record<string, string>[] }>("GET", path)).items.map((one) => one[of] ?? "").sort();

test("labels", async () => {
  const before = await names("/labels");
  const page = await panel("labels");
  await page.getByRole("button", { name: "Add a label" }).first().click();
  await dialog(page).getByLabel("Name").fill("Complaint");
  await choose(page, dialog(page).getByRole("combobox", { name: "Colour" }), "Red");
  await lookAt(page, "inbox-settings-label");
  await save(page);
  await item(page, "Complaint").waitFor();
  expect(await names("/labels")).toEqual([...before, "Complaint"].sort());

  // The server says what does not fit, beside its field.
  await page.getByRole("button", { name: "Add a label" }).first().click();
  await dialog(page).getByLabel("Name").fill("complaint");
  await dialog(page).getByRole("button", { name: "Save" }).click();
  await dialog(page).locator('[aria-invalid="true"]').or(dialog(page).getByRole("alert")).first().waitFor();
  await page.keyboard.press("Escape");

  await page.getByRole("button", { name: "Change Complaint" }).click();
  await dialog(page).getByLabel("Name").fill("Complaint, urgent");
  await save(page);
  await item(page, "Complaint, urgent").waitFor();
  await lookAt(page, "inbox-settings-labels");
  await clean(page);
  await page.setViewportSize({ width: 1440, height: 900 });
  await remove(page, "Complaint, urgent");
  expect(await names("/labels")).toEqual(before);
});

test("canned replies: everybody's, and an operator's own", async () => {
  const page = await panel("canned");
  await page.getByRole("button", { name: "Add a reply" }).first().click();
  await dialog(page).getByLabel("Short word").fill("two words");
  await dialog(page).getByText("Letters, digits, - and _ only.").waitFor();
  await dialog(page).getByLabel("Short word").fill("/hours");
  await dialog(page).getByRole("textbox", { name: "Text" }).fill("Dear , we are open from 9 to 17.");
  await dialog(page).getByRole("textbox", { name: "Text" }).evaluate((area: HTMLTextAreaElement) => area.setSelectionRange(5, 5));
  await dialog(page).getByRole("button", { name: "Customer's first name" }).click();
  await expect.poll(() => dialog(page).getByRole("textbox", { name: "Text" }).inputValue()).toBe("Dear {{contact.first_name}}, we are open from 9 to 17.");
  await lookAt(page, "inbox-settings-canned");
  await save(page);
  await item(page, "/hours").waitFor();

  const operator = await panel("canned", "operator@demo.test");
  await item(operator, "/hours").waitFor();
  expect(await operator.getByRole("button", { name: "Change /hours" }).count(), "what is everybody's is not an operator's to change").toBe(0);
  await operator.getByRole("button", { name: "Add a reply" }).first().click();
  await dialog(operator).getByLabel("Short word").fill("mine");
  await dialog(operator).getByRole("textbox", { name: "Text" }).fill("My own words");
  await save(operator);
  await item(operator, "/mine").getByText("Mine", { exact: true }).waitFor();
  expect(await names("/canned-replies", "shortcut")).not.toContain("mine");
  await operator.getByRole("button", { name: "Change /mine" }).click();
  await dialog(operator).getByRole("textbox", { name: "Text" }).fill("Other words of mine");
  await save(operator);
  await item(operator, "Other words of mine").waitFor();
  await remove(operator, "/mine");
  await remove(page, "/hours");
});

test("macros, whose steps are put in order", async () => {
  await admin.send("POST", "/labels", { name: "Callback", colour: "blue" });
  const page = await panel("macros");
  await page.getByRole("button", { name: "Add a macro" }).first().click();
  await dialog(page).getByLabel("Name").fill("Looked into");
  expect(await dialog(page).getByRole("button", { name: "Save" }).isDisabled()).toBe(true);
  for (const step of ["Resolve", "Answer", "Add a label", "Assign", "Snooze"]) {
    await dialog(page).getByRole("button", { name: "Add a step" }).click();
    await page.getByRole("menuitem", { name: step, exact: true }).click();
  }
  await dialog(page).getByRole("textbox", { name: "Text" }).fill("We look into it.");
  await choose(page, dialog(page).getByRole("combobox", { name: "Which label" }), "Callback");
  await dialog(page).getByLabel("Minutes").fill("90");
  // What is done last is done last.
  for (let place = 1; place < 4; place += 1) await dialog(page).getByRole("button", { name: `Move step ${String(place)} down` }).click();
  await dialog(page).getByRole("button", { name: "Remove step 5" }).click();
  await lookAt(page, "inbox-settings-macro");
  await save(page);
  await item(page, "Looked into").getByText("Answer · Add a label · Assign · Resolve").waitFor();
  await page.getByRole("button", { name: "Change Looked into" }).click();
  await dialog(page).getByRole("button", { name: "Remove step 3" }).click();
  await save(page);
  await item(page, "Looked into").getByText("Answer · Add a label · Resolve").waitFor();
  await clean(page);
  await page.setViewportSize({ width: 1440, height: 900 });
  await remove(page, "Looked into");
});

test("service levels", async () => {
  const page = await panel("sla");
  await page.getByRole("button", { name: "Add a service level" }).first().click();
  await dialog(page).getByLabel("Name").fill("Gold");
  await dialog(page).getByLabel("First answer").fill("0");
  await dialog(page).getByText("A whole number of minutes.").waitFor();
  await dialog(page).getByLabel("First answer").fill("15");
  await dialog(page).getByLabel("Resolved").fill("1440");
  await dialog(page).getByRole("checkbox", { name: "WhatsApp" }).click();
  await choose(page, dialog(page).getByRole("combobox", { name: "From which priority" }), "High");
  await lookAt(page, "inbox-settings-sla");
  await save(page);
  await item(page, "Gold").getByText(/First answer: 15/).waitFor();
  await item(page, "Gold").getByText(/WhatsApp, from priority High/).waitFor();
  await page.getByRole("button", { name: "Change Gold" }).click();
  await dialog(page).getByLabel("First answer").fill("30");
  await save(page);
  await item(page, "Gold").getByText(/First answer: 30/).waitFor();
  await clean(page);
  await page.setViewportSize({ width: 1440, height: 900 });
  await remove(page, "Gold");
});

test("saved views stand beside the usual ones in the inbox", async () => {
  const page = await panel("views");
  await page.getByRole("button", { name: "Add a view" }).first().click();
  await dialog(page).getByLabel("Name").fill("From WhatsApp");
  await choose(page, dialog(page).getByRole("combobox", { name: "Channel" }), "WhatsApp");
  await choose(page, dialog(page).getByRole("combobox", { name: "Only" }), "Unassigned");
  await lookAt(page, "inbox-settings-view");
  await save(page);
  await item(page, "From WhatsApp").getByText("Open · Unassigned · WhatsApp").waitFor();
  await clean(page);
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.goto(`${stage.url}/inbox`);
  await page.getByRole("link", { name: /From WhatsApp/ }).or(page.getByRole("button", { name: /From WhatsApp/ })).first().waitFor();
  await page.goto(`${stage.url}/settings/inbox?tab=views`);
  await page.getByRole("button", { name: "Change From WhatsApp" }).click();
  await choose(page, dialog(page).getByRole("combobox", { name: "State" }), "In any state");
  await save(page);
  await item(page, "From WhatsApp").getByText("In any state · Unassigned · WhatsApp").waitFor();
  await remove(page, "From WhatsApp");
});

test("when two change the same, the slower one is told, and loses nothing", async () => {
  await admin.send("POST", "/labels", { name: "Order", colour: "green" });
  const page = await panel("labels");
  await page.getByRole("button", { name: "Change Order" }).click();
  await dialog(page).getByLabel("Name").fill("Orders of mine");
  const { items } = await admin.send<{ items: { id: string; name: string }[] }>("GET", "/labels");
  const id = items.find((one) => one.name === "Order")?.id ?? "";
  // Somebody else was quicker; a list that is read anew beneath the form must not take its place.
  await admin.send("PUT", `/labels/${id}`, { name: "Orders", colour: "green" });
  await page.locator('[role="tabpanel"] li', { hasText: "Orders" }).waitFor();
  await dialog(page).getByRole("button", { name: "Save" }).click();
  await dialog(page).getByRole("alert").getByText("Somebody else has changed it meanwhile.").waitFor();
  expect(await dialog(page).getByLabel("Name").inputValue()).toBe("Orders of mine");
  await lookAt(page, "inbox-settings-meanwhile");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Change Orders" }).click();
  expect(await dialog(page).getByLabel("Name").inputValue()).toBe("Orders");
  await dialog(page).getByLabel("Name").fill("Orders of mine");
  await save(page);
  expect(await names("/labels")).toContain("Orders of mine");
});

test("a survey is switched on for a channel, answered by the customer, and read", async () => {
  const page = await panel("answers");
  await page.getByText("No answers", { exact: true }).waitFor();
  await clean(page);
  await page.setViewportSize({ width: 1440, height: 900 });

  const account = await admin.send<{ id: string; webhook_url: string }>("POST", "/channel-accounts", { type: "whatsapp", name: "Shop", settings: { ...providers.settings("whatsapp"), csat: true } });
  await providers.do("/whatsapp/connect", { url: `${stage.gateway.url}${new URL(account.webhook_url).pathname}` });
  await providers.do("/whatsapp/customer", { from: { wa_id: "41445550132", name: "Marta Keller" }, says: { type: "text", body: "Is it still open?" } });
  const conversation = await until(async () => (await admin.send<{ items: { id: string }[] }>("GET", "/conversations?state=all")).items[0]?.id);
  await admin.send("POST", `/conversations/${conversation}/messages`, { text: "Yes, until Friday." });
  const sent = async (words: RegExp) => words.exec(JSON.stringify(await providers.do("/whatsapp/messages?after=0&wait_ms=1000")))?.[0];
  await until(() => sent(/Yes, until Friday/));
  await admin.send("POST", `/conversations/${conversation}/resolve`);
  const path = await until(() => sent(/\/csat\/[\w-]+/));

  const customer = await browser.newContext({ locale: "it-IT" });
  onTestFinished(() => customer.close());
  const survey = await open(customer);
  await survey.goto(`${stage.gateway.url}${path}`);
  // Its style is let through by its policy.
  expect(await survey.locator("fieldset").evaluate((one) => getComputedStyle(one).borderTopWidth)).toBe("0px");
  await axe(survey);
  await survey.locator('input[value="4"]').check();
  await survey.locator("textarea").fill("Veloce e gentile");
  await survey.locator("button").click();
  await survey.getByRole("status").waitFor();

  // Nobody has read the list anew.
  await item(page, "Veloce e gentile").getByText("4 of 5").waitFor();
  await lookAt(page, "inbox-settings-answers");
  await page.getByRole("link", { name: "Open the conversation" }).click();
  await page.waitForURL((url) => url.pathname === "/inbox" && url.searchParams.get("c") === conversation);
});

/** Asks until there is an answer. */
async function until<T>(ask: () => Promise<T | undefined>): Promise<T> {
  let found: T | undefined;
  await expect.poll(async () => (found = await ask()) !== undefined, { timeout: 30_000 }).toBe(true);
  return found as T;
}
