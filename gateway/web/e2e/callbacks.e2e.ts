/** Who asks to be called back: the wish by a key, their place in line, an agent's phone, and the one call that is made. The queue's own music is chosen beside it. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type ApiUser, Stage, launch, look, open, signInQuickly } from "./harness";

const CUSTOMER = "+12125550123";
const SALES = "+15550100";
/** Longer than the call takes: it is the other side that ends it. */
const PATIENT = { talk_ms: 60_000 };

let stage: Stage;
let browser: Browser;
let admin: ApiUser;
let sales: string;

beforeAll(async () => {
  [stage, browser] = await Promise.all([Stage.start(), launch()]);
  admin = await stage.api();
  await admin.send("PUT", "/dialing", { country: "US", caller_id: SALES });
  const { items } = await admin.send<{ items: { id: string; slug: string }[] }>("GET", "/queues");
  sales = items.find((one) => one.slug === "sales")?.id ?? "";
  // Nobody is there yet: they are to wait, not to be told so.
  await admin.send("PUT", `/queues/${sales}/routing`, { ring_seconds: 60, routing: { unattended: { grace_seconds: 300, rounds: 1, to: "hang_up" } } });
});
afterAll(async () => {
  await browser?.close();
  await stage?.end();
});

async function panel(email: string, path: string): Promise<Page> {
  const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" });
  context.setDefaultTimeout(20_000);
  onTestFinished(() => context.close());
  const page = await open(context);
  await signInQuickly(page, stage.url, email, stage.password);
  await page.goto(`${stage.url}${path}`);
  await page.locator('[data-connection="live"]').waitFor({ state: "attached" });
  return page;
}

test("a queue's own music and the key for a call back are chosen in the panel", async () => {
  const { id } = await admin.send<{ id: string }>("POST", "/sounds", { name: "Slow waltz" });
  const page = await panel("admin@demo.test", `/queues/${sales}`);
  await page.getByLabel("Music while waiting", { exact: true }).click();
  await page.getByRole("option", { name: "Slow waltz", exact: true }).click();
  const keys = page.getByRole("group", { name: "Keys", exact: true });
  await keys.getByRole("button", { name: "Add a key" }).click();
  await keys.getByLabel("Key", { exact: true }).click();
  await page.getByRole("option", { name: "2", exact: true }).click();
  await keys.getByLabel("Key 2 leads to", { exact: true }).click();
  await page.getByRole("option", { name: "A call back when it is their turn", exact: true }).click();
  await look(page, "queue-rules-music");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect.poll(async () => (await admin.send<{ routing: { while_waiting: unknown } }>("GET", `/queues/${sales}/routing`)).routing.while_waiting).toMatchObject({ music: id, keys: { "2": "callback" } });
});

test("who pressed the key is called back once, by the first agent who is free", async () => {
  const page = await panel("operator@demo.test", "/worklist");
  await page.locator('[data-registration="ready"]').waitFor();
  expect(await stage.sippCall(SALES, { ...PATIENT, from: CUSTOMER, keys: "2" })).toMatchObject({ succeeded: 1 });
  const row = page.getByRole("list", { name: "Calls to return" }).getByRole("listitem").filter({ hasText: "0123" });
  await row.getByText(/^In line since/).waitFor();
  await look(page, "worklist-in-line");
  // That they are free is all it takes.
  const operator = await stage.api("operator@demo.test");
  await operator.send("PUT", "/agents/me/state", { state: "available" });
  const card = page.locator("[data-call-back]");
  await card.getByText("+1 212 555 0123").first().waitFor();
  await card.getByText("Not on the line yet: when you answer, they are called.").waitFor();
  await look(page, "call-back-rings");
  await card.getByRole("button", { name: "Answer and call" }).click();
  const bar = page.locator('[data-phone="active"]');
  await bar.filter({ hasText: "Calling" }).waitFor();
  await row.getByText("Being called now").waitFor();
  await bar.filter({ hasText: "Talking" }).waitFor();
  await row.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Hang up", exact: true }).click();
  await page.locator('[data-phone="idle"]').waitFor();
  const { items } = await admin.send<{ items: { direction: string; to: string; end_reason: string }[] }>("GET", "/calls?direction=outbound");
  expect(items).toMatchObject([{ to: CUSTOMER, end_reason: "completed_agent" }]);
});
