/** What the phone's faults are called, in words that say what to do. */
import { toast } from "@/design";
import { t } from "@/i18n";
import { type Blocked, PhoneError } from "../api";

export function blockedTitle(reason: Blocked): string {
  return t(`phone.blocked-title.${reason}`);
}

export function blockedText(reason: Blocked): string {
  return t(`phone.blocked-text.${reason}`);
}

/** Does it, and says in a toast why not. */
export async function attempt(what: Promise<void>): Promise<boolean> {
  try {
    await what;
    return true;
  } catch (error) {
    const code = error instanceof PhoneError ? error.code : "failed";
    toast({ title: t("phone.failed.title"), description: t(`phone.failed.${code}`), tone: "bad" });
    return false;
  }
}

/** What can be dialled: digits, `*`, `#`, one `+` in front. Empty when it cannot. */
export function dialable(text: string): string {
  const bare = text.replace(/^tel:/i, "").replace(/[\s().\-/\u00a0\u2010-\u2015]/g, "");
  return /^\+?[\d*#]{1,32}$/.test(bare) ? bare : "";
}
