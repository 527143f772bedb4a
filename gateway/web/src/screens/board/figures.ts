/**
 * What the board counts of queues, from the journal alone: who waits now, and the day's figures. A pure fold over events that begins from any
 * snapshot; the rules are those of the reports (`docs/metrics.md`, `inbox/figures`), so that both show the same.
 *
 * Invariants: the same events give the same state, in however many pieces they come and from whichever snapshot; an event that comes twice
 * changes nothing; what did not change keeps its identity, so that only what changed is drawn again.
 */
import type { JournalEvent } from "@/live";

/** The grain of all figures. */
export const QUARTER_MS = 15 * 60 * 1000;
/** What counts when the queue's event does not say. */
const SERVICE_LEVEL_S = 20;
const SHORT_ABANDON_S = 5;
const MOST_SECONDS = 24 * 60 * 60;
/** The longest that one wait may count: beyond it a clock was wrong. */
const LONGEST_MS = 7 * 24 * 60 * 60 * 1000;

/** The kinds that are counted here. */
export const KINDS: ReadonlySet<string> = new Set(["call.queued", "call.answered", "call.ended"]);

/** Sums by their names in `docs/metrics.md`. */
export interface Sums {
  readonly offered: number;
  readonly answered: number;
  readonly answered_in_level: number;
  readonly abandoned: number;
  readonly short_abandoned: number;
  readonly overflowed: number;
  readonly unserved: number;
  readonly answer_wait_ms: number;
}

/** A call's stay in a queue, until it is answered or leaves. Times in ms. */
export interface Stay {
  readonly queue: string;
  /** When it came into this queue: where it is counted. */
  readonly since: number;
  /** Since when its caller waits; a call that is moved keeps it. */
  readonly waiting_since: number;
  readonly level_ms: number;
  readonly short_ms: number;
}

export interface QueueFigures {
  /** Calls that came in on the board's day. */
  readonly today: Sums;
  /** By quarter hour (counted from 1970), those since the snapshot and the ones right before it. */
  readonly quarters: ReadonlyMap<number, Sums>;
  readonly waiting: number;
  /** Of those who wait, the one that waits longest. */
  readonly longest: Stay | undefined;
}

export interface Figures {
  /** The last event that was taken in. */
  readonly through: number;
  /** Everything up to these events is in the sums already. */
  readonly asOf: { readonly today: number; readonly quarters: number };
  /** The day in quarter hours; the end is not part of it. */
  readonly day: { readonly from: number; readonly to: number };
  readonly stays: ReadonlyMap<string, Stay>;
  readonly queues: ReadonlyMap<string, QueueFigures>;
}

export const NO_SUMS: Sums = { offered: 0, answered: 0, answered_in_level: 0, abandoned: 0, short_abandoned: 0, overflowed: 0, unserved: 0, answer_wait_ms: 0 };
export const NO_FIGURES: QueueFigures = { today: NO_SUMS, quarters: new Map(), waiting: 0, longest: undefined };

export function quarterOf(ms: number): number {
  return Math.floor(ms / QUARTER_MS);
}

/** What a board begins with. */
export interface Snapshot {
  /** Stays as they are after this event. */
  readonly seq: number;
  readonly stays: ReadonlyMap<string, Stay>;
  /** Sums of the day by queue, with all up to `seq` in them. */
  readonly today: { readonly seq: number; readonly from: number; readonly to: number; readonly sums: ReadonlyMap<string, Sums> };
  readonly quarters: { readonly seq: number; readonly sums: ReadonlyMap<string, ReadonlyMap<number, Sums>> };
}

export function begin({ seq, stays, today, quarters }: Snapshot): Figures {
  const waiting = waitingBy(stays);
  const ids = new Set([...today.sums.keys(), ...quarters.sums.keys(), ...waiting.keys()]);
  const queues = new Map([...ids].map((id) => [id, { today: today.sums.get(id) ?? NO_SUMS, quarters: quarters.sums.get(id) ?? NO_FIGURES.quarters, ...(waiting.get(id) ?? NOBODY) }]));
  return { through: seq, asOf: { today: today.seq, quarters: quarters.seq }, day: { from: today.from, to: today.to }, stays, queues };
}

