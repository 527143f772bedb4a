import { Problem } from "@/api";
import { t } from "@/i18n";

/** Why something that was asked for did not happen, in words that say what to do. The server's own text where it is the most exact. */
export function problemText(error: unknown): string {
  if (!(error instanceof Problem)) return error instanceof Error && error.message ? error.message : t("calls.problem.unknown");
  if (error.status === 0) return t("calls.problem.network");
  if (error.status === 403) return t("calls.problem.forbidden");
  if (error.status >= 500) return t("calls.problem.server");
  return error.message;
}
