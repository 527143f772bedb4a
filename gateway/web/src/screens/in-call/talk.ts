/**
 * What goes on in a running call beside its state: who is being asked, who is brought in, what is held, muted and recorded, who listens.
 *
 * Told from the call's events alone, so that a page that was loaded anew says the same. Events may come in any order and more than once: they
 * are put in the journal's order first. Not every way out of a call has an event of its own; `settled` asks the store who is in it.
 */
import type { JournalEvent, LiveCall } from "@/live";

/** Somebody is asked before the call is handed on to them. Whoever is outside is called by their number, where an agent has an id. */
export interface Consult {
  /** Who asks; `undefined` where the event that says it is not for this viewer. */
  readonly by: string | undefined;
  /** A queue's id, until somebody of it has picked up. */
  readonly to: string;
  /** Who is rung for the queue that is asked. */
  readonly rung?: readonly string[];
  readonly answered: boolean;
  /** With whom the one who asks talks; `undefined` where no event says it, as when others keep the customer company. */
  readonly with: "asked" | "customer" | undefined;
  readonly since: string;
  readonly seq: number;
}

/** Somebody is rung, to join or to take the call over. */
export interface Ring {
  readonly agent: string;
  /** It comes back to who handed it on. */
  readonly back: boolean;
  readonly since: string;
  readonly seq: number;
}

/** Somebody did not come. */
export interface Failure {
  readonly id: string;
  readonly of: "transfer" | "consult" | "conference";
  readonly agent: string;
  readonly why: string;
}

export interface Watcher {
  readonly agent: string;
  readonly mode: string;
  readonly since: string;
}

export type Recording = { readonly state: "none" | "over" } | { readonly state: "running" | "paused"; readonly since: string; readonly by: string | undefined };

export interface Talk {
  readonly consult: Consult | undefined;
  readonly joining: Ring | undefined;
  readonly handover: Ring | undefined;
  /** The last one, until something else is tried. */
  readonly failure: Failure | undefined;
  /** Whom each agent has put on hold since when, by the agent. A consultation is none. */
  readonly held: Readonly<Record<string, string>>;
  /** The customer hears music because somebody else is being asked. */
  readonly aside: boolean;
  readonly muted: readonly string[];
  /** The number of somebody outside to whom it was handed on, or who was brought in. */
  readonly outside: string | undefined;
  /** Agents who were in it and are not any more, in the order in which they left. */
  readonly left: readonly string[];
  readonly watchers: readonly Watcher[];
  readonly recording: Recording;
}

export const QUIET: Talk = { consult: undefined, joining: undefined, handover: undefined, failure: undefined, held: {}, aside: false, muted: [], outside: undefined, left: [], watchers: [], recording: { state: "none" } };

/** While it is being read, who asks: the music begins before the ring. */
interface Reading extends Talk {
  readonly asker: string | undefined;
  /** A call out that nobody has answered: dialling its own number, by however many trunks, is no handing on. */
  readonly begins: boolean;
}

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
const without = (all: readonly string[], one: string | undefined) => all.filter((other) => other !== one);
const withLast = (all: readonly string[], one: string | undefined) => (one === undefined ? all : [...without(all, one), one]);
const released = (held: Talk["held"], agent: string | undefined): Talk["held"] => Object.fromEntries(Object.entries(held).filter(([one]) => one !== agent));

