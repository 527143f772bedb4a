import type { Tone } from "@/design";
import type { Activity } from "@/live";

/** What somebody does now, as a colour; every screen says it in words too. */
export const ACTIVITY_TONES: Record<Activity, Tone> = { available: "live", on_contact: "accent", ringing: "ring", wrap_up: "wait", paused: "hold", unreachable: "bad", offline: "neutral" };
/** Those who talk first, those who are away last. */
export const ACTIVITIES: readonly Activity[] = ["on_contact", "ringing", "wrap_up", "available", "unreachable", "paused", "offline"];
