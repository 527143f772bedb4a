import { Problem } from "@/api";
import { t } from "@/i18n";
import { problemText } from "../calls/problem-text";

const KNOWN = { "link-void": "account.link.void", "no-mail": "account.forgot.no-mail", "member-elsewhere": "account.members.elsewhere" } as const;

/** Why it did not work, in words. */
export function accountProblem(error: unknown): string {
  const known = error instanceof Problem ? KNOWN[error.code as keyof typeof KNOWN] : undefined;
  return known ? t(known) : problemText(error);
}
