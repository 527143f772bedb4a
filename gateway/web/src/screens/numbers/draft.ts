/** A number as its form has it. Pure: the screen shows it, the server has the last word. */
import { e164 } from "../queue-rules/draft";
import type { InboundNumber, Recording, Target, WriteNumber } from "./model";

/** Stands for “none”: a choice has no empty value. */
export const NONE = "none";
export const HANG_UP = "hang_up";
export const LONGEST_LABEL = 60;

export interface NumberDraft {
  readonly number: string;
  readonly label: string;
  /** `queue:<id>`, `flow:<id>`, `agent:<id>`, `hang_up`; empty until chosen. */
  readonly target: string;
  readonly schedule: string;
  readonly closed: string;
  readonly site: string;
  readonly recording: Recording;
}

export function choiceOf(target: Target): string {
  switch (target.type) {
    case "queue":
      return `queue:${target.queue_id}`;
    case "flow":
      return `flow:${target.flow_id}`;
    case "agent":
      return `agent:${target.agent_id}`;
    case "hang_up":
      return HANG_UP;
  }
}

export function targetOf(choice: string): Target {
  const [type, ...rest] = choice.split(":");
  const id = rest.join(":");
  switch (type) {
    case "queue":
      return { type, queue_id: id };
    case "flow":
      return { type, flow_id: id };
    case "agent":
      return { type, agent_id: id };
    default:
      return { type: "hang_up" };
  }
}

export const EMPTY: NumberDraft = { number: "+", label: "", target: "", schedule: NONE, closed: HANG_UP, site: NONE, recording: "as_queue" };

export function draftOf({ number, label, target, schedule_id, closed_target, site_id, recording }: InboundNumber): NumberDraft {
  return { number, label, target: choiceOf(target), schedule: schedule_id ?? NONE, closed: choiceOf(closed_target), site: site_id ?? NONE, recording };
}

export function bodyOf({ number, label, target, schedule, closed, site, recording }: NumberDraft): WriteNumber {
  return {
    number: e164(number),
    label: label.trim(),
    site_id: site === NONE ? null : site,
    target: targetOf(target),
    schedule_id: schedule === NONE ? null : schedule,
    closed_target: targetOf(closed),
    recording,
  };
}

/** Only what is another than before; a number never becomes another. */
export function changesOf(before: NumberDraft, draft: NumberDraft): Partial<WriteNumber> {
  const [was, is] = [bodyOf(before), bodyOf(draft)];
  const changed = (Object.keys(is) as (keyof WriteNumber)[]).filter((field) => field !== "number" && JSON.stringify(was[field]) !== JSON.stringify(is[field]));
  return Object.fromEntries(changed.map((field) => [field, is[field]]));
}

export type Fault = "number" | "twice" | "target" | "country";

/** What is wrong before the server is asked, by its names of fields. */
export function faultsOf(draft: NumberDraft, others: readonly string[]): Readonly<Partial<Record<"number" | "target", Fault>>> {
  const number = e164(draft.number);
  const odd: Fault | undefined = !number.startsWith("+") ? "country" : !/^\+[1-9]\d{6,14}$/.test(number) ? "number" : others.includes(number) ? "twice" : undefined;
  return { ...(odd ? { number: odd } : {}), ...(draft.target === "" ? { target: "target" as const } : {}) };
}

/** Whether a number is one that somebody looks for: by its digits, however they are grouped, or by its words. */
export function matches(words: readonly string[], typed: string): boolean {
  const digits = typed.replace(/[^\d]/g, "");
  const wanted = typed.trim().toLowerCase();
  if (wanted === "") return true;
  if (digits !== "" && /^[\d\s()+./-]+$/.test(wanted)) return words.some((one) => one.replace(/[^\d]/g, "").includes(digits));
  return wanted.split(/\s+/).every((word) => words.some((one) => one.toLowerCase().includes(word)));
}
