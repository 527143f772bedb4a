/** Which conversations a list shows. The same rules as the server's (`GET /conversations`), for lines that only events have told of. */
import type { Channel, Conversation, ConversationState } from "./api";

export const VIEWS = ["mine", "unassigned", "all", "mentions", "pending", "snoozed", "resolved", "spam"] as const;
export type ViewName = (typeof VIEWS)[number];
export const CHANNELS: readonly Channel[] = ["whatsapp", "telegram", "sms", "call"];

export interface Filter {
  readonly state: ConversationState | "all";
  readonly mine?: boolean;
  readonly unassigned?: boolean;
  readonly agent_id?: string;
  readonly team_id?: string;
  readonly queue_id?: string;
  readonly account_id?: string;
  readonly channel?: Channel;
  readonly label_id?: string;
  readonly contact_id?: string;
  readonly mentioned?: boolean;
  readonly unread?: boolean;
  readonly priority?: number;
  readonly spam?: boolean;
  readonly q?: string;
}

/** What is known of a conversation for one reader. */
export interface Flags {
  readonly unread: boolean;
  readonly draft: boolean;
  readonly mentioned: boolean;
}

const BY_VIEW: Record<ViewName, Filter> = {
  mine: { state: "open", mine: true },
  unassigned: { state: "open", unassigned: true },
  all: { state: "open" },
  mentions: { state: "all", mentioned: true },
  pending: { state: "pending" },
  snoozed: { state: "snoozed" },
  resolved: { state: "resolved" },
  spam: { state: "all", spam: true },
};

/** What the address says: a view, and what narrows it. */
export interface Search {
  readonly view?: ViewName;
  /** A view that somebody saved. */
  readonly saved?: string;
  readonly queue?: string;
  readonly channel?: Channel;
  readonly account?: string;
  readonly label?: string;
  readonly unread?: boolean;
  readonly q?: string;
  /** The conversation that is open. */
  readonly c?: string;
}

const word = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : typeof value === "number" ? String(value) : undefined);

export function searchOf(raw: Readonly<Record<string, unknown>>): Search {
  const view = VIEWS.find((one) => one === raw.view);
  const channel = CHANNELS.find((one) => one === raw.channel);
  const [saved, queue, account, label, q, c] = [word(raw.saved), word(raw.queue), word(raw.account), word(raw.label), word(raw.q), word(raw.c)];
  return {
    ...(view ? { view } : {}),
    ...(saved ? { saved } : {}),
    ...(queue ? { queue } : {}),
    ...(channel ? { channel } : {}),
    ...(account ? { account } : {}),
    ...(label ? { label } : {}),
    ...(raw.unread === true || raw.unread === "true" ? { unread: true } : {}),
    ...(q ? { q } : {}),
    ...(c ? { c } : {}),
  };
}

/** Without these. */
export function without(search: Search, ...keys: readonly (keyof Search)[]): Search {
  return Object.fromEntries(Object.entries(search).filter(([key]) => !keys.includes(key as keyof Search)));
}

/** The filter of a view that somebody saved: only what is known is taken. */
export function savedFilter(raw: Readonly<Record<string, unknown>>): Filter {
  const state = (["open", "pending", "snoozed", "resolved", "all"] as const).find((one) => one === raw.state) ?? "open";
  const yes = (key: string) => raw[key] === true || raw[key] === "true";
  const text = (key: string) => word(raw[key]);
  const channel = CHANNELS.find((one) => one === raw.channel);
  const priority = Number(raw.priority ?? 0);
  return {
    state,
    ...(yes("mine") ? { mine: true } : {}),
    ...(yes("unassigned") ? { unassigned: true } : {}),
    ...(yes("mentioned") ? { mentioned: true } : {}),
    ...(yes("unread") ? { unread: true } : {}),
    ...(yes("spam") ? { spam: true } : {}),
    ...(channel ? { channel } : {}),
    ...(Number.isInteger(priority) && priority > 0 && priority <= 4 ? { priority } : {}),
    ...Object.fromEntries((["agent_id", "team_id", "queue_id", "account_id", "label_id", "contact_id", "q"] as const).flatMap((key) => (text(key) ? [[key, text(key)]] : []))),
  };
}

export function filterOf(search: Search, saved?: Readonly<Record<string, unknown>>): Filter {
  // Words are looked for in everything: whoever looks for somebody does not know where they are.
  const base: Filter = saved ? savedFilter(saved) : search.view ? BY_VIEW[search.view] : search.q ? { state: "all" } : BY_VIEW.mine;
  return {
    ...base,
    ...(search.queue ? { queue_id: search.queue } : {}),
    ...(search.channel ? { channel: search.channel } : {}),
    ...(search.account ? { account_id: search.account } : {}),
    ...(search.label ? { label_id: search.label } : {}),
    ...(search.unread ? { unread: true } : {}),
    ...(search.q ? { q: search.q } : {}),
  };
}

/** As the server's query parameters, in a fixed order: equal filters have equal keys. */
export function queryOf(filter: Filter): Record<string, string | number | boolean | undefined> {
  const { state, mine, unassigned, agent_id, team_id, queue_id, account_id, channel, label_id, contact_id, mentioned, unread, priority, spam, q } = filter;
  return { state, mine, unassigned, agent_id, team_id, queue_id, account_id, channel, label_id, contact_id, mentioned, unread, priority, spam, q };
}

export const keyOf = (filter: Filter): string => JSON.stringify(queryOf(filter));

/** Words are the server's alone to find: of those filters only what its answer held is in the list. */
export const isOpenEnded = (filter: Filter): boolean => filter.q === undefined;

export function matches(filter: Filter, line: Conversation, flags: Flags, self: string): boolean {
  if (filter.state !== "all" && line.state !== filter.state) return false;
  if (line.spam !== (filter.spam ?? false)) return false;
  if (filter.mine && line.agent_id !== self) return false;
  if (filter.unassigned && line.agent_id) return false;
  if (filter.agent_id && line.agent_id !== filter.agent_id) return false;
  if (filter.team_id && line.team_id !== filter.team_id) return false;
  if (filter.queue_id && line.queue_id !== filter.queue_id) return false;
  if (filter.account_id && line.account_id !== filter.account_id) return false;
  if (filter.channel && line.channel !== filter.channel) return false;
  if (filter.label_id && !line.label_ids.includes(filter.label_id)) return false;
  if (filter.contact_id && line.contact.person_id !== filter.contact_id && line.contact.id !== filter.contact_id) return false;
  if (filter.mentioned && !flags.mentioned) return false;
  if (filter.unread && !flags.unread) return false;
  return !(filter.priority !== undefined && line.priority !== filter.priority);
}

/** Those from one to another, both of them, in the order of the list; nothing when one of the two is not in it. */
export function rangeOf(ids: readonly string[], from: string | undefined, to: string): readonly string[] {
  const [a, b] = [from === undefined ? -1 : ids.indexOf(from), ids.indexOf(to)];
  return a < 0 || b < 0 ? [] : ids.slice(Math.min(a, b), Math.max(a, b) + 1);
}