/** Whether somebody is outside: agents have ids, which are no numbers. */
export const isNumber = (party: string): boolean => /^[+*#]?\d{2,}$/.test(party);
/** To whom a call went: an agent's or a queue's id, or a number. */
function targetOf(data: JournalEvent["data"]): string | undefined {
  const { agent_id, number, queue_id } = (typeof data.to === "object" && data.to !== null ? data.to : {}) as { agent_id?: unknown; number?: unknown; queue_id?: unknown };
  return text(agent_id) ?? text(number) ?? text(queue_id);
}

/** The journal's order, each event once. */
function inOrder(events: readonly JournalEvent[]): readonly JournalEvent[] {
  const bySeq = new Map(events.map((event) => [event.seq, event]));
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}

export function talkOf(events: readonly JournalEvent[]): Talk {
  return inOrder(events).reduce<Reading>(after, { ...QUIET, asker: undefined, begins: false });
}

function after(talk: Reading, event: JournalEvent): Reading {
  const { data, at, seq } = event;
  const agent = text(data.agent_id);
  switch (event.kind) {
    case "call.started":
      return { ...talk, begins: data.direction === "outbound" };
    case "call.dialled":
      return dialled(talk, event, agent);
    case "call.asked": {
      const to = text(data.queue_id);
      return to === undefined ? talk : { ...talk, failure: undefined, consult: { by: agent ?? talk.asker, to, rung: [], answered: false, with: talk.aside ? "asked" : undefined, since: at, seq } };
    }
    case "call.offered":
      return agent === undefined ? talk : offered(talk, event, agent);
    case "call.missed_offer":
      return missed(talk, event, agent);
    case "call.held":
      if (data.for === "consult") {
        const consult = talk.consult?.answered ? { ...talk.consult, with: "asked" as const } : talk.consult;
        return { ...talk, aside: true, asker: agent, consult };
      }
      return agent === undefined ? talk : { ...talk, held: { ...talk.held, [agent]: talk.held[agent] ?? at } };
    case "call.resumed":
      return resumed(talk, agent);
    case "call.consulted": {
      const to = agent ?? targetOf(data);
      if (to === undefined) return talk;
      return { ...talk, failure: undefined, left: without(talk.left, to), consult: { by: text(data.by) ?? talk.asker, to, answered: true, with: talk.aside ? "asked" : undefined, since: at, seq } };
    }
    case "call.conferenced": {
      const number = text(data.number);
      if (number !== undefined) return { ...talk, consult: talk.consult?.to === number ? undefined : talk.consult, failure: undefined, left: without(talk.left, number), outside: number };
      return {
        ...talk,
        consult: talk.consult?.to === agent ? undefined : talk.consult,
        joining: talk.joining?.agent === agent ? undefined : talk.joining,
        failure: undefined,
        left: without(talk.left, agent),
      };
    }
    case "call.left":
      return gone(talk, agent ?? text(data.number));
    case "call.transferred": {
      const to = targetOf(data);
      const outside = to !== undefined && isNumber(to) ? to : talk.outside;
      const there = { ...talk, consult: undefined, joining: undefined, handover: undefined, failure: undefined, aside: false, outside };
      return gone({ ...there, left: without(there.left, to) }, text(data.from_agent_id));
    }
    case "call.transfer_failed":
      return transferFailed(talk, event);
    case "call.answered":
      return { ...talk, handover: undefined, left: without(talk.left, agent), begins: false };
    case "call.queued":
      return { ...talk, consult: undefined, joining: undefined, handover: undefined, held: {}, muted: [], aside: false };
    case "call.muted":
      return agent === undefined || talk.muted.includes(agent) ? talk : { ...talk, muted: [...talk.muted, agent] };
    case "call.unmuted":
      return { ...talk, muted: without(talk.muted, agent) };
    case "call.supervised": {
      if (agent === undefined) return talk;
      // Asked again it is another mode, not another ear.
      const since = talk.watchers.find((one) => one.agent === agent)?.since ?? at;
      return { ...talk, watchers: [...talk.watchers.filter((one) => one.agent !== agent), { agent, mode: text(data.mode) ?? "listen", since }] };
    }
    case "call.supervision_ended":
      return { ...talk, watchers: talk.watchers.filter((one) => one.agent !== agent) };
    case "call.ended":
      return { ...QUIET, asker: undefined, begins: false, left: talk.left, recording: talk.recording };
    case "recording.started":
    case "recording.resumed":
      return { ...talk, recording: { state: "running", since: at, by: agent } };
    case "recording.paused":
      return { ...talk, recording: { state: "paused", since: at, by: agent } };
    case "recording.ready":
    case "recording.failed":
      return { ...talk, recording: { state: "over" } };
    default:
      return talk;
  }
}

/** Somebody outside is rung: asked while the customer hears music, else to take the call over. */
function dialled(talk: Reading, { data, at, seq }: JournalEvent, agent: string | undefined): Reading {
  const to = text(data.to);
  if (talk.begins || to === undefined) return talk;
  if (talk.aside) return { ...talk, failure: undefined, consult: { by: agent ?? talk.asker, to, answered: false, with: "asked", since: at, seq } };
  return { ...talk, failure: undefined, handover: { agent: to, back: false, since: at, seq }, consult: undefined, joining: undefined, held: {}, muted: [] };
}

function transferFailed(talk: Reading, { id, data }: JournalEvent): Reading {
  const to = targetOf(data);
  if (to === undefined) return talk;
  const why = text(data.why) ?? "no_answer";
  const of = data.kind === "attended" ? "consult" : "transfer";
  // Of an agent the offer that was missed ends the ring; somebody outside has none.
  const there = isNumber(to) || talk.consult?.rung ? { ...talk, consult: talk.consult?.to === to ? undefined : talk.consult, handover: talk.handover?.agent === to ? undefined : talk.handover } : talk;
  return why === "cancelled" ? there : { ...there, failure: { id, of, agent: to, why } };
}

function offered(talk: Reading, { data, at, seq }: JournalEvent, agent: string): Reading {
  const ring: Ring = { agent, back: data.for === "take_back", since: at, seq };
  switch (data.for) {
    case "consult":
      if (talk.consult?.rung) return { ...talk, consult: { ...talk.consult, rung: withLast(talk.consult.rung, agent) } };
      return { ...talk, failure: undefined, consult: { by: talk.asker, to: agent, answered: false, with: talk.aside ? "asked" : undefined, since: at, seq } };
    case "conference":
      return { ...talk, failure: undefined, joining: ring };
    case "transfer":
    case "take_back":
      // That it comes back is because of the failure: it stays said.
      return { ...talk, failure: ring.back ? talk.failure : undefined, handover: ring, consult: undefined, joining: undefined, held: {}, muted: [], aside: false };
    default:
      return talk;
  }
}

function missed(talk: Reading, event: JournalEvent, agent: string | undefined): Reading {
  if (agent === undefined) return talk;
  const why = text(event.data.why) ?? "no_answer";
  // Whoever called it off knows.
  const failure = (of: Failure["of"]) => (why === "cancelled" ? talk.failure : { id: event.id, of, agent, why });
  if (talk.consult?.rung) return { ...talk, consult: { ...talk.consult, rung: without(talk.consult.rung, agent) } };
  if (talk.consult?.to === agent && !talk.consult.answered) return { ...talk, consult: undefined, failure: failure("consult") };
  if (talk.joining?.agent === agent) return { ...talk, joining: undefined, failure: failure("conference") };
  if (talk.handover?.agent === agent) return { ...talk, handover: undefined };
  return talk;
}

function resumed(talk: Reading, agent: string | undefined): Reading {
  const there = { ...talk, aside: false, held: agent !== undefined && agent in talk.held ? released(talk.held, agent) : talk.aside ? talk.held : {} };
  const { consult } = talk;
  if (!consult || !talk.aside) return there;
  if (consult.answered) return { ...there, consult: { ...consult, with: "customer" } };
  // Who asked did not wait for the answer: it is handed on.
  if (consult.rung) return { ...there, consult: undefined };
  return { ...there, consult: undefined, handover: { agent: consult.to, back: false, since: consult.since, seq: consult.seq } };
}

function gone(talk: Reading, agent: string | undefined): Reading {
  const consult = agent !== undefined && isNumber(agent) && talk.consult?.to === agent ? undefined : talk.consult;
  return { ...talk, consult, outside: talk.outside === agent ? undefined : talk.outside, left: withLast(talk.left, agent), muted: without(talk.muted, agent), held: released(talk.held, agent), watchers: talk.watchers.filter((one) => one.agent !== agent) };
}

/** Without what the store knows to be over. `through`: the last event that the store has seen; what is newer it cannot judge. */
export function settled(talk: Talk, call: Pick<LiveCall, "talker_ids" | "ringing_agent_ids"> | undefined, through: number): Talk {
  if (!call) return talk;
  const known = (one: { readonly seq: number }) => through >= one.seq;
  const talks = (agent: string | undefined) => agent !== undefined && call.talker_ids.includes(agent);
  const rings = (agent: string) => call.ringing_agent_ids.includes(agent);
  let { consult, joining, handover } = talk;
  // Who is outside is in no list of the store's: the events alone tell of them.
  if (consult && isNumber(consult.to)) {
    if (known(consult) && !consult.answered && consult.by !== undefined && !talks(consult.by)) {
      handover = { agent: consult.to, back: false, since: consult.since, seq: consult.seq };
      consult = undefined;
    }
  } else if (consult?.rung) {
    if (known(consult) && consult.by !== undefined && !talks(consult.by)) consult = undefined;
  } else if (consult && known(consult)) {
    if (consult.answered && !talks(consult.to)) consult = undefined;
    else if (!consult.answered && rings(consult.to) && consult.by !== undefined && !talks(consult.by)) {
      handover = { agent: consult.to, back: false, since: consult.since, seq: consult.seq };
      consult = undefined;
    } else if (!consult.answered && !rings(consult.to)) consult = undefined;
  }
  if (joining && known(joining) && !rings(joining.agent)) joining = undefined;
  if (handover && !isNumber(handover.agent) && known(handover) && !rings(handover.agent)) handover = undefined;
  return consult === talk.consult && joining === talk.joining && handover === talk.handover ? talk : { ...talk, consult, joining, handover };
}

/** Who talks in it, the one who is responsible first; those who only listen aside. */
export function talkers(call: Pick<LiveCall, "talker_ids" | "agent_id">, talk: Talk): readonly string[] {
  const listens = (agent: string) => talk.watchers.some((one) => one.agent === agent);
  return [...call.talker_ids].filter((one) => !listens(one)).sort((a, b) => Number(b === call.agent_id) - Number(a === call.agent_id));
}

/** Whether something can be begun: one thing at a time. */
export function isFree(talk: Talk): boolean {
  return !talk.consult && !talk.joining && !talk.handover;
}
