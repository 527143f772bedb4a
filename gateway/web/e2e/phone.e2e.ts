/** The browser as a phone: real Asterisk, real WebRTC, a microphone that gives a tone. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { type ApiUser, type Customer, Stage, hearsTone, launch, open, share, signIn, signInQuickly, tone } from "./harness";

/** What the agent's microphone gives, and the customer's. */
const AGENT_HZ = 700;
const CUSTOMER_HZ = 440;
const OPERATOR = "operator@demo.test";

let stage: Stage;
let browser: Browser;
let operator: ApiUser;
const folder = mkdtempSync(join(tmpdir(), "trunkline-tone-"));

beforeAll(async () => {
  const microphone = join(folder, "microphone.wav");
  writeFileSync(microphone, tone(AGENT_HZ));
  [stage, browser] = await Promise.all([Stage.start({ TRUNKLINE_ALLOWED_HOSTS: "panel.test" }), launch([`--use-file-for-fake-audio-capture=${microphone}`, "--host-resolver-rules=MAP panel.test 127.0.0.1"])]);
});
afterAll(async () => {
  await browser?.close();
  await stage?.end();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  asked = [];
  operator = await stage.api(OPERATOR);
  await operator.send("PUT", "/agents/me/state", { state: "available" });
});

/** What the browser asked the person, such as whether to leave the page. */
let asked: string[] = [];

/** A tab of the panel. Its connections are kept where the test can ask them; nothing of the panel's own is touched. */
async function tab(context: BrowserContext, prepare: (page: Page) => Promise<void> | void = () => undefined): Promise<Page> {
  const page = await open(context);
  await prepare(page);
  page.on("dialog", (dialog) => {
    asked.push(dialog.type());
    void dialog.accept();
  });
  await page.goto(`${stage.url}/calls`);
  return page;
}

/** `prepare` comes before the page does. */
async function phone(prepare: (page: Page) => Promise<void> | void = () => undefined): Promise<Page> {
  const context = await browser.newContext();
  context.setDefaultTimeout(12_000);
  onTestFinished(() => context.close());
  await context.addInitScript(() => {
    const all: RTCPeerConnection[] = [];
    Object.assign(window, { connections: all });
    window.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(...given: ConstructorParameters<typeof RTCPeerConnection>) {
        super(...given);
        all.push(this);
      }
    };
  });
  const first = await open(context);
  await signInQuickly(first, stage.url, OPERATOR, stage.password);
  await first.close();
  const page = await tab(context, prepare);
  await ready(page);
  return page;
}

/** Sound, but not this tone: what Asterisk plays to whoever is held. */
async function hearsMusicFor(page: Page, hz: number): Promise<void> {
  await expect.poll(() => share(page, hz), { timeout: 15_000, interval: 50 }).toBeLessThan(0.3);
  await hears(page);
}

const ready = (page: Page) => page.locator('[data-registration="ready"]').waitFor();
const shows = (page: Page, state: "idle" | "active") => page.locator(`[data-phone="${state}"]`).waitFor();
const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();
/** The network is away under a call, and back. */
const interrupted = (page: Page) => page.getByText("Reconnecting").first().waitFor();
const usable = (page: Page) => page.locator('[data-phone="active"]').filter({ hasText: "Talking" }).waitFor();

/** A customer, who does not outlive the test. */
async function calls(): Promise<Customer> {
  const customer = await stage.customerCall("+15550100", { hz: CUSTOMER_HZ });
  onTestFinished(async () => void (await customer.hangUp().catch(() => undefined)));
  return customer;
}

/** A customer rings the browser and is answered. */
async function talk(page: Page): Promise<Customer> {
  const customer = await calls();
  await page.locator("[data-incoming]").filter({ hasText: "Sales" }).waitFor();
  await press(page, "Answer");
  await shows(page, "active");
  await customer.wait("established");
  return customer;
}

/** What came in so far, by the connection of the running call; fails unless it is attached to an element that plays. */
async function energy(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const { connections } = window as unknown as { connections: RTCPeerConnection[] };
    const running = connections.filter((one) => one.connectionState === "connected").at(-1);
    const element = document.querySelector<HTMLAudioElement>("audio#remote-audio");
    const heard = (element?.srcObject as MediaStream | null)?.getTracks().some((track) => running?.getReceivers().some((one) => one.track === track));
    if (!running || !element || element.paused || !heard) return -1;
    for (const report of (await running.getStats()).values()) {
      const { type, totalAudioEnergy } = report as { type: string; totalAudioEnergy?: number };
      if (type === "inbound-rtp") return totalAudioEnergy ?? 0;
    }
    return 0;
  });
}

