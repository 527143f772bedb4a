/** What a supervisor may ask of running calls, and of everybody. */
import { api, body, type components, newKey } from "@/api";

/** How a supervisor is in a call: heard by nobody, by the agent alone, by everybody. */
export type Mode = components["schemas"]["SuperviseMode"];
export const MODES = ["listen", "whisper", "barge"] as const satisfies readonly Mode[];

const header = () => ({ "Idempotency-Key": newKey() });

/** Rings the supervisor's phone, and has it in the call; asked again, only the mode changes. `phone`: which one; without it, whichever is there. */
export async function supervise(id: string, mode: Mode, phone?: string): Promise<void> {
  await body(api.POST("/api/v1/calls/{id}/supervise", { params: { path: { id }, header: header() }, body: { mode, ...(phone ? { from_device: phone } : {}) } }));
}

export async function stopSupervising(id: string): Promise<void> {
  await body(api.DELETE("/api/v1/calls/{id}/supervise", { params: { path: { id } } }));
}

/** The call is the supervisor's from now on, and its agent is out of it. */
export async function takeOver(id: string): Promise<void> {
  await body(api.POST("/api/v1/calls/{id}/take-over", { params: { path: { id }, header: header() } }));
}

/** A call that waits waits in another queue. */
export async function move(id: string, queue: string): Promise<void> {
  await body(api.POST("/api/v1/calls/{id}/move", { params: { path: { id }, header: header() }, body: { queue_id: queue } }));
}

/** Most characters of a notice. */
export const LONGEST_NOTICE = 500;

/** Without a queue it is for everybody. */
export async function sendNotice(text: string, queue: string | undefined): Promise<void> {
  await body(api.POST("/api/v1/notices", { params: { header: header() }, body: { text, ...(queue ? { queue_id: queue } : {}) } }));
}
