import { Bell } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { Banner, RelativeTime, announce } from "@/design";
import { type JournalEvent, live, useEvents, useQueues } from "@/live";
import { firstLook, readBack } from "@/live/read-back";
import { type Done, type Notice, type Notices, concerns, dismissed, keep, kept, keyOf, settled, together, withEvents } from "./notices";

const head = () => live.store.at?.through ?? 0;
const NONE: Notices = { open: [], done: { epoch: "", through: 0, seqs: [] } };
/** What was said since `done`, and how far the journal goes. */
async function said(done: Done | undefined, signal: AbortSignal): Promise<{ events: JournalEvent[]; done: Done; head: number }> {
  const epoch = live.store.at?.epoch ?? "";
  const start: Done = done?.epoch === epoch ? done : { epoch, through: firstLook(), seqs: [] };
  return { ...(await readBack("notice.sent", start.through, signal)), done: start };
}

/** What managers tell everybody, above every screen until it is dismissed. */
export function NoticeBanners({ self }: { self: string }) {
  const queues = useQueues();
  const [known, setKnown] = useState<Notices>(NONE);
  const announced = useRef(new Set<number>());
  useEvents(["notice.sent"], (event) => setKnown((before) => withEvents(before.done.epoch ? before : { ...before, done: kept(self) ?? { epoch: live.store.at?.epoch ?? "", through: event.seq - 1, seqs: [] } }, [event], Date.now())));
  useEffect(() => {
    const life = new AbortController();
    said(kept(self), life.signal)
      .then(({ events, done, head: newest }) =>
        setKnown((before) => {
          const next = withEvents({ open: before.open, done }, events, Date.now());
          const moved = { ...next, done: settled(next.done, next.open, Math.max(newest, head())) };
          keep(self, moved.done);
          return moved;
        }),
      )
      // What comes from now on is shown all the same.
      .catch(() => undefined);
    const heard = (event: StorageEvent) => {
      const done = event.key === keyOf(self) ? kept(self) : undefined;
      if (done) setKnown((before) => together(before, done));
    };
    window.addEventListener("storage", heard);
    return () => {
      life.abort();
      window.removeEventListener("storage", heard);
    };
  }, [self]);
  const shown = known.open.filter((one) => concerns(one, self, queues));
  useEffect(() => {
    for (const one of shown) {
      if (announced.current.has(one.seq)) continue;
      announced.current.add(one.seq);
      announce(one.text);
    }
  }, [shown]);
  const dismiss = (one: Notice) => {
    const next = dismissed(known, one.seq, head());
    keep(self, next.done);
    setKnown(next);
  };
  return shown.map((one) => (
    <Banner key={one.seq} tone="accent" icon={<Bell size={16} aria-hidden />} onDismiss={() => dismiss(one)}>
      <div role="note" data-notice={one.id} className="[overflow-wrap:anywhere]">
        {one.by && <bdi className="font-semibold">{one.by}:</bdi>} {one.text}{" "}
        <span className="text-sm text-ink-2">
          <RelativeTime at={one.at} />
        </span>
      </div>
    </Banner>
  ));
}