/** The offer that was sent last has its answer. */
async function agreed(page: Page): Promise<void> {
  await page.waitForFunction(() => (window as unknown as { connections: RTCPeerConnection[] }).connections.filter((one) => one.connectionState === "connected").at(-1)?.signalingState === "stable");
}

/** Which microphone the running call sends, by its track. */
async function sent(page: Page): Promise<string> {
  return page.evaluate(() => {
    const { connections } = window as unknown as { connections: RTCPeerConnection[] };
    const running = connections.filter((one) => one.connectionState === "connected").at(-1);
    return running?.getSenders().find((one) => one.track)?.track?.label ?? "none";
  });
}

/** The agent hears the customer: in what comes from now on. */
async function hears(page: Page): Promise<void> {
  const before = Math.max(0, await energy(page));
  await expect.poll(() => energy(page), { timeout: 10_000, interval: 100 }).toBeGreaterThan(before);
}

async function bothHear(page: Page, customer: Customer): Promise<void> {
  await Promise.all([hears(page), customer.hears(AGENT_HZ)]);
}

interface Call {
  id: string;
  from: string;
  recording_id: string | null;
  state: string;
  held_since: string | null;
}

/** Whether the agent's tone is in the recording's left channel, and the customer's in its right, once it is ready. */
async function recordedTones(id: string): Promise<boolean[]> {
  const tones = async () => {
    const { recording_id } = await operator.send<Call>("GET", `/calls/${id}`);
    return recording_id ? await stage.recordingTones(recording_id, { left: AGENT_HZ, right: CUSTOMER_HZ }).catch(() => undefined) : undefined;
  };
  await expect.poll(async () => (await tones())?.left ?? 0, { timeout: 15_000 }).toBeGreaterThan(0.8);
  const found = await tones();
  return [found?.left, found?.right].map((one) => (one ?? 0) > 0.8);
}

async function newestCall(): Promise<Call> {
  const { items } = await operator.send<{ items: Call[] }>("GET", "/calls?limit=1");
  const [call] = items;
  if (!call) throw new Error("no call");
  return call;
}

test("a customer of SIPp's rings the browser, is answered and hung up by keys; both are heard, and in the recording", async () => {
  const page = await phone();
  const from = "+15557770303";
  const over = stage.sippCall("+15550100", { from, hz: CUSTOMER_HZ, talk_ms: 60_000 });
  // Nothing else would end it in the middle of a test that fails.
  onTestFinished(async () => void (await operator.send("POST", `/calls/${(await newestCall()).id}/hangup`).catch(() => undefined)));
  await page.locator("[data-incoming]").filter({ hasText: "Sales" }).filter({ hasText: "+1 555 777 0303" }).waitFor();
  await page.keyboard.press("Control+Shift+A");
  await shows(page, "active");
  await hears(page);
  await hearsTone(page, CUSTOMER_HZ);
  // What `getStats()` says is on the bar within the call.
  const quality = page.locator("[data-phone]").getByRole("button", { name: /^(Good|Fair|Poor)$/ });
  await quality.click();
  await page.getByRole("dialog", { name: "Sound quality" }).getByText(/\d[.,]\d \/ 4.5/).waitFor();
  await page.keyboard.press("Escape");

  await page.keyboard.press("h");
  await page.getByRole("button", { name: "Resume", exact: true }).waitFor();
  await expect.poll(async () => (await newestCall()).held_since).not.toBeNull();
  await agreed(page);
  await page.keyboard.press("h");
  await expect.poll(async () => (await newestCall()).held_since).toBeNull();
  await page.keyboard.press("m");
  await page.getByRole("button", { name: "Unmute", exact: true }).waitFor();
  await page.keyboard.press("m");
  await page.getByRole("button", { name: "Mute", exact: true }).waitFor();
  await hearsTone(page, CUSTOMER_HZ);
  const { id } = await newestCall();
  await page.keyboard.press("Control+Shift+E");
  await shows(page, "idle");
  expect(await over).toMatchObject({ succeeded: 1, failed: 0 });
  expect(await recordedTones(id)).toEqual([true, true]);
});

