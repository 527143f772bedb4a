/** The journal's events of a call in people's words. Nothing is left out: a kind that this panel does not know is shown as such. */
import type { Tone } from "@/design";
import { type TextKey, type Values, t } from "@/i18n";
import type { JournalEvent } from "@/live";
import { REASONS } from "../calls/filters";
import { clock } from "./clock";

/** Who is who, as far as the viewer may know. */
export interface Names {
  agent(id: string): string | undefined;
  queue(id: string): string | undefined;
  number(value: string): string;
}

export interface Entry {
  readonly id: string;
  readonly kind: string;
  readonly at: string;
  /** ms after the call's beginning; negative where clocks ran apart. */
  readonly offset: number;
  readonly tone: Tone;
  readonly text: TextKey;
  readonly values: Values;
  /** More of it, in a second line. */
  readonly more: readonly { readonly text: TextKey; readonly values: Values }[];
  /** Another call that it names, with the words of the sentence that lead there. */
  readonly leads: Leads | undefined;
  /** Whether it is a kind with a sentence. */
  readonly known: boolean;
}

interface Leads {
  readonly call: string;
  readonly words: string;
}

type Data = JournalEvent["data"];
type Line = { readonly text: TextKey; readonly values?: Values | undefined; readonly tone?: Tone; readonly leads?: Leads; readonly more?: readonly { readonly text: TextKey; readonly values?: Values }[] };
interface Told {
  readonly event: JournalEvent;
  readonly data: Data;
  readonly names: Names;
  /** Of the same kind, before it. */
  readonly earlier: number;
}

const string = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
const ms = (value: unknown): number | undefined => (typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined);

/** An agent by the event's data, else by who caused it. */
function agentOf({ data, event, names }: Told): string | undefined {
  const id = string(data.agent_id) ?? (event.actor?.type === "agent" ? event.actor.id : undefined);
  return id && names.agent(id);
}

const someAgent = (told: Told): string => agentOf(told) ?? t("incall.somebody");

const queueOf = ({ data, names }: Told) => string(data.queue) ?? names.queue(string(data.queue_id) ?? "");

/** With the name in it when there is one, else without. */
function named(name: string | undefined, key: string, withName: TextKey, without: TextKey): { text: TextKey; values: Values } {
  return name ? { text: withName, values: { [key]: name } } : { text: without, values: {} };
}

/** Why a caller was handed on to another queue. */
const MOVES = ["waited", "too_long", "closed", "nobody", "silent", "queue_removed", "by_hand"] as const;
/** How an agent let a call pass. */
const MISSES = ["no_answer", "refused", "busy", "failed", "unreachable"] as const;

/** For what somebody is rung by name. */
const OFFERS = ["consult", "conference", "transfer", "take_back"] as const;
const WATCHES = ["listen", "whisper", "barge"] as const;

/** To whom or what a call went. */
const targetOf = ({ data }: Told) => (data.to ?? {}) as { agent_id?: unknown; queue_id?: unknown; number?: unknown };

/** Nobody of a queue answered who was to be asked. */
function asksInVain(told: Told): Line | undefined {
  const queue = string(targetOf(told).queue_id);
  return queue === undefined ? undefined : { text: "incall.event.asked.nobody", values: { queue: told.names.queue(queue) ?? "?" }, tone: "ring" };
}

/** What somebody outside did, or was done to them; `undefined` where it is about somebody of the house. */
function outside(told: Told, text: TextKey, tone?: Tone): Line | undefined {
  const number = string(targetOf(told).number) ?? string(told.data.number);
  return number === undefined ? undefined : { text, values: { number: told.names.number(number) }, ...(tone ? { tone } : {}) };
}

