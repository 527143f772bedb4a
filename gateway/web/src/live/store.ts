/**
 * What goes on now: agents, queues and running calls, each once, by id. A snapshot fills it, events change it.
 *
 * A listener names what it looks at (`call:ID`, `calls`, `agent:ID`, …) and is told only when that changed; unchanged things keep their identity.
 */
import type { components } from "@/api/schema";
import { awaitsOther, isDialling } from "./call-back";
import type { JournalEvent, Position } from "./protocol";

export type Agent = components["schemas"]["Agent"];
export type Queue = components["schemas"]["Queue"];
export type Call = components["schemas"]["Call"];
/** What the server says that somebody does; that a phone rings is read from the calls. */
export type Activity = Agent["activity"] | "ringing";

/** A call as events tell of it; `ringing_agent_ids` are those who are asked now, `talker_ids` those who are in it, the customer aside. */
export interface LiveCall {
  readonly id: string;
  readonly direction: Call["direction"];
  readonly from: string;
  readonly to: string;
  readonly state: Call["state"];
  readonly queue_id: string | null;
  readonly agent_id: string | null;
  readonly ringing_agent_ids: readonly string[];
  readonly talker_ids: readonly string[];
  readonly started_at: string;
  readonly queued_at: string | null;
  readonly answered_at: string | null;
  readonly held_since: string | null;
  readonly ended_at: string | null;
  readonly end_reason: NonNullable<Call["end_reason"]> | null;
  readonly recording_id: string | null;
}

/** What a call left somebody to do, as far as the events say: those who have to know more read it from the queue's rules. */
export interface LiveWrapUp {
  readonly call_id: string;
  readonly queue_id: string | null;
  readonly until: string | null;
}

export interface LiveAgent extends Omit<Agent, "activity" | "wrap_up"> {
  /** What is shown. */
  readonly activity: Activity;
  /** Since when it is shown; of what rings, since the caller waits. */
  readonly since: string;
  /** What the server said last. */
  readonly told: Agent["activity"];
  readonly wrap_up: LiveWrapUp | null;
  /** The call that rings or is talked in. */
  readonly call_id: string | null;
}

export interface QueueLive {
  readonly queue_id: string;
  /** The longest waiting first. */
  readonly waiting: readonly LiveCall[];
  readonly ringing: number;
  readonly active: number;
  readonly longest_waiting_since: string | null;
  readonly agents: Readonly<Record<Activity, number>>;
}

/** What the screens begin with. Each list holds everything up to its own event. */
export interface Snapshot {
  readonly agents: { readonly items: readonly Agent[]; readonly as_of_seq: number };
  readonly queues: { readonly items: readonly Queue[]; readonly as_of_seq: number };
  readonly calls: { readonly items: readonly Call[]; readonly as_of_seq: number };
}

/** Everything that a tab needs in order to go on where another stands. */
export interface Handover {
  readonly position: Position;
  readonly agents: readonly LiveAgent[];
  readonly queues: readonly Queue[];
  readonly calls: readonly LiveCall[];
  readonly asOf: { readonly agents: number; readonly calls: number };
}

/** Calls that have ended and are still kept, so that lists can show their end. */
const ENDED_KEPT = 500;

export function liveCall(call: Call): LiveCall {
  const open = call.state === "ended" ? [] : call.legs.filter((leg) => !leg.ended_at && leg.agent_id && leg.kind !== "outside");
  const who = (answered: boolean) => [...new Set(open.filter((leg) => Boolean(leg.answered_at) === answered).flatMap((leg) => leg.agent_id ?? []))];
  const talkers = who(true);
  return {
    id: call.id,
    direction: call.direction,
    from: call.from,
    to: call.to,
    state: call.state,
    queue_id: call.queue_id ?? null,
    agent_id: call.agent_id ?? null,
    // Who talks and is rung on another phone takes their own call up again.
    ringing_agent_ids: who(false).filter((one) => !talkers.includes(one)),
    talker_ids: talkers,
    started_at: call.started_at,
    queued_at: call.queued_at ?? null,
    answered_at: call.answered_at ?? null,
    held_since: call.held_since ?? null,
    ended_at: call.ended_at ?? null,
    end_reason: call.end_reason ?? null,
    recording_id: call.recording_id ?? null,
  };
}

