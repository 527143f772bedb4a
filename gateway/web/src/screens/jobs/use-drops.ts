import { useCallback, useEffect, useRef, useState } from "react";
import { Problem, api, body } from "@/api";
import { toast } from "@/design";
import { t } from "@/i18n";
import { problemText } from "../calls/problem-text";

/** A little longer than its toast offers to take it back. */
export const UNDO_MS = 8200;

/**
 * Jobs that somebody dropped: gone from the list at once, from the server when it can no longer be taken back. Whoever leaves the screen meant it.
 */
export function useDrops(onDropped: () => Promise<void>) {
  const timers = useRef(new Map<string, ReturnType<typeof setTimeout>>());
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  const show = useCallback((id: string) => setIds((before) => new Set([...before].filter((one) => one !== id))), []);
  const send = useCallback(
    async (id: string) => {
      timers.current.delete(id);
      try {
        await body(api.DELETE("/api/v1/jobs/{id}", { params: { path: { id } } }));
      } catch (error) {
        // Somebody else did it, or it was done meanwhile and swept.
        if (!(error instanceof Problem && error.status === 404)) toast({ title: t("jobs.not-dropped"), description: problemText(error), tone: "bad" });
      }
      await onDropped();
      show(id);
    },
    [onDropped, show],
  );
  const begin = useCallback(
    (id: string) => {
      setIds((before) => new Set([...before, id]));
      timers.current.set(
        id,
        setTimeout(() => void send(id), UNDO_MS),
      );
    },
    [send],
  );
  const undo = useCallback(
    (id: string) => {
      const timer = timers.current.get(id);
      if (timer === undefined) return;
      clearTimeout(timer);
      timers.current.delete(id);
      show(id);
    },
    [show],
  );
  useEffect(() => {
    const waiting = timers.current;
    return () => {
      for (const [id, timer] of waiting) {
        clearTimeout(timer);
        void send(id);
      }
    };
  }, [send]);
  return { ids, begin, undo };
}
