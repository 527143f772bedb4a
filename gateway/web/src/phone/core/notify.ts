/** A notification of the desktop for a ring that nobody looks at. */
import { preferences } from "@/app/preferences";
import type { Invitation } from "./machine";

const shown = new Map<string, Notification>();

/** Whoever works in another window beside this page does not look at it either. */
const seen = () => document.visibilityState === "visible" && document.hasFocus();

/** `back`: the number that is called once it is answered. */
export function notifyOfRing({ id, queue, ...from }: Invitation, back?: string): void {
  if (!preferences().notifications || typeof Notification === "undefined" || Notification.permission !== "granted" || seen()) return;
  const peer = back ?? from.peer;
  const peerName = peer === from.peer ? from.peerName : undefined;
  // Who and for what; no words that would have to be in somebody's language. Isolated, so that a number keeps its order among Arabic names.
  const title = `${back === undefined ? "" : "\u2197 "}\u260E\uFE0E ${peerName ?? (peer ? `\u2068${peer}\u2069` : "\u2026")}`;
  const lines = [queue, peerName !== undefined && peer ? `\u2068${peer}\u2069` : undefined].filter((line) => line !== undefined);
  try {
    const notification = new Notification(title, { body: lines.join(" \u00B7 "), tag: `trunkline-${id}`, requireInteraction: true });
    shown.set(id, notification);
    notification.onclick = () => {
      window.focus();
      notification.close();
    };
    notification.onclose = () => shown.delete(id);
  } catch {
    // Chromium on Android notifies from service workers only.
  }
}

export function ringIsOver(id: string): void {
  shown.get(id)?.close();
  shown.delete(id);
}
