/** How queues work, what a call leaves its agent to do, and managers who step in. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { type ApiUser, Stage, launch, look, open, signInQuickly } from "./harness";

let stage: Stage;
let browser: Browser;
let admin: ApiUser;
let operator: ApiUser;
let sales: string;

interface AgentRow {
  id: string;
  activity: string;
  reason: string | null;
}

beforeAll(async () => {
  [stage, browser] = await Promise.all([Stage.start(), launch()]);
  [admin, operator] = await Promise.all([stage.api("admin@demo.test"), stage.api("operator@demo.test")]);
  const device = await operator.send<{ username: string; password: string }>("POST", `/agents/${operator.id}/devices`, { name: "Desk" });
  await stage.deskPhone(device.username, device.password, { answers: true, hz: 600 });
  sales = (await admin.send<{ items: { id: string; slug: string }[] }>("GET", "/queues")).items.find((one) => one.slug === "sales")?.id ?? "";
});
afterAll(async () => {
  await browser?.close();
  await stage?.end();
});
beforeEach(async () => {
  await rules({});
  await admin.send("PUT", `/agents/${operator.id}/state`, { state: "available" });
});

const rules = (routing: Record<string, unknown>) => admin.send("PUT", `/queues/${sales}/routing`, { ring_seconds: 15, routing });
const me = async () => (await admin.send<{ items: AgentRow[] }>("GET", "/agents")).items.find((one) => one.id === operator.id);
const does = (activity: string) => expect.poll(async () => (await me())?.activity, { timeout: 15_000 }).toBe(activity);

async function panel(email: string, path: string): Promise<Page> {
  const context = await browser.newContext();
  onTestFinished(() => context.close());
  const page = await open(context);
  await page.emulateMedia({ reducedMotion: "reduce" });
  await signInQuickly(page, stage.url, email, stage.password);
  await page.goto(`${stage.url}${path}`);
  return page;
}

/** A customer who has talked, and is gone. */
async function call(): Promise<void> {
  const customer = await stage.customerCall("+15550100", { from: "+15550199", hz: 800 });
  await customer.wait("established");
  await customer.hears(600);
  await customer.hangUp();
}

test("after a call its agent says what it came to, where the queue requires it, and is ready again", async () => {
  await rules({
    wrap_up_seconds: 120,
    disposition_required: true,
    dispositions: [
      { code: "sold", label: "Sold" },
      { code: "not-now", label: "Not now" },
    ],
  });
  const page = await panel("operator@demo.test", "/calls");
  await page.locator('[data-state-of-me="available"]').waitFor();
  await does("available");
  await call();
  const after = page.getByRole("region", { name: "After the call" });
  await after.getByText(/^[01]:\d\d left$/).waitFor();
  await page.locator("[data-state-of-me]").getByText("Wrap-up").waitFor();
  await after.getByText("+1 555 0199").waitFor();
  await look(page, "wrap-up");
  await page.setViewportSize({ width: 1440, height: 900 });

  // Not without saying it.
  await after.getByRole("button", { name: "Ready", exact: true }).click();
  await after.getByRole("alert").getByText(/this queue requires it/).waitFor();
  expect((await me())?.activity).toBe("wrap_up");
  await after.getByRole("radio", { name: "Not now" }).click();
  await after.getByLabel("Note").fill("Call again in May");
  await after.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("Saved", { exact: true }).first().waitFor();
  // Said is not ready: there is time left.
  expect((await me())?.activity).toBe("wrap_up");
  await page.locator("body").press("s");
  await page.locator("body").press("r");
  await after.waitFor({ state: "detached" });
  await does("available");

  // It is on the call's page, where whoever talked may think better of it.
  await page.getByRole("row", { name: /555 0199/ }).first().getByRole("link").first().click();
  const came = page.getByRole("region", { name: "What it came to" });
  await came.getByText("Call again in May").waitFor();
  await page.getByText("Olga Operator noted: Not now").waitFor();
  await came.getByRole("button", { name: "Change" }).click();
  await page.getByRole("dialog").getByRole("radio", { name: "Sold" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await came.getByText("Sold", { exact: true }).waitFor();
  await page.getByText("Olga Operator noted: Sold").waitFor();
});

test("whoever let calls ring is told that they were paused, and comes back by one button", async () => {
  await rules({ pause_after_missed: 1 });
  const page = await panel("operator@demo.test", "/calls");
  await does("available");
  // What the router does after calls that nobody took.
  await stage.sql(`UPDATE agents SET reason = NULL WHERE id = '${operator.id}'`);
  await operator.send("PUT", "/agents/me/state", { state: "paused", reason: "missed" });
  const told = page.getByRole("region", { name: "You were paused" });
  await told.waitFor();
  await page.locator("[data-state-of-me]").getByText("Paused: Missed calls").waitFor();
  await look(page, "paused-by-missed");
  await page.setViewportSize({ width: 1440, height: 900 });
  await told.getByRole("button", { name: "I am back" }).click();
  await told.waitFor({ state: "detached" });
  await does("available");
});
