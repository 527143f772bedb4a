import type { ReactNode } from "react";
import { cx, useNow } from "@/design";
import { useT } from "@/i18n";
import { share, span, whole } from "../reports/words";
import { Alarming, Level, Longest, percent } from "./figure";
import { abandonRate, averageAnswer, serviceLevel } from "./figures";
import { type Shown, signedIn, useCounts, useShownTogether } from "./sums";
import { type Alarm, freeAlarm, levelAlarm, waitAlarm } from "./tones";

/** The few figures that one looks at first. `wall`: read from four metres. */
export function Tiles({ queue, counts, wall = false }: { queue: string | undefined; counts: boolean; wall?: boolean }) {
  const t = useT();
  const sums = useShownTogether(queue);
  const agents = useCounts(queue);
  const { waiting, longest, today, now } = sums;
  const nothing = "–";
  const icon = wall ? 28 : 20;
  return (
    <dl aria-label={t("board.tiles")} className="grid gap-3" style={{ gridTemplateColumns: `repeat(auto-fit, minmax(min(${wall ? "200px, 100%" : "140px, 45%"}), 1fr))` }}>
      <Waiting sums={sums} wall={wall} />
      <Tile term={t("board.level.now")} alarm={counts ? levelAlarm(serviceLevel(now)) : undefined} wall={wall} value={counts ? <Level value={serviceLevel(now)} size={icon} wall={wall} /> : nothing} more={counts ? t("board.level.today", { level: share(serviceLevel(today)) }) : undefined} />
      <Tile term={t("board.answered")} wall={wall} value={counts ? whole(today.answered) : nothing} more={counts ? t("board.of-offered", { n: today.offered }) : undefined} />
      <Tile term={t("board.abandoned")} wall={wall} value={counts ? (wall ? percent(abandonRate(today)) : share(abandonRate(today))) : nothing} more={counts ? t("board.abandoned.of", { n: today.abandoned, short: today.short_abandoned }) : undefined} />
      <Tile term={t("board.asa")} wall={wall} value={counts ? span(averageAnswer(today)) : nothing} more={t("board.today")} />
      <Tile
        term={t("board.available")}
        wall={wall}
        alarm={freeAlarm(agents.available, waiting)}
        value={
          <Alarming alarm={freeAlarm(agents.available, waiting)} words={t("people.queues.nobody-free")} size={icon}>
            <span className="num">{whole(agents.available)}</span>
          </Alarming>
        }
        more={t("board.agents.of", { signed: signedIn(agents), contact: agents.on_contact })}
      />
      <span hidden data-board-waiting={waiting} data-board-longest={longest?.waiting_since} data-board-offered={today.offered} data-board-answered={today.answered} data-board-abandoned={today.abandoned} />
    </dl>
  );
}

/** Its frame changes with the clock; the other tiles do not. */
function Waiting({ sums: { waiting, longest }, wall }: { sums: Shown; wall: boolean }) {
  const t = useT();
  const now = useNow();
  const alarm = longest && waitAlarm(now - longest.waiting_since, longest.level_ms);
  return (
    <Tile
      term={t("board.waiting")}
      alarm={alarm}
      wall={wall}
      value={<span className={cx("num", alarm && { ring: "text-ring", bad: "text-bad" }[alarm])}>{whole(waiting)}</span>}
      more={
        longest && (
          <>
            {t("board.longest")} <Longest stay={longest} />
          </>
        )
      }
    />
  );
}

const FRAME: Record<"ring" | "bad", string> = { ring: "border-ring bg-ring-soft", bad: "border-bad bg-bad-soft" };

function Tile({ term, value, more, alarm, wall }: { term: string; value: ReactNode; more?: ReactNode; alarm?: Alarm; wall: boolean }) {
  return (
    <div className={cx("flex min-w-0 flex-col rounded-lg border", wall ? "gap-2 p-5" : "gap-0.5 px-4 py-3 max-sm:px-3", alarm ? FRAME[alarm] : "border-line bg-surface")}>
      <dt className={cx("truncate text-ink-2", wall ? "text-xl" : "text-sm")}>{term}</dt>
      <dd className="num font-semibold tracking-tight whitespace-nowrap" style={{ fontSize: wall ? "clamp(40px, 3.8vw, 88px)" : 28, lineHeight: 1.2 }}>
        {value}
      </dd>
      <dd className={cx("truncate text-ink-2", wall ? "text-lg" : "text-sm")} style={{ minHeight: "1.4em" }}>
        {more}
      </dd>
    </div>
  );
}
