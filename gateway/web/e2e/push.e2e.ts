/** The service worker in Chromium: what it shows for what is pushed, where a click leads, and what stands in for a page that cannot be had. */
import type { Browser, BrowserContext, CDPSession, Page, Worker } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { Stage, axe, clean, launch, look, open, signInQuickly } from "./harness";

let stage: Stage;
let browser: Browser;
beforeAll(async () => {
  [stage, browser] = await Promise.all([Stage.start(), launch()]);
});
afterAll(async () => {
  await browser?.close();
  await stage?.end();
});

const CHAT = "0198f000-0000-7000-8000-000000000001";
const EVENT = "0198f000-0000-7000-8000-000000000002";
const push = (more: object = {}) => JSON.stringify({ v: 1, reason: "message", name: "Marta Keller", preview: "Is it still at that price?", conversation_id: CHAT, event_id: EVENT, language: "en", at: new Date().toISOString(), ...more });

interface Shown {
  title: string;
  body: string;
  tag: string;
  data: { conversation: string | null; event: string | null };
}
/** What a service worker has, for what is run in it. */
interface Scope {
  registration: { getNotifications(): Promise<(Shown & { close(): void })[]> };
  dispatchEvent(event: Event): boolean;
}

interface Device {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly worker: Worker;
  deliver(data: string): Promise<void>;
  shown(): Promise<Shown[]>;
}

async function context(): Promise<BrowserContext> {
  const made = await browser.newContext({ locale: "en-GB", viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" });
  onTestFinished(() => made.close());
  await made.grantPermissions(["notifications"], { origin: stage.url });
  return made;
}

/** A browser in which the panel's service worker is at work, and through which the server's pushes arrive. */
async function device(path = "/devices"): Promise<Device> {
  const made = await context();
  const page = await open(made);
  await signInQuickly(page, stage.url, "manager@demo.test", stage.password);
  const came = made.waitForEvent("serviceworker");
  await page.goto(`${stage.url}${path}`);
  await page.locator('[data-connection="live"]').waitFor({ state: "attached" });
  // Brought in with the first touch.
  await page.locator("main h1").first().click();
  const worker = await came;
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready;
    if (!navigator.serviceWorker.controller) await new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
  });
  const cdp = await made.newCDPSession(page);
  const registrationId = await registrationOf(cdp);
  return {
    context: made,
    page,
    worker,
    deliver: async (data) => void (await cdp.send("ServiceWorker.deliverPushMessage", { origin: stage.url, registrationId, data })),
    shown: () =>
      worker.evaluate(async () => {
        const { registration } = globalThis as unknown as Scope;
        return (await registration.getNotifications()).map(({ title, body, tag, data }) => ({ title, body, tag, data }));
      }),
  };
}

function registrationOf(cdp: CDPSession): Promise<string> {
  const found = new Promise<string>((resolve) =>
    cdp.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
      const ours = registrations.find((one) => one.scopeURL === `${stage.url}/` && !one.isDeleted);
      if (ours) resolve(ours.registrationId);
    }),
  );
  return Promise.all([found, cdp.send("ServiceWorker.enable")]).then(([id]) => id);
}

/** As a person's click does, but for what only a person may: bringing a window to the front. */
async function click(worker: Worker): Promise<void> {
  await worker.evaluate(async () => {
    const self = globalThis as unknown as Scope & { NotificationEvent: new (type: string, init: object) => Event };
    const [notification] = await self.registration.getNotifications();
    // Refuses to be waited for, since nobody has clicked; what it begins goes on.
    self.dispatchEvent(new self.NotificationEvent("notificationclick", { notification }));
  });
}

test("what is pushed while no window is open is shown once for each conversation, and garbage as something new", async () => {
  const { page, deliver, shown } = await device();
  // A window of ours that somebody sees shows it itself.
  await deliver(push());
  await deliver(push({ reason: "test", conversation_id: null, event_id: null }));
  await expect.poll(async () => (await shown()).map((one) => one.title)).toEqual(["Notifications work here"]);

  await page.goto("about:blank");
  await deliver(push());
  await expect.poll(shown).toContainEqual({ title: "Marta Keller", body: "Is it still at that price?", tag: `trunkline-chat-${CHAT}`, data: { conversation: CHAT, event: EVENT } });
  await deliver(push({ reason: "mentioned", preview: "@Mara have a look", event_id: CHAT, language: "ru" }));
  await expect.poll(async () => (await shown()).find((one) => one.tag === `trunkline-chat-${CHAT}`)).toMatchObject({ title: "Вас упомянули", body: "@Mara have a look" });
  expect(await shown()).toHaveLength(2);

  for (const garbage of ["", "garbage", '{"v":2}', '{"v":1,"reason":{},"name":7}', `[${"[".repeat(500)}`]) {
    await deliver(garbage);
    await expect.poll(async () => (await shown()).find((one) => one.tag === "trunkline-inbox")).toMatchObject({ title: "Something new in the inbox", body: "", data: { conversation: null, event: null } });
  }
  expect(await shown()).toHaveLength(3);
});

