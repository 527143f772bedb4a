import { api, body, newKey } from "@/api";
import { toast } from "@/design";
import { loadArea, t } from "@/i18n";
import { attempt, phone, phoneState } from "@/phone";
import { problemText } from "./problem-text";

/**
 * Calls a number. What the company does not allow is said in words before anything rings. This browser's phone dials by itself where it is signed
 * in; else the server rings whatever phone of the agent's is.
 */
export async function callNumber(to: string): Promise<void> {
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
    await body(api.POST("/api/v1/calls", { params: { header: { "Idempotency-Key": newKey() } }, body: { to } }));
    toast({ title: t("dialing.call.rings"), tone: "good" });
  } catch (error) {
    toast({ title: t("dialing.call.failed"), description: problemText(error), tone: "bad" });
  }
}
