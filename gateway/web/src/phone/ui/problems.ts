/** What the phone's faults are called, in words that say what to do. */
import { useState } from "react";
import { toast } from "@/design";
import { t } from "@/i18n";
import { type Blocked, PhoneError } from "../api";

const REASONS: readonly string[] = ["insecure", "microphone-refused", "microphone-missing", "microphone-busy", "unsupported", "no-agent"] satisfies Blocked[];

export function blockedTitle(reason: Blocked): string {
  return t(`phone.blocked-title.${reason}`);
}

/** Where the permission is kept differs from browser to browser; everything else does not. */
export function blockedText(reason: Blocked, agent = navigator.userAgent): string {
  return reason === "microphone-refused" ? t(`phone.refused.${browserOf(agent)}`) : t(`phone.blocked-text.${reason}`);
}

function browserOf(agent: string): "chromium" | "firefox" | "safari" {
  if (/firefox/i.test(agent)) return "firefox";
  // Chromium calls itself Safari too.
  return /safari/i.test(agent) && !/chrom|edg/i.test(agent) ? "safari" : "chromium";
}

/** Does it, and says in a toast why not. */
export async function attempt(what: Promise<void>): Promise<boolean> {
  try {
    await what;
    return true;
  } catch (error) {
    const code = error instanceof PhoneError ? error.code : "failed";
    // Of the microphone the fault itself says more than that there is one.
    const reason = code === "microphone" && error instanceof Error && REASONS.includes(error.message) ? (error.message as Blocked) : undefined;
    toast(reason ? { title: blockedTitle(reason), description: blockedText(reason), tone: "bad" } : { title: t("phone.failed.title"), description: t(`phone.failed.${code}`), tone: "bad" });
    return false;
  }
}

/** `attempt`, and whether it is still under way: the browser may be asking for the microphone. */
export function useAttempt(): [busy: boolean, run: (what: () => Promise<void>) => Promise<boolean>] {
  const [busy, setBusy] = useState(false);
  const run = async (what: () => Promise<void>) => {
    setBusy(true);
    const done = await attempt(what());
    setBusy(false);
    return done;
  };
  return [busy, run];
}

/** What can be dialled: digits, `*`, `#`, one `+` in front. Empty when it cannot. */
export function dialable(text: string): string {
  const bare = text.replace(/^\s*tel:/i, "").replace(/[\s().\-/\u00a0\u2010-\u2015\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "");
  return /^\+?[\d*#]{1,32}$/.test(bare) ? bare : "";
}