test("a click takes the open window to the conversation, and the notification goes", async () => {
  const { context: made, page, worker, deliver, shown } = await device("/calls");
  await page.goto("about:blank");
  await deliver(push());
  await expect.poll(shown).toHaveLength(1);
  const other = await open(made);
  await other.goto(`${stage.url}/queues`);
  await other.locator('[data-connection="live"]').waitFor({ state: "attached" });
  await click(worker);
  await other.waitForURL((url) => url.pathname === "/inbox" && url.searchParams.get("c") === CHAT);
  expect(await shown()).toEqual([]);
});

test("a page that cannot be had is stood in for, and comes back by itself", async () => {
  const { page } = await device();
  stage.line.cut();
  onTestFinished(() => stage.line.mend());
  await page.goto(`${stage.url}/queues`);
  await page.getByRole("heading", { name: "The server cannot be reached" }).waitFor();
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await axe(page);
  }
  stage.line.mend();
  await page.getByRole("heading", { name: "Queues" }).waitFor();
});

test("this device is turned on and off in the settings, and signing out takes it back", async () => {
  const made = await context();
  // No notification service answers here: the browser's own part of it is played.
  await made.addInitScript(() => {
    const KEY = "test.subscription";
    const subscription = () =>
      localStorage.getItem(KEY) === null ? null : { endpoint: "https://push.test/1", options: { applicationServerKey: new Uint8Array([4, 251]).buffer }, toJSON: () => ({ endpoint: "https://push.test/1", keys: { p256dh: "p", auth: "a" } }), unsubscribe: async () => (localStorage.removeItem(KEY), true) };
    Object.assign(PushManager.prototype, {
      getSubscription: async () => subscription(),
      subscribe: async () => {
        localStorage.setItem(KEY, "1");
        return subscription();
      },
    });
  });
  const asked: string[] = [];
  let browsers = [{ id: "other", service: "updates.push.services.mozilla.com", device: "Firefox, Android", created_at: "2026-11-20T09:00:00Z", last_sent_at: "2026-11-29T09:00:00Z" as string | null, problem: "410 Gone" as string | null }];
  await made.route("**/api/v1/push/**", async (route) => {
    const what = `${route.request().method()} ${new URL(route.request().url()).pathname.replace("/api/v1/push/", "")}`;
    asked.push(what);
    if (what === "GET key") return route.fulfill({ json: { public_key: "BPs" } });
    if (what === "GET subscriptions") return route.fulfill({ json: { items: browsers, next_cursor: null, as_of_seq: 1 } });
    if (what === "POST test") return route.fulfill({ status: 202 });
    if (what === "POST subscriptions") {
      const added = { id: "here", service: "push.test", device: "Chrome, Linux", created_at: new Date().toISOString(), last_sent_at: null, problem: null };
      browsers = [...browsers.filter((one) => one.id !== "here"), added];
      return route.fulfill({ status: 201, json: added });
    }
    browsers = browsers.filter((one) => !what.endsWith(one.id));
    return route.fulfill({ status: 204 });
  });
  const page = await open(made);
  await signInQuickly(page, stage.url, "manager@demo.test", stage.password);
  await page.goto(`${stage.url}/settings`);
  const here = page.getByRole("switch", { name: "Tell me on this device, also while the panel is closed" });
  await here.click();
  await page.locator('[data-browser="here"]').getByText("This browser").waitFor();
  await page.getByRole("button", { name: "Send a test" }).click();
  await page.getByRole("region", { name: "Notifications" }).getByText("A test is on its way").waitFor();
  await here.scrollIntoViewIfNeeded();
  await look(page, "notifications-here");
  await clean(page);
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.getByRole("button", { name: "Remove: Firefox, Android" }).click();
  await page.locator('[data-browser="other"]').waitFor({ state: "detached" });

  asked.length = 0;
  await page.getByRole("button", { name: /Manager/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.waitForURL((url) => url.pathname === "/sign-in");
  expect(asked).toContain("DELETE subscriptions/here");
  expect(await page.evaluate(() => [localStorage.getItem("test.subscription"), localStorage.getItem("trunkline.push")])).toEqual([null, null]);
});
