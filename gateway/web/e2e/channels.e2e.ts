/** A WhatsApp number is connected through the screen, against a stand-in of Meta's. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { Providers, Stage, launch, look, open, signInQuickly } from "./harness";

let stage: Stage;
let browser: Browser;
let providers: Providers;
beforeAll(async () => {
  [stage, browser, providers] = await Promise.all([Stage.start(), launch(), Providers.start()]);
});
afterAll(async () => {
  await browser?.close();
  await providers?.end();
  await stage?.end();
});

test("an account is connected, its webhook verified, and a test message sent", async () => {
  const context = await browser.newContext();
  onTestFinished(() => context.close());
  const page = await open(context);
  await page.emulateMedia({ reducedMotion: "reduce" });
  await signInQuickly(page, stage.url, "admin@demo.test", stage.password);
  await page.goto(`${stage.url}/settings/channels`);
  await page.getByText("No channel is connected").waitFor();
  await look(page, "channels-none");
  await page.setViewportSize({ width: 1440, height: 900 });

  await page.getByRole("button", { name: "Connect a channel" }).first().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("radio", { name: /WhatsApp/ }).click();
  await dialog.getByRole("button", { name: "Continue" }).click();
  await dialog.getByLabel("Name").fill("Shop");
  const settings = providers.settings("whatsapp");
  await dialog.getByLabel("Phone number ID").fill(settings.phone_number_id ?? "");
  await dialog.getByLabel("WhatsApp Business Account ID").fill(settings.waba_id ?? "");
  await dialog.getByRole("textbox", { name: /Access token/ }).fill(settings.access_token ?? "");
  await dialog.getByRole("textbox", { name: /App secret/ }).fill(settings.app_secret ?? "");
  await dialog.getByText("More, for those who need it").click();
  await dialog.getByLabel("Address of the API").fill(settings.api_base ?? "");
  await dialog.getByRole("button", { name: "Connect", exact: true }).click();

  // What Meta is told: where to post to, and what to show.
  const shown = (name: string) => dialog.locator(`[data-copied="${name}"]`);
  await shown("webhook-url").waitFor();
  const url = new URL((await shown("webhook-url").textContent()) ?? "");
  const token = (await shown("verify-token").textContent()) ?? "";
  expect(token).toMatch(/^[0-9a-f]{32}$/);
  await look(page, "channels-webhook");
  await page.setViewportSize({ width: 1440, height: 900 });
  const refused = await fetch(`${stage.gateway.url}${url.pathname}?hub.mode=subscribe&hub.challenge=42&hub.verify_token=wrong`);
  expect(refused.ok).toBe(false);
  const shaken = await fetch(`${stage.gateway.url}${url.pathname}?hub.mode=subscribe&hub.challenge=42&hub.verify_token=${token}`);
  expect([shaken.status, await shaken.text()]).toEqual([200, "42"]);
  await dialog.getByRole("button", { name: "Check" }).click();
  await dialog.locator("[data-checked]").waitFor();
  await dialog.getByRole("button", { name: "Done" }).click();

  await page.locator('[data-health="verified"]').waitFor();
  await look(page, "channels-account");
  await page.setViewportSize({ width: 1440, height: 900 });

  // WhatsApp lets nobody be written to who has not written within a day.
  await providers.do("/whatsapp/last_wrote", { who: "393331234567", at: new Date().toISOString() });
  await page.getByLabel("To", { exact: true }).fill("+393331234567");
  await page.getByRole("button", { name: "Send a test message" }).click();
  await page.locator('[data-tested="sent"]').waitFor();
  const sent = await providers.do<{ items: unknown[] }>("/whatsapp/messages?after=0&wait_ms=10000");
  expect(JSON.stringify(sent.items)).toContain("A test message of Shop");

  await page.goto(`${stage.url}/settings/channels`);
  await page.getByRole("link", { name: "Shop" }).waitFor();
});
