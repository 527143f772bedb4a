/** The live board: what it counts is what the reports count, and what supervisors do from it. */
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { type ApiUser, type Customer, Stage, clean, launch, look, open, signInQuickly } from "./harness";

let stage: Stage;
let browser: Browser;
let admin: ApiUser;
let operator: ApiUser;
/** Takes calls as others do, and may supervise: who listens needs a phone, and phones are agents'. */
let supervisor: ApiUser;
let support: string;

beforeAll(async () => {
  [stage, browser] = await Promise.all([Stage.start(), launch()]);
  [admin, operator] = await Promise.all([stage.api("admin@demo.test"), stage.api("operator@demo.test")]);
  const { id } = await stage.api("operator2@demo.test");
  await admin.send("PATCH", `/members/${id}`, { role: "manager" });
  supervisor = await stage.api("operator2@demo.test");
  await supervisor.send("PUT", "/agents/me/state", { state: "paused" });
  for (const [who, hz] of [[operator, 600], [supervisor, 1000]] as const) {
    const device = await who.send<{ username: string; password: string }>("POST", `/agents/${who.id}/devices`, { name: "Desk" });
    await stage.deskPhone(device.username, device.password, { answers: true, hz });
  }
  support = (await admin.send<{ items: { id: string; slug: string }[] }>("GET", "/queues")).items.find((one) => one.slug === "support")?.id ?? "";
});
afterAll(async () => {
  await browser?.close();
  await stage?.end();
});
beforeEach(() => operator.send("PUT", "/agents/me/state", { state: "paused" }));

async function board(email = "manager@demo.test", path = "/board"): Promise<Page> {
  const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" });
  context.setDefaultTimeout(20_000);
  onTestFinished(() => context.close());
  const page = await open(context);
  await signInQuickly(page, stage.url, email, stage.password);
  await page.goto(`${stage.url}${path}`);
  await page.locator('[data-connection="live"]').waitFor();
  await page.locator("[data-board-waiting]").waitFor({ state: "attached" });
  return page;
}

async function calls(from: string, to = "+15550100"): Promise<Customer> {
  const customer = await stage.customerCall(to, { from, hz: 800 });
  onTestFinished(async () => void (await customer.hangUp().catch(() => undefined)));
  await customer.wait("established");
  return customer;
}

interface Counted {
  waiting: number;
  offered: number;
  answered: number;
  abandoned: number;
}

/** What the board shows of all queues together. */
const counted = (page: Page): Promise<Counted> =>
  page.evaluate(() => {
    const of = document.querySelector<HTMLElement>("[data-board-waiting]")?.dataset ?? {};
    return { waiting: Number(of.boardWaiting), offered: Number(of.boardOffered), answered: Number(of.boardAnswered), abandoned: Number(of.boardAbandoned) };
  });
const shows = (page: Page, wanted: Partial<Counted>) => expect.poll(() => counted(page), { timeout: 15_000 }).toMatchObject(wanted);
const grid = (page: Page, name: string): Locator => page.getByRole("grid", { name, exact: true });
const row = (page: Page, list: string, text: string | RegExp): Locator => grid(page, list).getByRole("row").filter({ hasText: text });

/** The day's report as the server counts it. */
async function reported(): Promise<Omit<Counted, "waiting">> {
  const { tenant } = await admin.send<{ tenant: { time_zone: string } }>("GET", "/me");
  // Canada's way to write a day is the API's.
  const day = new Date().toLocaleDateString("en-CA", { timeZone: tenant.time_zone });
  const { items } = await admin.send<{ items: { queue: unknown; figures: Omit<Counted, "waiting"> }[] }>("GET", `/reports/calls?from=${day}&to=${day}&interval=total&by=queue`);
  const none = { offered: 0, answered: 0, abandoned: 0 };
  return items.reduce((sum, { queue, figures }) => (queue ? { offered: sum.offered + figures.offered, answered: sum.answered + figures.answered, abandoned: sum.abandoned + figures.abandoned } : sum), none);
}
const agrees = async (page: Page) => expect.poll(async () => [await counted(page), await reported()], { timeout: 15_000 }).toSatisfy(([shown, said]: [Counted, Omit<Counted, "waiting">]) => shown.offered === said.offered && shown.answered === said.answered && shown.abandoned === said.abandoned);

