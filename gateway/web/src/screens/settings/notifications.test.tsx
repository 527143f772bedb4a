import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, configure, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { meQuery } from "@/api";
import { type PushBrowser } from "@/api/push";
import { signOut } from "@/api/session";
import { Toaster, dismiss } from "@/design";
import { loadArea, setLanguage } from "@/i18n";
import { startPush } from "@/push/page";
import { kept } from "@/push/subscribe";
import { Notifications } from "./notifications";

vi.setConfig({ testTimeout: 30_000 });
configure({ asyncUtilTimeout: 5_000 });

const KEY = "BPub";
const session = { access_token: "t", expires_in: 3600 };
const me = { user: { id: "ann", name: "Ann", email: "ann@x.test", role: "agent", language: "en", must_change_password: false }, tenant: { id: "one", name: "One", time_zone: "Europe/Zurich" }, permissions: ["conversations:read"] };
const setting = (name: string, value: boolean | string, levels = ["user"]) => ({ key: `inbox.${name}`, value, source: "default", open_levels: levels, kind: { type: "switch" } });

let asked: { what: string; body: unknown }[];
let settings: ReturnType<typeof setting>[];
let browsers: PushBrowser[];
let refuses: Record<string, number>;
let permission: NotificationPermission;
let subscribed: FakeSubscription | undefined;
let subscribes: () => void;
let heard: ((event: { data: unknown; ports: { postMessage(answer: unknown): void }[] }) => void) | undefined;
let queries: QueryClient;

class FakeSubscription {
  readonly options = { applicationServerKey: new Uint8Array([4, 251, 155]).buffer };
  constructor(readonly endpoint: string) {}
  toJSON() {
    return { endpoint: this.endpoint, keys: { p256dh: "p", auth: "a" } };
  }
  unsubscribe = async () => {
    subscribed = undefined;
    return true;
  };
}

beforeAll(async () => {
  await setLanguage("en");
  await loadArea("notify");
});
beforeEach(() => {
  [asked, browsers, refuses, permission, subscribed, heard] = [[], [], {}, "default", undefined, undefined];
  settings = ["assigned", "mentioned", "unassigned", "message", "sla"].map((reason) => setting(`notify_${reason}`, true)).concat(setting("sound", true), setting("desktop", true), setting("push", true), setting("quiet", false));
  subscribes = () => undefined;
  vi.stubGlobal("fetch", async (input: Request | string, init?: RequestInit) => {
    const request = typeof input === "string" ? new Request(new URL(input, location.origin), init) : input;
    const path = new URL(request.url).pathname.replace("/api/v1/", "");
    const text = request.method === "GET" ? "" : await request.text();
    const what = `${request.method} ${path}`;
    if (request.method !== "GET" && !path.startsWith("auth/refresh")) asked.push({ what, body: text ? JSON.parse(text) : undefined });
    const refused = refuses[what];
    if (refused) return Response.json({ code: "x", title: "x", detail: "The server said no.", status: refused }, { status: refused });
    if (path.startsWith("auth/")) return Response.json(session);
    if (path === "me") return Response.json(me);
    if (path === "settings") return Response.json({ items: settings });
    if (path.startsWith("settings/user/")) {
      const key = path.slice("settings/user/".length);
      settings = settings.map((one) => (one.key === key ? { ...one, value: (JSON.parse(text) as { value: boolean }).value } : one));
      return Response.json(settings.find((one) => one.key === key));
    }
    if (path === "push/key") return Response.json({ public_key: KEY });
    if (what === "GET push/subscriptions") return Response.json({ items: browsers, next_cursor: null, as_of_seq: 1 });
    if (what === "POST push/subscriptions") {
      const added = { id: "here", service: "push.test", device: "Chrome, Linux", created_at: new Date().toISOString(), last_sent_at: null, problem: null };
      browsers = [...browsers.filter((one) => one.id !== "here"), added];
      return Response.json(added, { status: 201 });
    }
    if (what.startsWith("DELETE push/subscriptions/")) {
      browsers = browsers.filter((one) => !path.endsWith(one.id));
      return new Response(null, { status: 204 });
    }
    if (what === "POST push/test") return new Response(null, { status: 202 });
    throw new Error(what);
  });
  const registration = {
    active: {},
    pushManager: {
      getSubscription: async () => subscribed ?? null,
      subscribe: async () => {
        subscribes();
        return (subscribed = new FakeSubscription("https://push.test/1"));
      },
    },
  };
  vi.stubGlobal("isSecureContext", true);
  vi.stubGlobal("PushManager", Object);
  vi.stubGlobal("Notification", {
    get permission() {
      return permission;
    },
    requestPermission: async () => (permission = permission === "default" ? "granted" : permission),
  });
  Object.defineProperty(navigator, "serviceWorker", {
    configurable: true,
    value: {
      ready: Promise.resolve(registration),
      getRegistration: async () => registration,
      register: async () => registration,
      startMessages: () => undefined,
      addEventListener: (_: string, listener: typeof heard) => (heard = listener),
      removeEventListener: () => (heard = undefined),
    },
  });
  queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  queries.setQueryData(meQuery.queryKey, me as never);
});
afterEach(() => {
  for (let id = 1; id < 60; id += 1) act(() => dismiss(id));
  cleanup();
  localStorage.removeItem("trunkline.push");
  Reflect.deleteProperty(navigator, "serviceWorker");
  vi.unstubAllGlobals();
});

