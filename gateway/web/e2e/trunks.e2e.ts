/** A trunk as an admin makes it, to a carrier that is a second Asterisk; then calls both ways by it, with the browser as the phone. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type Carrier, Stage, hearsTone, launch, open, signInQuickly, tone } from "./harness";

const USERNAME = "account";
const PASSWORD = "the-carriers-secret";
/** Of the company's, at the carrier. */
const NUMBER = "+12125550199";
/** What the agent's microphone gives. The carrier gives back what it hears: if the agent hears it, so did the carrier. */
const AGENT_HZ = 700;

let stage: Stage;
let browser: Browser;
let carrier: Carrier;
const folder = mkdtempSync(join(tmpdir(), "trunkline-tone-"));

beforeAll(async () => {
  const microphone = join(folder, "microphone.wav");
  writeFileSync(microphone, tone(AGENT_HZ));
  [stage, browser] = await Promise.all([Stage.start({}, { carrier: true }), launch([`--use-file-for-fake-audio-capture=${microphone}`])]);
  ({ carrier } = stage);
  await carrier.openAccount(USERNAME, PASSWORD);
});
afterAll(async () => {
  await browser?.close();
  await stage?.end();
  rmSync(folder, { recursive: true, force: true });
});

/** A screen as somebody sees it who never loads it anew. */
async function panel(email: string, path: string): Promise<Page> {
  const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" });
  context.setDefaultTimeout(20_000);
  onTestFinished(() => context.close());
  const page = await open(context);
  let loads = 0;
  page.on("load", () => (loads += 1));
  onTestFinished(() => expect(loads, `loads of ${path}`).toBe(1));
  await signInQuickly(page, stage.url, email, stage.password);
  await page.goto(`${stage.url}${path}`);
  await page.locator('[data-connection="live"]').waitFor({ state: "attached" });
  return page;
}

const press = (page: Page, name: string | RegExp) => page.getByRole("button", { name, exact: true }).click();
const standing = (page: Page) => page.locator("[data-trunk]").filter({ has: page.getByRole("heading", { name: "Carrier", exact: true }) });

test("a trunk whose password the carrier refuses is put right in the panel, and registers", async () => {
  const page = await panel("admin@demo.test", "/settings/trunks");
  await page.getByText("No trunk yet").waitFor();
  await press(page, "Add a trunk");
  const form = page.getByRole("dialog", { name: "Add a trunk" });
  await form.getByRole("radio", { name: /^A user name and a password/ }).click();
  const fill = (label: string, value: string) => form.getByLabel(label, { exact: true }).fill(value);
  await fill("Name", "Carrier");
  await fill("Server of the provider", "127.0.0.1");
  await fill("User name", USERNAME);
  await fill("Password", "not-this-one");
  // The company's own, unless another is chosen.
  await expect.poll(() => form.getByLabel("Country of its numbers").inputValue()).toBe("United States");
  await form.getByText("More, if your provider asks for it").click();
  await fill("Port", String(carrier.sipPort));
  // This carrier knows its customers by it.
  await fill("User in From", USERNAME);
  await form.getByRole("button", { name: "Save" }).click();

  const verdict = page.getByRole("dialog", { name: "Does the trunk work?" });
  await verdict.getByText("Carrier does not work.").waitFor();
  await verdict.getByText("The provider does not take the user name or password.").waitFor();
  await page.keyboard.press("Escape");
  await standing(page).locator('[data-registration="rejected"]').getByText("The provider does not take the user name or password.").waitFor();

  await press(page, "Change Carrier");
  const change = page.getByRole("dialog", { name: "Change Carrier" });
  await change.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await change.getByRole("button", { name: "Save" }).click();
  await verdict.getByText("Carrier works. Calls can come in and go out.").waitFor();
  await page.keyboard.press("Escape");
  await standing(page).locator('[data-registration="registered"][data-reachable="true"]').getByText(/^Registered, \d+ ms$/).waitFor();
});

test("calls come in by the trunk to a queue and go out by it, and both sides are heard", async () => {
  const page = await panel("admin@demo.test", "/settings/numbers");
  await press(page, "Add a number");
  const form = page.getByRole("dialog", { name: "Add a number" });
  await form.getByLabel("Number", { exact: true }).fill("+1 212 555 0199");
  await form.getByLabel("Leads to", { exact: true }).fill("Sales");
  await page.getByRole("option", { name: "Queue: Sales" }).click();
  await form.getByRole("button", { name: "Save" }).click();
  await page.getByRole("row").filter({ hasText: "+1 212 555 0199" }).filter({ hasText: "Queue: Sales" }).waitFor();
  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByRole("link", { name: "Trunks" }).click();
  await standing(page).locator('[data-registration="registered"]').waitFor();

  const [admin, operator] = await Promise.all([stage.api(), stage.api("operator@demo.test")]);
  await operator.send("PUT", "/agents/me/state", { state: "available" });
  const agent = await panel("operator@demo.test", "/calls");
  await agent.locator('[data-registration="ready"]').waitFor();

  // In.
  const channel = await carrier.call(USERNAME, NUMBER, "2125550123");
  await agent.locator("[data-incoming]").filter({ hasText: "Sales" }).filter({ hasText: "+1 212 555 0123" }).waitFor();
  await press(agent, "Answer");
  await agent.locator('[data-phone="active"]').filter({ hasText: "Talking" }).waitFor();
  await standing(page).getByText("1 call now").waitFor();
  await hearsTone(agent, AGENT_HZ);
  await carrier.hangUp(channel);
  await agent.locator('[data-phone="idle"]').waitFor();
  await standing(page).getByText("1 call now").waitFor({ state: "detached" });

  // Out.
  await admin.send("PUT", "/dialing", { country: "US", caller_id: NUMBER });
  await agent.keyboard.press("d");
  await agent.getByRole("textbox", { name: "Number or extension" }).fill("(212) 555-0142");
  await agent.keyboard.press("Enter");
  await agent.locator('[data-phone="active"]').filter({ hasText: "Talking" }).waitFor();
  await expect.poll(() => carrier.channels()).toMatchObject([{ state: "Up", caller: { number: NUMBER } }]);
  expect(await carrier.dialled((await carrier.channels())[0]?.id ?? "")).toBe("+12125550142");
  await standing(page).getByText("1 call now").waitFor();
  await hearsTone(agent, AGENT_HZ);
  await press(agent, "Hang up");
  await expect.poll(() => carrier.channels()).toEqual([]);
});
