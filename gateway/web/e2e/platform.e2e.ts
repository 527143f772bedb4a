/** A superadmin makes a company and suspends it; an admin locks a setting and those below obey; somebody goes to another company. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { launch, open, signInQuickly, Stage } from "./harness";

let stage: Stage;
let browser: Browser;
beforeAll(async () => {
  [stage, browser] = await Promise.all([Stage.start(), launch()]);
  await stage.sql("UPDATE users SET superadmin = true WHERE email = 'admin@demo.test'");
});
afterAll(async () => {
  await browser.close();
  await stage.end();
});

it("a company is made, gone to, and suspended with a reason that is told", async () => {
  const page = await open(await browser.newContext());
  await signInQuickly(page, stage.url, "admin@demo.test", stage.password);
  await page.goto(stage.url);
  await page.getByRole("link", { name: "Platform" }).click();
  await page.getByRole("button", { name: "New company" }).first().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name", { exact: true }).fill("Rossi & Figli");
  expect(await dialog.getByLabel("Short name").inputValue()).toBe("rossi-figli");
  await dialog.getByLabel("Admin's name").fill("Olga");
  await dialog.getByLabel("Admin's e-mail").fill("operator@demo.test");
  await dialog.getByLabel("First queue").fill("Assistenza");
  await dialog.getByRole("button", { name: "Make it" }).click();
  await page.getByRole("dialog", { name: "Rossi & Figli is there" }).waitFor();
  await page.getByText("The admin has a password already", { exact: false }).waitFor();
  await page.getByRole("button", { name: "Close" }).last().click();

  const theirs = await open(await browser.newContext());
  await signInQuickly(theirs, stage.url, "operator@demo.test", stage.password);
  await theirs.goto(stage.url);
  await theirs.getByRole("button", { name: "Olga Operator", exact: false }).click();
  await theirs.getByRole("menuitem", { name: "Another company…" }).click();
  // The page is loaded anew, as the other company's.
  await Promise.all([theirs.waitForEvent("load"), theirs.getByRole("button", { name: "Go to Rossi & Figli" }).click()]);
  await theirs.getByText("Rossi & Figli").first().waitFor();
  await theirs.goto(`${stage.url}/queues`);
  await theirs.getByText("Assistenza").first().waitFor();

  await page.getByRole("row", { name: /Rossi & Figli/ }).click();
  await page.getByRole("button", { name: "Suspend" }).click();
  await page.getByRole("dialog").getByLabel("Reason").fill("The bill is not paid.");
  await page.getByRole("dialog").getByRole("button", { name: "Suspend" }).last().click();
  await theirs.waitForURL(/sign-in/);
});

it("a locked setting is obeyed at once by those below, and cannot be changed there", async () => {
  const operator = await open(await browser.newContext());
  await signInQuickly(operator, stage.url, "operator@demo.test", stage.password);
  await operator.goto(`${stage.url}/settings/all`);
  const theme = operator.getByRole("combobox", { name: "Theme" });
  await theme.waitFor();
  await operator.getByRole("searchbox", { name: "Search settings" }).fill("looks.theme");
  expect(await operator.getByRole("listitem").filter({ hasText: "looks." }).count()).toBe(1);

  const admin = await stage.api("admin@demo.test");
  await admin.send("PUT", "/settings/tenant/looks.theme", { value: "dark", lock: "hard" });
  await operator.waitForFunction(() => document.documentElement.dataset.theme === "dark");
  await operator.getByText("Locked by: Company").waitFor();
  expect(await theme.isDisabled()).toBe(true);
  await admin.send("DELETE", "/settings/tenant/looks.theme");
  await operator.getByText("Locked by: Company").waitFor({ state: "detached" });
});