function show(): void {
  render(
    <QueryClientProvider client={queries}>
      <Notifications />
      <Toaster />
    </QueryClientProvider>,
  );
}
const here = () => screen.findByRole("switch", { name: "Tell me on this device, also while the panel is closed" });
const on = async () => (await here()).getAttribute("aria-checked");
const press = async (what: HTMLElement) => act(async () => fireEvent.click(what));

describe("what one is told of", () => {
  test("is shown and set for oneself; what is locked above is not", async () => {
    settings = settings.map((one) => (one.key === "inbox.notify_message" ? { ...one, open_levels: [] } : one));
    show();
    const sla = await screen.findByRole("checkbox", { name: "one of mine is answered too late" });
    await press(sla);
    await waitFor(() => expect(asked).toEqual([{ what: "PUT settings/user/inbox.notify_sla", body: { value: false } }]));
    await waitFor(() => expect(sla.getAttribute("aria-checked")).toBe("false"));
    expect(screen.getByRole("checkbox", { name: "a customer writes in one of mine" })).toHaveProperty("disabled", true);
    await press(screen.getByRole("switch", { name: "Notifications of my browsers while the panel is closed" }));
    await waitFor(() => expect(asked.at(-1)).toEqual({ what: "PUT settings/user/inbox.push", body: { value: false } }));
  });

  test("stays as it was when it cannot be saved, and says so", async () => {
    refuses["PUT settings/user/inbox.sound"] = 500;
    show();
    const sound = await screen.findByRole("switch", { name: "Sound" });
    await press(sound);
    await screen.findByText("That was not saved");
    await waitFor(() => expect(sound.getAttribute("aria-checked")).toBe("true"));
  });

  test("shows no switch that the server does not know", async () => {
    settings = settings.filter((one) => !/push|sla/.test(one.key));
    show();
    await screen.findByRole("switch", { name: "Sound" });
    expect(screen.queryByRole("checkbox", { name: /too late/ })).toBeNull();
    expect(screen.queryByRole("switch", { name: /of my browsers/ })).toBeNull();
  });
});

