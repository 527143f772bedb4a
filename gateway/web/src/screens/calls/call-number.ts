import { Problem, api, body, newKey } from "@/api";
import { toast } from "@/design";
import { loadArea, t } from "@/i18n";
import { live } from "@/live";
import { attempt, phone, phoneState } from "@/phone";
import { problemText } from "./problem-text";

/** Why a colleague cannot be called, by the API's codes. */
const COLLEAGUE = ["target-busy", "target-away", "phone-away", "on-a-call"] as const;

/**
 * Calls a number. What the company does not allow is said in words before anything rings. This browser's phone dials by itself where it is signed
 * in; else the server rings whatever phone of the agent's is.
 */
export async function callNumber(to: string, callback?: string): Promise<void> {
  // Of the house, whatever is allowed outside.
  const colleague = live.store.allAgents().find((one) => one.extension === to);
  if (colleague) return callAgent(colleague);
  await loadArea("dialing");
  try {
    const checked = await body(api.POST("/api/v1/dialing/check", { params: { header: { "Idempotency-Key": newKey() } }, body: { to } }));
    if (!checked.allowed) {
      toast({ title: t("dialing.call.denied"), description: checked.words ?? "", tone: "bad" });
      return;
    }
    if (phoneState().registration.state === "ready") {
      await attempt(phone.dial(checked.number ?? to));
      return;
    }
    await body(api.POST("/api/v1/calls", { params: { header: { "Idempotency-Key": newKey() } }, body: { to, ...(callback ? { callback_id: callback } : {}) } }));
    toast({ title: t("dialing.call.rings"), tone: "good" });
  } catch (error) {
    toast({ title: t("dialing.call.failed"), description: problemText(error), tone: "bad" });
  }
}

/** Calls a colleague: no rule of outbound calls asks after that. */
export async function callAgent({ id, extension }: { readonly id: string; readonly extension?: string | null }): Promise<void> {
  await loadArea("dialing");
  if (extension && phoneState().registration.state === "ready") {
    await attempt(phone.dial(extension));
    return;
  }
  try {
    await body(api.POST("/api/v1/calls", { params: { header: { "Idempotency-Key": newKey() } }, body: { to_agent_id: id } }));
    toast({ title: t("dialing.call.rings"), tone: "good" });
  } catch (error) {
    const code = error instanceof Problem ? COLLEAGUE.find((one) => one === error.code) : undefined;
    toast({ title: t("dialing.call.failed"), description: code ? t(`dialing.colleague.${code}`) : problemText(error), tone: "bad" });
  }
}
