/** How queues work, what a call leaves its agent to do, and managers who step in. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { type ApiUser, Stage, launch, look, open, signInQuickly } from "./harness";

let stage: Stage;
let browser: Browser;
let admin: ApiUser;
let operator: ApiUser;
let sales: string;

interface AgentRow {
  id: string;
  activity: string;
  reason: string | null;
}

beforeAll(async () => {
  [stage, browser] = await Promise.all([Stage.start(), launch()]);
  [admin, operator] = await Promise.all([stage.api("admin@demo.test"), stage.api("operator@demo.test")]);
  const device = await operator.send<{ username: string; password: string }>("POST", `/agents/${operator.id}/devices`, { name: "Desk" });
  await stage.deskPhone(device.username, device.password, { answers: true, hz: 600 });
  sales = (await admin.send<{ items: { id: string; slug: string }[] }>("GET", "/queues")).items.find((one) => one.slug === "sales")?.id ?? "";
});
afterAll(async () => {
  await browser?.close();
  await stage?.end();
});
beforeEach(async () => {
  await rules({});
  await admin.send("PUT", `/agents/${operator.id}/state`, { state: "available" });
});

const rules = (routing: Record<string, unknown>) => admin.send("PUT", `/queues/${sales}/routing`, { ring_seconds: 15, routing });
const me = async (id = operator.id) => (await admin.send<{ items: AgentRow[] }>("GET", "/agents")).items.find((one) => one.id === id);
const does = (activity: string, id?: string) => expect.poll(async () => (await me(id))?.activity, { timeout: 15_000 }).toBe(activity);

async function panel(email: string, path: string): Promise<Page> {
  const context = await browser.newContext();
  onTestFinished(() => context.close());
  const page = await open(context);
  await page.emulateMedia({ reducedMotion: "reduce" });
  await signInQuickly(page, stage.url, email, stage.password);
  await page.goto(`${stage.url}${path}`);
  return page;
}

/** A customer who has talked, and is gone. */
async function call(): Promise<void> {
  const customer = await stage.customerCall("+15550100", { from: "+15550199", hz: 800 });
  await customer.wait("established");
  await customer.hears(600);
  await customer.hangUp();
}

