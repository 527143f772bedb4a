/** Figures of one queue, or of all together. */
import { useCallback, useMemo, useSyncExternalStore } from "react";
import type { Activity } from "@/live";
import { live } from "@/live";
import { type QueueFigures, NO_FIGURES, NO_SUMS, type Sums, add, quarterOf, recent } from "./figures";
import { feed, useCalm, useQueueFigures, useSkew } from "./feed";
import { useNow } from "@/design";

/** The quarter hour that runs by the server's clock: changes when it does, not each second. */
export function useQuarter(): number {
  const skew = useSkew();
  return quarterOf(useNow() + skew);
}

export interface Shown {
  readonly waiting: number;
  readonly longest: QueueFigures["longest"];
  readonly today: Sums;
  readonly now: Sums;
}

const at = (quarter: number) => quarter * 15 * 60 * 1000;

export function shown(figures: readonly QueueFigures[], quarter: number): Shown {
  return figures.reduce<Shown>(
    (sum, one) => ({
      waiting: sum.waiting + one.waiting,
      longest: !sum.longest || (one.longest && one.longest.waiting_since < sum.longest.waiting_since) ? one.longest : sum.longest,
      today: add(sum.today, one.today),
      now: add(sum.now, recent(one, at(quarter))),
    }),
    { waiting: 0, longest: undefined, today: NO_SUMS, now: NO_SUMS },
  );
}

export function useShown(id: string): Shown {
  const figures = useQueueFigures(id);
  const quarter = useQuarter();
  return useMemo(() => shown([figures], quarter), [figures, quarter]);
}

/** Of one queue, or of all that are there; a queue that was removed counts for the day that it was there. */
export function useShownTogether(queue: string | undefined): Shown {
  const figures = useSyncExternalStore(
    feed.subscribe,
    useCallback(() => feed.board.figures?.queues, []),
  );
  const quarter = useQuarter();
  return useMemo(() => shown(queue === undefined ? [...(figures?.values() ?? [])] : [figures?.get(queue) ?? NO_FIGURES], quarter), [figures, queue, quarter]);
}

export type Counts = Readonly<Record<Activity, number>>;
export const NO_AGENTS: Counts = { on_contact: 0, ringing: 0, wrap_up: 0, available: 0, unreachable: 0, paused: 0, offline: 0 };

/** What the members of a queue do; without one, everybody. */
export function useCounts(queue: string | undefined): Counts {
  const members = useCalm(`queue:${queue ?? ""}`, () => live.store.queue(queue ?? "")?.agents);
  const all = useCalm("agents", () => (queue === undefined ? live.store.allAgents() : undefined));
  return useMemo(() => {
    if (!all) return members ?? NO_AGENTS;
    const counts = { ...NO_AGENTS };
    for (const { activity } of all) counts[activity] += 1;
    return counts;
  }, [all, members]);
}

export function signedIn(counts: Counts): number {
  return Object.values(counts).reduce((sum, one) => sum + one, 0) - counts.offline;
}