test("a call is seen waiting, answered and gone, and the day's figures are the report's", async () => {
  const page = await board();
  await shows(page, { waiting: 0, offered: 0 });
  await grid(page, "Queues").waitFor();
  await page.getByText("Nobody is on the line").waitFor();
  await clean(page);
  await page.setViewportSize({ width: 1440, height: 900 });

  const customer = await calls("+15557770101");
  await shows(page, { waiting: 1, offered: 1, answered: 0 });
  await row(page, "Calls", "777 0101").getByText("Waiting").waitFor();
  await operator.send("PUT", "/agents/me/state", { state: "available" });
  await shows(page, { waiting: 0, offered: 1, answered: 1 });
  await row(page, "Calls", "777 0101").getByText("Talking").waitFor();
  const agent = row(page, "Agents", "Olga Operator");
  await agent.getByText("On a call").waitFor();
  await agent.getByRole("link", { name: /777 0101/ }).waitFor();
  await look(page, "board-talking");
  await page.setViewportSize({ width: 1440, height: 900 });
  await customer.hangUp();
  await page.getByText("Nobody is on the line").waitFor();

  // Somebody gives up, after a wait that hurts: said by a sign and in words, not by a colour alone.
  await operator.send("PUT", "/agents/me/state", { state: "paused" });
  const other = await calls("+15557770102");
  await shows(page, { waiting: 1, offered: 2 });
  await grid(page, "Queues").locator("[data-alarm]").filter({ hasText: "Nobody is free to answer" }).first().waitFor();
  await other.hangUp();
  await shows(page, { waiting: 0, offered: 2, answered: 1, abandoned: 1 });
  await agrees(page);

  // A page that is loaded anew begins with the same.
  const before = await counted(page);
  await page.reload();
  await page.locator("[data-board-waiting]").waitFor({ state: "attached" });
  await shows(page, before);
});

test("after a cut the board goes on without a gap", async () => {
  const page = await board();
  const before = await counted(page);
  stage.line.cut();
  await page.locator('[data-connection="offline"]').waitFor();
  await calls("+15557770201");
  const gone = await calls("+15557770202");
  await gone.hangUp();
  stage.line.mend();
  await page.locator('[data-connection="live"]').waitFor({ timeout: 30_000 });
  await shows(page, { waiting: 1, offered: before.offered + 2, abandoned: before.abandoned + 1 });
  await agrees(page);
});

