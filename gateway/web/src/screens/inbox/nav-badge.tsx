import { useEffect } from "react";
import { useT } from "@/i18n";
import { useCounts } from "./counts";

/** On the way to the inbox, and on the panel's icon where it is installed: how many of one's own conversations have something new. */
export function InboxBadge() {
  const t = useT();
  const n = useCounts()?.unread ?? 0;
  useEffect(() => {
    // Absent where nothing can be installed; refused where nothing is.
    void ("setAppBadge" in navigator ? navigator.setAppBadge(n).catch(() => undefined) : undefined);
    return () => void ("clearAppBadge" in navigator ? navigator.clearAppBadge().catch(() => undefined) : undefined);
  }, [n]);
  return n > 0 ? (
    <span data-unread={n} className="num absolute end-0.5 top-0.5 min-w-4 rounded-full bg-bad px-1 text-center text-xs leading-4 font-semibold text-bad-ink max-sm:start-1/2 max-sm:end-auto">
      <span aria-hidden>{n > 99 ? "99+" : n}</span>
      <span className="sr-only">{t("common.nav.unread", { n })}</span>
    </span>
  ) : null;
}
