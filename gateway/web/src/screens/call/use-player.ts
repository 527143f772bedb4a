import { useEffect, useMemo, useSyncExternalStore } from "react";
import { api, body } from "@/api";
import { Player, type PlayerState } from "./audio";

async function fetchLink(recording: string) {
  const { url, expires_at } = await body(api.POST("/api/v1/recordings/{id}/link", { params: { path: { id: recording } } }));
  return { url, expiresAt: Date.parse(expires_at) };
}

/** A player for one recording, as long as the component shows that recording. */
export function usePlayer(recording: string, durationMs: number): Player {
  const player = useMemo(() => new Player(durationMs, () => fetchLink(recording)), [recording, durationMs]);
  useEffect(() => {
    void player.open();
    return () => player.close();
  }, [player]);
  return player;
}

export function usePlayerState(player: Player): PlayerState {
  return useSyncExternalStore(player.subscribe, player.read);
}

/** Drawn anew once a second, not once a frame. */
export function usePlayerSecond(player: Player): number {
  return useSyncExternalStore(player.subscribe, player.second);
}
