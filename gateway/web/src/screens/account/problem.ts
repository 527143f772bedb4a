import { Problem } from "@/api";
import { t } from "@/i18n";
import { problemText } from "../calls/problem-text";

/** Why it did not work, in words. */
export function accountProblem(error: unknown): string {
  if (error instanceof Problem && error.code === "link-void") return t("account.link.void");
  if (error instanceof Problem && error.code === "no-mail") return t("account.forgot.no-mail");
  return problemText(error);
}
