import type { Tone } from "@/design";
import type { Activity } from "@/live";

/** What somebody does now, as a colour; every screen says it in words too. */
export const ACTIVITY_TONES: Record<Activity, Tone> = { available: "live", on_call: "accent", ringing: "ring", paused: "hold", unreachable: "bad", offline: "neutral" };
/** Those who talk first, those who are away last. */
export const ACTIVITIES: readonly Activity[] = ["on_call", "ringing", "available", "unreachable", "paused", "offline"];
