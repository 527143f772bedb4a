import { Bell } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { type components, api, body } from "@/api";
import { Banner, RelativeTime, announce } from "@/design";
import { type JournalEvent, live, useEvents, useQueues } from "@/live";
import { type Done, type Notice, type Notices, concerns, dismissed, keep, kept, keyOf, settled, together, withEvents } from "./notices";

const head = () => live.store.at?.through ?? 0;
const NONE: Notices = { open: [], done: { epoch: "", through: 0, seqs: [] } };
type Page = Omit<components["schemas"]["EventsPage"], "items"> & { items: JournalEvent[] };
/** How far a browser that never looked before reads back: what was said a moment ago, while this page was still coming. */
const FIRST_LOOK = 500;
/** Pages of what was said while nobody looked. */
const MOST_PAGES = 10;

/** What was said since `done`, and how far the journal goes. */
async function readBack(done: Done | undefined, signal: AbortSignal): Promise<{ events: JournalEvent[]; done: Done; head: number }> {
  const from = live.store.at;
  const epoch = from?.epoch ?? "";
  const start: Done = done?.epoch === epoch ? done : { epoch, through: Math.max(0, (from?.through ?? 0) - FIRST_LOOK), seqs: [] };
  const events: JournalEvent[] = [];
  let after = start.through;
  let newest = after;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    // As a page: the same address is a stream for who asks for one.
    const read = (await body(api.GET("/api/v1/events", { params: { query: { after, kinds: "notice.sent", limit: 100 } }, signal }))) as Page;
    events.push(...read.items);
    newest = Math.max(newest, read.as_of_seq);
    if (read.next_after <= after || read.next_after >= read.as_of_seq) break;
    after = read.next_after;
  }
  return { events, done: start, head: newest };
}

/** What managers tell everybody, above every screen until it is dismissed. */
export function NoticeBanners({ self }: { self: string }) {
  const queues = useQueues();
  const [known, setKnown] = useState<Notices>(NONE);
  const said = useRef(new Set<number>());
  useEvents(["notice.sent"], (event) => setKnown((before) => withEvents(before.done.epoch ? before : { ...before, done: kept(self) ?? { epoch: live.store.at?.epoch ?? "", through: event.seq - 1, seqs: [] } }, [event], Date.now())));
  useEffect(() => {
    const life = new AbortController();
    readBack(kept(self), life.signal)
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
      if (said.current.has(one.seq)) continue;
      said.current.add(one.seq);
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
