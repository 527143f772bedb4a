import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Stage, axe, launch, open, signInQuickly } from "./harness";

let stage: Stage;
let browser: Browser;

beforeAll(async () => {
  stage = await Stage.start();
  browser = await launch();
});
afterAll(async () => {
  await browser?.close();
  await stage?.end();
});

async function panel(email = "manager@demo.test"): Promise<Page> {
  const page = await open(await browser.newContext({ locale: "en-GB", viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" }));
  await signInQuickly(page, stage.url, email);
  await page.goto(`${stage.url}/calls`);
  await page.locator('[data-connection="live"]').waitFor();
  return page;
}

/** A desk phone that answers with a tone, of an operator who is available. */
async function answeringAgent(hz: number): Promise<void> {
  const operator = await stage.api("operator@demo.test");
  const device = await operator.send<{ username: string; password: string }>("POST", `/agents/${operator.id}/devices`, { name: "desk" });
  await stage.deskPhone(device.username, device.password, { hz, answers: true });
  await operator.send("PUT", "/agents/me/state", { state: "available" });
}

const row = (page: Page, number: string) => page.locator(`[data-calls] a, [data-calls] [role="row"]`).filter({ hasText: number }).first();

test("a call is seen from its ring to its recording", async () => {
  const page = await panel();
  await page.getByText("No calls yet").waitFor();
  await page.getByRole("button", { name: "Place a test call" }).first().waitFor();
  await axe(page, "#content");

  // It waits, because nobody is there.
  const customer = await stage.customerCall("+15550100", { from: "+15557770101", hz: 480 });
  const waiting = row(page, "777");
  await waiting.getByText("Waiting").waitFor();
  await answeringAgent(620);
  await waiting.getByText("Talking").waitFor();
  await axe(page, "#content");

  // Its page follows it.
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.locator('[data-call="active"]').waitFor();
  await page.locator('[data-recording="recording"]').waitFor();
  await page.locator('[data-event="call.answered"]').waitFor();
  await customer.hears(620);
  await page.waitForFunction(() => /0:0[3-9]|0:1/.test(document.querySelector("[data-duration]")?.textContent ?? ""));
  await customer.hangUp();
  await page.locator('[data-call="ended"]').waitFor();
  await page.getByText("The customer hung up").first().waitFor();

  // What was said is seen, and heard.
  await page.locator('[data-recording="ready"] [data-waveform="drawn"]').waitFor();
  const bars = await page.locator('[data-waveform] path').first().getAttribute("d");
  const heights = [...(bars ?? "").matchAll(/v([\d.]+)/g)].map((found) => Number(found[1]));
  expect(Math.max(...heights), "the agent's tone is drawn").toBeGreaterThan(10);
  await page.keyboard.press("Space");
  await page.waitForFunction(() => Number(document.querySelector<HTMLElement>("[data-second]")?.dataset.second) >= 1);
  await page.getByRole("button", { name: "Pause" }).click();
  await axe(page, "#content");
  await page.emulateMedia({ colorScheme: "dark" });
  await page.waitForFunction(() => document.documentElement.dataset.theme === "dark" && document.getAnimations().every((one) => one.playState !== "running"));
  await axe(page, "#content");

  const slider = page.getByRole("slider", { name: "Position in the recording" });
  await slider.press("Home");
  expect(await slider.getAttribute("aria-valuenow")).toBe("0");
  await slider.press("End");
  await page.waitForFunction((last) => document.querySelector("[role=slider]")?.getAttribute("aria-valuenow") === last, await slider.getAttribute("aria-valuemax"));
  // An event leads to its place.
  await page.locator('[data-event="call.answered"] button').click();
  await page.waitForFunction(() => document.querySelector("[role=slider]")?.getAttribute("aria-valuenow") === "0");

  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download" }).click();
  expect((await download).suggestedFilename()).toMatch(/15557770101\.wav$/);
});

test("a filter stands in the address: a reload and a way back keep it", async () => {
  const page = await panel();
  const ended = row(page, "777");
  await ended.waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("77701");
  await page.waitForURL(/q=/);
  await page.getByRole("radio", { name: "Missed" }).or(page.getByRole("button", { name: "Missed", exact: true })).first().click();
  await page.waitForURL(/missed=true/);
  await page.getByText("No call matches").waitFor();
  await page.reload();
  await page.getByText("No call matches").waitFor();
  expect(await page.getByRole("searchbox").inputValue()).toBe("77701");
  await page.getByRole("group", { name: "Filters" }).getByRole("button", { name: "Clear all" }).click();
  await ended.getByText("Answered").waitFor();
  expect(new URL(page.url()).search).toBe("");

  // Somebody gives up: that is a missed call, and it is there at once.
  await page.goto(`${stage.url}/calls?missed=true&period=today`);
  await page.getByText("No call matches").waitFor();
  const operator = await stage.api("operator@demo.test");
  await operator.send("PUT", "/agents/me/state", { state: "paused" });
  const customer = await stage.customerCall("+15550100", { from: "+15557770202" });
  await customer.wait("established");
  await customer.hangUp();
  await row(page, "0202").getByText("Missed").waitFor();
});

test("whoever may not download is not offered it", async () => {
  const page = await panel("operator@demo.test");
  await row(page, "0101").click();
  await page.locator('[data-waveform="drawn"]').waitFor();
  expect(await page.getByRole("button", { name: "Download" }).count()).toBe(0);
});

test("ten thousand calls are a list as quick as ten: few rows in the page, the last in reach, a new one on top", async () => {
  // As an office has them after some weeks.
  await stage.sql(`
    INSERT INTO calls (tenant_id, id, direction, from_number, to_number, state, queue_id, started_at, queued_at, ended_at, end_reason)
    SELECT q.tenant_id, ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'inbound', '+1555' || lpad(n::text, 7, '0'), '+15550100', 'ended', q.id,
           now() - interval '1 day' - (10000 - n) * interval '1 minute', now() - interval '1 day' - (10000 - n) * interval '1 minute',
           now() - interval '1 day' - (10000 - n) * interval '1 minute' + interval '20 seconds', 'abandoned_queue'
      FROM generate_series(1, 10000) n, queues q JOIN tenants t ON t.id = q.tenant_id WHERE t.slug = 'demo' AND q.slug = 'sales'`);
  const { said } = await stage.sql("SELECT count(*) FROM calls c JOIN tenants t ON t.id = c.tenant_id WHERE t.slug = 'demo'");
  const all = Number(said);
  const page = await panel();
  const count = () => page.evaluate(() => Number(document.querySelector<HTMLElement>("[data-calls]")?.dataset.calls ?? 0));
  const drawn = () => page.locator("[data-calls] [data-row]").count();
  await page.locator("[data-calls] [data-row]").first().waitFor();
  await page.keyboard.press("j");
  // Down as fast as it goes: at the end the next ones are read each time, until there are none.
  const most = await page.evaluate(async (wanted) => {
    const list = document.querySelector<HTMLElement>("[data-calls]");
    const scroller = list?.querySelector('[role="grid"]')?.parentElement;
    let most = 0;
    while (list && scroller && Number(list.dataset.calls) < wanted) {
      scroller.scrollTop = scroller.scrollHeight;
      await new Promise((resolve) => requestAnimationFrame(resolve));
      most = Math.max(most, list.querySelectorAll("[data-row]").length);
    }
    return most;
  }, all);
  expect(most).toBeLessThan(100);
  // The keys are still where they were, though far out of sight.
  await page.locator('[data-row][aria-rowindex="2"]:focus').waitFor({ state: "attached" });
  await page.keyboard.press("End");
  await page.locator(`[data-row][aria-rowindex="${String(all + 1)}"]`).filter({ hasText: "+1 555 000 0001" }).waitFor();
  await page.locator("[data-row]:focus").filter({ hasText: "+1 555 000 0001" }).waitFor();
  await page.keyboard.press("k");
  await page.locator("[data-row]:focus").filter({ hasText: "+1 555 000 0002" }).waitFor();

  const top = () => page.evaluate(() => document.querySelector('[data-calls] [role="grid"]')?.parentElement?.scrollTop ?? -1);
  const bottom = await top();
  await page.locator("[data-calls]").hover();
  await page.mouse.wheel(0, -100_000);
  await expect.poll(top).toBeLessThanOrEqual(bottom - 50_000);
  await expect.poll(async () => page.locator("[data-row]").first().isVisible()).toBe(true);
  expect(await drawn()).toBeLessThan(100);

  await page.keyboard.press("Home");
  await page.locator('[data-row][aria-rowindex="2"]').waitFor();
  const customer = await stage.customerCall("+15550100", { from: "+15557770404" });
  const fresh = page.locator('[data-row][aria-rowindex="2"]').filter({ hasText: "+1 555 777 0404" });
  await fresh.getByText("Waiting").waitFor();
  expect(await count()).toBe(all + 1);
  await customer.hangUp();
  await fresh.getByText("Missed").waitFor();
}, 120_000);
