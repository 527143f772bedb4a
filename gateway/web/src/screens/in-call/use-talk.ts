import { useMemo } from "react";
import { type LiveCall, live, useCallLive, useCallTimeline } from "@/live";
import { QUIET, type Talk, settled, talkOf } from "./talk";

/** What goes on in a call: from its events, read once and followed by the stream. The same after a reload as before it. */
export function useTalk(id: string): { talk: Talk; call: LiveCall | undefined } {
  const { events } = useCallTimeline(id);
  const call = useCallLive(id);
  const told = useMemo(() => (events ? talkOf(events) : QUIET), [events]);
  const talk = useMemo(() => settled(told, call, live.store.at?.through ?? 0), [told, call]);
  return { talk, call };
}
