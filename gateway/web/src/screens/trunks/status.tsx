import { Badge, RelativeTime } from "@/design";
import { useT } from "@/i18n";
import type { Trunk } from "./model";
import { serverStanding } from "./words";

/** How a trunk does on each server. */
export function ServerList({ trunk }: { trunk: Pick<Trunk, "status"> }) {
  const t = useT();
  return (
    <ul aria-label={t("trunks.servers")} className="grid gap-1.5">
      {trunk.status.map((one) => {
        const standing = serverStanding(one);
        return (
          <li key={one.server} data-server={one.server} data-registration={one.registration?.state ?? "none"} data-reachable={one.reachable ?? "unknown"} className="text-sm">
            <div className="flex flex-wrap items-center gap-x-2 gap-y-0.5">
              <span className="font-mono text-ink-2">{one.server}</span>
              <Badge tone={standing.tone} dot>
                {standing.text}
              </Badge>
              {(one.registration?.since ?? one.since) && <RelativeTime at={one.registration?.since ?? one.since ?? ""} className="text-ink-3" />}
              {one.channels !== undefined && one.channels > 0 && <span className="text-ink-2">{t("trunks.calls-now", { n: one.channels })}</span>}
            </div>
            {standing.more && <p className="mt-0.5 break-words text-ink-2">{standing.more}</p>}
          </li>
        );
      })}
    </ul>
  );
}