test("a customer rings the browser; hold, mute, digits; both are in the recording", async () => {
  const page = await phone();
  const customer = await talk(page);
  await bothHear(page, customer);

  await press(page, "Hold");
  await page.getByRole("button", { name: "Resume", exact: true }).waitFor();
  await customer.hearsMusic();
  expect((await newestCall()).held_since).not.toBeNull();
  await press(page, "Resume");
  await press(page, "Mute");
  await customer.hearsSilence();
  await press(page, "Unmute");
  await customer.hears(AGENT_HZ);

  await press(page, "Keypad");
  for (const digit of ["4", "2", "#"]) await press(page, digit);
  await expect.poll(() => customer.log(), { timeout: 10_000 }).toMatch(/'4'[^]*'2'[^]*'#'/);
  await page.keyboard.press("Escape");

  await press(page, "Hang up");
  await customer.wait("closed");
  await shows(page, "idle");

  expect(await recordedTones((await newestCall()).id)).toEqual([true, true]);
});

test("a second tab follows, and the call outlives a cut of its socket", async () => {
  const page = await phone();
  const second = await tab(page.context());
  await second.getByRole("button", { name: /another tab/ }).waitFor();
  const customer = await talk(page);
  await shows(second, "active");
  await press(second, "Hold");
  await page.getByRole("button", { name: "Resume", exact: true }).waitFor();
  await press(second, "Resume");
  await customer.hears(AGENT_HZ);

  stage.line.cut();
  await interrupted(page);
  await interrupted(second);
  // The sound does not go that way.
  await bothHear(page, customer);
  stage.line.mend();
  await usable(page);
  await press(second, "Hold");
  await customer.hearsMusic();
  await press(page, "Resume");
  await customer.hears(AGENT_HZ);
  await customer.hangUp();
  await shows(page, "idle");
  await shows(second, "idle");

  await press(second, "Phone in another tab");
  await press(second, "Use it here");
  await ready(second);
  await page.getByRole("button", { name: "Phone in another tab" }).waitFor();
});

test("a reload takes the running call up again within five seconds", async () => {
  const page = await phone();
  const customer = await talk(page);
  await bothHear(page, customer);
  const { id } = await newestCall();
  await press(page, "Mute");
  await page.getByRole("button", { name: "Unmute", exact: true }).waitFor();
  const before = Date.now();
  await page.reload();
  expect(asked).toEqual(["beforeunload"]);
  // Not "Talking": who was muted comes back muted.
  await page.locator('[data-phone="active"]').filter({ hasText: "Muted" }).waitFor();
  await hears(page);
  expect(Date.now() - before).toBeLessThan(5_000);
  await customer.hearsSilence();
  await press(page, "Unmute");
  await customer.hears(AGENT_HZ);
  expect(await newestCall()).toMatchObject({ id, state: "active" });
  await press(page, "Hang up");
  await customer.wait("closed");
});

test("when the phone's tab is closed, the one that followed takes the call up", async () => {
  const page = await phone();
  const second = await tab(page.context());
  await second.getByRole("button", { name: /another tab/ }).waitFor();
  const customer = await talk(page);
  await shows(second, "active");
  // As a person closes it: the browser asks first.
  const closed = page.waitForEvent("close");
  await page.close({ runBeforeUnload: true });
  await closed;
  expect(asked).toEqual(["beforeunload"]);
  await usable(second);
  await bothHear(second, customer);
  await press(second, "Hang up");
  await customer.wait("closed");
});

test("credentials are renewed under a call, on the socket that is open", async () => {
  let sessions = 0;
  let sockets = 0;
  const page = await phone(async (it) => {
    await it.clock.install();
    it.on("request", (request) => (sessions += request.url().endsWith("/softphone/session") ? 1 : 0));
    it.on("websocket", (socket) => (sockets += socket.url().includes("/ws/sip") ? 1 : 0));
  });
  const customer = await talk(page);
  expect([sessions, sockets]).toEqual([1, 1]);
  const renewed = page.waitForResponse((response) => response.url().endsWith("/softphone/session"));
  await page.clock.fastForward("31:00");
  await renewed;
  await press(page, "Hold");
  await customer.hearsMusic();
  await press(page, "Hang up");
  await customer.wait("closed");
  expect([sessions, sockets]).toEqual([2, 1]);
});

