import { useT } from "@/i18n";
import { useWorklistCounts } from "./api";

/** On the way to the list: how many callers wait for an answer. */
export function WorklistBadge() {
  const t = useT();
  const counts = useWorklistCounts();
  const n = (counts?.open ?? 0) + (counts?.voicemails ?? 0);
  return n > 0 ? (
    <span data-to-return={n} className="num absolute end-0.5 top-0.5 min-w-4 rounded-full bg-accent px-1 text-center text-xs leading-4 font-semibold text-accent-ink max-sm:start-1/2 max-sm:end-auto">
      <span aria-hidden>{n > 99 ? "99+" : n}</span>
      <span className="sr-only">{t("common.nav.to-return", { n })}</span>
    </span>
  ) : null;
}
