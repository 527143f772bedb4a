/** What a running call can be asked. The answer is 202: that it has happened is for the stream to say. */
import { Problem, api } from "@/api";
import { toast } from "@/design";
import { t } from "@/i18n";
import { problemText } from "../calls/problem-text";

export type Target = { readonly agent_id: string } | { readonly queue_id: string } | { readonly number: string };
export type Kind = "blind" | "attended";
export type Step = "complete" | "swap" | "merge" | "cancel";
export type Control = "hold" | "resume" | "mute" | "unmute" | "recording/pause" | "recording/resume";

const of = (id: string) => ({ params: { path: { id } } });

export async function handOn(id: string, kind: Kind, to: Target): Promise<void> {
  await api.POST("/api/v1/calls/{id}/transfer", { ...of(id), body: { kind, to } });
}

export async function bringIn(id: string, agent: string): Promise<void> {
  await api.POST("/api/v1/calls/{id}/conference", { ...of(id), body: { agent_id: agent } });
}

export async function take(id: string, step: Step): Promise<void> {
  await api.POST(`/api/v1/calls/{id}/transfer/${step}`, of(id));
}

export async function control(id: string, what: Control): Promise<void> {
  await api.POST(`/api/v1/calls/{id}/${what}`, of(id));
}

export async function sendDigits(id: string, digits: string): Promise<void> {
  await api.POST("/api/v1/calls/{id}/dtmf", { ...of(id), body: { digits } });
}

export async function hangUp(id: string): Promise<void> {
  await api.POST("/api/v1/calls/{id}/hangup", of(id));
}

const KNOWN = ["target-away", "target-busy", "not-now", "phone-away", "no-trunk", "limit-reached"] as const;

/** Why not, in words that say what to do. */
export function refusal(error: unknown): string {
  const code = error instanceof Problem ? KNOWN.find((one) => one === error.code) : undefined;
  if (code) return t(`incall.problem.${code}`);
  // Of what the company does not allow the server has the words.
  if (error instanceof Problem && error.code === "call-denied") return t("incall.problem.call-denied", { why: error.message });
  if (error instanceof Problem && error.status === 422) return error.fields["to.number"] ?? error.fields.number ?? t("incall.problem.number");
  if (error instanceof Problem && error.status === 404) return t("incall.problem.over");
  return problemText(error);
}

/** Asks, and says in a toast why not. Whether it was taken. */
export async function ask(what: Promise<void>): Promise<boolean> {
  try {
    await what;
    return true;
  } catch (error) {
    toast({ title: t("incall.problem.title"), description: refusal(error), tone: "bad" });
    return false;
  }
}
