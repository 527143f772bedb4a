/** What an agent does in a running call: hands it on, asks first, brings others in, holds, mutes, pauses the recording. Real phones throughout. */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { type ApiUser, type Customer, Stage, axe, launch, look, open, signInQuickly } from "./harness";

/** The tones of Olga's phone on the desk, of Otto's, and of the customer. */
const [OLGA_HZ, OTTO_HZ, CUSTOMER_HZ] = [600, 1500, 440];

let stage: Stage;
let browser: Browser;
let admin: ApiUser;
let olga: ApiUser;
let otto: ApiUser;
/** Does not answer by itself. */
let ottosPhone: Customer;
let sales: string;

interface Call {
  id: string;
  agent_id: string | null;
  state: string;
  recording_id: string | null;
}

beforeAll(async () => {
  [stage, browser] = await Promise.all([Stage.start(), launch()]);
  [admin, olga, otto] = await Promise.all([stage.api("admin@demo.test"), stage.api("operator@demo.test"), stage.api("operator2@demo.test")]);
  const device = (of: ApiUser) => of.send<{ username: string; password: string }>("POST", `/agents/${of.id}/devices`, { name: "Desk" });
  const [hers, his] = await Promise.all([device(olga), device(otto)]);
  await stage.deskPhone(hers.username, hers.password, { answers: true, hz: OLGA_HZ });
  ottosPhone = await stage.deskPhone(his.username, his.password, { answers: false, hz: OTTO_HZ });
  sales = (await admin.send<{ items: { id: string; slug: string }[] }>("GET", "/queues")).items.find((one) => one.slug === "sales")?.id ?? "";
});
afterAll(async () => {
  await browser?.close();
  await stage?.end();
});
beforeEach(async () => {
  await admin.send("PUT", `/queues/${sales}/routing`, { ring_seconds: 15, routing: {} });
  // The queue offers to Olga alone; whoever is rung by name need not want work.
  await admin.send("PUT", `/agents/${otto.id}/state`, { state: "paused" });
  await admin.send("PUT", `/agents/${olga.id}/state`, { state: "available" });
  await expect.poll(async () => (await activity(olga)).activity, { timeout: 15_000 }).toBe("available");
  await expect.poll(async () => (await activity(otto)).reachable, { timeout: 15_000 }).toBe(true);
});

async function activity(of: ApiUser): Promise<{ activity: string; reachable: boolean }> {
  const { items } = await admin.send<{ items: { id: string; activity: string; reachable: boolean }[] }>("GET", "/agents");
  return items.find((one) => one.id === of.id) ?? { activity: "", reachable: false };
}

async function newContext(): Promise<BrowserContext> {
  const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" });
  context.setDefaultTimeout(20_000);
  onTestFinished(() => context.close());
  return context;
}

async function panel(email = "operator@demo.test", path = "/calls"): Promise<Page> {
  const page = await open(await newContext());
  // Whoever leaves the page in a call is asked whether they mean it.
  page.on("dialog", (dialog) => void dialog.accept());
  await signInQuickly(page, stage.url, email, stage.password);
  await page.goto(`${stage.url}${path}`);
  await page.locator('[data-connection="live"]').waitFor({ state: "attached" });
  return page;
}

const newest = async (): Promise<Call> => {
  const { items } = await admin.send<{ items: Call[] }>("GET", "/calls?limit=1");
  if (!items[0]) throw new Error("no call");
  return items[0];
};
const bar = (page: Page) => page.locator("[data-desk-call]");
const press = (page: Page, name: string) => bar(page).getByRole("button", { name, exact: true }).click();

/** A customer who talks with Olga, on the phone on her desk. */
async function talking(page: Page): Promise<Customer> {
  const customer = await stage.customerCall("+15550100", { from: "+15557770909", hz: CUSTOMER_HZ });
  onTestFinished(async () => void (await customer.hangUp().catch(() => undefined)));
  await customer.wait("established");
  await bar(page).waitFor();
  await customer.hears(OLGA_HZ);
  return customer;
}

/** Opens the dialog and chooses Otto in it. */
async function choose(page: Page, title: string, button: string): Promise<void> {
  const dialog = page.getByRole("dialog", { name: title });
  await dialog.getByRole("combobox").fill("otto");
  await dialog.getByRole("option", { name: /Otto Operator/ }).click();
  await dialog.getByRole("button", { name: button, exact: true }).click();
  await dialog.waitFor({ state: "detached" });
}

async function ask(page: Page): Promise<void> {
  await press(page, "Transfer");
  await choose(page, "Transfer the call", "Ask first");
  await ottosPhone.wait("incoming");
}