describe("this device", () => {
  test("is turned on, stands in the list, is tested, and removed", async () => {
    show();
    expect(await on()).toBe("false");
    await screen.findByText("None of your browsers is told while the panel is closed.");
    await press(await here());
    await waitFor(async () => expect(await on()).toBe("true"));
    expect(asked).toEqual([{ what: "POST push/subscriptions", body: { endpoint: "https://push.test/1", keys: { p256dh: "p", auth: "a" }, device: "Linux" } }]);
    const row = await screen.findByRole("listitem");
    within(row).getByText("This browser");
    await press(screen.getByRole("button", { name: "Send a test" }));
    await screen.findByText("A test is on its way to your browsers");
    await press(within(row).getByRole("button", { name: "Remove: Chrome, Linux" }));
    await waitFor(async () => expect(await on()).toBe("false"));
    expect(asked.at(-1)?.what).toBe("DELETE push/subscriptions/here");
    expect([subscribed, kept()]).toEqual([undefined, undefined]);
  });

  test("is turned off at both ends", async () => {
    show();
    await press(await here());
    await waitFor(async () => expect(await on()).toBe("true"));
    await press(await here());
    await waitFor(async () => expect(await on()).toBe("false"));
    expect(asked.at(-1)?.what).toBe("DELETE push/subscriptions/here");
    expect(subscribed).toBeUndefined();
  });

  test("stays off when its person says no, its service is away, or the server refuses", async () => {
    permission = "denied";
    show();
    expect(await here()).toHaveProperty("disabled", true);
    screen.getByText(/The browser refuses notifications/);
    permission = "default";
    act(() => void document.dispatchEvent(new Event("visibilitychange")));
    await waitFor(async () => expect(await here()).toHaveProperty("disabled", false));
    subscribes = () => {
      throw new DOMException("push service error", "AbortError");
    };
    await press(await here());
    await screen.findByText("The browser's notification service did not answer. Try again later, or with another browser.");
    expect(await on()).toBe("false");
    subscribes = () => undefined;
    refuses["POST push/subscriptions"] = 422;
    await press(await here());
    await screen.findByText("The server said no.");
    await waitFor(async () => expect(await on()).toBe("false"));
    expect([subscribed, kept()]).toEqual([undefined, undefined]);
  });

  test("says why it cannot", async () => {
    vi.stubGlobal("isSecureContext", false);
    show();
    expect(await here()).toHaveProperty("disabled", true);
    screen.getByText("That needs a secure connection (https).");
  });

  test("shows what another browser has, and what ails it", async () => {
    browsers = [{ id: "old", service: "updates.push.services.mozilla.com", device: null, created_at: "2026-11-01T09:00:00Z", last_sent_at: "2026-11-02T09:00:00Z", problem: "410 Gone" }];
    show();
    const row = await screen.findByRole("listitem");
    within(row).getByText("A browser");
    within(row).getByText("It cannot be reached: 410 Gone");
    refuses["DELETE push/subscriptions/old"] = 500;
    await press(within(row).getByRole("button", { name: "Remove: A browser" }));
    await screen.findByText("It was not turned off");
    screen.getByRole("listitem");
  });
});

describe("a page with a service worker", () => {
  const begin = (open = vi.fn()) => {
    const end = startPush(queries, open);
    return { open, end };
  };

  test("goes where a click on a notification leads, and says that it does", () => {
    const { open, end } = begin();
    const answer = vi.fn();
    heard?.({ data: { type: "open", conversation: "c" }, ports: [{ postMessage: answer }] });
    expect([open.mock.calls, answer.mock.calls]).toEqual([[["c"]], [[true]]]);
    end();
    expect(heard).toBeUndefined();
  });

  test("takes the browser's subscription back before it signs out", async () => {
    show();
    await press(await here());
    await waitFor(async () => expect(await on()).toBe("true"));
    const { end } = begin();
    await act(signOut);
    expect(asked.slice(-2).map((one) => one.what)).toEqual(["DELETE push/subscriptions/here", "POST auth/logout"]);
    expect([subscribed, kept()]).toEqual([undefined, undefined]);
    end();
  });

  test("tells the server of a new address, and forgets what is somebody else's", async () => {
    show();
    await press(await here());
    await waitFor(async () => expect(await on()).toBe("true"));
    const { end } = begin();
    subscribed = new FakeSubscription("https://push.test/2");
    heard?.({ data: { type: "changed" }, ports: [] });
    await waitFor(() => expect(asked.at(-1)).toMatchObject({ what: "POST push/subscriptions", body: { endpoint: "https://push.test/2" } }));
    await waitFor(() => expect(kept()?.endpoint).toBe("https://push.test/2"));
    queries.setQueryData(meQuery.queryKey, { ...me, user: { ...me.user, email: "bob@x.test" } } as never);
    heard?.({ data: { type: "changed" }, ports: [] });
    await waitFor(() => expect([subscribed, kept()]).toEqual([undefined, undefined]));
    end();
  });
});
