/** Every screen, with real calls on it: pictures at three widths in both themes, and no fault that axe knows. */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { axe, clean, type Customer, launch, open, shots, signInQuickly, Stage, turn } from "./harness";

let stage: Stage;
let browser: Browser;
let context: BrowserContext;
/** One call that has ended, with a recording; one that talks, one that waits. */
let ended: string;
let running: string;
let waiting: Customer;
/** A company beside the demo, with a limit that is reached. */
let tenant: string;
/** A queue in which much is set. */
let sales: string;

interface CallRow {
  id: string;
  state: string;
  from: string;
  recording_id: string | null;
}

beforeAll(async () => {
  [stage, browser] = await Promise.all([Stage.start(), launch()]);
  const operator = await stage.api("operator@demo.test");
  const device = await operator.send<{ username: string; password: string }>("POST", `/agents/${operator.id}/devices`, { name: "Desk" });
  await operator.send("PUT", "/agents/me/state", { state: "available" });
  await stage.deskPhone(device.username, device.password, { answers: true, hz: 600 });
  const calls = async () => (await operator.send<{ items: CallRow[] }>("GET", "/calls?limit=50")).items;
  const until = async (from: string, state: string): Promise<CallRow> => {
    for (;;) {
      const found = (await calls()).find((call) => call.from === from && call.state === state);
      if (found) return found;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const first = await stage.customerCall("+15550100", { from: "+15550199", hz: 800 });
  await first.wait("established");
  await first.hears(600);
  await first.hangUp();
  ended = (await until("+15550199", "ended")).id;
  const second = await stage.customerCall("+15550100", { from: "+15550142", hz: 500 });
  await second.hears(600);
  running = (await until("+15550142", "active")).id;
  waiting = await stage.customerCall("+15550101", { from: "+442071838750" });
  await waiting.wait("established");
  await stage.sql("UPDATE users SET superadmin = true WHERE email = 'admin@demo.test'");
  const admin = await stage.api("admin@demo.test");
  const me = async () => admin.send<{ permissions: string[]; tenant: { id: string } }>("GET", "/me");
  while (!(await me()).permissions.includes("platform:manage")) await new Promise((resolve) => setTimeout(resolve, 50));
  sales = (await admin.send<{ items: { id: string; slug: string }[] }>("GET", "/queues")).items.find((one) => one.slug === "sales")?.id ?? "";
  const german = await admin.send<{ id: string }>("POST", "/skills", { name: "German" });
  const level = { skill_id: german.id, level: 60 };
  await admin.send("PUT", `/agents/${operator.id}/skills`, { skills: [level] });
  await admin.send("PUT", `/queues/${sales}/routing`, {
    ring_seconds: 15,
    routing: {
      preferred: [level],
      prefer_seconds: 20,
      relax: [{ after_seconds: 60, lower_by: 20, drop: [german.id], raise_priority: 5 }],
      hours: { time_zone: "Europe/Rome", week: ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"].map((day) => ({ day, from: "00:00", to: "24:00" })) },
      wrap_up_seconds: 30,
      dispositions: [
        { code: "sold", label: "Sold" },
        { code: "call-back", label: "Wants to be called back" },
      ],
    },
  });
  await admin.send("POST", "/sites", { name: "Centro", address: "Via Roma 1\n20121 Milano", numbers: ["+15550100"] });
  const made = await admin.send<{ tenant: { id: string } }>("POST", "/platform/tenants", {
    name: "Rossi & Figli",
    slug: "rossi",
    time_zone: "Europe/Rome",
    language: "it",
    admin: { name: "Ada Rossi", email: "admin@demo.test" },
    queue: "Assistenza",
    limits: { agents: 1, minutes: 1000 },
  });
  tenant = made.tenant.id;
  await admin.send("PATCH", `/platform/tenants/${(await me()).tenant.id}`, { agents: 2 });
  context = await browser.newContext();
  const page = await context.newPage();
  await signInQuickly(page, stage.url, "admin@demo.test");
  await page.close();
});
afterAll(async () => {
  await browser.close();
  await stage.end();
});

async function settled(page: Page, path: string) {
  await page.goto(`${stage.url}${path}`);
  await page.locator("h1").first().waitFor();
  // No skeleton is left, nothing fades in any more.
  await page.waitForFunction(() => location.pathname === "/design" || !document.querySelector('[aria-busy="true"]'));
  await page.evaluate(() => document.fonts.ready);
}

const SCREENS: [name: string, path: () => string][] = [
  ["calls", () => "/calls"],
  ["call", () => `/calls/${ended}`],
  ["call-running", () => `/calls/${running}`],
  ["agents", () => "/agents"],
  ["queues", () => "/queues"],
  ["queue-rules", () => `/queues/${sales}`],
  ["wallboard", () => "/queues?wall=1"],
  ["board", () => "/board"],
  ["board-queue", () => `/board?queue=${sales}`],
  ["board-wall", () => "/board?wall=1"],
  ["devices", () => "/devices"],
  ["settings", () => "/settings"],
  ["roles", () => "/settings/roles"],
  ["teams", () => "/settings/roles?tab=teams"],
  ["api-keys", () => "/settings/api-keys"],
  ["hooks", () => "/settings/hooks"],
  ["all-settings", () => "/settings/all"],
  ["sites", () => "/settings/sites"],
  ["dialing", () => "/settings/dialing"],
  ["usage", () => "/settings/usage"],
  ["reports", () => "/reports?period=today"],
  ["reports-queues", () => "/reports?period=today&interval=total&by=queue"],
  ["reports-none", () => "/reports?period=custom&from=2020-01-01&to=2020-01-07"],
  ["platform", () => "/platform"],
  ["platform-tenant", () => `/platform?tenant=${tenant}`],
  ["platform-settings", () => "/platform?tab=settings"],
  ["setup", () => "/setup"],
  ["audit", () => "/audit"],
  ["security", () => "/settings/security"],
  ["members", () => "/settings/members"],
  ["sign-in-settings", () => "/settings/sign-in"],
  ["forgot", () => "/forgot-password"],
  ["audit-filtered", () => "/audit?action=device."],
  ["jobs", () => "/settings/jobs"],
  ["jobs-failed", () => "/settings/jobs?state=dead"],
  ["design", () => "/design"],
  ["not-found", () => "/no-such-screen"],
];

describe("screens", () => {
  it.each(SCREENS)("%s", async (name, path) => {
    const page = await open(context);
    await page.emulateMedia({ reducedMotion: "reduce" });
    await settled(page, path());
    await shots(page, name);
    await clean(page);
  });

  it("sign-in", async () => {
    const page = await open(await browser.newContext());
    await settled(page, "/sign-in");
    await shots(page, "sign-in");
    await clean(page);
  });

  it("palette and shortcuts", async () => {
    const page = await open(context);
    await page.emulateMedia({ reducedMotion: "reduce" });
    await settled(page, "/calls");
    await page.keyboard.press("Control+k");
    await page.getByRole("dialog").waitFor();
    await shots(page, "palette");
    await axe(page);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    await shots(page, "shortcuts");
    await axe(page);
  });

  it("everything that lies over a page, on the component page", async () => {
    const page = await open(context);
    await page.emulateMedia({ reducedMotion: "reduce" });
    await settled(page, "/design");
    for (const [name, role, theme] of [
      ["Dialog", "dialog", "light"],
      ["Confirmation", "alertdialog", "light"],
      ["Menu", "menu", "light"],
      ["Popover", "dialog", "dark"],
      ["Sheet", "dialog", "dark"],
    ] as const) {
      await page.setViewportSize({ width: 1440, height: 900 });
      const button = page.getByRole("button", { name, exact: true });
      await button.click();
      await page.getByRole(role).first().waitFor();
      await turn(page, theme);
      await axe(page, `[role="${role}"]`);
      await page.keyboard.press("Escape");
      await page.getByRole(role).first().waitFor({ state: "detached" });
      await expect.poll(() => button.evaluate((element) => element === document.activeElement), { message: `${name} gives the focus back` }).toBe(true);
    }
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.getByRole("button", { name: "Tooltip", exact: true }).focus();
    await page.getByRole("tooltip").waitFor({ state: "attached" });
    await axe(page, "[data-radix-popper-content-wrapper]");
    await page.getByRole("button", { name: "Toast with undo" }).click();
    await page.getByRole("button", { name: "Undo", exact: true }).waitFor();
    await axe(page, '[aria-label="Notifications"]');
  });
});
