/** Roles, teams and API keys, as an admin makes them. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { launch, open, signInQuickly, Stage } from "./harness";

let stage: Stage;
let browser: Browser;
beforeAll(async () => {
  [stage, browser] = await Promise.all([Stage.start(), launch()]);
});
afterAll(async () => {
  await browser.close();
  await stage.end();
});

it("a role of one's own and a team are made", async () => {
  const page = await open(await browser.newContext());
  await signInQuickly(page, stage.url, "admin@demo.test", stage.password);
  await page.goto(`${stage.url}/settings/roles`);
  await page.getByRole("button", { name: "New role" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("Reception");
  await dialog.getByRole("checkbox").first().click();
  await dialog.getByRole("button", { name: "Save" }).click();
  await page.getByRole("region", { name: "Notifications" }).getByText("Reception was saved").waitFor();
  await page.getByText("Allows 1 thing", { exact: true }).waitFor();

  await page.getByRole("tab", { name: "Teams" }).click();
  await page.getByRole("button", { name: "New team" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("Evening");
  await page.keyboard.press("Enter");
  await page.getByText("Nobody belongs to it yet.").waitFor();
});

it("an API key is shown once, comes in, and is refused as soon as it is revoked", async () => {
  const page = await open(await browser.newContext());
  await signInQuickly(page, stage.url, "admin@demo.test", stage.password);
  await page.goto(`${stage.url}/settings/api-keys`);
  await page.getByRole("button", { name: "New API key" }).first().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("Wallboard");
  for (const box of await dialog.getByRole("checkbox").all()) await box.click();
  await dialog.getByRole("button", { name: "Make the key" }).click();
  await page.getByRole("dialog", { name: "Your API key" }).waitFor();
  const key = /tlk_[a-z0-9]{10}_[\w-]+/.exec(await page.getByRole("dialog").innerHTML())?.[0] ?? "";
  expect(key).not.toBe("");
  const status = async () => (await fetch(`${stage.url}/api/v1/queues`, { headers: { authorization: `Bearer ${key}` } })).status;
  expect(await status()).toBe(200);

  await page.reload();
  await page.getByRole("button", { name: "Revoke Wallboard" }).click();
  await page.getByRole("button", { name: "Revoke", exact: true }).click();
  await page.getByRole("region", { name: "Notifications" }).getByText("Wallboard was revoked").waitFor();
  expect(await status()).toBe(401);
  expect(await page.content()).not.toContain(key);
});
