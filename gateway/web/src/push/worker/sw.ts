/**
 * The service worker: shows what the server pushes while nobody looks at the panel, takes a click to the conversation, and puts a page in the
 * place of one that cannot be had. It keeps nothing of the panel, which is never stale because of it.
 *
 * A script of its own without imports (`vite.config.ts`): not every browser takes modules for workers.
 */
import { knownLanguage } from "../../i18n/languages";
import { type Carried, type ToPage } from "../messages";
import { type Notice, addressOf, isPanel, isStrict, noticeOf, showingOf, wordsOf } from "./notice";
import { offlineAnswer } from "./offline";
import { type Payload, read } from "./payload";

declare const self: ServiceWorkerGlobalScope;

/** A page that does not answer within it is frozen, or none of ours. */
const ANSWER_MS = 500;
/** Not in every browser's types yet. */
interface Routes {
  addRoutes?(routes: { condition: unknown; source: "network" }[]): Promise<void>;
}
type Options = NotificationOptions & { renotify?: boolean; timestamp?: number };

self.addEventListener("install", (event) => {
  // Only what may turn out to be a page comes here at all: neither requests to the API nor files wait for this.
  const routes = (event as ExtendableEvent & Routes).addRoutes?.([{ condition: { not: { requestMode: "navigate" } }, source: "network" }]);
  event.waitUntil(Promise.allSettled([routes, self.skipWaiting()]));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(Promise.allSettled([self.registration.navigationPreload?.enable(), self.clients.claim()]));
});

self.addEventListener("fetch", (event) => {
  if (event.request.mode !== "navigate" || event.request.method !== "GET" || !isPanel(event.request.url)) return;
  event.respondWith(page(event));
});

async function page(event: FetchEvent): Promise<Response> {
  try {
    return ((await event.preloadResponse) as Response | undefined) ?? (await fetch(event.request));
  } catch {
    const { languages } = self.navigator;
    return offlineAnswer(wordsOf(languages), knownLanguage(languages));
  }
}

self.addEventListener("push", (event) => event.waitUntil(pushed(textOf(event.data))));

function textOf(data: PushMessageData | null): string | undefined {
  try {
    return data?.text();
  } catch {
    return undefined;
  }
}

async function pushed(data: string | undefined): Promise<void> {
  const payload = read(data);
  const notice = noticeOf(payload, self.navigator.languages);
  const pages = await windows();
  const visible = pages.some((one) => one.visibilityState === "visible");
  const showing = showingOf(payload, {
    visible,
    told: !visible && payload?.event != null && (await anyHasTold(pages, payload.event)),
    standing: await standing(notice.tag),
    strict: isStrict(self.navigator.userAgent),
  });
  if (showing) await show(notice, payload, showing === "silent");
}

async function show(notice: Notice, payload: Payload | undefined, silent: boolean): Promise<void> {
  const options: Options = {
    body: notice.body,
    tag: notice.tag,
    lang: notice.language,
    icon: "/icon-192.png",
    data: notice.data,
    silent,
    // Another message of the same conversation is heard too.
    renotify: !silent,
    ...(payload?.at === undefined ? {} : { timestamp: payload.at }),
  };
  await self.registration.showNotification(notice.title, options);
}

/** Windows of the panel; also those that were there before this worker. */
async function windows(): Promise<readonly WindowClient[]> {
  return (await self.clients.matchAll({ type: "window", includeUncontrolled: true })).filter((one) => isPanel(one.url));
}

async function standing(tag: string): Promise<string | null | undefined> {
  const [there] = await self.registration.getNotifications({ tag });
  return there ? ((there.data as Carried | null)?.event ?? null) : undefined;
}

/** What a page answers; `undefined`: nothing in time. */
function ask(client: Client, message: ToPage): Promise<unknown> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    const timer = setTimeout(() => resolve(undefined), ANSWER_MS);
    port1.onmessage = ({ data }) => {
      clearTimeout(timer);
      resolve(data);
    };
    client.postMessage(message, [port2]);
  });
}

async function anyHasTold(pages: readonly Client[], event: string): Promise<boolean> {
  return (await Promise.all(pages.map((one) => ask(one, { type: "told", event })))).includes(true);
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(clicked(event.notification.data));
});

async function clicked(carried: unknown): Promise<void> {
  const { conversation, path } = addressOf(carried);
  const pages = await windows();
  const nearest = pages.find((one) => one.focused) ?? pages.find((one) => one.visibilityState === "visible") ?? pages[0];
  if (!nearest) {
    await self.clients.openWindow(path);
    return;
  }
  // Refused where nobody has clicked: then the window is taken there all the same.
  await nearest.focus().catch(() => undefined);
  if ((await ask(nearest, { type: "open", conversation })) === true) return;
  // It stands where nobody listens: on the page for when there is none, or before the panel has begun.
  await nearest.navigate(path).catch(() => self.clients.openWindow(path));
}

/** The types of the browsers know it as a plain event. */
interface SubscriptionChange extends ExtendableEvent {
  readonly oldSubscription?: PushSubscription | null;
  readonly newSubscription?: PushSubscription | null;
}

self.addEventListener("pushsubscriptionchange", (event) => {
  const change = event as Event as SubscriptionChange;
  change.waitUntil(renew(change));
});

/** No page, no token: without one the next page that opens tells the server. */
async function renew({ oldSubscription, newSubscription }: SubscriptionChange): Promise<void> {
  const key = oldSubscription?.options.applicationServerKey;
  if (!newSubscription && key) await self.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key }).catch(() => undefined);
  for (const one of await windows()) one.postMessage({ type: "changed" } satisfies ToPage);
}
