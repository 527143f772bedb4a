/** The page's side of the service worker: brings it in, obeys its clicks, and tells it what has been shown already. */
import type { QueryClient } from "@tanstack/react-query";
import { meQuery } from "@/api/me";
import { beforeSignOut, onSignedOut } from "@/api/session";
import type { ToPage } from "./messages";
import { forget, keepInStep, registerWorker, turnOff } from "./subscribe";

/** Events that this page has shown. More are nobody's to ask for: a push comes seconds after its event. */
const MOST = 100;
const told = new Set<string>();

export function hasTold(event: string): void {
  told.add(event);
  if (told.size > MOST) for (const oldest of told) return void told.delete(oldest);
}

/** Until the function is called that it gives. `open`: takes the panel to a conversation, or to the inbox. */
export function startPush(queries: QueryClient, open: (conversation: string | null) => void): () => void {
  if (!("serviceWorker" in navigator) || !isSecureContext) return () => undefined;
  const step = () =>
    void queries
      .ensureQueryData(meQuery)
      .then(keepInStep)
      // With the next start, then.
      .catch(() => undefined);
  const heard = ({ data, ports: [port] }: MessageEvent<ToPage>) => {
    switch (data.type) {
      case "open":
        port?.postMessage(true);
        open(data.conversation);
        return;
      case "told":
        port?.postMessage(told.has(data.event));
        return;
      case "changed":
        step();
    }
  };
  navigator.serviceWorker.addEventListener("message", heard);
  navigator.serviceWorker.startMessages();
  void registerWorker().then(step);
  const off = [
    beforeSignOut(() => turnOff()),
    // Ended elsewhere, or by the server: names of customers must not go on appearing here.
    onSignedOut(() => void forget().catch(() => undefined)),
  ];
  return () => {
    navigator.serviceWorker.removeEventListener("message", heard);
    for (const one of off) one();
  };
}
