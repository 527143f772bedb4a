import { type ReactNode, memo } from "react";
import { cx, useNow } from "@/design";
import { useT } from "@/i18n";
import type { Queue } from "@/live";
import { whole } from "../reports/words";
import { Alarming, Level, Longest, percent } from "./figure";
import { abandonRate, serviceLevel } from "./figures";
import { useQueueFigures } from "./feed";
import { Tiles } from "./tiles";
import { useCounts, useShown } from "./sums";
import { freeAlarm, waitAlarm } from "./tones";

/** Read from four metres, with nothing to press. */
export function Wall({ queues, queue, counts }: { queues: readonly Queue[]; queue: string | undefined; counts: boolean }) {
  return (
    <div className="flex-1 p-6 pt-2 max-sm:p-3">
      <Tiles queue={queue} counts={counts} wall />
      <ul className="mt-5 grid grid-cols-[repeat(auto-fit,minmax(min(420px,100%),1fr))] gap-5">
        {queues.map((one) => (
          <Card key={one.id} queue={one} counts={counts} />
        ))}
      </ul>
    </div>
  );
}

const Card = memo(function Card({ queue, counts }: { queue: Queue; counts: boolean }) {
  const t = useT();
  const figures = useQueueFigures(queue.id);
  const { now } = useShown(queue.id);
  const agents = useCounts(queue.id);
  const clock = useNow();
  const { waiting, longest, today } = figures;
  const alarm = longest && waitAlarm(clock - longest.waiting_since, longest.level_ms);
  return (
    <li className={cx("rounded-lg border-2 p-5", alarm === "bad" ? "border-bad bg-bad-soft" : alarm === "ring" ? "border-ring bg-ring-soft" : "border-line bg-surface")}>
      <h2 className="truncate text-[28px] font-semibold">{queue.name}</h2>
      <dl className="mt-3 grid gap-6" style={{ gridTemplateColumns: "repeat(auto-fit, minmax(130px, 1fr))" }}>
        <Big term={t("board.waiting")}>
          <span className={cx(alarm && { ring: "text-ring", bad: "text-bad" }[alarm])}>{whole(waiting)}</span>
        </Big>
        <Big term={t("board.longest-wait")}>
          <Longest stay={longest} size={24} />
        </Big>
        <Big term={t("board.available")}>
          <Alarming alarm={freeAlarm(agents.available, waiting)} words={t("people.queues.nobody-free")} size={24}>
            {whole(agents.available)}
          </Alarming>
        </Big>
        {counts && (
          <>
            <Big term={t("board.level.now")}>
              <Level value={serviceLevel(now)} size={24} wall />
            </Big>
            <Big term={t("board.level.today-head")}>
              <Level value={serviceLevel(today)} size={24} wall />
            </Big>
            <Big term={t("board.abandoned")}>{percent(abandonRate(today))}</Big>
          </>
        )}
      </dl>
    </li>
  );
});

function Big({ term, children }: { term: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="truncate text-lg text-ink-2">{term}</dt>
      <dd className="num leading-none font-semibold tracking-tight" style={{ fontSize: "clamp(32px, 3vw, 64px)" }}>
        {children}
      </dd>
    </div>
  );
}