const NOBODY = { waiting: 0, longest: undefined };

function waitingBy(stays: ReadonlyMap<string, Stay>): Map<string, { waiting: number; longest: Stay | undefined }> {
  const found = new Map<string, { waiting: number; longest: Stay | undefined }>();
  for (const stay of stays.values()) {
    const known = found.get(stay.queue) ?? NOBODY;
    const longest = known.longest && known.longest.waiting_since <= stay.waiting_since ? known.longest : stay;
    found.set(stay.queue, { waiting: known.waiting + 1, longest });
  }
  return found;
}

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);

function seconds(value: unknown, otherwise: number): number {
  const said = typeof value === "number" && Number.isSafeInteger(value) ? value : otherwise;
  return Math.min(Math.max(said, 0), MOST_SECONDS) * 1000;
}

const span = (from: number, to: number): number => Math.min(Math.max(to - from, 0), LONGEST_MS);

/** How a call that nobody answered left its queue. */
function left(reason: unknown): "abandoned" | "overflowed" | "unserved" {
  switch (reason) {
    case "abandoned_queue":
    case "abandoned_ivr":
    case "completed_customer":
      return "abandoned";
    case "overflow":
    case "voicemail":
    case "callback":
    case "transferred":
      return "overflowed";
    default:
      return "unserved";
  }
}

/** Copies once per piece what it changes, and nothing else. */
class Draft {
  private stays: Map<string, Stay> | undefined;
  private readonly queues = new Map<string, { today: Sums; quarters: Map<number, Sums> }>();
  private readonly moved = new Set<string>();

  constructor(private readonly before: Figures) {}

  stay(call: string): Stay | undefined {
    return (this.stays ?? this.before.stays).get(call);
  }

  setStay(call: string, stay: Stay | undefined): void {
    this.stays ??= new Map(this.before.stays);
    const known = this.stays.get(call);
    if (known) this.moved.add(known.queue);
    if (stay) this.stays.set(call, stay);
    else this.stays.delete(call);
    if (stay) this.moved.add(stay.queue);
  }

  /** Adds to where the stay is counted, unless the snapshot has it already. */
  count(seq: number, { queue, since }: Stay, more: Partial<Sums>): void {
    const { asOf, day } = this.before;
    const quarter = quarterOf(since);
    const isToday = seq > asOf.today && quarter >= day.from && quarter < day.to;
    const isRecent = seq > asOf.quarters;
    if (!isToday && !isRecent) return;
    let known = this.queues.get(queue);
    if (!known) {
      const { today, quarters } = this.before.queues.get(queue) ?? NO_FIGURES;
      known = { today, quarters: new Map(quarters) };
      this.queues.set(queue, known);
    }
    if (isToday) known.today = add(known.today, more);
    if (isRecent) known.quarters.set(quarter, add(known.quarters.get(quarter) ?? NO_SUMS, more));
  }

  end(through: number): Figures {
    const { before } = this;
    if (!this.stays && this.queues.size === 0) return through === before.through ? before : { ...before, through };
    const stays = this.stays ?? before.stays;
    const queues = new Map(before.queues);
    const waiting = this.moved.size > 0 ? waitingBy(stays) : undefined;
    for (const id of new Set([...this.moved, ...this.queues.keys()])) {
      const known = before.queues.get(id) ?? NO_FIGURES;
      const { waiting: count, longest } = this.moved.has(id) ? (waiting?.get(id) ?? NOBODY) : known;
      queues.set(id, { ...known, ...this.queues.get(id), waiting: count, longest });
    }
    return { ...before, through, stays, queues };
  }
}