test("a killed gateway costs the call nothing: hold and hang-up from the browser", async () => {
  const page = await phone();
  const customer = await talk(page);
  await stage.killGateway();
  await interrupted(page);
  await bothHear(page, customer);
  await stage.startGateway();
  await usable(page);
  await press(page, "Hold");
  await customer.hearsMusic();
  await press(page, "Resume");
  await customer.hears(AGENT_HZ);
  await press(page, "Hang up");
  await customer.wait("closed");
  await shows(page, "idle");
});

test("a killed gateway costs the call nothing: hold and hang-up from the customer", async () => {
  const page = await phone();
  const customer = await talk(page);
  await stage.killGateway();
  await interrupted(page);
  await stage.startGateway();
  await usable(page);
  await bothHear(page, customer);
  await customer.hold();
  await hearsMusicFor(page, CUSTOMER_HZ);
  await customer.resume();
  // What the customer hears then is not asked: baresip keeps nothing of it behind a hold.
  await hearsTone(page, CUSTOMER_HZ);
  await customer.hangUp();
  await shows(page, "idle");
  // Their phone is known to be there again, though nobody could tell the page when it came back.
  await page.locator("header").first().getByText("Available").waitFor();
});

test("a call that nobody answers here is shown as missed", async () => {
  const page = await phone();
  const customer = await calls();
  await page.getByRole("button", { name: "Answer", exact: true }).waitFor();
  await customer.hangUp();
  await page.getByRole("button", { name: /1 missed/ }).waitFor();
});

test("a queue is dialled, and dialled again", async () => {
  const admin = await stage.api();
  const { items } = await admin.send<{ items: { extension: string }[] }>("GET", "/queues");
  const other = await stage.api("operator2@demo.test");
  const { username, password } = await other.send<{ username: string; password: string }>("POST", `/agents/${other.id}/devices`, { name: "Desk" });
  const desk = await stage.deskPhone(username, password, { answers: true, hz: CUSTOMER_HZ });
  onTestFinished(async () => void (await desk.hangUp().catch(() => undefined)));
  await other.send("PUT", "/agents/me/state", { state: "available" });
  onTestFinished(async () => void (await other.send("PUT", "/agents/me/state", { state: "offline" })));
  await operator.send("PUT", "/agents/me/state", { state: "paused", reason: "" });

  const page = await phone();
  await page.keyboard.press("d");
  await page.getByRole("textbox", { name: "Number or extension" }).fill(items[0]?.extension ?? "");
  await page.keyboard.press("Enter");
  await shows(page, "active");
  await bothHear(page, desk);
  await press(page, "Hang up");
  await desk.wait("closed");
  await shows(page, "idle");
  await page.keyboard.press("d");
  await page.getByRole("button", { name: /^Redial/ }).click();
  await shows(page, "active");
  await bothHear(page, desk);
  await page.keyboard.press("Control+Shift+E");
  await desk.wait("closed");
  await shows(page, "idle");

  // Also from the palette, which leads anywhere else too.
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").fill(items[0]?.extension ?? "");
  await page.getByRole("option", { name: /^Call / }).waitFor();
  await page.keyboard.press("Enter");
  await shows(page, "active");
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").fill("queues");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/queues$/);
  await press(page, "Hang up");
  await desk.wait("closed");
  await shows(page, "idle");
});

test("a ring nobody looks at is told by the desktop, and declined by keys", async () => {
  const page = await phone(async (it) => {
    await it.context().grantPermissions(["notifications"], { origin: stage.url });
    await it.addInitScript(() => {
      const told: string[] = [];
      Object.assign(window, { told, away: false });
      window.Notification = class extends Notification {
        constructor(title: string, options?: NotificationOptions) {
          super(title, options);
          told.push(`${title} ${options?.body ?? ""}`);
        }
      };
      const { away } = { away: () => (window as unknown as { away: boolean }).away };
      Object.defineProperty(document, "visibilityState", { get: () => (away() ? "hidden" : "visible") });
    });
  });
  const told = () => page.evaluate(() => (window as unknown as { told: string[] }).told);
  const first = await calls();
  const card = page.locator("[data-incoming]").first();
  const ring = await card.getAttribute("data-incoming");
  expect(await told(), "whoever looks at the page needs none").toEqual([]);
  await page.keyboard.press("Control+Shift+X");
  await page.locator(`[data-incoming="${String(ring)}"]`).waitFor({ state: "detached" });
  await first.hangUp();
  await first.wait("closed");
  await page.evaluate(() => Object.assign(window, { away: true }));
  const customer = await calls();
  await card.waitFor();
  await expect.poll(told).toEqual([expect.stringContaining("Sales")]);
  await customer.hangUp();
  await card.waitFor({ state: "detached" });
});

