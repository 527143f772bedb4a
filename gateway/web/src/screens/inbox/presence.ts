/** Who else looks at a conversation, who writes in it, and that one does so oneself. */
import { useEffect, useRef, useState } from "react";
import { useNow } from "@/design";
import { useSignals } from "@/live";
import { type Message, type Viewer, inboxApi } from "./api";

/** The server forgets whoever does not say so again. */
const EVERY_MS = 10_000;
/** A signal without an end of its own. */
const LASTS_MS = 25_000;

export interface Presence {
  readonly viewing: readonly Viewer[];
  readonly typing: readonly Viewer[];
}

interface Seen extends Viewer {
  readonly until: number;
}

function seenIn(data: Readonly<Record<string, unknown>>, id: string, self: string): Seen | undefined {
  if (data.conversation_id !== id || typeof data.user_id !== "string" || data.user_id === self) return undefined;
  const until = typeof data.until === "string" ? Date.parse(data.until) : Number.NaN;
  return { user_id: data.user_id, name: typeof data.name === "string" ? data.name : "", until: Number.isNaN(until) ? Date.now() + LASTS_MS : until };
}

const without = (all: readonly Seen[], id: string) => all.filter((one) => one.user_id !== id);

export function usePresence(id: string, self: string, first: readonly Viewer[] | undefined, last: Message | undefined): Presence {
  const now = useNow();
  const [viewing, setViewing] = useState<readonly Seen[]>([]);
  const [typing, setTyping] = useState<readonly Seen[]>([]);
  useSignals("conversation.viewing", (data) => {
    const one = seenIn(data, id, self);
    if (one) setViewing((all) => [...without(all, one.user_id), one]);
  });
  useSignals("conversation.typing", (data) => {
    const one = seenIn(data, id, self);
    if (!one) return;
    setTyping((all) => (data.typing === false ? without(all, one.user_id) : [...without(all, one.user_id), one]));
    setViewing((all) => [...without(all, one.user_id), one]);
  });
  // Whose message has come writes it no more, whichever word of the two came first.
  const [said, setSaid] = useState(last?.id);
  if (last && last.id !== said) {
    setSaid(last.id);
    const writer = last.author.id;
    if (writer) setTyping((all) => without(all, writer));
  }
  // Those who were there before, until they say so again or do not.
  const [began] = useState(now);
  const early = now - began < LASTS_MS ? (first ?? []).filter((one) => one.user_id !== self && !viewing.some((seen) => seen.user_id === one.user_id)) : [];
  const here = (all: readonly Seen[]) => all.filter((one) => one.until > now);
  return { viewing: [...here(viewing), ...early], typing: here(typing) };
}

/** Says that one looks, and whether one writes, for as long as the page is seen. */
export function useBeingHere(id: string, typing: boolean): void {
  const writes = useRef(typing);
  const told = useRef(typing);
  useEffect(() => {
    writes.current = typing;
    // That one begins is told at once, and that one stops.
    if (told.current !== typing) tell(id, typing);
    told.current = typing;
  }, [id, typing]);
  useEffect(() => {
    const say = () => {
      if (document.visibilityState === "visible") tell(id, writes.current);
    };
    say();
    const timer = setInterval(say, EVERY_MS);
    document.addEventListener("visibilitychange", say);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", say);
    };
  }, [id]);
}

/** Of no weight: the next one comes in ten seconds. */
function tell(id: string, typing: boolean): void {
  inboxApi.presence(id, typing).catch(() => undefined);
}
