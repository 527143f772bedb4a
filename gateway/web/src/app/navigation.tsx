import { Link } from "@tanstack/react-router";
import { Tooltip } from "@/design";
import { useT } from "@/i18n";
import { InboxBadge } from "@/screens/inbox/nav-badge";
import type { Place } from "./places";

/** A rail at the side; at the bottom, under the thumb, where the screen is narrow. */
export function Navigation({ places }: { places: readonly Place[] }) {
  const t = useT();
  return (
    <nav aria-label={t("common.nav.main")} className="border-e border-line bg-surface max-sm:order-last max-sm:border-e-0 max-sm:border-t">
      <ul className="flex flex-col items-center gap-1 py-2 max-sm:flex-row max-sm:justify-around max-sm:gap-0 max-sm:py-1">
        {places.filter((place) => !place.under).map((place) => (
          <li key={place.to} className="max-sm:min-w-0 max-sm:flex-1">
            <Tooltip content={place.title} shortcut={place.shortcut}>
              <Link
                to={place.to}
                className="relative grid size-11 place-items-center rounded-md max-sm:w-full text-ink-3 hover:bg-sunken hover:text-ink"
                activeProps={{ className: "bg-accent-soft text-accent hover:text-accent" }}
              >
                <place.icon size={20} aria-hidden />
                <span className="sr-only">{place.title}</span>
                {place.to === "/inbox" && <InboxBadge />}
              </Link>
            </Tooltip>
          </li>
        ))}
      </ul>
    </nav>
  );
}