const SENTENCES: Record<string, (told: Told) => Line> = {
  "call.started": ({ data, names }) => {
    const values = { from: names.number(string(data.from) ?? "?"), to: names.number(string(data.to) ?? "?") };
    const of = string(data.callback_of);
    if (of) {
      const words = t("call.event.started.callback-of");
      return { text: "call.event.started.callback", values: { call: words }, leads: { call: of, words }, more: [{ text: "incall.event.dialled", values: { number: values.to } }] };
    }
    if (data.direction === "outbound") return { text: "call.event.started.outbound", values };
    if (data.direction === "internal") return { text: "call.event.started.internal", values };
    return { text: "call.event.started.inbound", values };
  },
  "call.queued": (told) => {
    const queue = queueOf(told);
    if (told.data.reason === "gateway_restart") return { ...named(queue, "queue", "call.event.queued.restart-in", "call.event.queued.restart"), tone: "wait" };
    if (told.data.reason === "unanswered") return { text: "work.event.unanswered", tone: "wait" };
    if (told.data.from_queue_id !== undefined) {
      // A supervisor's hand is one too.
      const why = told.data.reason === "moved" ? "by_hand" : MOVES.find((one) => one === told.data.reason);
      const more = why ? [{ text: `work.event.moved.${why}` as const }] : [];
      return { ...named(queue, "queue", "work.event.moved.to", "work.event.moved"), tone: "wait", more };
    }
    if (string(told.data.callback_of)) return { ...named(queue, "queue", "call.event.queued.callback-in", "call.event.queued.callback"), tone: "wait" };
    const again = told.earlier > 0;
    return again
      ? { ...named(queue, "queue", "call.event.queued.again-in", "call.event.queued.again"), tone: "wait" }
      : { ...named(queue, "queue", "call.event.queued.in", "call.event.queued.somewhere"), tone: "wait" };
  },
  "call.offered": (told) => {
    const offer = OFFERS.find((one) => one === told.data.for);
    const agent = agentOf(told);
    if (offer && agent) return { text: `incall.event.offered.${offer}`, values: { agent }, tone: "ring" };
    return { ...named(agent, "agent", "call.event.offered.to", "call.event.offered.somebody"), tone: "ring" };
  },
  "call.missed_offer": (told) => {
    const why = MISSES.find((one) => one === told.data.why) ?? "no_answer";
    return { ...named(agentOf(told), "agent", `work.event.missed-by.${why}`, `work.event.missed.${why}`), tone: "ring" };
  },
  "call.answered": (told) => {
    const wait = ms(told.data.wait_ms);
    const more = wait === undefined ? [] : [{ text: "call.event.answered.wait" as const, values: { wait: clock(wait) } }];
    return { ...named(agentOf(told), "agent", "call.event.answered.by", "call.event.answered.somebody"), tone: "live", more };
  },
  "call.held": (told) => {
    if (told.data.for === "consult") return { text: "incall.event.held.consult", values: { agent: someAgent(told) }, tone: "hold" };
    return { ...named(agentOf(told), "agent", "call.event.held.by", "call.event.held.somebody"), tone: "hold" };
  },
  "call.resumed": (told) => {
    const held = ms(told.data.held_ms);
    const more = held === undefined ? [] : [{ text: "call.event.resumed.after" as const, values: { held: clock(held) } }];
    return { ...named(agentOf(told), "agent", "call.event.resumed.by", "call.event.resumed.somebody"), tone: "live", more };
  },
  "call.asked": (told) => ({ text: "incall.event.asked", values: { queue: queueOf(told) ?? "?" }, tone: "ring" }),
  "call.consulted": (told) => outside(told, "incall.event.consulted.number") ?? ({ text: "incall.event.consulted", values: { agent: someAgent(told) } }),
  "call.conferenced": (told) => outside(told, "incall.event.conferenced.number", "live") ?? ({ text: "incall.event.conferenced", values: { agent: someAgent(told) }, tone: "live" }),
  "call.left": (told) => outside(told, "incall.event.left.number") ?? ({ text: "incall.event.left", values: { agent: someAgent(told) } }),
  "call.transferred": (told) => {
    const { agent_id, queue_id } = targetOf(told);
    const handed = outside(told, "incall.event.transferred.number", "live");
    if (handed) return handed;
    const queue = string(queue_id);
    if (queue) return { text: "incall.event.transferred.queue", values: { queue: told.names.queue(queue) ?? "?" }, tone: "wait" };
    const values = { agent: told.names.agent(string(agent_id) ?? "") ?? t("incall.somebody") };
    return { text: told.data.kind === "take_over" ? "incall.event.transferred.take_over" : "incall.event.transferred", values, tone: "live" };
  },
  "call.overflowed": (told) =>
    told.data.to === "voicemail" || told.data.to === "callback"
      ? { text: `incall.event.overflowed.${told.data.to}`, tone: "wait" }
      : outside(told, "incall.event.overflowed", "wait") ?? { text: "work.event.moved", tone: "wait" },
  "call.transfer_failed": (told) => outside(told, told.data.kind === "overflow" ? "incall.event.overflow_failed.number" : told.data.kind === "attended" ? "incall.event.consult_failed.number" : "incall.event.transfer_failed.number", "ring") ?? asksInVain(told) ?? ({ text: "incall.event.transfer_failed", values: { agent: told.names.agent(string(targetOf(told).agent_id) ?? "") ?? t("incall.somebody") }, tone: "ring" }),
  "call.muted": (told) => ({ text: "incall.event.muted", values: { agent: someAgent(told) } }),
  "call.unmuted": (told) => ({ text: "incall.event.unmuted", values: { agent: someAgent(told) } }),
  "call.supervised": (told) => ({ text: `incall.event.supervised.${WATCHES.find((one) => one === told.data.mode) ?? "listen"}`, values: { agent: someAgent(told) } }),
  "call.supervision_ended": (told) => ({ text: "incall.event.supervision_ended", values: { agent: someAgent(told) } }),
  "recording.paused": () => ({ text: "incall.event.recording.paused", tone: "hold" }),
  "recording.resumed": () => ({ text: "incall.event.recording.resumed" }),
  "call.noted": (told) => named(agentOf(told), "agent", "work.event.noted.by", "work.event.noted"),
  "call.note_removed": (told) => named(agentOf(told), "agent", "work.event.note_removed.by", "work.event.note_removed"),
  "call.tagged": (told) => {
    const tags = Array.isArray(told.data.tags) ? told.data.tags.filter((tag) => typeof tag === "string") : [];
    return tags.length > 0 ? { text: "work.event.tagged", values: { tags: tags.join(", ") } } : { text: "work.event.untagged" };
  },
  "call.reattached": (told) => named(agentOf(told), "agent", "call.event.reattached.by", "call.event.reattached.somebody"),
  "call.dialled": (told) => {
    const to = string(told.data.to);
    const more = to === undefined ? [] : [{ text: "incall.event.dialled" as const, values: { number: told.names.number(to) } }];
    return { ...named(agentOf(told), "agent", "dialing.event.dialled.by", "dialing.event.dialled.somebody"), more };
  },
  "call.ended": (told): Line => {
    const { data } = told;
    const reason = REASONS.find((one) => one === data.end_reason);
    const agent = agentOf(told);
    const more: { text: TextKey; values?: Values }[] = [];
    const talk = ms(data.talk_ms);
    if (talk !== undefined) more.push({ text: "call.event.ended.talked", values: { talk: clock(talk) } });
    if (data.estimated === true) more.push({ text: "call.event.ended.estimated" });
    const tone: Tone = reason === "failed" || reason === "lost" ? "bad" : "neutral";
    if (reason === "completed_agent" && agent) return { text: "call.event.ended.agent", values: { agent }, tone, more };
    if (reason) return { text: `calls.reason.${reason}`, tone, more };
    const other = string(data.end_reason);
    return other ? { text: "call.event.ended.other", values: { reason: other }, tone, more } : { text: "call.event.ended.plain", tone, more };
  },
  "call.disposed": (told): Line => {
    const label = string(told.data.label) ?? string(told.data.code) ?? "?";
    const agent = agentOf(told);
    return agent ? { text: "work.event.disposed.by", values: { agent, label } } : { text: "work.event.disposed", values: { label } };
  },
  "recording.started": () => ({ text: "call.event.recording.started" }),
  "recording.ready": ({ data }) => {
    const length = ms(data.duration_ms);
    const gaps = Array.isArray(data.gaps) ? data.gaps.length : 0;
    const more = gaps > 0 ? [{ text: "call.event.recording.gaps" as const, values: { n: gaps } }] : [];
    return length === undefined ? { text: "call.event.recording.ready", more } : { text: "call.event.recording.ready-length", values: { length: clock(length) }, more };
  },
  "recording.failed": ({ data }) => {
    const error = string(data.error);
    return { text: "call.event.recording.failed", tone: "bad", more: error ? [{ text: "call.event.detail", values: { text: error } }] : [] };
  },
  "telephony.gap": ({ data }) => {
    const [from, to] = [Date.parse(string(data.from) ?? ""), Date.parse(string(data.to) ?? "")];
    const length = to - from;
    return Number.isFinite(length) ? { text: "call.event.gap-length", values: { length: clock(length) }, tone: "bad" } : { text: "call.event.gap", tone: "bad" };
  },
};