test("a call is handed on at once, and is the other's", async () => {
  const page = await panel();
  const customer = await talking(page);
  await axe(page, "header");
  // By its key, and Otto by what is typed; nobody else is asked.
  await page.locator("body").press("t");
  const dialog = page.getByRole("dialog", { name: "Transfer the call" });
  await dialog.getByRole("option", { name: /Sales/ }).waitFor();
  expect(await dialog.getByRole("option", { name: /Olga/ }).count()).toBe(0);
  await look(page, "transfer");
  await page.setViewportSize({ width: 1440, height: 900 });
  await choose(page, "Transfer the call", "Hand on at once");
  await page.getByText("Handed on: Otto Operator is being rung").first().waitFor();
  await ottosPhone.wait("incoming");
  await customer.hearsMusic();
  await ottosPhone.answer();
  await customer.hears(OTTO_HZ);
  await bar(page).waitFor({ state: "detached" });
  await expect.poll(async () => (await newest()).agent_id).toBe(otto.id);
  await customer.hangUp();
  await expect.poll(async () => (await newest()).state).toBe("ended");
});

test("a number outside that may not be called is refused in words, and the call stays where it is", async () => {
  await admin.send("PUT", "/dialing", { country: "IT" });
  const page = await panel();
  const customer = await talking(page);
  await press(page, "Transfer");
  const dialog = page.getByRole("dialog", { name: "Transfer the call" });
  await dialog.getByRole("combobox").fill("+49 30 1234567");
  await dialog.getByRole("option", { name: /Outside number/ }).waitFor();
  await look(page, "transfer-outside");
  await page.setViewportSize({ width: 1440, height: 900 });
  for (const how of ["Ask first", "Hand on at once"]) {
    const refused = page.waitForResponse((answer) => answer.url().endsWith("/transfer") && !answer.ok());
    await dialog.getByRole("button", { name: how, exact: true }).click();
    expect(((await (await refused).json()) as { code: string }).code).toBe("call-denied");
    await page.getByText(/^This number may not be called: /).first().waitFor();
  }
  await dialog.waitFor();
  await page.keyboard.press("Escape");
  await customer.hears(OLGA_HZ);
  expect((await newest()).agent_id).toBe(olga.id);
  await customer.hangUp();
});

test("who does not answer leaves the call where it was, and the bar says so", async () => {
  await admin.send("PUT", `/queues/${sales}/routing`, { ring_seconds: 5, routing: {} });
  const page = await panel();
  const customer = await talking(page);
  await press(page, "Transfer");
  await choose(page, "Transfer the call", "Hand on at once");
  await ottosPhone.wait("incoming");
  // Nobody answers: Olga's phone on the desk takes it back by itself.
  await page.locator('[data-failed="transfer"]').getByText("Otto Operator did not answer. The call is with you again.").waitFor();
  await customer.hears(OLGA_HZ);
  expect((await newest()).agent_id).toBe(olga.id);
  await page.locator('[data-failed="transfer"]').getByRole("button", { name: "Close" }).click();
  await page.locator("[data-failed]").waitFor({ state: "detached" });
});

test("somebody is asked first: swapped, called off, asked again, and given the call; a reload changes nothing", async () => {
  const page = await panel();
  const customer = await talking(page);
  await ask(page);
  await page.locator('[data-consult="ringing"]').waitFor();
  await customer.hearsMusic();
  await ottosPhone.answer();
  await page.locator('[data-consult="asked"]').getByText("You talk with Otto Operator; the customer hears music").waitFor();
  await ottosPhone.hears(OLGA_HZ);
  await axe(page, "header");
  await look(page, "consult");
  await page.setViewportSize({ width: 1440, height: 900 });

  await page.reload();
  await page.locator('[data-consult="asked"]').waitFor();
  await press(page, "Swap");
  await page.locator('[data-consult="customer"]').waitFor();
  await customer.hears(OLGA_HZ);
  await page.reload();
  await page.locator('[data-consult="customer"]').waitFor();
  await press(page, "Cancel");
  await page.locator("[data-consult]").waitFor({ state: "detached" });
  await customer.hears(OLGA_HZ);

  await ask(page);
  await ottosPhone.answer();
  await page.locator('[data-consult="asked"]').waitFor();
  await press(page, "Complete");
  await bar(page).waitFor({ state: "detached" });
  await customer.hears(OTTO_HZ);
  expect((await newest()).agent_id).toBe(otto.id);
});

test("a queue is asked: nobody of it is free, then somebody is, and has the call", async () => {
  const page = await panel();
  const customer = await talking(page);
  await press(page, "Transfer");
  const dialog = page.getByRole("dialog", { name: "Transfer the call" });
  await dialog.getByRole("option", { name: /Sales/ }).click();
  await dialog.getByRole("button", { name: "Ask first", exact: true }).click();
  await page.locator('[data-consult="ringing"]').getByText("Waiting for somebody of Sales; the customer hears music").waitFor();
  await customer.hearsMusic();
  await page.reload();
  await page.locator('[data-consult="ringing"]').getByText("Waiting for somebody of Sales").waitFor();
  await otto.send("PUT", "/agents/me/state", { state: "available" });
  await ottosPhone.wait("incoming");
  await ottosPhone.answer();
  await page.locator('[data-consult="asked"]').getByText("You talk with Otto Operator; the customer hears music").waitFor();
  await press(page, "Complete");
  await bar(page).waitFor({ state: "detached" });
  await customer.hears(OTTO_HZ);
  expect((await newest()).agent_id).toBe(otto.id);
});

