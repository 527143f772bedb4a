/** From the demo to a company of one's own, as its admin does it: nothing but the panel is used. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { axe, launch, look, open, shots, signIn, signInQuickly, Stage } from "./harness";

const PASSWORD = "three dry herons";
let stage: Stage;
let browser: Browser;
/** Of the first colleague: the second test begins where the first one ends. */
let oneTime: string;

beforeAll(async () => {
  [stage, browser] = await Promise.all([Stage.start(), launch()]);
});
afterAll(async () => {
  await browser?.close();
  await stage?.end();
});

const step = (page: Page, name: string) => page.getByRole("heading", { level: 2, name, exact: true }).waitFor();
const onward = (page: Page) => page.getByRole("button", { name: "Continue" }).click();

it("a company is set up, its admin signs in, takes the demo away, and sees a test call come in", async () => {
  const page = await open(await browser.newContext());
  await page.emulateMedia({ reducedMotion: "reduce" });
  await signInQuickly(page, stage.url, "admin@demo.test");
  await page.goto(`${stage.url}/calls`);
  await page.locator("main").getByRole("link", { name: "Set up" }).click();

  await step(page, "Company");
  await onward(page);
  await page.getByText("This is needed.").waitFor();
  expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-invalid"))).toBe("true");
  await axe(page);
  await page.getByLabel("Company", { exact: false }).first().fill("Rossi & Figli");
  await page.getByLabel("Number", { exact: false }).fill("+39 06 1234-5678");
  await onward(page);
  await step(page, "Opening hours");
  await axe(page);
  await shots(page, "setup-hours");
  await page.setViewportSize({ width: 1280, height: 900 });
  await onward(page);
  await step(page, "You");
  await page.getByLabel("Name", { exact: false }).fill("Anna Rossi");
  await page.locator('input[autocomplete="new-password"]').fill("anna rossi 24");
  await page.getByText("Easy to guess.", { exact: false }).waitFor();
  await axe(page);
  await shots(page, "setup-you");
  await page.setViewportSize({ width: 1280, height: 900 });
  // Taken already, which only the server knows.
  await page.getByLabel("E-mail", { exact: false }).fill("admin@demo.test");
  await page.locator('input[autocomplete="new-password"]').fill(PASSWORD);
  await onward(page);
  await step(page, "Colleagues");
  await page.getByLabel("Paste addresses").fill("Bruno Verdi <bruno@rossi.test>, carla.neri@rossi.test");
  await page.getByRole("button", { name: "Add 2 people" }).click();
  await shots(page, "setup-people");
  await page.setViewportSize({ width: 1280, height: 900 });
  await onward(page);
  await step(page, "Look it over");
  await page.getByRole("button", { name: "Create the company" }).click();

  // Back at the very field, and nothing that was typed is lost.
  await step(page, "You");
  const email = page.getByLabel("E-mail", { exact: false });
  await page.locator('[aria-invalid="true"]').waitFor();
  expect(await email.getAttribute("aria-invalid")).toBe("true");
  await page.getByText("Somebody signs in with this address already.").waitFor();
  await email.fill("anna@rossi.test");
  await onward(page);
  await step(page, "Colleagues");
  await onward(page);
  await step(page, "Look it over");
  await look(page, "setup-review");
  await page.setViewportSize({ width: 1280, height: 900 });
  const kept = await page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }));
  expect(kept).toContain("Rossi & Figli");
  expect(kept).not.toContain(PASSWORD);
  await page.getByRole("button", { name: "Create the company" }).click();

  await step(page, "Rossi & Figli is ready");
  expect(await page.locator("code").count()).toBe(2);
  oneTime = (await page.locator("code").first().textContent()) ?? "";
  await axe(page);
  await shots(page, "setup-done");
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.getByRole("button", { name: "To the sign-in" }).click();
  await page.waitForURL(/sign-in/);

  await signIn(page, stage.url, "anna@rossi.test", PASSWORD);
  await page.goto(`${stage.url}/setup`);
  await page.getByRole("button", { name: "Remove the demo" }).click();
  await page.getByRole("alertdialog").waitFor();
  await look(page, "setup-remove-demo");
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.getByRole("alertdialog").getByRole("button", { name: "Remove the demo" }).click();
  await page.getByRole("button", { name: "Remove the demo" }).waitFor({ state: "detached" });
  const refused = await page.context().request.post(`${stage.url}/api/v1/auth/login`, { data: { email: "admin@demo.test", password: stage.password } });
  expect(refused.status()).toBe(401);

  await page.goto(`${stage.url}/calls`);
  await page.locator('[data-connection="live"]').waitFor({ state: "attached" });
  await page.getByRole("button", { name: "Place a test call" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  await axe(page);
  await shots(page, "test-call");
  await page.setViewportSize({ width: 1280, height: 900 });
  await dialog.getByRole("button", { name: "Place the call" }).click();
  // Nobody reloads: the stream brings it, and the notice leads to it.
  await page.getByRole("button", { name: "Show it" }).click();
  await page.waitForURL(/\/calls\/[0-9a-f-]{36}$/);
  await page.getByRole("heading", { level: 1 }).waitFor();
});

it("is not for those who may not set anything up", async () => {
  const page = await open(await browser.newContext());
  // At the sign-in they have just typed it.
  await page.goto(`${stage.url}/sign-in`);
  await page.getByLabel("E-mail").fill("bruno@rossi.test");
  await page.getByLabel("Password", { exact: true }).fill(oneTime);
  await page.keyboard.press("Enter");
  await page.locator('input[autocomplete="new-password"]').first().waitFor();
  await look(page, "own-password-at-sign-in");
  await signInQuickly(page, stage.url, "bruno@rossi.test", oneTime);
  await page.goto(`${stage.url}/setup`);
  // The first thing that a one-time password opens is the choice of another.
  await page.locator('input[autocomplete="current-password"]').waitFor();
  await look(page, "own-password");
  const [fresh, again] = [page.locator('input[autocomplete="new-password"]').first(), page.locator('input[autocomplete="new-password"]').last()];
  await page.locator('input[autocomplete="current-password"]').fill(oneTime);
  await fresh.fill("four wet otters swim");
  await again.fill("four wet otters swim");
  await page.keyboard.press("Enter");
  await page.getByText("This is not yours to see").waitFor();
  expect(await page.getByRole("button", { name: "Continue" }).count()).toBe(0);
  await page.goto(`${stage.url}/settings`);
  await page.getByText(/^Trunkline \d/).waitFor();
  await page.getByRole("button", { name: "Show them" }).click();
  await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
});
