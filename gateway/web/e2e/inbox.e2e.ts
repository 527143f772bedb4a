/** The inbox against a provider that speaks WhatsApp's protocol: what customers write, what operators answer, and calls beside it. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { Stage, launch, look, open, signInQuickly } from "./harness";

interface Providers {
  readonly control: string;
  readonly settings: { readonly whatsapp: Record<string, unknown> };
}

function program(): string {
  const root = fileURLToPath(new URL("../../../target", import.meta.url));
  const places = [process.env.TRUNKLINE_PROVIDERS, process.env.CARGO_TARGET_DIR && `${process.env.CARGO_TARGET_DIR}/debug/trunkline-providers`, `${root}/debug/trunkline-providers`, `${homedir()}/.cache/trunkline/target/debug/trunkline-providers`];
  const found = places.find((path) => path && existsSync(path));
  if (!found) throw new Error("trunkline-providers is not built: cargo build -p trunkline-providers");
  return found;
}

/** It serves until its standard input ends. */
async function providers(): Promise<{ child: ChildProcessWithoutNullStreams; ready: Providers }> {
  const child = spawn(program(), [], { stdio: ["pipe", "pipe", "pipe"] });
  const lines = createInterface({ input: child.stdout });
  const ready = await new Promise<Providers>((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`trunkline-providers ended with ${String(code)}`)));
    lines.once("line", (text) => resolve((JSON.parse(text) as { ready: Providers }).ready));
  });
  return { child, ready };
}

let stage: Stage;
let browser: Browser;
let provider: Awaited<ReturnType<typeof providers>>;
let account: { id: string; webhook_url: string };
/** What the provider was asked to send so far. */
let sentSoFar = 0;