const later = (a: string, b: string): string => (Date.parse(a) < Date.parse(b) ? b : a);
const text = (value: unknown): string | null => (typeof value === "string" ? value : null);

/** Several may be asked at once. */
const asked = (known: readonly string[], agent: string | null): readonly string[] => (agent === null || known.includes(agent) ? known : [...known, agent]);
const without = (known: readonly string[], agent: unknown): readonly string[] => (known.some((one) => one === agent) ? known.filter((one) => one !== agent) : known);
/** An agent who is rung for one of these joins those who talk; the call itself does not ring. */
const BESIDE: ReadonlySet<unknown> = new Set(["consult", "conference"]);

/** The call after the event; `undefined` when the event says nothing of a call that is known. */
export function callAfter(call: LiveCall | undefined, event: JournalEvent): LiveCall | undefined {
  const { data, at } = event;
  if (event.kind === "call.started") {
    return {
      id: event.subject.id,
      direction: (text(data.direction) ?? "inbound") as Call["direction"],
      from: text(data.from) ?? "",
      to: text(data.to) ?? "",
      state: "new",
      queue_id: text(data.queue_id),
      agent_id: null,
      ringing_agent_ids: [],
      talker_ids: [],
      started_at: at,
      queued_at: null,
      answered_at: null,
      held_since: null,
      ended_at: null,
      end_reason: null,
      recording_id: null,
    };
  }
  if (!call) return undefined;
  switch (event.kind) {
    case "call.queued":
      return {
        ...call,
        state: "queued",
        queue_id: text(data.queue_id) ?? call.queue_id,
        // Whoever is called back was in line before there was this call.
        queued_at: call.queued_at ?? text(data.since) ?? at,
        ringing_agent_ids: [],
        talker_ids: [],
      };
    case "call.offered": {
      const ringing_agent_ids = asked(call.ringing_agent_ids, text(data.agent_id));
      if (BESIDE.has(data.for)) return { ...call, ringing_agent_ids };
      // Whoever handed it on has gone by then.
      return { ...call, state: "ringing", ringing_agent_ids, talker_ids: [] };
    }
    case "call.consulted":
    case "call.conferenced":
      return { ...call, ringing_agent_ids: without(call.ringing_agent_ids, data.agent_id), talker_ids: asked(call.talker_ids, text(data.agent_id)) };
    case "call.left":
      return { ...call, talker_ids: without(call.talker_ids, data.agent_id) };
    case "call.transferred": {
      const { agent_id, number } = (data.to ?? {}) as { agent_id?: string; number?: string };
      // Somebody outside has it: whoever served last stays responsible.
      if (number !== undefined) return { ...call, state: "active", talker_ids: without(call.talker_ids, data.from_agent_id), answered_at: call.answered_at ?? at, held_since: null };
      // To a queue nobody talks any more; that it waits there comes next.
      if (agent_id === undefined) return { ...call, agent_id: null, talker_ids: [] };
      return { ...call, agent_id, talker_ids: asked(without(call.talker_ids, data.from_agent_id), agent_id) };
    }
    case "call.dialled":
      // A call out: whoever makes it is there, whoever else was rung for it is not any more.
      if (awaitsOther(call)) return { ...call, state: "ringing", agent_id: text(data.agent_id) ?? call.agent_id, ringing_agent_ids: [], talker_ids: asked([], text(data.agent_id)) };
      // Handed on to somebody outside, by an agent who has gone by then or by its queue. Asked first, the customer is on hold.
      return (call.state === "active" && !call.held_since) || call.state === "queued" ? { ...call, state: "ringing", ringing_agent_ids: [], talker_ids: [] } : call;
    case "call.missed_offer": {
      const others = without(call.ringing_agent_ids, data.agent_id);
      return { ...call, state: call.state === "ringing" && others.length === 0 && call.talker_ids.length === 0 ? "queued" : call.state, ringing_agent_ids: others };
    }
    case "call.answered":
      // Whoever takes over keeps the time of the first answer.
      return { ...call, state: "active", agent_id: text(data.agent_id), ringing_agent_ids: [], talker_ids: asked(call.talker_ids, text(data.agent_id)), answered_at: data.again === true ? (call.answered_at ?? at) : at };
    case "call.held":
      return { ...call, held_since: at };
    case "call.resumed":
      return { ...call, held_since: null };
    case "call.ended":
      return { ...call, state: "ended", ringing_agent_ids: [], talker_ids: [], held_since: null, ended_at: at, end_reason: text(data.end_reason) as LiveCall["end_reason"] };
    case "recording.started":
      return { ...call, recording_id: event.subject.id };
    default:
      return call;
  }
}