/** Adds what is counted of one call to sums. */
export function add(sums: Sums, more: Partial<Sums>): Sums {
  return {
    offered: sums.offered + (more.offered ?? 0),
    answered: sums.answered + (more.answered ?? 0),
    answered_in_level: sums.answered_in_level + (more.answered_in_level ?? 0),
    abandoned: sums.abandoned + (more.abandoned ?? 0),
    short_abandoned: sums.short_abandoned + (more.short_abandoned ?? 0),
    overflowed: sums.overflowed + (more.overflowed ?? 0),
    unserved: sums.unserved + (more.unserved ?? 0),
    answer_wait_ms: sums.answer_wait_ms + (more.answer_wait_ms ?? 0),
  };
}

/** The state after these events. They are in the journal's order; those that were taken in before are passed over. */
export function apply(before: Figures, events: readonly JournalEvent[]): Figures {
  const draft = new Draft(before);
  let { through } = before;
  for (const event of events) {
    if (event.seq <= through) continue;
    through = event.seq;
    if (KINDS.has(event.kind)) take(draft, event);
  }
  return draft.end(through);
}

function take(draft: Draft, { seq, kind, subject, actor, at: said, data }: JournalEvent): void {
  const at = Date.parse(said);
  const stay = draft.stay(subject.id);
  if (kind === "call.queued") {
    const queue = text(data.queue_id);
    // Who is to be called back was counted when they called, and is not on the line.
    if (data.callback === true) return;
    // An offer passed, or a gateway began anew: it waits on.
    if (queue === undefined || stay?.queue === queue) return;
    if (stay) draft.count(seq, stay, { overflowed: 1 });
    const next: Stay = { queue, since: at, waiting_since: stay?.waiting_since ?? at, level_ms: seconds(data.service_level_s, SERVICE_LEVEL_S), short_ms: seconds(data.short_abandon_s, SHORT_ABANDON_S) };
    draft.setStay(subject.id, next);
    draft.count(seq, next, { offered: 1 });
    return;
  }
  if (!stay) return;
  const wait = span(stay.since, at);
  if (kind === "call.answered") {
    if ((text(data.agent_id) ?? actor?.id) === undefined) return;
    draft.count(seq, stay, { answered: 1, answered_in_level: wait <= stay.level_ms ? 1 : 0, answer_wait_ms: wait });
  } else {
    const how = left(data.end_reason);
    draft.count(seq, stay, { [how]: 1, short_abandoned: how === "abandoned" && wait < stay.short_ms ? 1 : 0 });
  }
  draft.setStay(subject.id, undefined);
}

/** A call's own events, up to one of them: how it waits then. */
export function stayAfter(events: readonly JournalEvent[], seq: number): Stay | undefined {
  const nothing: Figures = { through: -1, asOf: { today: Infinity, quarters: Infinity }, day: { from: 0, to: 0 }, stays: new Map(), queues: new Map() };
  const { stays } = apply(nothing, events.filter((event) => event.seq <= seq));
  return stays.values().next().value;
}

/** Of the quarter hour that runs and the one before it: "now", without jumping whenever a quarter hour begins. */
export function recent(figures: QueueFigures, now: number): Sums {
  const quarter = quarterOf(now);
  return [quarter - 1, quarter].reduce((sum, one) => add(sum, figures.quarters.get(one) ?? NO_SUMS), NO_SUMS);
}

/** The calls that a rate refers to. */
const counted = (sums: Sums): number => sums.answered + sums.abandoned - sums.short_abandoned + sums.overflowed;

/** To four places, as the reports say it; nothing where there is nothing to divide by. */
const share = (part: number, whole: number): number | undefined => (whole > 0 ? Math.round((part / whole) * 10_000) / 10_000 : undefined);

export function serviceLevel(sums: Sums): number | undefined {
  return share(sums.answered_in_level, counted(sums));
}

export function abandonRate(sums: Sums): number | undefined {
  return share(sums.abandoned - sums.short_abandoned, counted(sums));
}

/** Average speed of answer, in ms. */
export function averageAnswer(sums: Sums): number | undefined {
  return sums.answered > 0 ? Math.floor((sums.answer_wait_ms + Math.floor(sums.answered / 2)) / sums.answered) : undefined;
}
