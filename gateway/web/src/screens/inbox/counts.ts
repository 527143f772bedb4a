/** How many conversations there are to work on. Small: the navigation shows it on every screen. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { Problem, authorizedFetch, useCan } from "@/api";
import { useEvents } from "@/live";

/** Between two readings, however much happens. */
const COUNTS_MS = 1500;
const KEY = ["inbox", "counts"];

export type Counts = Readonly<Record<string, number>>;

/** Read again, at most so often, when the journal tells of any conversation. */
export function useCounts(): Counts | undefined {
  const queries = useQueryClient();
  const enabled = useCan("conversations:read");
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  useEvents(["conversation.*", "message.received"], () => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      void queries.invalidateQueries({ queryKey: KEY });
    }, COUNTS_MS);
  });
  return useQuery({
    queryKey: KEY,
    enabled,
    queryFn: async ({ signal }): Promise<Counts> => {
      const answer = await authorizedFetch(new Request(`${location.origin}/api/v1/conversations/counts`, { signal }));
      if (!answer.ok) throw await Problem.of(answer);
      return (await answer.json()) as Counts;
    },
  }).data;
}