/** Nobody serves its customer yet. Who is dialled waits no more, and an agent's own call is for nobody who waits. */
const waits = (call: LiveCall): boolean => call.state !== "active" && !isDialling(call) && (call.queued_at !== null || !awaitsOther(call));

export class LiveStore {
  private agents = new Map<string, LiveAgent>();
  private queues = new Map<string, Queue>();
  private calls = new Map<string, LiveCall>();
  private ended: string[] = [];
  private asOf = { agents: 0, calls: 0 };
  private position: Position | undefined;
  private filled = false;
  private readonly listeners = new Map<string, Set<() => void>>();
  private readonly memo = new Map<string, unknown>();
  private dirty = new Set<string>();
  private readonly strangers = new Map<string, number>();
  private readonly reading = new Set<string>();

  subscribe(key: string, listener: () => void): () => void {
    const set = this.listeners.get(key) ?? new Set();
    this.listeners.set(key, set.add(listener));
    return () => {
      set.delete(listener);
      if (set.size === 0) this.listeners.delete(key);
    };
  }

  /** Whether a snapshot is there at all: before, there is nothing to show. */
  get ready(): boolean {
    return this.filled;
  }

  load(snapshot: Snapshot): void {
    this.asOf = { agents: snapshot.agents.as_of_seq, calls: snapshot.calls.as_of_seq };
    this.calls = new Map(snapshot.calls.items.map((call) => [call.id, liveCall(call)]));
    this.queues = new Map(snapshot.queues.items.map((queue) => [queue.id, queue]));
    this.agents = new Map(snapshot.agents.items.map((agent) => [agent.id, { ...agent, wrap_up: agent.wrap_up ?? null, told: agent.activity, since: agent.activity_since, call_id: null }]));
    this.ended = [];
    for (const id of this.agents.keys()) this.settle(id);
    this.everything();
  }

  /** Only behind which event the subscription has to begin. */
  static oldest(snapshot: Snapshot): number {
    return Math.min(snapshot.agents.as_of_seq, snapshot.queues.as_of_seq, snapshot.calls.as_of_seq);
  }

  take(handover: Handover): void {
    this.asOf = handover.asOf;
    this.position = handover.position;
    this.agents = new Map(handover.agents.map((one) => [one.id, one]));
    this.queues = new Map(handover.queues.map((one) => [one.id, one]));
    this.calls = new Map(handover.calls.map((one) => [one.id, one]));
    this.ended = handover.calls.filter((one) => one.state === "ended").map((one) => one.id);
    this.everything();
  }

  give(): Handover | undefined {
    if (!this.filled || !this.position) return undefined;
    return {
      position: this.position,
      agents: [...this.agents.values()],
      queues: [...this.queues.values()],
      calls: [...this.calls.values()],
      asOf: this.asOf,
    };
  }

  get at(): Position | undefined {
    return this.position;
  }

  moveTo(position: Position): void {
    this.position = position;
  }

  /** Applies what is newer than the list that it belongs to. `flush` tells the listeners. */
  apply(event: JournalEvent): void {
    if (event.kind === "agent.state_changed" || event.kind === "agent.activity_changed" || event.kind === "agent.extension_changed" || event.kind === "agent.chat_capacity_changed") {
      if (event.seq > this.asOf.agents) this.agentChanged(event);
    } else if (event.kind.startsWith("call.") || event.kind.startsWith("recording.")) {
      if (event.seq > this.asOf.calls) this.callChanged(event);
    }
  }

  /** What is sent live and never kept. */
  signal(kind: string, data: Record<string, unknown>): void {
    const agent = kind === "agent.reachable" ? this.agents.get(text(data.agent_id) ?? "") : undefined;
    if (!agent || typeof data.reachable !== "boolean") return;
    this.agents.set(agent.id, { ...agent, reachable: data.reachable });
    this.touchAgent(agent.id);
    this.settle(agent.id);
  }

