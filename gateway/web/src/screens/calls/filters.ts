/** The list's filters, in its address and as the API takes them. Everything that does not fit is dropped: addresses are typed by hand, too. */
import type { CallFilters } from "@/live";
import type { components } from "@/api";
import { type Day, addDays, isDay, startOfDay } from "./days";

export type CallState = components["schemas"]["CallState"];
export type Direction = components["schemas"]["Direction"];
export type EndReason = components["schemas"]["EndReason"];

export const STATES = ["new", "queued", "ringing", "active", "ended"] as const satisfies readonly CallState[];
export const RUNNING = ["new", "queued", "ringing", "active"] as const satisfies readonly CallState[];
export const DIRECTIONS = ["inbound", "outbound", "internal"] as const satisfies readonly Direction[];
export const REASONS = [
  "completed_customer",
  "completed_agent",
  "abandoned_queue",
  "abandoned_ivr",
  "no_answer",
  "busy",
  "rejected",
  "unreachable",
  "invalid_number",
  "blocked",
  "out_of_hours",
  "overflow",
  "voicemail",
  "callback",
  "transferred",
  "withdrawn",
  "failed",
  "lost",
] as const satisfies readonly EndReason[];
/** Stretches that move with the calendar: an address that says `today` means today tomorrow, too. */
export const PERIODS = ["today", "yesterday", "7d"] as const;
export type Period = (typeof PERIODS)[number];

export interface Filters {
  readonly states: readonly CallState[];
  readonly queue: string | undefined;
  readonly agent: string | undefined;
  readonly direction: Direction | undefined;
  readonly reasons: readonly EndReason[];
  readonly missed: boolean;
  /** Exactly this one: part of a tag is another. */
  readonly tag: string | undefined;
  /** As it was typed; only its digits are looked for. */
  readonly q: string;
  readonly period: Period | undefined;
  /** Days of the tenant's calendar, both inside; only without a `period`. */
  readonly from: Day | undefined;
  readonly to: Day | undefined;
}

export const NONE: Filters = {
  states: [],
  queue: undefined,
  agent: undefined,
  direction: undefined,
  reasons: [],
  missed: false,
  tag: undefined,
  q: "",
  period: undefined,
  from: undefined,
  to: undefined,
};

/** What stands in the address. */
export type Search = Record<string, unknown>;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const LONGEST_Q = 40;
const LONGEST_TAG = 40;

/** The router reads `123` as a number and `true` as a truth. */
const text = (value: unknown): string => (typeof value === "string" ? value : typeof value === "number" || typeof value === "boolean" ? String(value) : "");

function one<T extends string>(value: unknown, known: readonly T[]): T | undefined {
  return known.find((candidate) => candidate === value);
}

/** Each once, in our order: the same filters have one address. */
function some<T extends string>(value: unknown, known: readonly T[]): readonly T[] {
  const given = new Set(text(value).split(","));
  return known.filter((candidate) => given.has(candidate));
}

/** As the server keeps tags. */
const tag = (value: unknown) => text(value).trim().replace(/\s+/g, " ").slice(0, LONGEST_TAG).trim() || undefined;
const id = (value: unknown) => (UUID.test(text(value)) ? text(value).toLowerCase() : undefined);
const day = (value: unknown) => (isDay(text(value)) ? text(value) : undefined);

export function fromSearch(search: Search): Filters {
  const period = one(search.period, PERIODS);
  let [from, to] = period ? [undefined, undefined] : [day(search.from), day(search.to)];
  if (from && to && to < from) [from, to] = [to, from];
  return {
    states: some(search.state, STATES),
    queue: id(search.queue),
    agent: id(search.agent),
    direction: one(search.direction, DIRECTIONS),
    reasons: some(search.reason, REASONS),
    missed: search.missed === true || search.missed === "true",
    tag: tag(search.tag),
    q: text(search.q).slice(0, LONGEST_Q),
    period,
    from,
    to,
  };
}

/** Without what is not filtered by: an address without filters is `/calls`. */
export function toSearch(filters: Filters): Search {
  const { states, queue, agent, direction, reasons, missed, tag, q, period, from, to } = filters;
  const all: Search = {
    state: states.join(",") || undefined,
    queue,
    agent,
    direction,
    reason: reasons.join(",") || undefined,
    missed: missed || undefined,
    tag,
    q: q || undefined,
    period,
    from: period ? undefined : from,
    to: period ? undefined : to,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** As the API takes them, on the day that is `today` in the zone. */
export function toQuery(filters: Filters, today: Day, zone: string): CallFilters {
  const [from, to] = days(filters, today);
  const moment = (which: Day) => new Date(startOfDay(which, zone)).toISOString();
  return {
    state: filters.states.join(",") || undefined,
    queue_id: filters.queue,
    agent_id: filters.agent,
    direction: filters.direction,
    end_reason: filters.reasons.join(",") || undefined,
    missed: filters.missed || undefined,
    tag: filters.tag,
    q: filters.q.replace(/\D/g, "") || undefined,
    from: from && moment(from),
    to: to && moment(addDays(to, 1)),
  };
}

function days({ period, from, to }: Filters, today: Day): [Day | undefined, Day | undefined] {
  if (!period) return [from, to];
  if (period === "today") return [today, undefined];
  if (period === "yesterday") return [addDays(today, -1), addDays(today, -1)];
  return [addDays(today, -6), undefined];
}

/** Whether anything is filtered by. */
export function isFiltered(filters: Filters): boolean {
  return Object.keys(toSearch(filters)).length > 0;
}
