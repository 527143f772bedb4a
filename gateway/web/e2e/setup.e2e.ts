/** From the demo to a company of one's own, as its admin does it: nothing but the panel is used. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { axe, launch, open, shots, signIn, signInQuickly, Stage } from "./harness";

const PASSWORD = "three dry herons";
let stage: Stage;
let browser: Browser;

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
  await email.fill("anna@rossi.test");
  await onward(page);
  await step(page, "Colleagues");
  await onward(page);
  await step(page, "Look it over");
  const kept = await page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }));
  expect(kept).toContain("Rossi & Figli");
  expect(kept).not.toContain(PASSWORD);
  await page.getByRole("button", { name: "Create the company" }).click();

  await step(page, "Rossi & Figli is ready");
  expect(await page.locator("code").count()).toBe(2);
  await axe(page);
  await shots(page, "setup-done");
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.getByRole("button", { name: "To the sign-in" }).click();
  await page.waitForURL(/sign-in/);

  await signIn(page, stage.url, "anna@rossi.test", PASSWORD);
  await page.goto(`${stage.url}/setup`);
  await page.getByRole("button", { name: "Remove the demo" }).click();
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