  private agentChanged(event: JournalEvent): void {
    const agent = this.agents.get(event.subject.id);
    if (!agent) return;
    const { data, at } = event;
    if (event.kind === "agent.activity_changed") {
      const told = (text(data.activity) ?? agent.told) as Agent["activity"];
      const call_id = told === "wrap_up" ? text(data.call_id) : null;
      const wrap_up = call_id === null ? null : { call_id, queue_id: this.calls.get(call_id)?.queue_id ?? null, until: null };
      this.agents.set(agent.id, { ...agent, told, activity_since: at, wrap_up });
      // Not every way out of a call has an event of its own, such as that of somebody who was only asked.
      if (told !== "on_contact" && event.seq > this.asOf.calls) this.leave(agent.id);
    } else if (event.kind === "agent.extension_changed") {
      this.agents.set(agent.id, { ...agent, extension: text(data.extension) });
    } else if (event.kind === "agent.chat_capacity_changed") {
      if (typeof data.chat_capacity === "number") this.agents.set(agent.id, { ...agent, chat_capacity: data.chat_capacity });
    } else {
      const state = (text(data.state) ?? agent.state) as Agent["state"];
      this.agents.set(agent.id, { ...agent, state, reason: text(data.reason), state_since: at });
    }
    this.touchAgent(agent.id);
    this.settle(agent.id);
  }

  private leave(agent: string): void {
    for (const call of this.running()) {
      if (!call.talker_ids.includes(agent)) continue;
      this.calls.set(call.id, { ...call, talker_ids: without(call.talker_ids, agent) });
      this.dirty.add(`call:${call.id}`).add("calls");
    }
  }

  /** A call of which only its later events may be seen, such as one that is handed on to somebody of no queue: it has to be read. */
  private stranger(id: string, event: JournalEvent): void {
    if (event.subject.type === "call" && event.kind !== "call.ended" && event.kind !== "call.disposed") this.strangers.set(id, event.seq);
  }

  /** Calls to be read, each with the last event that told of it. Gives each once. */
  wanted(): [id: string, seq: number][] {
    const all = [...this.strangers].filter(([id]) => !this.reading.has(id));
    for (const [id] of all) this.reading.add(id);
    return all;
  }

  /** What was read; `undefined` when it could not be. `seq` as `wanted` gave it: when more happened meanwhile, it is asked for again. */
  adopt(id: string, seq: number, call: Call | undefined): void {
    this.reading.delete(id);
    if (call && (this.strangers.get(id) ?? 0) > seq) return;
    this.strangers.delete(id);
    if (!call || this.calls.has(id) || call.state === "ended") return;
    this.calls.set(id, liveCall(call));
    for (const key of [`call:${id}`, "calls", ...(call.queue_id ? [`queue:${call.queue_id}`] : [])]) this.dirty.add(key);
    for (const agent of this.agents.keys()) this.settle(agent);
  }

  private callChanged(event: JournalEvent): void {
    const id = event.subject.type === "call" ? event.subject.id : text(event.data.call_id);
    if (id === null) return;
    const before = this.calls.get(id);
    if (!before && event.kind !== "call.started") this.stranger(id, event);
    const after = callAfter(before, event);
    if (!after || after === before) return;
    this.calls.set(id, after);
    for (const key of [`call:${id}`, "calls"]) this.dirty.add(key);
    for (const queue of new Set([before?.queue_id, after.queue_id])) if (queue) this.dirty.add(`queue:${queue}`);
    for (const agent of new Set([before?.agent_id, after.agent_id, ...(before?.ringing_agent_ids ?? []), ...after.ringing_agent_ids])) if (agent) this.settle(agent);
    if (after.state === "ended" && before?.state !== "ended") {
      this.ended.push(id);
      if (this.ended.length > ENDED_KEPT) this.calls.delete(this.ended.shift() ?? "");
    }
  }

