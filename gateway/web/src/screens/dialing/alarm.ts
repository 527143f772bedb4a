/**
 * The toll-fraud alarm that is still to be shown, told from the journal's `dialing.alarm`: the newest that nobody has put away in this browser.
 *
 * What was put away is kept as a place in the journal, so a reload reads on from there and shows what was not.
 */
import { useEffect, useState } from "react";
import { useMe } from "@/api";
import { type JournalEvent, live, useEvents, useLiveReady } from "@/live";
import { firstLook, readBack } from "@/live/read-back";

export interface Alarm {
  readonly seq: number;
  readonly at: string;
  readonly words: string;
}

/** Everything up to there is done with. */
export interface Seen {
  readonly epoch: string;
  readonly through: number;
}

/** What was denied the day before yesterday alarms nobody any more. */
export const NEWS_MS = 24 * 3_600_000;

export function alarmOf({ kind, seq, at, data }: JournalEvent): Alarm | undefined {
  return kind === "dialing.alarm" && typeof data.words === "string" && data.words !== "" ? { seq, at, words: data.words } : undefined;
}

/** The newest of what is known and what has come, in any order; nothing that is done with, or old. */
export function newest(known: Alarm | undefined, events: readonly JournalEvent[], through: number, now: number): Alarm | undefined {
  return events
    .flatMap((event) => alarmOf(event) ?? [])
    .filter((one) => one.seq > through && now - Date.parse(one.at) < NEWS_MS)
    .reduce<Alarm | undefined>((last, one) => (last && last.seq >= one.seq ? last : one), known && known.seq > through ? known : undefined);
}

const keyOf = (user: string) => `trunkline.alarm.${user}`;

export function kept(user: string, epoch: string): Seen | undefined {
  try {
    const value = JSON.parse(localStorage.getItem(keyOf(user)) ?? "null") as Partial<Seen> | null;
    return value && value.epoch === epoch && typeof value.through === "number" && Number.isFinite(value.through) ? { epoch, through: value.through } : undefined;
  } catch {
    return undefined;
  }
}

/** Never back: another tab may have seen more. */
export function keep(user: string, seen: Seen): void {
  const before = kept(user, seen.epoch);
  if (!before || before.through < seen.through) localStorage.setItem(keyOf(user), JSON.stringify(seen));
}

const epoch = () => live.store.at?.epoch ?? "";

/** The alarm to show, and how it is put away. */
export function useAlarm(): { alarm: Alarm | undefined; dismiss: () => void } {
  const self = useMe()?.user.id;
  // There is nothing to compare with before the journal's place is known.
  const ready = useLiveReady();
  const [alarm, setAlarm] = useState<Alarm>();
  useEvents(["dialing.alarm"], (event) => setAlarm((known) => newest(known, [event], self === undefined ? 0 : (kept(self, epoch())?.through ?? 0), Date.now())));
  useEffect(() => {
    if (!ready || self === undefined) return;
    const life = new AbortController();
    const through = kept(self, epoch())?.through ?? firstLook();
    readBack("dialing.alarm", through, life.signal)
      .then(({ events, head }) => {
        const found = newest(undefined, events, through, Date.now());
        // The next page reads on from here; what is shown it shows again.
        keep(self, { epoch: epoch(), through: found ? found.seq - 1 : head });
        setAlarm((known) => newest(known, events, through, Date.now()));
      })
      // What comes from now on is shown all the same.
      .catch(() => undefined);
    const heard = ({ key }: StorageEvent) => {
      if (key === keyOf(self)) setAlarm((known) => newest(known, [], kept(self, epoch())?.through ?? 0, Date.now()));
    };
    window.addEventListener("storage", heard);
    return () => {
      life.abort();
      window.removeEventListener("storage", heard);
    };
  }, [ready, self]);
  const dismiss = () => {
    if (alarm && self !== undefined) keep(self, { epoch: epoch(), through: alarm.seq });
    setAlarm(undefined);
  };
  return { alarm, dismiss };
}
