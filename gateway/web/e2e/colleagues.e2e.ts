/** The directory: who has which extension, and agents who call each other. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type ApiUser, Stage, launch, look, open, signInQuickly } from "./harness";

let stage: Stage;
let browser: Browser;
let olga: ApiUser;

beforeAll(async () => {
  [stage, browser] = await Promise.all([Stage.start(), launch()]);
  olga = await stage.api("operator@demo.test");
});
afterAll(async () => {
  await browser?.close();
  await stage?.end();
});

async function panel(email: string, path: string): Promise<Page> {
  const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" });
  onTestFinished(() => context.close());
  const page = await open(context);
  // Whoever leaves the page in a call is asked whether they mean it.
  page.on("dialog", (dialog) => void dialog.accept());
  await signInQuickly(page, stage.url, email, stage.password);
  await page.goto(`${stage.url}${path}`);
  await page.locator('[data-connection="live"]').waitFor({ state: "attached" });
  return page;
}

const row = (page: Page, name: string) => page.getByRole("row", { name: new RegExp(name) });

test("an extension is given by who may, refused where somebody has it, and found by everybody", async () => {
  const manager = await panel("manager@demo.test", "/agents");
  const operator = await panel("operator2@demo.test", "/agents");
  // Each has one by themselves.
  await row(operator, "Olga Operator").getByText("2001").waitFor();
  await row(operator, "Otto Operator").getByText("2002").waitFor();

  await manager.getByRole("button", { name: "Manage Olga Operator" }).click();
  const sheet = manager.getByRole("dialog");
  const extension = sheet.getByRole("textbox", { name: "Extension" });
  await extension.fill("2002");
  await sheet.getByRole("button", { name: "Save the extension" }).click();
  await sheet.getByText("An agent or a queue has it already").waitFor();
  await extension.fill("700");
  await sheet.getByRole("button", { name: "Save the extension" }).click();
  await sheet.getByText("An agent or a queue has it already").waitFor();
  await extension.fill("2055");
  await sheet.getByRole("button", { name: "Save the extension" }).click();
  await manager.getByText("Olga Operator has the extension 2055").first().waitFor();
  await manager.keyboard.press("Escape");
  await row(operator, "Olga Operator").getByText("2055").waitFor();

  await operator.getByRole("searchbox", { name: "Search by name or extension" }).fill("2055");
  await row(operator, "Otto Operator").waitFor({ state: "detached" });
  await row(operator, "Olga Operator").waitFor();
  await look(operator, "directory");
  await operator.setViewportSize({ width: 1440, height: 900 });
  // An operator gives nobody one, and does not call themselves.
  expect(await operator.getByRole("button", { name: /^Manage/ }).count()).toBe(0);
  await operator.getByRole("searchbox").fill("otto");
  await row(operator, "Otto Operator").waitFor();
  expect(await operator.getByRole("button", { name: /^Call Otto/ }).count()).toBe(0);
});

test("who has no phone cannot be called, and the button says so; who has one is a click away", async () => {
  const caller = await panel("operator2@demo.test", "/agents");
  await caller.locator('[data-registration="ready"]').waitFor();
  const button = caller.locator(`[data-call-agent="${olga.id}"]`);
  await button.and(caller.getByRole("button", { name: "Call Olga Operator: No phone signed in" })).waitFor();
  expect(await button.isDisabled()).toBe(true);

  const callee = await panel("operator@demo.test", "/calls");
  await callee.locator('[data-registration="ready"]').waitFor();
  await caller.getByRole("button", { name: "Call Olga Operator", exact: true }).click();
  await callee.locator("[data-incoming]").waitFor();
  await callee.getByRole("button", { name: "Answer", exact: true }).first().click();
  await caller.getByRole("button", { name: "Hang up", exact: true }).first().waitFor();
  // Whoever talks is not called.
  await caller.getByRole("button", { name: "Call Olga Operator: On a call" }).waitFor();
  await row(callee, "Internal").or(row(callee, "2002")).first().waitFor();
  await caller.getByRole("button", { name: "Hang up", exact: true }).first().click();
  await callee.locator('[data-phone="idle"]').waitFor();
  await caller.getByRole("button", { name: "Call Olga Operator", exact: true }).waitFor();
});

test("an extension is dialled like a number", async () => {
  const device = await olga.send<{ username: string; password: string }>("POST", `/agents/${olga.id}/devices`, { name: "Desk" });
  const desk = await stage.deskPhone(device.username, device.password, { answers: false, hz: 600 });
  const { items } = await olga.send<{ items: { id: string; extension: string; reachable: boolean }[] }>("GET", "/agents");
  const extension = items.find((one) => one.id === olga.id)?.extension ?? "";
  await expect.poll(async () => (await olga.send<{ items: { id: string; reachable: boolean }[] }>("GET", "/agents")).items.find((one) => one.id === olga.id)?.reachable, { timeout: 15_000 }).toBe(true);
  const caller = await panel("operator2@demo.test", "/calls");
  await caller.locator('[data-registration="ready"]').waitFor();
  await caller.keyboard.press("d");
  await caller.getByRole("textbox", { name: "Number or extension" }).fill(extension);
  await caller.keyboard.press("Enter");
  await desk.wait("incoming");
  await desk.answer();
  await desk.wait("established");
  await caller.getByRole("button", { name: "Hang up", exact: true }).first().click();
  await desk.wait("closed");
});
