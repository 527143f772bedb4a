/** What goes on in a call, in sentences. */
import { type TextKey, t } from "@/i18n";
import { type Consult, type Failure, isNumber } from "./talk";

const WHYS = ["no_answer", "refused", "busy", "failed", "unreachable"] as const;
const WHYS_OUTSIDE = ["no_answer", "busy", "rejected", "invalid_number", "denied"] as const;

function whyText({ agent, why }: Failure, name: string): string {
  if (!isNumber(agent)) return t(`incall.failed.${WHYS.find((one) => one === why) ?? "failed"}`, { name });
  const known = WHYS_OUTSIDE.find((one) => one === why);
  if (known === "no_answer" || known === "busy") return t(`incall.failed.${known}`, { name });
  return known ? t(`incall.failed-outside.${known}`, { name }) : t("incall.failed.failed", { name });
}

/** Why the call is where it was. `responsible` has the customer. */
export function failureText(failure: Failure, name: string, self: string, responsible: string | undefined): string {
  const what = whyText(failure, name);
  return self === responsible && failure.of !== "conference" ? `${what} ${t("incall.failed.yours")}` : what;
}

export function consultText(consult: Consult, self: string, name: (id: string | undefined) => string): string {
  const [by, to] = [name(consult.by), name(consult.to)];
  if (consult.to === self) return t("incall.consult.you-are-asked", { by });
  if (consult.by !== self) return t("incall.consult.others", { by, to });
  if (!consult.answered) return t(consult.rung ? "incall.consult.queue" : "incall.consult.rings", { to });
  if (consult.with === "asked") return t("incall.consult.with-asked", { to });
  return consult.with === "customer" ? t("incall.consult.with-customer", { to }) : t("incall.consult.with-somebody", { to });
}

const MODES: Record<string, TextKey> = { listen: "incall.watch.listen", whisper: "incall.watch.whisper", barge: "incall.watch.barge" };

export function watcherText(mode: string, name: string): string {
  return t(MODES[mode] ?? "incall.watch.listen", { name });
}