test("after a call its agent says what it came to, where the queue requires it, and is ready again", async () => {
  await rules({
    wrap_up_seconds: 120,
    disposition_required: true,
    dispositions: [
      { code: "sold", label: "Sold" },
      { code: "not-now", label: "Not now" },
    ],
  });
  const page = await panel("operator@demo.test", "/calls");
  await page.locator('[data-state-of-me="available"]').waitFor();
  await does("available");
  await call();
  const after = page.getByRole("region", { name: "After the call" });
  await after.getByText(/^[01]:\d\d left$/).waitFor();
  await page.locator("[data-state-of-me]").getByText("Wrap-up").waitFor();
  await after.getByText("+1 555 0199").waitFor();
  await look(page, "wrap-up");
  await page.setViewportSize({ width: 1440, height: 900 });

  // Not without saying it.
  await after.getByRole("button", { name: "Ready", exact: true }).click();
  await after.getByRole("alert").getByText(/this queue requires it/).waitFor();
  expect((await me())?.activity).toBe("wrap_up");
  await after.getByRole("radio", { name: "Not now" }).click();
  await after.getByLabel("Note").fill("Call again in May");
  await after.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("Saved", { exact: true }).first().waitFor();
  // Said is not ready: there is time left.
  expect((await me())?.activity).toBe("wrap_up");
  await page.locator("body").press("s");
  await page.locator("body").press("r");
  await after.waitFor({ state: "detached" });
  await does("available");

  // It is on the call's page, where whoever talked may think better of it.
  await page.getByRole("row", { name: /555 0199/ }).first().click();
  const came = page.getByRole("region", { name: "What it came to" });
  await came.getByText("Call again in May").waitFor();
  await page.getByText("Olga Operator noted: Not now").waitFor();
  await came.getByRole("button", { name: "Change" }).click();
  await page.getByRole("dialog").getByRole("radio", { name: "Sold" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await came.getByText("Sold", { exact: true }).waitFor();
  await page.getByText("Olga Operator noted: Sold").waitFor();
});

test("whoever lets a call ring is told that they were paused, and comes back by one button", async () => {
  await admin.send("PUT", `/queues/${sales}/routing`, { ring_seconds: 5, routing: { pause_after_missed: 1 } });
  await admin.send("PUT", `/agents/${operator.id}/state`, { state: "offline" });
  const second = await stage.api("operator2@demo.test");
  const page = await panel("operator2@demo.test", "/calls");
  await page.locator('[data-registration="ready"]').waitFor();
  await second.send("PUT", "/agents/me/state", { state: "available" });
  await does("available", second.id);
  const customer = await stage.customerCall("+15550100", { from: "+15550188", hz: 800 });
  onTestFinished(async () => void (await customer.hangUp().catch(() => undefined)));
  await page.locator("[data-incoming]").waitFor();
  // Nobody answers it.
  const told = page.getByRole("region", { name: "You were paused" });
  await told.waitFor();
  await page.locator("[data-state-of-me]").getByText("Paused: Missed calls").waitFor();
  await customer.hangUp();
  await page.locator("[data-incoming]").waitFor({ state: "detached" });
  await look(page, "paused-by-missed");
  await page.setViewportSize({ width: 1440, height: 900 });
  await told.getByRole("button", { name: "I am back" }).click();
  await told.waitFor({ state: "detached" });
  await does("available", second.id);
  await second.send("PUT", "/agents/me/state", { state: "offline" });

  await page.getByRole("row", { name: /555 0188/ }).first().click();
  await page.getByText(/^\S+ Operator did not answer$/).waitFor();
});

test("a manager sends an agent for a pause, gives them a skill, and both see it", async () => {
  const page = await panel("manager@demo.test", "/agents");
  const bar = await panel("operator@demo.test", "/calls");
  await bar.locator('[data-state-of-me="available"]').waitFor();
  await page.getByRole("button", { name: "Skills…" }).click();
  await page.getByLabel("Name of a new skill").fill("French");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Rename French" }).waitFor();
  await look(page, "skills");
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.keyboard.press("Escape");

  await page.getByRole("button", { name: "Manage Olga Operator" }).click();
  const sheet = page.getByRole("dialog");
  await sheet.getByLabel("State", { exact: true }).click();
  await page.getByRole("option", { name: "Paused" }).click();
  await sheet.getByLabel("Reason").fill("Fire drill");
  await sheet.getByRole("button", { name: "Set", exact: true }).click();
  await bar.locator('[data-state-of-me="paused"]').getByText("Paused: Fire drill").waitFor();
  await does("paused");
  await sheet.getByRole("combobox", { name: /Skills/ }).click();
  await page.getByRole("option", { name: "French" }).click();
  await sheet.getByLabel("Level of French").fill("101");
  expect(await sheet.getByRole("button", { name: "Save skills" }).isDisabled()).toBe(true);
  await sheet.getByLabel("Level of French").fill("70");
  await sheet.getByRole("button", { name: "Save skills" }).click();
  await page.getByText("Skills of Olga Operator saved").first().waitFor();
  await look(page, "agent-managed");
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.keyboard.press("Escape");
  const row = page.getByRole("row", { name: /Olga Operator/ });
  await row.getByText("Fire drill").waitFor();
  await row.getByText("French 70").waitFor();
  // An operator has no such buttons.
  await bar.goto(`${stage.url}/agents`);
  await bar.getByRole("row", { name: /Olga Operator/ }).waitFor();
  expect(await bar.getByRole("button", { name: /^(Manage|Skills)/ }).count()).toBe(0);
});

interface Rules {
  ring_seconds: number;
  routing: { strategy: string; overflow: { after_seconds: number; to: unknown } | null; hours: { time_zone: string; week: unknown[] } | null; dispositions: unknown[]; disposition_required: boolean; wrap_up_seconds: number; required: unknown[]; while_waiting: unknown };
}

test("how a queue works is set by who may; what does not fit is said at its field, and nobody's change is undone unseen", async () => {
  const skill = await admin.send<{ id: string }>("POST", "/skills", { name: "German" });
  const page = await panel("admin@demo.test", "/queues");
  await page.getByRole("link", { name: "How it works: Sales" }).click();
  await page.getByRole("heading", { level: 1, name: "Sales: how it works" }).waitFor();

  await page.getByRole("radio", { name: /All at once/ }).click();
  await page.getByLabel("Ring each agent for (seconds)").fill("2");
  await page.getByRole("combobox", { name: /Required skills/ }).click();
  await page.getByRole("option", { name: "German" }).click();
  await page.getByLabel("Level of German").fill("40");
  await page.getByLabel("Waited too long, after (seconds)").fill("120");
  await page.getByLabel("Who waited too long goes to").click();
  await page.getByRole("option", { name: "Queue Support" }).click();
  await page.getByRole("switch", { name: "Always open" }).click();
  await page.getByRole("button", { name: "Add one" }).click();
  await page.getByLabel("Words").fill("Not now");
  await page.getByRole("switch", { name: /Nobody goes on/ }).click();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  // What the browser knows.
  await expect.poll(() => page.getByLabel("Ring each agent for (seconds)").getAttribute("aria-invalid")).toBe("true");
  await page.getByLabel("Ring each agent for (seconds)").fill("20");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  // What only the server says.
  await page.getByRole("alert").getByText(/time to wrap up/).waitFor();
  await page.getByLabel("Time to wrap up (seconds)").fill("30");
  await look(page, "queue-rules-filled");
  await page.setViewportSize({ width: 1440, height: 900 });

  // Somebody else was quicker.
  await rules({ wrap_up_seconds: 77 });
  await page.getByText(/Changed meanwhile/).waitFor();
  expect(await page.getByRole("button", { name: "Save", exact: true }).isDisabled()).toBe(true);
  await page.getByRole("button", { name: "Load anew" }).click();
  await expect.poll(() => page.getByLabel("Time to wrap up (seconds)").inputValue()).toBe("77");
  await page.getByRole("radio", { name: /All at once/ }).click();
  await page.getByRole("combobox", { name: /Required skills/ }).click();
  await page.getByRole("option", { name: "German" }).click();
  await page.getByLabel("Level of German").fill("40");
  await page.getByLabel("Waited too long, after (seconds)").fill("120");
  await page.getByLabel("Who waited too long goes to").click();
  await page.getByRole("option", { name: "Queue Support" }).click();
  await page.getByRole("switch", { name: "Always open" }).click();
  await page.getByRole("button", { name: "Add one" }).click();
  await page.getByLabel("Words").fill("Not now");
  // What callers hear meanwhile, and what they can do.
  await page.getByLabel("Tell them something every (seconds)").fill("30");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("Choose what is said: the place, the wait, or words of your own").waitFor();
  await page.getByRole("checkbox", { name: "Their place in the line" }).click();
  await page.getByLabel("And then", { exact: true }).click();
  await page.getByRole("option", { name: "A text that is spoken" }).click();
  await page.getByLabel("And then: text").fill("Press 1 to leave a message.");
  await page.getByRole("button", { name: "Add a key" }).click();
  await page.getByLabel("Key", { exact: true }).click();
  await page.getByRole("option", { name: "1", exact: true }).click();
  await look(page, "queue-rules-waiting");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("What you save counts at once").waitFor();
  const { ring_seconds, routing } = await admin.send<Rules>("GET", `/queues/${sales}/routing`);
  expect(routing.while_waiting).toEqual({ music: null, every_seconds: 30, position: true, expected_wait: false, say: [{ text: "Press 1 to leave a message." }], language: "en", keys: { "1": "voicemail" } });
  expect({ ring_seconds, routing }).toMatchObject({
    ring_seconds: 15,
    routing: {
      strategy: "ring_all",
      wrap_up_seconds: 77,
      required: [{ skill_id: skill.id, level: 40 }],
      overflow: { after_seconds: 120, to: { queue_id: expect.any(String) as string } },
      dispositions: [{ code: "not-now", label: "Not now" }],
    },
  });
  expect(routing.hours?.week).toHaveLength(5);
  // It is the same when it is read again.
  await page.reload();
  await page.getByRole("radio", { name: /All at once/, checked: true }).waitFor();
  expect(await page.getByRole("button", { name: "Save", exact: true }).isDisabled()).toBe(true);

  // A number outside instead of the other queue.
  await page.getByLabel("Who waited too long goes to").click();
  await page.getByRole("option", { name: "A number outside" }).click();
  await page.getByLabel("Number", { exact: true }).fill("06 123");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect.poll(() => page.getByLabel("Number", { exact: true }).getAttribute("aria-invalid")).toBe("true");
  await page.getByLabel("Number", { exact: true }).fill("0039 (06) 4412-1234");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("What you save counts at once").waitFor();
  expect((await admin.send<Rules>("GET", `/queues/${sales}/routing`)).routing.overflow).toEqual({ after_seconds: 120, to: { number: "+390644121234" } });
  await page.reload();
  await expect.poll(() => page.getByLabel("Number", { exact: true }).inputValue()).toBe("+390644121234");

  // Who only answers calls is not led here, and is let do nothing.
  const other = await panel("operator@demo.test", "/queues");
  await other.getByRole("heading", { name: "Sales" }).waitFor();
  expect(await other.getByRole("link", { name: /How it works/ }).count()).toBe(0);
  await other.goto(`${stage.url}/queues/${sales}`);
  await other.getByText("This is not yours to see").waitFor();
});