test("a supervisor listens, whispers, joins, stops, and takes a call over", async () => {
  const page = await board("operator2@demo.test");
  await operator.send("PUT", "/agents/me/state", { state: "available" });
  const customer = await calls("+15557770301");
  await row(page, "Calls", "777 0301").getByText("Talking").waitFor();
  const menu = async (item: string) => {
    await grid(page, "Calls").getByRole("button", { name: "Supervise the call with +1 555 777 0301" }).click();
    await page.getByRole("menu").getByText(item, { exact: true }).click();
  };
  const supervises = (mode: string) => page.locator(`[data-supervising="${mode}"]`).waitFor();
  // The browser is a phone too; here the desk phone is to ring, which answers by itself and gives a tone.
  await page.locator('header [data-registration="ready"]').first().waitFor({ state: "attached" });
  await menu("On Desk");
  await menu("Listen");
  await supervises("listen");
  await row(page, "Calls", "777 0301").getByText("Listening").waitFor();
  const bar = page.getByRole("region", { name: "The call you supervise" });
  await bar.getByRole("radio", { name: "Whisper" }).click();
  await supervises("whisper");
  await bar.getByRole("radio", { name: "Barge in" }).click();
  await supervises("barge");
  await look(page, "board-supervising");
  await page.setViewportSize({ width: 1440, height: 900 });

  // A page that is loaded anew knows it; so does the call's own.
  await page.reload();
  await supervises("barge");
  await row(page, "Calls", "777 0301").getByText("+1 555 777 0301").click();
  await page.locator('[data-call="active"]').waitFor();
  await supervises("barge");
  await page.getByRole("button", { name: "Stop", exact: true }).click();
  await page.locator("[data-supervising]").waitFor({ state: "detached" });

  // From the agents' list, and then the call is theirs.
  await page.goto(`${stage.url}/agents`);
  await page.getByRole("row", { name: /Olga Operator/ }).getByRole("button", { name: /^Supervise the call/ }).click();
  await page.getByRole("menu").getByText("Listen", { exact: true }).click();
  // Leaving the page would take the request back.
  await page.getByText("Your phone rings").first().waitFor();
  await page.goto(`${stage.url}/board`);
  await supervises("listen");
  await page.getByRole("region", { name: "The call you supervise" }).getByRole("button", { name: "Take over" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Take over" }).click();
  await row(page, "Calls", "777 0301").getByText("Otto Operator").waitFor();
  await page.locator("[data-supervising]").waitFor({ state: "detached" });
  await customer.hears(1000);
  await customer.hangUp();
});

test("waiting calls are moved together, and keep their wait", async () => {
  const page = await board("operator2@demo.test");
  await calls("+15557770401");
  await calls("+15557770402");
  await shows(page, { waiting: 2 });
  const before = await counted(page);
  for (const number of ["+1 555 777 0401", "+1 555 777 0402"]) await grid(page, "Calls").getByRole("checkbox", { name: `Choose ${number}` }).click();
  await page.getByText("2 calls chosen").waitFor();
  await page.getByRole("button", { name: "Move…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("To queue").click();
  await page.getByRole("option", { name: "Support" }).click();
  await look(page, "board-move");
  await page.setViewportSize({ width: 1440, height: 900 });
  await dialog.getByRole("button", { name: "Move", exact: true }).click();
  await page.getByText("2 calls moved to Support").first().waitFor();
  for (const number of ["777 0401", "777 0402"]) await row(page, "Calls", number).getByText("Support").waitFor();
  // Each was offered to both queues; nobody waits twice.
  await shows(page, { waiting: before.waiting, offered: before.offered + 2 });
  const { items } = await admin.send<{ items: { from: string; queue_id: string }[] }>("GET", "/calls?state=queued");
  expect(items.filter((call) => call.from.startsWith("+155577704")).map((call) => call.queue_id)).toEqual([support, support]);
  await agrees(page);
});

test("a notice is sent to everybody, or to a queue", async () => {
  const page = await board();
  await page.getByRole("button", { name: "Notice…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Text", { exact: true }).fill("x".repeat(501));
  expect(await dialog.getByRole("button", { name: "Send" }).isDisabled()).toBe(true);
  await dialog.getByLabel("Text", { exact: true }).fill("Fire drill at three");
  await dialog.getByLabel("For", { exact: true }).click();
  await page.getByRole("option", { name: "Queue Support" }).click();
  await look(page, "board-notice");
  await page.setViewportSize({ width: 1440, height: 900 });
  await dialog.getByRole("button", { name: "Send" }).click();
  await page.getByText("Notice sent").first().waitFor();
  const { items } = await admin.send<{ items: { data: Record<string, unknown> }[] }>("GET", "/events?after=0&limit=1000&kinds=notice.sent");
  expect(items.at(-1)?.data).toMatchObject({ text: "Fire drill at three", queue_id: support });
});

test("the wall has the same figures and nothing to press but the way out; who only answers calls is not led here", async () => {
  const page = await board("manager@demo.test", "/board?wall=1");
  await page.getByRole("heading", { name: "Support" }).waitFor();
  await agrees(page);
  await page.getByRole("button", { name: "Leave" }).click();
  await grid(page, "Queues").waitFor();
  // One queue alone.
  await page.getByRole("button", { name: "Support", exact: true }).click();
  await page.waitForURL(/queue=/);
  await expect.poll(() => grid(page, "Queues").getByRole("row").count()).toBe(2);

  const context = await browser.newContext();
  onTestFinished(() => context.close());
  const other = await open(context);
  await signInQuickly(other, stage.url, "operator@demo.test", stage.password);
  await other.goto(`${stage.url}/queues`);
  await other.getByRole("heading", { name: "Sales" }).waitFor();
  expect(await other.getByRole("link", { name: "Live board" }).count()).toBe(0);
});
