/**
 * This browser among those to which the server pushes. The browser's notification service gives it an address (a subscription), the server is
 * told of it, and what the server calls it is remembered beside whose it is: a subscription must never outlive its person's sign-in.
 */
import type { Me } from "@/api";
import { type PushBrowser, addPushBrowser, pushKey, removePushBrowser } from "@/api/push";
import { deviceName, keyBytes, sameBytes } from "./device";
import { WORKER } from "./messages";

const KEPT = "trunkline.push";

export interface Kept {
  /** The server's name for it. */
  readonly id: string;
  readonly endpoint: string;
  /** The person, in all of their tenants. */
  readonly person: string;
}

export function kept(): Kept | undefined {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(KEPT) ?? "null");
    return typeof value === "object" && value !== null && "id" in value && "endpoint" in value ? (value as Kept) : undefined;
  } catch {
    return undefined;
  }
}

/** The browser refuses: its person said no, or nothing of the kind is there. */
export class NotAllowed extends Error {
  override readonly name = "NotAllowed";
}
/** The browser's own notification service does not answer. */
export class NoService extends Error {
  override readonly name = "NoService";
}

async function registration(): Promise<ServiceWorkerRegistration | undefined> {
  if (!("serviceWorker" in navigator)) return undefined;
  return (await navigator.serviceWorker.getRegistration("/")) ?? undefined;
}

/** Brings the service worker in, or its newer self. */
export async function registerWorker(): Promise<ServiceWorkerRegistration | undefined> {
  if (!("serviceWorker" in navigator) || !isSecureContext) return undefined;
  return navigator.serviceWorker.register(WORKER, { scope: "/", updateViaCache: "none" }).catch(() => undefined);
}

export async function subscription(): Promise<PushSubscription | undefined> {
  return (await (await registration())?.pushManager?.getSubscription()) ?? undefined;
}

async function tell(found: PushSubscription, me: Me): Promise<PushBrowser> {
  const { endpoint, keys } = found.toJSON();
  const device = deviceName(navigator.userAgent);
  const told = await addPushBrowser({ endpoint: endpoint ?? found.endpoint, keys: { p256dh: keys?.p256dh ?? "", auth: keys?.auth ?? "" }, ...(device ? { device } : {}) });
  localStorage.setItem(KEPT, JSON.stringify({ id: told.id, endpoint: found.endpoint, person: me.user.email } satisfies Kept));
  return told;
}

/** Asks the person, the browser's service and the server. Throws `NotAllowed`, `NoService` or a `Problem`. */
export async function turnOn(me: Me): Promise<PushBrowser> {
  // First, while the click still counts.
  if ((await Notification.requestPermission()) !== "granted") throw new NotAllowed();
  await registerWorker();
  const { pushManager } = await navigator.serviceWorker.ready;
  const key = keyBytes(await pushKey());
  if (!key) throw new NoService("the server's key is none");
  let found = await pushManager.getSubscription();
  // Of another key, such as an installation's before: the server could not use it.
  if (found && !sameBytes(found.options.applicationServerKey, key)) {
    await found.unsubscribe();
    found = null;
  }
  try {
    found ??= await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  } catch (error) {
    throw error instanceof DOMException && error.name === "NotAllowedError" ? new NotAllowed() : new NoService(String(error));
  }
  try {
    return await tell(found, me);
  } catch (error) {
    // What the server does not know of is of no use, and would look as if it were on.
    await found.unsubscribe().catch(() => false);
    throw error;
  }
}

/** The browser forgets it at once; the server finds out when it sends, if it cannot be told. */
export async function forget(): Promise<void> {
  localStorage.removeItem(KEPT);
  await (await subscription())?.unsubscribe();
}

/** Both forget it. */
export async function turnOff(): Promise<void> {
  const known = kept();
  const [, told] = await Promise.allSettled([forget(), known ? removePushBrowser(known.id) : undefined]);
  if (told.status === "rejected") throw told.reason;
}

/** What is to be done about the subscription that a browser has, whoever is signed in now. */
export function dutyOf(found: boolean, known: Kept | undefined, email: string): "none" | "forget" | "tell" {
  if (!found) return known ? "forget" : "none";
  // Each time: the server keeps it for as long as a sign-in lasts, and this may be another, or in another company.
  if (known?.person === email) return "tell";
  // Somebody else's, who left without signing out here.
  return "forget";
}

/** At the start, and when the browser has changed its address. */
export async function keepInStep(me: Me): Promise<void> {
  const found = await subscription();
  switch (dutyOf(found !== undefined, kept(), me.user.email)) {
    case "forget":
      return forget();
    case "tell":
      if (found) await tell(found, me);
      return;
    case "none":
      return;
  }
}
