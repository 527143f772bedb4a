import type { components } from "@/api";
import type { Tone } from "@/design";
import { t } from "@/i18n";

export type Job = components["schemas"]["Job"];
export type State = Job["state"];

export const STATES: readonly State[] = ["dead", "waiting", "running", "done"];
export const TONES: Record<State, Tone> = { waiting: "neutral", running: "accent", done: "live", dead: "bad" };

/** What a job is for, in words where there are some. */
export function kindText(kind: string): string {
  return kind === "mail.send" ? t("jobs.kind.mail.send") : t("jobs.kind.other", { kind });
}

/** Running it now changes something. */
export function canRetry(job: Job): boolean {
  return job.state === "dead" || job.waits_for === "time";
}

export function canDrop(job: Job): boolean {
  return job.state !== "running";
}
