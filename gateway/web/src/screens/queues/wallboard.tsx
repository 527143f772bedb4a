import type { ReactNode } from "react";
import { Duration, cx, useNow } from "@/design";
import { useT } from "@/i18n";
import { type Queue, useQueueLive } from "@/live";
import { urgency } from "./urgency";

/** Read from four metres: how many wait, how long, how many can answer. */
export function Wallboard({ queues }: { queues: readonly Queue[] }) {
  return (
    <ul className="grid min-h-0 flex-1 auto-rows-fr grid-cols-[repeat(auto-fit,minmax(min(420px,100%),1fr))] gap-5 overflow-auto p-6 pt-2">
      {queues.map((queue) => (
        <Tile key={queue.id} queue={queue} />
      ))}
    </ul>
  );
}

function Tile({ queue }: { queue: Queue }) {
  const t = useT();
  const live = useQueueLive(queue.id);
  const now = useNow();
  const longest = live?.longest_waiting_since ?? null;
  const tone = urgency(longest === null ? undefined : now - Date.parse(longest));
  return (
    <li className={cx("flex flex-col rounded-lg border-2 p-6", tone === "bad" ? "border-bad bg-bad-soft" : tone === "ring" ? "border-ring bg-ring-soft" : "border-line bg-surface")}>
      <h2 className="truncate text-[28px] font-semibold">{queue.name}</h2>
      <dl className="grid flex-1 grid-cols-2 content-evenly gap-6">
        <Big term={t("people.queues.waiting")} value={live?.waiting.length ?? 0} tone={tone} />
        <Big term={t("people.queues.longest")} value={longest ? <Duration since={longest} /> : "–"} tone={tone} />
        <Big term={t("people.state.available")} value={live?.agents.available ?? 0} />
        <Big term={t("people.queues.talking")} value={live?.active ?? 0} />
      </dl>
    </li>
  );
}

function Big({ term, value, tone }: { term: string; value: ReactNode; tone?: "ring" | "bad" | undefined }) {
  return (
    <div>
      <dd className={cx("num text-[clamp(44px,9vw,140px)] leading-none font-semibold tracking-tight", tone === "bad" ? "text-bad" : tone === "ring" ? "text-ring" : "text-ink")}>{value}</dd>
      <dt className="mt-1 text-[22px] text-ink-2">{term}</dt>
    </div>
  );
}