/** Whether there is a sentence for the kind. */
export function isKnown(kind: string): boolean {
  return Object.hasOwn(SENTENCES, kind);
}

/** Every event as one entry, in the journal's order. `startedAt`: the call's beginning. */
export function timeline(events: readonly JournalEvent[], startedAt: string, names: Names): readonly Entry[] {
  const seen = new Map<string, number>();
  return events.map((event) => {
    const earlier = seen.get(event.kind) ?? 0;
    seen.set(event.kind, earlier + 1);
    const told: Told = { event, data: event.data, names, earlier };
    const sentence = isKnown(event.kind) ? SENTENCES[event.kind] : undefined;
    const line: Line = sentence ? sentence(told) : { text: "call.event.unknown", values: { kind: event.kind } };
    return {
      id: event.id,
      kind: event.kind,
      at: event.at,
      offset: Date.parse(event.at) - Date.parse(startedAt),
      tone: line.tone ?? "neutral",
      text: line.text,
      values: line.values ?? {},
      more: (line.more ?? []).map(({ text, values }) => ({ text, values: values ?? {} })),
      leads: line.leads,
      known: sentence !== undefined,
    };
  });
}

/** How long the customer was on hold, with what still runs until `now`. */
export function heldMs(events: readonly JournalEvent[], now: number): number {
  let [sum, since] = [0, undefined as number | undefined];
  for (const { kind, at } of events) {
    if (kind === "call.held") since ??= Date.parse(at);
    else if (since !== undefined && (kind === "call.resumed" || kind === "call.ended")) {
      sum += Math.max(0, Date.parse(at) - since);
      since = undefined;
    }
  }
  return sum + (since === undefined ? 0 : Math.max(0, now - since));
}

/** Where on the recording an event lies, in ms; `undefined` outside it. */
export function onRecording(entry: Pick<Entry, "at">, recordingStartedAt: string, durationMs: number): number | undefined {
  const at = Date.parse(entry.at) - Date.parse(recordingStartedAt);
  // The answer and the recording's start are two clock readings of one moment.
  if (at < -1_000 || at > durationMs + 1_000) return undefined;
  return Math.min(Math.max(at, 0), durationMs);
}
