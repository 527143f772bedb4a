import { useT } from "@/i18n";
import { useCounts } from "./counts";

/** On the way to the inbox: how many of one's own conversations have something new. */
export function InboxBadge() {
  const t = useT();
  const n = useCounts()?.unread ?? 0;
  return n > 0 ? (
    <span data-unread={n} className="num absolute end-0.5 top-0.5 min-w-4 rounded-full bg-bad px-1 text-center text-xs leading-4 font-semibold text-bad-ink">
      <span aria-hidden>{n > 99 ? "99+" : n}</span>
      <span className="sr-only">{t("common.nav.unread", { n })}</span>
    </span>
  ) : null;
}