async function control<T = Record<string, unknown>>(path: string, body?: unknown): Promise<T> {
  const answer = await fetch(`${provider.ready.control}${path}`, body === undefined ? {} : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${path}: ${String(answer.status)} ${text}`);
  return JSON.parse(text) as T;
}

const marta = { wa_id: "41445550132", name: "Marta Keller" };
const diego = { wa_id: "34600000001", name: "Diego Paredes" };

async function says(from: typeof marta, body: string): Promise<void> {
  const told = await control<{ answer: { status: number } }>("/whatsapp/customer", { from, says: { type: "text", body } });
  expect(told.answer.status).toBe(200);
}

/** Waits until the gateway has sent a message with these words; what it sent before is passed over, and given too. */
async function sentWith(words: string): Promise<{ id: string; before: string }> {
  const before: string[] = [];
  for (let tries = 0; tries < 20; tries += 1) {
    const page = await control<{ items: { id: string }[]; next_after: number }>(`/whatsapp/messages?after=${String(sentSoFar)}&wait_ms=20000`);
    sentSoFar = page.next_after;
    const found = page.items.find((one) => JSON.stringify(one).includes(words));
    if (found) return { id: found.id, before: before.join("\n") };
    before.push(...page.items.map((one) => JSON.stringify(one)));
  }
  throw new Error(`nothing with "${words}" was sent, but ${before.join("\n")}`);
}

beforeAll(async () => {
  [stage, browser, provider] = await Promise.all([Stage.start(), launch(), providers()]);
  const admin = await stage.api("admin@demo.test");
  account = await admin.send("POST", "/channel-accounts", { type: "whatsapp", name: "WhatsApp", settings: provider.ready.settings.whatsapp });
  // The public address is nobody's here: the provider posts to the gateway itself, and signs what the account expects.
  const path = new URL(account.webhook_url).pathname;
  await control("/whatsapp/connect", { url: `${stage.gateway.url}${path}` });
});
afterAll(async () => {
  await browser?.close();
  await stage?.end();
  if (provider) {
    const ended = new Promise((resolve) => provider.child.once("exit", resolve));
    provider.child.stdin.end();
    await ended;
  }
});

async function panel(email: string, path: string, width = 1440): Promise<Page> {
  const context = await browser.newContext({ locale: "en-GB", viewport: { width, height: 900 }, reducedMotion: "reduce" });
  onTestFinished(() => context.close());
  const page = await open(context);
  await signInQuickly(page, stage.url, email, stage.password);
  await page.goto(`${stage.url}${path}`);
  await page.locator('[data-connection="live"]').waitFor({ state: "attached" });
  return page;
}
const row = (page: Page, name: string) => page.getByRole("row", { name: new RegExp(name) });
const field = (page: Page) => page.getByRole("textbox", { name: /^Write to/ });

test("what a customer writes is there at once; the answer leaves once its seconds are over, and its ticks follow", async () => {
  const page = await panel("manager@demo.test", "/inbox?view=all");
  await page.getByText("No open conversations").waitFor();
  await says(marta, "Is the plan still at the price from March?");
  await row(page, "Marta Keller").waitFor();
  await expect.poll(() => row(page, "Marta Keller").getAttribute("data-unread")).toBe("true");
  await row(page, "Marta Keller").click();
  await page.locator("[data-message]").getByText("Is the plan still at the price from March?").waitFor();
  await expect.poll(() => row(page, "Marta Keller").getAttribute("data-unread")).toBeNull();
  await field(page).fill("It is until Friday.");
  await field(page).press("Control+Enter");
  const bubble = page.locator("[data-message]", { hasText: "It is until Friday." });
  await expect.poll(() => bubble.getAttribute("data-state")).toBe("scheduled");
  const sent = await sentWith("It is until Friday.");
  await control("/whatsapp/status", { message: sent.id, status: "delivered" });
  await expect.poll(() => bubble.getAttribute("data-state"), { timeout: 20_000 }).toBe("delivered");
  await control("/whatsapp/status", { message: sent.id, status: "read" });
  await expect.poll(() => bubble.getAttribute("data-state"), { timeout: 20_000 }).toBe("read");
  await look(page, "inbox-thread");
});

test("what is taken back within its seconds is never sent, and stands in the field again", async () => {
  await says(diego, "Hello?");
  const page = await panel("manager@demo.test", "/inbox?view=all");
  await row(page, "Diego Paredes").click();
  await field(page).fill("Wrong window");
  await field(page).press("Control+Enter");
  await page.locator("[data-message]", { hasText: "Wrong window" }).getByRole("button", { name: "Undo" }).click();
  await expect.poll(() => field(page).inputValue()).toBe("Wrong window");
  await expect.poll(() => page.locator("[data-message]", { hasText: "Wrong window" }).getAttribute("data-state")).toBe("canceled");
  await field(page).fill("Right window");
  await field(page).press("Control+Enter");
  expect((await sentWith("Right window")).before).not.toContain("Wrong window");
});

test("a colleague is seen, and whoever is slower is asked before both answer", async () => {
  await says(marta, "And the second site?");
  const mine = await panel("manager@demo.test", "/inbox?view=all");
  await row(mine, "Marta Keller").click();
  await mine.locator("[data-message]").getByText("And the second site?").waitFor();
  const theirs = await panel("admin@demo.test", new URL(mine.url()).pathname + new URL(mine.url()).search);
  await theirs.locator("[data-message]").getByText("And the second site?").waitFor();
  await mine.locator("[data-viewing]").waitFor();
  await field(mine).fill("Slower answer");
  // What the other sends does not reach this page: its thread cannot be read for a moment.
  const thread = /\/messages\?/;
  await mine.route(thread, (route) => route.abort());
  await field(theirs).fill("Quicker answer");
  await field(theirs).press("Control+Enter");
  await sentWith("Quicker answer");
  await field(mine).press("Control+Enter");
  const dialog = mine.getByRole("dialog", { name: /replied while you wrote/ });
  await dialog.getByText("Slower answer").waitFor();
  await look(mine, "inbox-meanwhile");
  await mine.unroute(thread);
  await dialog.getByRole("button", { name: "Send anyway" }).click();
  await sentWith("Slower answer");
});

test("resolved by a key it is gone, taken back it is there again; keys and screens have no fault", async () => {
  const page = await panel("manager@demo.test", "/inbox?view=all");
  await row(page, "Diego Paredes").waitFor();
  await row(page, "Diego Paredes").focus();
  await page.keyboard.press("e");
  await row(page, "Diego Paredes").waitFor({ state: "detached" });
  await page.getByRole("region", { name: "Notifications" }).getByRole("button", { name: "Undo" }).click();
  await row(page, "Diego Paredes").waitFor();
  await look(page, "inbox-list");
  await page.setViewportSize({ width: 360, height: 740 });
  await row(page, "Diego Paredes").click();
  await page.getByRole("button", { name: "Back to the list" }).click();
  await row(page, "Diego Paredes").waitFor();
});

test("a note names a colleague, who finds it among the mentions", async () => {
  const page = await panel("manager@demo.test", "/inbox?view=all");
  await row(page, "Diego Paredes").click();
  await field(page).waitFor();
  await page.getByRole("log").focus();
  await page.keyboard.press("n");
  const note = page.getByRole("textbox", { name: /^A note that only colleagues see/ });
  await note.fill("@Olga Operator please call back");
  await note.press("Control+Enter");
  await page.getByRole("region", { name: /^Note by/ }).getByText("please call back").waitFor();
  const operator = await panel("operator@demo.test", "/inbox?view=mentions");
  await row(operator, "Diego Paredes").waitFor();
});

test("a call stands in its caller's conversation while it runs", async () => {
  const page = await panel("manager@demo.test", "/inbox?view=all");
  const customer = await stage.customerCall("+15550100", { from: "+15550144", hz: 800 });
  await customer.wait("established");
  const caller = page.getByRole("row", { name: /0144/ });
  await caller.getByText("Live call").waitFor();
  await caller.click();
  await page.locator("[data-call-card]").waitFor();
  await customer.hangUp();
  await expect.poll(() => page.locator("[data-call-card]").getAttribute("data-call-card"), { timeout: 20_000 }).toBe("ended");
  await caller.getByText("Live call").waitFor({ state: "detached" });
});

test("a template is chosen, filled in and sent; that it failed shows in its row", async () => {
  const components = [
    { type: "HEADER", format: "TEXT", text: "Order {{1}}", example: { header_text: ["17"] } },
    { type: "BODY", text: "Hi {{1}}, your {{2}} is here.", example: { body_text: [["Ada", "parcel"]] } },
    { type: "BUTTONS", buttons: [{ type: "QUICK_REPLY", text: "Thanks" }, { type: "URL", text: "Track", url: "https://x.test/{{1}}", example: ["https://x.test/9"] }] },
  ];
  await control("/whatsapp/templates", { templates: [{ id: "1", name: "order_ready", language: "en", status: "APPROVED", category: "UTILITY", components }] });
  const admin = await stage.api("admin@demo.test");
  await admin.send("POST", `/channel-accounts/${account.id}/templates/sync`);
  await expect.poll(async () => (await admin.send<{ items: unknown[] }>("GET", `/channel-accounts/${account.id}/templates`)).items.length, { timeout: 20_000 }).toBe(1);
  const page = await panel("manager@demo.test", "/inbox?view=all");
  await row(page, "Diego Paredes").click();
  await page.getByRole("button", { name: "Templates" }).click();
  await page.getByRole("button", { name: /order_ready/ }).click();
  await page.getByLabel("Heading, variable 1").fill("17");
  await page.getByRole("textbox", { name: /^Variable 1/ }).fill("Diego");
  await page.getByRole("textbox", { name: /^Variable 2/ }).fill("parcel");
  await page.getByLabel("Button Track: end of its link").fill("9");
  await page.getByRole("dialog").getByRole("button", { name: "Send" }).click();
  const sent = await sentWith("parcel");
  await control("/whatsapp/status", { message: sent.id, status: "failed", code: 131026 });
  await row(page, "Diego Paredes").locator("[data-failed]").waitFor();
});
