/**
 * Tells of what comes into the inbox: by a notification of the desktop, on the page, by a chime. Of many tabs the one with the socket does it;
 * another at which somebody looks says so first.
 */
import type { QueryClient } from "@tanstack/react-query";
import { meQuery } from "@/api/me";
import { settingsQuery } from "@/api/settings";
import { toast } from "@/design";
import { loadArea, t } from "@/i18n";
import { type JournalEvent, live } from "@/live";
import { type Carried, plainName, tagOf } from "@/push/messages";
import { hasTold } from "@/push/page";
import { type Reason, howTold, reasonOf, wishesOf } from "./notify";
import { router } from "./router";

/** Within it a tab at which somebody looks has said so. */
const ASK_MS = 200;
/** Older events are what was missed: the list shows them. */
const OLD_MS = 60_000;

interface Seen {
  readonly event: string;
  readonly sees: boolean;
}

const channel = typeof BroadcastChannel === "undefined" ? undefined : new BroadcastChannel("trunkline-notify");
const heard = new Map<string, boolean>();
if (channel) channel.onmessage = ({ data }: MessageEvent<Seen>) => void heard.set(data.event, data.sees);

const looking = () => document.visibilityState === "visible" && document.hasFocus();

function isOpen(conversation: string): boolean {
  const { pathname, search } = router.state.location;
  return pathname === "/inbox" && (search as Record<string, unknown>).c === conversation;
}

export async function told(event: JournalEvent, queries: QueryClient): Promise<void> {
  const me = queries.getQueryData(meQuery.queryKey);
  if (!me || Date.now() - Date.parse(event.at) > OLD_MS) return;
  const self = me.user.id;
  const queues = new Set(live.store.allQueues().filter((one) => one.agent_ids.includes(self)).map((one) => one.id));
  const reason = reasonOf(event, { self, queues });
  const conversation = typeof event.data.conversation_id === "string" ? event.data.conversation_id : undefined;
  if (!reason || conversation === undefined) return;
  const here = { looking: looking(), sees: looking() && isOpen(conversation) };
  if (!live.leads) {
    if (here.looking) channel?.postMessage({ event: event.id, sees: here.sees } satisfies Seen);
    return;
  }
  if (!here.looking) await new Promise((resolve) => setTimeout(resolve, ASK_MS));
  const elsewhere = heard.get(event.id);
  heard.clear();
  const now = new Date();
  const settings = queries.getQueryData(settingsQuery.queryKey) ?? [];
  const how = howTold(reason, wishesOf(settings), {
    minute: now.getHours() * 60 + now.getMinutes(),
    looking: here.looking || elsewhere !== undefined,
    sees: here.sees || elsewhere === true,
    talking: live.store.agent(self)?.activity === "on_contact",
  });
  if (!how) return;
  await Promise.all([loadArea("notify"), loadArea("told")]);
  const { title, body } = words(reason, event);
  const open = () => void router.navigate({ to: "/inbox", search: { c: conversation } as never });
  if (how.where === "desktop") await show(title, body, { conversation, event: event.id }, open);
  else if (here.looking) toast({ title, ...(body ? { description: body } : {}), action: { label: t("notify.open"), run: open } });
  if (how.sound) chime();
}

function words(reason: Reason, { data }: JournalEvent): { title: string; body: string } {
  const line = (data.conversation ?? {}) as { title?: string | null; address?: string; contact?: { name?: string }; last?: { text?: string; direction?: string } };
  const name = plainName(line.title ?? (line.contact?.name || line.address) ?? "");
  // What we said last is nothing to be told of.
  const theirs = line.last?.direction === "in" ? line.last.text : undefined;
  const preview = typeof data.preview === "string" ? data.preview : (theirs ?? "");
  return { title: t(`told.${reason}`, { name }), body: preview.slice(0, 120) };
}

/** By the service worker where there is one: what the server pushes then takes the place of this, and a phone shows nothing else. */
async function show(title: string, body: string, carried: Carried & { conversation: string; event: string }, open: () => void): Promise<void> {
  if (typeof Notification === "undefined" || Notification.permission !== "granted") return;
  const options = { body, tag: tagOf(carried.conversation), icon: "/icon-192.png", data: carried satisfies Carried };
  const worker = await ("serviceWorker" in navigator ? navigator.serviceWorker.getRegistration("/").catch(() => undefined) : undefined);
  try {
    if (worker?.active) {
      const standing = await worker.getNotifications({ tag: options.tag });
      // The push was quicker.
      if (standing.some((one) => (one.data as Carried | null)?.event === carried.event)) return;
      await worker.showNotification(title, { ...options, renotify: true } as NotificationOptions);
    } else {
      const notification = new Notification(title, options);
      notification.onclick = () => {
        window.focus();
        open();
        notification.close();
      };
    }
    hasTold(carried.event);
  } catch {
    // Chromium on Android notifies from service workers only.
  }
}

/** Two soft notes. A page that nobody has touched yet may not sound, and then does not. */
function chime(): void {
  try {
    const context = new AudioContext();
    const gain = context.createGain();
    gain.connect(context.destination);
    const start = context.currentTime;
    gain.gain.setValueAtTime(0, start);
    for (const [at, hz] of [
      [0, 659.25],
      [0.14, 880],
    ] as const) {
      const note = context.createOscillator();
      note.frequency.value = hz;
      note.connect(gain);
      note.start(start + at);
      note.stop(start + at + 0.22);
      gain.gain.linearRampToValueAtTime(0.12, start + at + 0.02);
      gain.gain.linearRampToValueAtTime(0.001, start + at + 0.14);
    }
    setTimeout(() => void context.close(), 1000);
  } catch {
    // No sound to be had.
  }
}