test("who is asked in the browser knows why it rings, and all three talk", async () => {
  const page = await panel();
  const his = await panel("operator2@demo.test");
  await his.locator('[data-registration="ready"]').waitFor({ state: "attached" });
  const customer = await talking(page);
  await ask(page);
  await his.locator("[data-ring-note]").getByText(/wants to ask you about this call/).waitFor();
  await his.getByRole("button", { name: "Answer", exact: true }).click();
  await page.locator('[data-consult="asked"]').waitFor();
  await his.locator("[data-consult]").getByText("You are asked by Olga Operator").waitFor();
  await press(page, "All three talk");
  await page.locator('[data-in-call="2"]').getByText("Otto Operator").waitFor();
  await his.locator('[data-in-call="2"]').getByText("Olga Operator").waitFor();
  await his.locator('[data-phone="active"]').getByRole("button", { name: "Hang up", exact: true }).click();
  await page.locator("[data-in-call]").getByText("Otto Operator left").waitFor();
  await customer.hears(OLGA_HZ);
});

test("a colleague is brought in, and leaves again", async () => {
  const page = await panel();
  const customer = await talking(page);
  await press(page, "Bring somebody in");
  await choose(page, "Bring somebody into the call", "Bring in");
  await page.locator("[data-joining]").getByText("Bringing Otto Operator in").waitFor();
  await ottosPhone.wait("incoming");
  await ottosPhone.answer();
  await page.locator('[data-in-call="2"]').getByText("Otto Operator").waitFor();
  // Hanging up here would take the customer from both: each does that on their own phone.
  expect(await bar(page).getByRole("button", { name: "Hang up" }).count()).toBe(0);
  await ottosPhone.hangUp();
  await page.locator("[data-in-call]").getByText("Otto Operator left").waitFor();
  await customer.hears(OLGA_HZ);
  await press(page, "Hang up");
  await customer.wait("closed");
});

test("a phone on the desk is held and muted from the panel, on the bar and on the call's page", async () => {
  const page = await panel();
  const customer = await talking(page);
  await press(page, "Hold");
  await bar(page).getByRole("button", { name: "Resume", exact: true }).waitFor();
  await customer.hearsMusic();
  await page.reload();
  await press(page, "Resume");
  await bar(page).getByRole("button", { name: "Hold", exact: true }).waitFor();
  await customer.hears(OLGA_HZ);
  // By its key.
  await page.locator("body").press("m");
  // That nothing of them is heard then is tried where tones are measured.
  await bar(page).getByRole("button", { name: "Unmute", exact: true }).waitFor();
  await page.goto(`${stage.url}/calls/${(await newest()).id}`);
  const card = page.getByRole("region", { name: "In the call" });
  await card.getByRole("button", { name: "Unmute", exact: true }).click();
  await card.getByRole("button", { name: "Mute", exact: true }).waitFor();
  await customer.hears(OLGA_HZ);
  await axe(page, "#content");
});

test("the recording pauses by a key, says since when, goes on by a button, and the file has the gap", async () => {
  const page = await panel();
  const customer = await talking(page);
  await bar(page).getByText("Recording", { exact: true }).waitFor();
  await page.locator("body").press("r");
  await bar(page).locator("[data-recording-paused]").getByText(/^Recording paused/).waitFor();
  await page.reload();
  await page.waitForFunction(() => /0:0[2-9]|0:1/.test(document.querySelector("[data-recording-paused]")?.textContent ?? ""));
  await press(page, "Resume the recording");
  await bar(page).getByText("Recording", { exact: true }).waitFor();
  await customer.hears(OLGA_HZ);
  await customer.hangUp();
  await expect.poll(async () => (await newest()).state).toBe("ended");
  const { recording_id } = await newest();
  const recording = () => admin.send<{ state: string; gaps: { from_ms: number; to_ms: number; reason: string }[] }>("GET", `/recordings/${recording_id ?? ""}`);
  await expect.poll(async () => (await recording()).state, { timeout: 20_000 }).toBe("ready");
  const paused = (await recording()).gaps.filter((gap) => gap.reason === "paused");
  expect(paused).toHaveLength(1);
  expect((paused[0]?.to_ms ?? 0) - (paused[0]?.from_ms ?? 0)).toBeGreaterThan(1_000);
});

test("a notice stays until it is dismissed, over a reload too", async () => {
  const page = await panel();
  await admin.send("POST", "/notices", { text: "Fire drill at noon" });
  const notice = page.locator("[data-notice]").filter({ hasText: "Fire drill at noon" });
  await notice.waitFor();
  await axe(page, "#content");
  await page.reload();
  await notice.waitFor();
  await page.locator("#content").getByRole("button", { name: "Close" }).first().click();
  await notice.waitFor({ state: "detached" });
  await page.reload();
  await page.locator('[data-connection="live"]').waitFor({ state: "attached" });
  await page.locator("main h1, main h2").first().waitFor();
  // Time enough to have read the journal back.
  const read = page.waitForResponse((response) => response.url().includes("/api/v1/events?") && response.ok());
  await page.reload();
  await read;
  expect(await notice.count()).toBe(0);
});