  /**
   * What an agent does: the server's word for a conversation and what follows it, what rings by the running calls, and else the agent's own
   * wish, which is known a moment before the call centre has taken it in.
   */
  private settle(id: string): void {
    const agent = this.agents.get(id);
    if (!agent) return;
    let talking: LiveCall | undefined;
    let ringing: LiveCall | undefined;
    for (const call of this.running()) {
      if ((call.state === "active" || isDialling(call)) && (call.agent_id === id || call.talker_ids.includes(id))) talking = call;
      // Who does not want work any more is not asked: their offer was taken back without a word.
      else if (call.state === "ringing" && agent.state === "available" && call.ringing_agent_ids.includes(id)) ringing = call;
    }
    const { told } = agent;
    const wish: Activity = agent.state === "available" && !agent.reachable ? "unreachable" : agent.state;
    const activity: Activity = told === "on_contact" ? told : ringing ? "ringing" : told === "wrap_up" ? told : wish;
    const since =
      activity === "ringing" ? (ringing?.queued_at ?? ringing?.started_at ?? agent.activity_since)
      : activity === wish && told !== wish ? agent.state_since
      : activity === wish ? later(agent.activity_since, agent.state_since)
      : agent.activity_since;
    const call_id = (activity === "on_contact" ? talking : activity === "ringing" ? ringing : undefined)?.id ?? null;
    if (agent.activity === activity && agent.call_id === call_id && agent.since === since) return;
    this.agents.set(id, { ...agent, activity, since, call_id });
    this.touchAgent(id);
  }

  /** Who sets it sees it at once; of skills no event tells. */
  setAgent(id: string, part: Partial<Pick<Agent, "skills" | "extension" | "chat_capacity">>): void {
    const agent = this.agents.get(id);
    if (!agent) return;
    this.agents.set(id, { ...agent, ...part });
    this.touchAgent(id);
    this.flush();
  }

  private touchAgent(id: string): void {
    this.dirty.add(`agent:${id}`).add("agents");
    for (const queue of this.queues.values()) if (queue.agent_ids.includes(id)) this.dirty.add(`queue:${queue.id}`);
  }

  private *running(): Iterable<LiveCall> {
    for (const call of this.calls.values()) if (call.state !== "ended") yield call;
  }

  /** Nothing of one person's is left for the next who signs in. */
  clear(): void {
    this.agents.clear();
    this.queues.clear();
    this.calls.clear();
    this.ended = [];
    this.position = undefined;
    this.everything();
    this.filled = false;
  }

  private everything(): void {
    this.filled = true;
    this.memo.clear();
    this.dirty.clear();
    this.strangers.clear();
    for (const set of [...this.listeners.values()]) for (const listener of [...set]) listener();
  }

  /** Tells the listeners of what changed, once each. */
  flush(): void {
    const dirty = this.dirty;
    if (dirty.size === 0) return;
    this.dirty = new Set();
    for (const key of dirty) this.memo.delete(key);
    for (const key of dirty) for (const listener of [...(this.listeners.get(key) ?? [])]) listener();
  }

  private kept<T>(key: string, make: () => T): T {
    if (!this.memo.has(key)) this.memo.set(key, make());
    return this.memo.get(key) as T;
  }

  call(id: string): LiveCall | undefined {
    return this.calls.get(id);
  }

  /** Running ones and those that ended lately, the newest first. */
  allCalls(): readonly LiveCall[] {
    return this.kept("calls", () => [...this.calls.values()].sort((a, b) => (a.started_at < b.started_at ? 1 : a.started_at > b.started_at ? -1 : 0)));
  }

  agent(id: string): LiveAgent | undefined {
    return this.agents.get(id);
  }

  allAgents(): readonly LiveAgent[] {
    return this.kept("agents", () => [...this.agents.values()].sort((a, b) => a.name.localeCompare(b.name)));
  }

  allQueues(): readonly Queue[] {
    return this.kept("queues", () => [...this.queues.values()].sort((a, b) => a.name.localeCompare(b.name)));
  }

  queue(id: string): QueueLive | undefined {
    const queue = this.queues.get(id);
    if (!queue) return undefined;
    return this.kept(`queue:${id}`, () => {
      const calls = [...this.running()].filter((call) => call.queue_id === id);
      const since = (call: LiveCall) => call.queued_at ?? call.started_at;
      const waiting = calls.filter(waits).sort((a, b) => since(a).localeCompare(since(b)));
      const agents: Record<Activity, number> = { on_contact: 0, ringing: 0, wrap_up: 0, available: 0, unreachable: 0, paused: 0, offline: 0 };
      for (const member of queue.agent_ids) {
        const agent = this.agents.get(member);
        if (agent) agents[agent.activity] += 1;
      }
      return {
        queue_id: id,
        waiting,
        ringing: waiting.filter((call) => call.state === "ringing").length,
        active: calls.filter((call) => call.state === "active").length,
        longest_waiting_since: waiting[0] ? since(waiting[0]) : null,
        agents,
      };
    });
  }
}
