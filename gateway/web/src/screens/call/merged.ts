import type { components } from "@/api";
import type { LiveCall } from "@/live";

/** The stored call with what the stream knows since: whichever has come further. An end is never taken back. */
export function merged(stored: components["schemas"]["Call"], live: LiveCall | undefined): LiveCall {
  const row: LiveCall = {
    id: stored.id,
    direction: stored.direction,
    from: stored.from,
    to: stored.to,
    state: stored.state,
    queue_id: stored.queue_id ?? null,
    agent_id: stored.agent_id ?? null,
    ringing_agent_ids: [],
    talker_ids: [],
    started_at: stored.started_at,
    queued_at: stored.queued_at ?? null,
    answered_at: stored.answered_at ?? null,
    held_since: stored.held_since ?? null,
    ended_at: stored.ended_at ?? null,
    end_reason: stored.end_reason ?? null,
    recording_id: stored.recording_id ?? null,
  };
  if (!live || (row.state === "ended" && live.state !== "ended")) return row;
  return { ...live, recording_id: live.recording_id ?? row.recording_id };
}
