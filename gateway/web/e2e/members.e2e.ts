/** Members and one's own account, as people look after them. */
import { createHmac } from "node:crypto";
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

/** What an authenticator shows (RFC 6238). */
function codeOf(secret: string, stepsFromNow: number): string {
  const bits = [...secret].map((sign) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(sign).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + stepsFromNow));
  const hash = createHmac("sha1", key).update(counter).digest();
  return String((hash.readUInt32BE((hash.at(-1) ?? 0) & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

it("somebody is invited with a role of the company's own, joins, and is given another", async () => {
  const admin = await stage.api("admin@demo.test");
  await admin.send("POST", "/roles", { name: "Reception", permissions: ["calls:read"], reach: "member" });
  const page = await open(await browser.newContext());
  await signInQuickly(page, stage.url, "admin@demo.test", stage.password);
  await page.goto(`${stage.url}/settings/members`);
  await page.getByRole("button", { name: "Invite" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("E-mail").fill("grace@example.org");
  await dialog.getByRole("combobox", { name: "Role" }).click();
  await page.getByRole("option", { name: "Reception (your own)" }).click();
  await dialog.getByRole("button", { name: "Invite" }).click();
  const link = new URL((await dialog.locator("code").textContent()) ?? "");

  const guest = await open(await browser.newContext());
  await guest.goto(stage.url + link.pathname + link.hash);
  await guest.getByLabel("Your name").fill("Grace Hopper");
  await guest.getByLabel("Password", { exact: true }).fill("password123");
  await guest.getByText("Everybody tries this one first.").waitFor();
  await guest.getByLabel("Password", { exact: true }).fill("a kettle on the moor");
  await guest.getByText("A good password.").waitFor();
  await guest.getByRole("button", { name: "Accept the invitation" }).click();
  await guest.getByRole("status").getByText("Sign in.").waitFor();
  await signInQuickly(guest, stage.url, "grace@example.org", "a kettle on the moor");

  await page.reload();
  const role = page.getByRole("combobox", { name: "Role: Grace Hopper" });
  await role.getByText("Reception").waitFor();
  await role.click();
  await page.getByRole("option", { name: "Viewer" }).click();
  await page.getByRole("region", { name: "Notifications" }).getByText("Changed.").waitFor();
  const { items } = await admin.send<{ items: { email: string; role: string; role_id: string | null }[] }>("GET", "/members");
  expect(items.find((one) => one.email === "grace@example.org")).toMatchObject({ role: "viewer", role_id: null });
});

it("one-time codes are set up, asked for at sign-in, and taken away by an admin", async () => {
  const page = await open(await browser.newContext());
  await signInQuickly(page, stage.url, "operator2@demo.test", stage.password);
  await page.goto(`${stage.url}/settings/security`);
  await page.getByRole("button", { name: "Set up" }).click();
  await page.getByLabel("Your password").fill(stage.password);
  await page.getByRole("button", { name: "Go on" }).click();
  const secret = (await page.getByRole("dialog").locator("code").textContent()) ?? "";
  const picture = page.getByAltText("QR code for the authenticator");
  expect(await picture.evaluate((image: HTMLImageElement) => image.decode().then(() => image.naturalWidth))).toBeGreaterThan(0);
  await page.getByRole("textbox", { name: "Code" }).fill(codeOf(secret, 0));
  await page.getByRole("button", { name: "Confirm" }).click();
  await page.getByRole("button", { name: "I have kept them" }).click();
  await page.getByText("10 recovery codes are left.").waitFor();

  const fresh = await open(await browser.newContext());
  await fresh.goto(`${stage.url}/sign-in`);
  await fresh.getByLabel("E-mail").fill("operator2@demo.test");
  await fresh.getByLabel("Password", { exact: true }).fill(stage.password);
  await fresh.getByRole("button", { name: "Sign in" }).click();
  await fresh.getByRole("textbox", { name: "Code" }).fill(codeOf(secret, 1));
  await fresh.getByRole("button", { name: "Sign in" }).click();
  await fresh.waitForURL("**/calls");

  const admin = await open(await browser.newContext());
  await signInQuickly(admin, stage.url, "admin@demo.test", stage.password);
  await admin.goto(`${stage.url}/settings/members`);
  await admin.getByRole("button", { name: "Take one-time codes away" }).click();
  await admin.getByRole("alertdialog").getByRole("button", { name: "Take one-time codes away" }).click();
  await admin.getByRole("region", { name: "Notifications" }).getByText("Changed.").waitFor();
  await signInQuickly(await open(await browser.newContext()), stage.url, "operator2@demo.test", stage.password);
});
