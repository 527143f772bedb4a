/** Signing in, one's own state, and what others see of it. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { launch, open, signIn, signInQuickly, Stage } from "./harness";

let stage: Stage;
let browser: Browser;
beforeAll(async () => {
  [stage, browser] = await Promise.all([Stage.start(), launch()]);
});
afterAll(async () => {
  await browser.close();
  await stage.end();
});

it("a wrong password is told from a server that is away, and the right one leads where one was going", async () => {
  const page = await open(await browser.newContext());
  await page.goto(`${stage.url}/queues`);
  await page.waitForURL(/\/sign-in/);
  const email = page.getByLabel("E-mail");
  await expect.poll(() => email.evaluate((element) => element === document.activeElement)).toBe(true);
  await email.fill("operator@demo.test");
  await page.getByLabel("Password", { exact: true }).fill("not the password");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText(/do not belong together/).waitFor();

  stage.line.cut();
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").getByText(/does not answer/).waitFor();
  stage.line.mend();

  await page.getByLabel("Password", { exact: true }).fill(stage.password);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/queues$/);
  await page.getByRole("heading", { level: 1, name: "Queues" }).waitFor();
});

it("the demo is entered by one click, in one's own language", async () => {
  const page = await open(await browser.newContext({ locale: "ru-RU" }));
  await page.goto(`${stage.url}/sign-in`);
  await page.getByRole("button", { name: "Руководитель" }).click();
  await page.getByRole("heading", { level: 1, name: "Звонки" }).waitFor();
  expect(await page.locator("html").getAttribute("lang")).toBe("ru");
});

it("a pause with its reason is seen by a manager at once", async () => {
  const [operators, managers] = await Promise.all([browser.newContext(), browser.newContext()]);
  const [operator, manager] = [await open(operators), await open(managers)];
  await signIn(operator, stage.url, "operator@demo.test", stage.password);
  await signInQuickly(manager, stage.url, "manager@demo.test", stage.password);
  await manager.goto(`${stage.url}/agents`);
  const row = manager.getByRole("row", { name: /Olga Operator/ });
  await row.waitFor();

  await operator.locator("[data-state-of-me]").click();
  await operator.getByRole("menuitemcheckbox", { name: /another reason/ }).click();
  await operator.getByLabel("Reason").fill("Fire drill");
  await operator.keyboard.press("Enter");
  await operator.locator('[data-state-of-me="paused"]').waitFor();
  // Since when, by the second.
  const timer = () => operator.locator("[data-state-of-me] .num").textContent();
  const since = await timer();
  expect(since).toMatch(/^0:0\d$/);
  await expect.poll(timer, { timeout: 5000 }).not.toBe(since);
  await row.getByText("Fire drill").waitFor();
  await manager.getByRole("button", { name: /Paused/, pressed: false }).click();
  await expect.poll(() => new URL(manager.url()).search).toBe("?state=paused");
  expect(await manager.getByRole("row", { name: /Operator/ }).count()).toBe(1);

  // By keys, too.
  await operator.locator("body").press("s");
  await operator.locator("body").press("a");
  await operator.locator('[data-state-of-me="available"]').waitFor();
  await manager.getByText("Nobody, right now").waitFor();
});

it("a caller who waits is on the queue's card, and the wait ticks", async () => {
  const page = await open(await browser.newContext());
  await signInQuickly(page, stage.url, "manager@demo.test", stage.password);
  await page.goto(`${stage.url}/queues`);
  const card = page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: "Support" }) });
  await card.getByText("Nobody waits.").waitFor();
  const customer = await stage.customerCall("+15550101", { from: "+15550177" });
  const waiting = card.getByRole("list", { name: /next one first/ }).getByRole("listitem");
  await waiting.getByText("+1 555 0177").waitFor();
  const wait = () => waiting.locator(".num").last().textContent();
  const first = await wait();
  await expect.poll(wait, { timeout: 5000 }).not.toBe(first);
  await page.goto(`${stage.url}/queues?wall=1`);
  await page.getByRole("listitem").filter({ hasText: "Support" }).getByText("1", { exact: true }).waitFor();
  await customer.hangUp();
  await page.getByRole("listitem").filter({ hasText: "Support" }).getByText("–").waitFor();
});

it("a desk phone is added, its password shown once, and removed", async () => {
  const page = await open(await browser.newContext());
  await signInQuickly(page, stage.url, "operator2@demo.test", stage.password);
  await page.goto(`${stage.url}/devices`);
  await page.getByText("No desk phone", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Add a phone" }).click();
  await page.getByLabel("Name").fill("Kitchen");
  await page.keyboard.press("Enter");
  const password = await page.locator('[data-credential="Password"]').textContent();
  const username = await page.locator('[data-credential="User name"]').textContent();
  expect(password).toMatch(/^\w{20}$/);
  await page.getByRole("button", { name: "Done" }).click();
  await page.getByText("Kitchen").waitFor();
  expect(await page.locator("body").textContent()).not.toContain(password);

  // They are good.
  const phone = await stage.deskPhone(username ?? "", password ?? "", { answers: true });
  await page.getByText("A phone is signed in").waitFor();
  void phone;

  // It is gone at once, and back for whoever thinks better of it.
  const operator = await stage.api("operator2@demo.test");
  const kept = async () => (await operator.send<{ items: unknown[] }>("GET", `/agents/${operator.id}/devices`)).items.length;
  await page.getByRole("button", { name: "Remove Kitchen" }).click();
  await page.getByText("No desk phone", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByRole("button", { name: "Remove Kitchen" }).click();
  expect(await kept()).toBe(1);
  // Whoever goes meant it.
  const removed = page.waitForResponse((response) => response.request().method() === "DELETE");
  await page.getByRole("region", { name: "Notifications" }).getByRole("button", { name: "Close" }).click();
  expect((await removed).status()).toBe(204);
  expect(await kept()).toBe(0);
});

it("an alarm of calls that are denied is still there after a reload, until it is put away", async () => {
  const [admin, operator] = await Promise.all([stage.api("admin@demo.test"), stage.api("operator@demo.test")]);
  await admin.send("PUT", "/dialing", { country: "IT" });
  const context = await browser.newContext();
  const page = await open(context);
  await signInQuickly(page, stage.url, "manager@demo.test", stage.password);
  await page.goto(`${stage.url}/agents`);
  await page.locator('[data-connection="live"]').waitFor({ state: "attached" });
  // Five attempts to call abroad are no mistake any more.
  for (let n = 0; n < 5; n += 1) await expect(operator.send("POST", "/calls", { to: `+4930123450${String(n)}` })).rejects.toThrow(/call-denied/);
  const alarm = page.getByText(/^Calls out are being denied/);
  await alarm.waitFor();
  await page.reload();
  await alarm.waitFor();
  // Whoever may not know is not told.
  const other = await open(await browser.newContext());
  await signInQuickly(other, stage.url, "operator@demo.test", stage.password);
  await other.goto(`${stage.url}/agents`);
  await other.locator('[data-connection="live"]').waitFor({ state: "attached" });
  expect(await other.getByText(/^Calls out are being denied/).count()).toBe(0);

  await alarm.locator("xpath=../..").getByRole("button", { name: "Close" }).click();
  await alarm.waitFor({ state: "detached" });
  await page.reload();
  await page.getByRole("row", { name: /Olga Operator/ }).waitFor();
  // What was put away is known before the list is drawn: nothing comes later.
  expect(await page.evaluate(() => Object.keys(localStorage).some((key) => key.startsWith("trunkline.alarm.")))).toBe(true);
  expect(await alarm.count()).toBe(0);
  await context.close();
});