test("the microphone's level is shown, and another one is taken in the middle of a call", async () => {
  const page = await phone();
  await page.keyboard.press("g");
  await page.keyboard.press("s");
  await page.waitForURL(/\/settings$/);
  await press(page, "Try the microphone");
  await page.getByText("We hear you.").waitFor();
  await page.waitForFunction(() => Number(document.querySelector('[role="meter"]')?.getAttribute("aria-valuenow")) > 30);
  await press(page, "Stop");
  const customer = await talk(page);
  await bothHear(page, customer);
  const before = await sent(page);
  await page.getByRole("combobox", { name: "Microphone" }).click();
  await page.getByRole("option", { name: /Fake Audio Input 2/ }).click();
  await expect.poll(() => sent(page)).not.toBe(before);
  await bothHear(page, customer);
  await press(page, "Hang up");
  await customer.wait("closed");
});

test("a test call that somebody places rings the browser", async () => {
  const page = await phone();
  const context = await browser.newContext();
  onTestFinished(() => context.close());
  const manager = await open(context);
  await signInQuickly(manager, stage.url, "manager@demo.test", stage.password);
  await manager.goto(`${stage.url}/calls`);
  await press(manager, "Place a test call");
  await manager.getByRole("dialog").getByRole("button", { name: "Place the call" }).click();
  await page.locator("[data-incoming]").waitFor();
  await press(page, "Answer");
  await shows(page, "active");
  await hears(page);
  await press(page, "Hang up");
  await shows(page, "idle");
});

test("a number that leads nowhere is said to", async () => {
  const page = await phone();
  await page.keyboard.press("d");
  await page.getByRole("textbox", { name: "Number or extension" }).fill("987");
  await page.keyboard.press("Enter");
  await page.getByText("The phone could not do that").first().waitFor();
  await shows(page, "idle");
});

test("a refused microphone is explained, and taken once it is allowed", async () => {
  const context = await browser.newContext();
  context.setDefaultTimeout(12_000);
  onTestFinished(() => context.close());
  const page = await open(context);
  const devtools = await browser.newBrowserCDPSession();
  const { targetInfo } = await (await context.newCDPSession(page)).send("Target.getTargetInfo");
  const where = { origin: stage.url, browserContextId: targetInfo.browserContextId, permission: { name: "microphone" } };
  const set = (setting: "denied" | "granted") => devtools.send("Browser.setPermission", { ...where, setting });
  await page.addInitScript(() => {
    const media = navigator.mediaDevices;
    const ask = media.getUserMedia.bind(media);
    // The fake device asks nobody; a real one would be refused by the browser like this.
    media.getUserMedia = async (wanted) => {
      const { state } = await navigator.permissions.query({ name: "microphone" as PermissionName });
      if (state === "denied") throw new DOMException("Permission denied", "NotAllowedError");
      return ask(wanted);
    };
  });
  await set("denied");
  await signInQuickly(page, stage.url, OPERATOR, stage.password);
  await page.goto(`${stage.url}/calls`);
  await press(page, "Microphone refused");
  await page.getByText(/allow the microphone for this site/).waitFor();
  await set("granted");
  await ready(page);
});

test("a page without HTTPS says that it can be no phone", async () => {
  const context = await browser.newContext();
  context.setDefaultTimeout(12_000);
  onTestFinished(() => context.close());
  // What a browser remarks of such an address.
  const page = await open(context, { expect: [/Cross-Origin-Opener-Policy header has been ignored/] });
  const { port } = new URL(stage.url);
  await signIn(page, `http://panel.test:${port}`, OPERATOR, stage.password);
  await press(page, "No phone on this address");
  await page.getByText(/only to pages over HTTPS/).waitFor();
});
