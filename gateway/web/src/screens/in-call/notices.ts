/**
 * What managers tell everybody: which notices are still to be shown, told from the journal's `notice.sent`.
 *
 * What was dismissed is kept in this browser, as a place in the journal: everything up to it is done with, and of what is newer the dismissed ones
 * by name. So a reload reads the journal from that place on, and shows what had not been dismissed.
 */
import type { JournalEvent } from "@/live";

export interface Notice {
  readonly id: string;
  readonly seq: number;
  readonly at: string;
  readonly text: string;
  readonly by: string;
  readonly queueId: string | undefined;
}

export interface Done {
  readonly epoch: string;
  readonly through: number;
  /** Dismissed ones behind `through`. */
  readonly seqs: readonly number[];
}

export interface Notices {
  readonly open: readonly Notice[];
  readonly done: Done;
}

/** Nobody needs to know today what was said the day before yesterday. */
export const NEWS_MS = 24 * 3_600_000;
/** More than anybody reads. */
const MOST = 20;

export function noticeOf(event: JournalEvent): Notice | undefined {
  const { text, by, queue_id, id } = event.data;
  if (event.kind !== "notice.sent" || typeof text !== "string" || text.trim() === "") return undefined;
  const name = typeof by === "object" && by !== null && "name" in by && typeof by.name === "string" ? by.name : "";
  // Of a channel that has stopped only those are told who can mend it, and only until it works: the channels' own banner does.
  if (name !== "" && text.startsWith(`${name} has stopped: `)) return undefined;
  return { id: typeof id === "string" ? id : event.id, seq: event.seq, at: event.at, text, by: name, queueId: typeof queue_id === "string" ? queue_id : undefined };
}

/** With what has come: from the stream or read back, in any order, and not twice. */
export function withEvents(known: Notices, events: readonly JournalEvent[], now: number): Notices {
  const { through, seqs } = known.done;
  const wanted = (one: Notice) => one.seq > through && !seqs.includes(one.seq) && now - Date.parse(one.at) < NEWS_MS && !known.open.some((other) => other.seq === one.seq);
  const fresh = new Map(events.flatMap((event) => noticeOf(event) ?? []).filter(wanted).map((one) => [one.seq, one]));
  if (fresh.size === 0) return known;
  return { ...known, open: [...known.open, ...fresh.values()].sort((a, b) => a.seq - b.seq).slice(-MOST) };
}

/** One is dismissed. `head`: the newest event that was seen; with nothing left open all up to there is done. */
export function dismissed(known: Notices, seq: number, head: number): Notices {
  const open = known.open.filter((one) => one.seq !== seq);
  const seqs = [...new Set([...known.done.seqs, seq])];
  return { open, done: settled({ ...known.done, seqs }, open, head) };
}

/** The place moves up to before the oldest that is open. */
export function settled(done: Done, open: readonly Notice[], head: number): Done {
  const before = open.length === 0 ? Math.max(head, ...done.seqs) : Math.min(...open.map((one) => one.seq)) - 1;
  const through = Math.max(done.through, before);
  return { ...done, through, seqs: done.seqs.filter((one) => one > through) };
}

/** What was dismissed in another tab is dismissed here. */
export function together(known: Notices, done: Done): Notices {
  if (done.epoch !== known.done.epoch) return known;
  return { done, open: known.open.filter((one) => one.seq > done.through && !done.seqs.includes(one.seq)) };
}

/** Whether it is for somebody: for all, or for the queue's own. Managers see more of the journal than concerns them. */
export function concerns(notice: Notice, self: string, queues: readonly { readonly id: string; readonly agent_ids: readonly string[] }[]): boolean {
  return notice.queueId === undefined || (queues.find((one) => one.id === notice.queueId)?.agent_ids.includes(self) ?? false);
}

const KEPT = "trunkline.notices.";

export function kept(user: string): Done | undefined {
  try {
    const value = JSON.parse(localStorage.getItem(KEPT + user) ?? "null") as Partial<Done> | null;
    if (!value || typeof value.epoch !== "string" || typeof value.through !== "number" || !Number.isFinite(value.through)) return undefined;
    return { epoch: value.epoch, through: value.through, seqs: Array.isArray(value.seqs) ? value.seqs.filter((one) => typeof one === "number") : [] };
  } catch {
    return undefined;
  }
}

export function keep(user: string, done: Done): void {
  localStorage.setItem(KEPT + user, JSON.stringify(done));
}

export const keyOf = (user: string) => KEPT + user;
