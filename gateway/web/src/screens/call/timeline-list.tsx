import { Link } from "@tanstack/react-router";
import { Card, ErrorState, SOLID, Skeleton, formatDateTime, useZone } from "@/design";
import { useT } from "@/i18n";
import { offset } from "./clock";
import type { Entry } from "./timeline";

/** What happened, in order. Events that lie on the recording lead to their place in it. */
export function TimelineList({ entries, error, place, onSeek, running }: { entries: readonly Entry[] | undefined; error: Error | null; place: (entry: Entry) => number | undefined; onSeek: (ms: number) => void; running: boolean }) {
  const t = useT();
  const zone = useZone();
  const exact = (at: string) => formatDateTime(at, zone ? { zone, dateStyle: "medium", timeStyle: "medium" } : {});
  return (
    <Card>
      <section aria-label={t("call.timeline.title")}>
        <h2 className="mb-3 text-sm font-semibold">{t("call.timeline.title")}</h2>
        {error && !entries ? (
          <ErrorState error={error} />
        ) : !entries ? (
          <Skeleton lines={5} />
        ) : entries.length === 0 ? (
          <p className="text-ink-2">{t("call.timeline.empty")}</p>
        ) : (
          <ol className="relative" aria-live={running ? "polite" : "off"} aria-relevant="additions">
            {entries.map((entry, at) => (
              <li key={entry.id} data-event={entry.kind} className="relative flex gap-3 pb-3 last:pb-0">
                {at < entries.length - 1 && <span aria-hidden className="absolute start-[63px] top-3 -bottom-1 w-px bg-line" />}
                <time dir="ltr" dateTime={entry.at} title={exact(entry.at)} className="num w-12 shrink-0 pt-px text-right rtl:text-left text-sm text-ink-2">
                  {offset(entry.offset)}
                </time>
                <span aria-hidden className={`relative mt-1.5 size-2 shrink-0 rounded-full ring-4 ring-surface ${SOLID[entry.tone]}`} />
                <div className="min-w-0 flex-1">
                  <Sentence place={place(entry)} onSeek={onSeek} unknown={!entry.known} leads={entry.leads}>
                    {t(entry.text, entry.values)}
                  </Sentence>
                  {entry.more.map((line) => (
                    <p key={line.text} className="text-sm text-ink-2">
                      {t(line.text, line.values)}
                    </p>
                  ))}
                </div>
              </li>
            ))}
          </ol>
        )}
      </section>
    </Card>
  );
}

function Sentence({ children, place, onSeek, unknown, leads }: { children: string; place: number | undefined; onSeek: (ms: number) => void; unknown: boolean; leads: Entry["leads"] }) {
  const t = useT();
  const look = `[overflow-wrap:anywhere] ${unknown ? "text-ink-2 italic" : ""}`;
  if (leads) {
    const [before = "", ...after] = children.split(leads.words);
    return (
      <p className={look}>
        {before}
        <Link to="/calls/$callId" params={{ callId: leads.call }} className="underline decoration-line underline-offset-4 hover:decoration-ink">
          {leads.words}
        </Link>
        {after.join(leads.words)}
      </p>
    );
  }
  if (place === undefined) return <p className={look}>{children}</p>;
  return (
    <button type="button" className={`${look} min-h-6 rounded-sm text-start underline-offset-2 hover:underline`} title={t("call.timeline.seek")} onClick={() => onSeek(place)}>
      {children}
    </button>
  );
}
