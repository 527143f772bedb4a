import { Link } from "@tanstack/react-router";
import { Sheet } from "@/design";
import { useT } from "@/i18n";
import type { Place } from "./places";

/** Where else one can go, for a thumb. */
export function More({ places, open, onOpenChange }: { places: readonly Place[]; open: boolean; onOpenChange: (open: boolean) => void }) {
  const t = useT();
  return (
    <Sheet side="bottom" open={open} onOpenChange={onOpenChange} title={t("common.nav.more")}>
      <ul className="grid gap-1 pb-[env(safe-area-inset-bottom)]">
        {places.map((place) => (
          <li key={place.to}>
            <Link to={place.to} onClick={() => onOpenChange(false)} className="flex min-h-12 items-center gap-3 rounded-md px-3 text-lg" activeProps={{ className: "bg-accent-soft text-accent" }} inactiveProps={{ className: "hover:bg-sunken" }}>
              <place.icon size={20} aria-hidden />
              {place.title}
            </Link>
          </li>
        ))}
      </ul>
    </Sheet>
  );
}
