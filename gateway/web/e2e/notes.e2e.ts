/** What people write on calls, and finding calls by it. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { Stage, axe, launch, look, open, signInQuickly } from "./harness";

let stage: Stage;
let browser: Browser;
/** Two calls, the second one talked. */
const NUMBERS = ["+15550166", "+15550177"] as const;

beforeAll(async () => {
  [stage, browser] = await Promise.all([Stage.start(), launch()]);
  const operator = await stage.api("operator@demo.test");
  const first = await stage.customerCall("+15550100", { from: NUMBERS[0], hz: 800 });
  await first.wait("established");
  await first.hangUp();
  const device = await operator.send<{ username: string; password: string }>("POST", `/agents/${operator.id}/devices`, { name: "Desk" });
  await stage.deskPhone(device.username, device.password, { answers: true, hz: 600 });
  await operator.send("PUT", "/agents/me/state", { state: "available" });
  const second = await stage.customerCall("+15550100", { from: NUMBERS[1], hz: 800 });
  await second.hears(600);
  await second.hangUp();
});
afterAll(async () => {
  await browser?.close();
  await stage?.end();
});

async function panel(email: string, path: string): Promise<Page> {
  const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" });
  onTestFinished(() => context.close());
  const page = await open(context);
  await signInQuickly(page, stage.url, email, stage.password);
  await page.goto(`${stage.url}${path}`);
  await page.locator('[data-connection="live"]').waitFor({ state: "attached" });
  return page;
}

const row = (page: Page, number: string) => page.getByRole("row", { name: new RegExp(number.slice(-4)) });
const card = (page: Page) => page.getByRole("region", { name: "Notes and tags" });

test("a note and tags are written on a call, and are there at once for whoever else looks at it", async () => {
  const mine = await panel("operator@demo.test", "/calls");
  await row(mine, NUMBERS[1]).click();
  await mine.locator('[data-call="ended"]').waitFor();
  const theirs = await panel("manager@demo.test", new URL(mine.url()).pathname);
  await card(theirs).waitFor();

  await card(mine).getByLabel("Write a note").fill("Wants a refund\nby Friday");
  await card(mine).getByLabel("Write a note").press("Control+Enter");
  await card(mine).getByText(/Wants a refund\s+by Friday/).waitFor();
  await card(theirs).getByText(/Wants a refund\s+by Friday/).waitFor();
  await card(theirs).getByText(/Olga Operator ·/).waitFor();
  await theirs.getByText("Olga Operator wrote a note").waitFor();

  for (const tag of ["refund", "  call   back "]) {
    await card(mine).getByLabel("New tag").fill(tag);
    await card(mine).getByLabel("New tag").press("Enter");
    await card(theirs).locator(`[data-tag="${tag.trim().replace(/\s+/g, " ")}"]`).waitFor();
  }
  await theirs.getByText("Tagged: call back, refund").waitFor();
  await look(theirs, "call-notes");
  await theirs.setViewportSize({ width: 1440, height: 900 });

  // The other way round too: a manager takes a tag away, and writes.
  await card(theirs).getByRole("button", { name: "Remove the tag call back" }).click();
  await card(mine).locator('[data-tag="call back"]').waitFor({ state: "detached" });
  await card(theirs).getByLabel("Write a note").fill("Refunded");
  await card(theirs).getByRole("button", { name: "Save the note" }).click();
  await card(mine).getByText("Refunded").waitFor();
  // One's own words can be taken back, others' not by everybody.
  expect(await card(mine).getByRole("button", { name: "Remove the note" }).count()).toBe(1);
  expect(await card(theirs).getByRole("button", { name: "Remove the note" }).count()).toBe(2);
  await card(mine).getByRole("button", { name: "Remove the note" }).click();
  await card(theirs).getByText(/Wants a refund/).waitFor({ state: "detached" });
  // What is removed is gone: its words stand nowhere.
  expect(await theirs.getByText(/Wants a refund/).count()).toBe(0);

  await mine.reload();
  await card(mine).getByText("Refunded").waitFor();
  await card(mine).locator('[data-tag="refund"]').waitFor();
});

test("calls are found by a tag, which stands in the address; who is tagged meanwhile comes by itself", async () => {
  const admin = await stage.api("admin@demo.test");
  const { items } = await admin.send<{ items: { id: string; from: string }[] }>("GET", "/calls");
  const id = (number: string) => items.find((one) => one.from === number)?.id ?? "";
  await admin.send("PUT", `/calls/${id(NUMBERS[1])}/tags`, { tags: ["refund", "VIP"] });
  const page = await panel("manager@demo.test", "/calls");
  await row(page, NUMBERS[0]).waitFor();
  const filters = page.getByRole("group", { name: "Filters" });
  await filters.getByRole("button", { name: "Tag", exact: true }).click();
  await page.getByRole("list", { name: "Tags" }).getByRole("button", { name: /VIP/ }).waitFor();
  await axe(page);
  await page.getByLabel("Find a tag").fill("vi");
  await page.getByLabel("Find a tag").press("Enter");
  await page.waitForURL(/tag=VIP/);
  await row(page, NUMBERS[0]).waitFor({ state: "detached" });
  await row(page, NUMBERS[1]).waitFor();

  await page.reload();
  await row(page, NUMBERS[1]).waitFor();
  expect(await row(page, NUMBERS[0]).count()).toBe(0);
  await admin.send("PUT", `/calls/${id(NUMBERS[0])}/tags`, { tags: ["VIP"] });
  await row(page, NUMBERS[0]).waitFor();
  await admin.send("PUT", `/calls/${id(NUMBERS[0])}/tags`, { tags: [] });
  await row(page, NUMBERS[0]).waitFor({ state: "detached" });
  // A call that comes in has no tag, and is not in the way.
  const customer = await stage.customerCall("+15550100", { from: "+15550188", hz: 800 });
  await customer.wait("established");
  await customer.hangUp();
  await filters.getByRole("button", { name: "Clear filter: Tag" }).waitFor();
  expect(await row(page, "+15550188").count()).toBe(0);
  await filters.getByRole("button", { name: "Clear filter: Tag" }).click();
  await row(page, "+15550188").waitFor();
  expect(new URL(page.url()).search).toBe("");
});
