import { Link, useRouterState } from "@tanstack/react-router";
import { Ellipsis } from "lucide-react";
import { useState } from "react";
import { Tooltip, cx } from "@/design";
import { useT } from "@/i18n";
import { InboxBadge } from "@/screens/inbox/nav-badge";
import { WorklistBadge } from "@/screens/worklist/nav-badge";
import { onceOpened } from "./once-opened";
import type { Place } from "./places";

const More = onceOpened(async () => (await import("./more")).More);

/** What a thumb reaches on a narrow screen; with more than that the last of them opens the rest. */
const UNDER_THE_THUMB = 5;
const SHAPE = "relative grid size-11 place-items-center rounded-md max-sm:h-12 max-sm:w-full max-sm:content-center max-sm:gap-0.5";
const ELSEWHERE = "text-ink-3 hover:bg-sunken hover:text-ink";
const HERE = "bg-accent-soft text-accent";
/** Beside the rail a tooltip says it. */
const WORD = "sr-only max-sm:not-sr-only max-sm:max-w-full max-sm:truncate max-sm:px-0.5 max-sm:text-xs";

/** A rail at the side; at the bottom, under the thumb, where the screen is narrow. */
export function Navigation({ places }: { places: readonly Place[] }) {
  const t = useT();
  const shown = places.filter((place) => !place.under);
  const rest = shown.length > UNDER_THE_THUMB ? shown.slice(UNDER_THE_THUMB - 1) : [];
  return (
    <nav aria-label={t("common.nav.main")} className="border-e border-line bg-surface max-sm:order-last max-sm:border-e-0 max-sm:border-t max-sm:pb-[env(safe-area-inset-bottom)]">
      <ul className="flex flex-col items-center gap-1 py-2 max-sm:flex-row max-sm:justify-around max-sm:gap-0 max-sm:px-1 max-sm:py-1">
        {shown.map((place) => (
          <li key={place.to} className={cx("max-sm:min-w-0 max-sm:flex-1", rest.includes(place) && "max-sm:hidden")}>
            <Tooltip content={place.title} shortcut={place.shortcut}>
              <Link to={place.to} className={SHAPE} activeProps={{ className: HERE }} inactiveProps={{ className: ELSEWHERE }}>
                <place.icon size={20} aria-hidden />
                <span className={WORD}>{place.title}</span>
                {place.to === "/inbox" && <InboxBadge />}
                {place.to === "/worklist" && <WorklistBadge />}
              </Link>
            </Tooltip>
          </li>
        ))}
        {rest.length > 0 && (
          <li className="min-w-0 flex-1 sm:hidden">
            <Rest places={rest} />
          </li>
        )}
      </ul>
    </nav>
  );
}

function Rest({ places }: { places: readonly Place[] }) {
  const t = useT();
  const [open, setOpen] = useState(false);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const here = places.some((place) => path === place.to || path.startsWith(`${place.to}/`));
  return (
    <>
      <button type="button" aria-haspopup="dialog" aria-expanded={open} className={cx(SHAPE, here ? HERE : ELSEWHERE)} onClick={() => setOpen(true)}>
        <Ellipsis size={20} aria-hidden />
        <span className={WORD}>{t("common.nav.more")}</span>
      </button>
      <More places={places} open={open} onOpenChange={setOpen} />
    </>
  );
}
