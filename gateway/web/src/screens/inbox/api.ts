/** What the inbox asks of the server, and what it is told. The shapes are those of `inbox/conversations/src/model.rs`. */
import { Problem, authorizedFetch, newKey } from "@/api";

export type Channel = "whatsapp" | "telegram" | "sms" | "call";
export type ConversationState = "open" | "pending" | "snoozed" | "resolved";
export type Direction = "in" | "out" | "note" | "event";
export type MessageState = "received" | "scheduled" | "queued" | "sending" | "sent" | "delivered" | "read" | "failed" | "uncertain" | "canceled";
export type AuthorType = "contact" | "agent" | "bot" | "system" | "app";
export type Why = "too_many" | "provider_down" | "no_such_recipient" | "refused" | "window_closed" | "template_wanting" | "not_accepted" | "account" | "money" | "filtered" | "unknown";
export type MediaSort = "image" | "audio" | "voice" | "video" | "video_note" | "document" | "sticker" | "animation";
export type AttachmentState = "wanted" | "stored" | "refused" | "gone" | "failed";
export type Colour = "grey" | "red" | "orange" | "yellow" | "green" | "teal" | "blue" | "purple" | "pink";

export interface ContactShort {
  readonly id: string;
  /** The contact that stands for the person: after a merge another than `id`. */
  readonly person_id: string;
  readonly name: string;
  readonly blocked: boolean;
}

export interface Preview {
  readonly message_id?: string | null;
  readonly direction: Direction;
  readonly kind: string;
  readonly text: string;
  /** How far it is, where the server says so. */
  readonly state?: MessageState | null;
  readonly author_id?: string | null;
}

export interface SlaView {
  readonly goal: string;
  readonly due_at?: string | null;
  readonly breached: boolean;
}

/** A line of the list, and `data.conversation` of events. */
export interface Conversation {
  readonly id: string;
  readonly channel: Channel;
  readonly account_id?: string | null;
  readonly contact: ContactShort;
  readonly address: string;
  readonly title?: string | null;
  readonly state: ConversationState;
  readonly snoozed_until?: string | null;
  readonly queue_id?: string | null;
  readonly team_id?: string | null;
  readonly agent_id?: string | null;
  /** 0 none, 1 low, 2 normal, 3 high, 4 urgent. */
  readonly priority: number;
  readonly spam: boolean;
  readonly label_ids: readonly string[];
  readonly last: Preview;
  readonly last_at: string;
  readonly last_in_at?: string | null;
  readonly waiting_since?: string | null;
  readonly sla?: SlaView | null;
  readonly opened_at: string;
  readonly resolved_at?: string | null;
  readonly call_id?: string | null;
  /** The newer of two is the one with the higher. */
  readonly version: number;
}

/** What the list adds for whoever looks at it. */
export interface ListedConversation extends Conversation {
  readonly unread: boolean;
  readonly draft: boolean;
  readonly mentioned: boolean;
}

export interface Author {
  readonly type: AuthorType;
  readonly id?: string | null;
  readonly name?: string | null;
}

export interface Failure {
  readonly code: string;
  readonly detail: string;
  readonly why: Why;
  readonly retry: boolean;
}

export interface Attachment {
  readonly id: string;
  readonly sort: MediaSort;
  readonly state: AttachmentState;
  readonly mime?: string | null;
  readonly file_name?: string | null;
  readonly bytes?: number | null;
  readonly seconds?: number | null;
  readonly width?: number | null;
  readonly height?: number | null;
  readonly thumbnail: boolean;
  readonly error?: string | null;
}

export interface Reaction {
  readonly by: string;
  readonly emoji: readonly string[];
}

export interface Message {
  readonly id: string;
  readonly conversation_id: string;
  readonly direction: Direction;
  readonly author: Author;
  readonly kind: string;
  readonly text: string;
  readonly content: Readonly<Record<string, unknown>>;
  readonly attachments: readonly Attachment[];
  readonly reply_to?: string | null;
  readonly forwarded: boolean;
  readonly album?: string | null;
  readonly state: MessageState;
  readonly failure?: Failure | null;
  readonly send_at?: string | null;
  readonly edited_at?: string | null;
  readonly deleted_at?: string | null;
  readonly reactions: readonly Reaction[];
  readonly history: boolean;
  readonly call_id?: string | null;
  readonly at: string;
}

export interface Label {
  readonly id: string;
  readonly name: string;
  readonly colour: Colour;
}

/** What somebody is known by; how we know stands in `contacts` alone. */
export interface Identity {
  readonly id?: string;
  readonly type: string;
  readonly value: string;
  readonly shown: string;
  readonly name?: string | null;
  /** In words. */
  readonly evidence?: string;
  readonly ended_at?: string | null;
}

/** What a channel can. */
export interface Abilities {
  readonly text_limit: number;
  readonly caption_limit: number;
  /** Bytes of a file; 0: none can be sent. */
  readonly file_limit: number;
  readonly templates: boolean;
  readonly choices: number;
  readonly location: boolean;
  readonly reactions: boolean;
  readonly replies: boolean;
  readonly edit: boolean;
  readonly delete: boolean;
  readonly typing: boolean;
  readonly read_marks: boolean;
}

/** Whether free text may be sent now, and why not: `blocked`, `opted_out`, `never_wrote`, `day_over`, `no_account`. */
export interface Window {
  readonly open: boolean;
  readonly until?: string | null;
  readonly reason?: string | null;
}

export interface Draft {
  readonly text: string;
  readonly private: boolean;
}

export interface Viewer {
  readonly user_id: string;
  readonly name: string;
  readonly typing?: boolean;
}

/** A conversation that is open on the screen. */
export interface ConversationDetail extends ListedConversation {
  readonly identities: readonly Identity[];
  readonly labels: readonly Label[];
  readonly window: Window;
  /** Absent: calls. */
  readonly abilities?: Abilities | null;
  readonly draft_text?: Draft | null;
  readonly viewing: readonly Viewer[];
  readonly as_of_seq: number;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor?: string | null;
  readonly as_of_seq: number;
}

export interface MessagePage {
  readonly items: readonly Message[];
  readonly next_before?: string | null;
  readonly next_after?: string | null;
  readonly as_of_seq: number;
}

export interface ChannelAccount {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly enabled: boolean;
  readonly queue_id?: string | null;
}

export interface CannedReply {
  readonly id: string;
  readonly shortcut: string;
  readonly text: string;
  readonly user_id?: string | null;
}

export interface Macro {
  readonly id: string;
  readonly name: string;
}

export interface InboxView {
  readonly id: string;
  readonly name: string;
  readonly user_id?: string | null;
  readonly filter: Readonly<Record<string, unknown>>;
}

export interface Template {
  readonly name: string;
  readonly language: string;
  readonly status: string;
  readonly category?: string | null;
  readonly components?: readonly TemplateComponent[];
}

/** As `inbox/channels/src/whatsapp/templates.rs` keeps it; of what is older than a field, the field is absent. */
export interface TemplateComponent {
  /** `header`, `body`, `footer`, `buttons`, … */
  readonly sort?: string;
  /** Of a header: `text`, `image`, `video`, `document`, `location`. */
  readonly format?: string | null;
  readonly text?: string | null;
  readonly variables?: readonly string[];
  readonly buttons?: readonly TemplateButton[];
}

export interface TemplateButton {
  readonly index?: number;
  /** `quick_reply`, `url`, `phone_number`, `copy_code`, `otp`, … */
  readonly sort?: string;
  readonly text?: string | null;
  readonly url?: string | null;
  readonly variables?: readonly string[];
}

export interface TemplateToSend {
  readonly name: string;
  readonly language: string;
  readonly header?: { readonly text: string } | { readonly attachment_id: string } | { readonly latitude: number; readonly longitude: number; readonly name: string; readonly address: string };
  readonly body: readonly string[];
  readonly names?: readonly string[];
  readonly buttons?: readonly { readonly index: number; readonly sort: string; readonly value: string }[];
}

export interface NewMessage {
  readonly text?: string;
  readonly attachments?: readonly string[];
  readonly template?: TemplateToSend;
  readonly reply_to?: string;
  readonly private?: boolean;
  readonly mentions?: readonly string[];
  readonly send_at?: string;
  /** The newest message that the writer had before their eyes. */
  readonly seen?: string;
  readonly anyway?: boolean;
}

/** A person in a list. */
export interface ContactItem {
  readonly id: string;
  readonly name: string;
  readonly language?: string | null;
  readonly blocked: boolean;
  readonly identities: readonly Identity[];
}

export interface ContactMerge {
  readonly id: string;
  readonly winner_name: string;
  readonly loser_name: string;
  /** In words. */
  readonly proof: readonly string[];
  readonly merged_at: string;
  readonly undone_at?: string | null;
}

/** A person. */
export interface Contact {
  /** The contact that stands for the person. */
  readonly id: string;
  readonly contact_ids: readonly string[];
  readonly name: string;
  readonly language?: string | null;
  readonly blocked_at?: string | null;
  readonly opted_out_at?: string | null;
  readonly identities: readonly Identity[];
  readonly merges: readonly ContactMerge[];
  readonly suggestions: readonly MergeSuggestion[];
}

export interface TimelineItem {
  readonly type: "conversation" | "call";
  readonly at: string;
  readonly conversation?: Conversation | null;
  readonly call?: { readonly id: string; readonly direction: string; readonly from: string; readonly to: string; readonly answered_at?: string | null; readonly ended_at?: string | null; readonly end_reason?: string | null } | null;
}

export interface MergeSuggestion {
  readonly id: string;
  readonly contact: { readonly id: string; readonly name: string };
  readonly other: { readonly id: string; readonly name: string };
  /** In words. */
  readonly proof: readonly string[];
}

export interface Assignee {
  readonly agent_id?: string | null;
  readonly team_id?: string | null;
  readonly queue_id?: string | null;
}

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

interface Options {
  query?: Query;
  body?: unknown;
  signal?: AbortSignal;
  etag?: string;
}

const BASE = "/api/v1";

export function address(path: string, query: Query = {}): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined && value !== "" && value !== false) params.set(key, String(value));
  const text = params.toString();
  return `${location.origin}${BASE}${path}${text ? `?${text}` : ""}`;
}

/** Throws a `Problem` unless it succeeds. */
export async function ask<T = void>(method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE", path: string, { query, body, signal, etag }: Options = {}): Promise<T> {
  const headers: Record<string, string> = {};
  if (body !== undefined) headers["content-type"] = "application/json";
  if (method === "POST") headers["idempotency-key"] = newKey();
  if (etag) headers["if-match"] = etag;
  const answer = await authorizedFetch(new Request(address(path, query), { method, headers, body: body === undefined ? null : JSON.stringify(body), signal: signal ?? null }));
  if (!answer.ok) throw await Problem.of(answer);
  const text = await answer.text();
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

const of = (id: string) => `/conversations/${encodeURIComponent(id)}`;

export const inboxApi = {
  list: (query: Query, signal?: AbortSignal) => ask<Page<ListedConversation>>("GET", "/conversations", { query, ...(signal ? { signal } : {}) }),
  one: (id: string, signal?: AbortSignal) => ask<ConversationDetail>("GET", of(id), signal ? { signal } : {}),
  messages: (id: string, query: Query, signal?: AbortSignal) => ask<MessagePage>("GET", `${of(id)}/messages`, { query, ...(signal ? { signal } : {}) }),
  send: (id: string, message: NewMessage) => ask<Message>("POST", `${of(id)}/messages`, { body: message }),
  begin: (body: { channel_account_id: string; to: string; message: NewMessage; contact_id?: string }) => ask<Conversation>("POST", "/conversations", { body }),
  undo: (message: string) => ask<Message | undefined>("POST", `/messages/${message}/undo`),
  retry: (message: string) => ask<Message | undefined>("POST", `/messages/${message}/retry`),
  resend: (message: string) => ask<Message | undefined>("POST", `/messages/${message}/resend`),
  react: (message: string, emoji: string | null) => ask<Message | undefined>("PUT", `/messages/${message}/reaction`, { body: { emoji } }),
  edit: (message: string, text: string) => ask<Message | undefined>("PATCH", `/messages/${message}`, { body: { text } }),
  takeBack: (message: string) => ask<Message | undefined>("DELETE", `/messages/${message}`),
  assign: (id: string, to: Assignee) => ask<Conversation | undefined>("POST", `${of(id)}/assign`, { body: to }),
  act: (id: string, what: "resolve" | "reopen" | "pending" | "read" | "unread") => ask<Conversation | undefined>("POST", `${of(id)}/${what}`),
  snooze: (id: string, until: string) => ask<Conversation | undefined>("POST", `${of(id)}/snooze`, { body: { until } }),
  change: (id: string, body: { priority?: number; spam?: boolean; label_ids?: readonly string[] }) => ask<Conversation | undefined>("PATCH", of(id), { body }),
  draft: (id: string, draft: Draft) => ask("PUT", `${of(id)}/draft`, { body: draft }),
  presence: (id: string, typing: boolean) => ask("POST", `${of(id)}/presence`, { body: { typing } }),
  bulk: (ids: readonly string[], action: Readonly<Record<string, unknown>>) => ask<{ id: string; changed: readonly string[]; left: readonly string[] }>("POST", "/conversations/bulk", { body: { ids, action } }),
  undoBulk: (id: string) => ask("POST", `/conversations/bulk/${id}/undo`),
  labels: (signal?: AbortSignal) => ask<{ items: readonly Label[] }>("GET", "/labels", signal ? { signal } : {}),
  addLabel: (name: string, colour: Colour) => ask<Label>("POST", "/labels", { body: { name, colour } }),
  canned: (signal?: AbortSignal) => ask<{ items: readonly CannedReply[] }>("GET", "/canned-replies", signal ? { signal } : {}),
  macros: (signal?: AbortSignal) => ask<{ items: readonly Macro[] }>("GET", "/macros", signal ? { signal } : {}),
  runMacro: (id: string, conversation_ids: readonly string[]) => ask<{ id: string }>("POST", `/macros/${id}/run`, { body: { conversation_ids } }),
  views: (signal?: AbortSignal) => ask<{ items: readonly InboxView[] }>("GET", "/inbox-views", signal ? { signal } : {}),
  addView: (name: string, filter: Readonly<Record<string, unknown>>) => ask<InboxView>("POST", "/inbox-views", { body: { name, filter, personal: true } }),
  dropView: (id: string) => ask("DELETE", `/inbox-views/${id}`),
  accounts: (signal?: AbortSignal) => ask<{ items: readonly ChannelAccount[] }>("GET", "/channel-accounts", signal ? { signal } : {}),
  templates: (account: string, signal?: AbortSignal) => ask<{ items: readonly Template[] }>("GET", `/channel-accounts/${account}/templates`, { query: { limit: 200 }, ...(signal ? { signal } : {}) }),
  contacts: (q: string, signal?: AbortSignal) => ask<{ items: readonly ContactItem[] }>("GET", "/contacts", { query: { q, limit: 8 }, ...(signal ? { signal } : {}) }),
  contact: (id: string, signal?: AbortSignal) => ask<Contact>("GET", `/contacts/${id}`, signal ? { signal } : {}),
  timeline: (id: string, signal?: AbortSignal) => ask<{ items: readonly TimelineItem[] }>("GET", `/contacts/${id}/timeline`, { query: { limit: 30 }, ...(signal ? { signal } : {}) }),
  rename: (id: string, name: string) => ask<Contact>("PATCH", `/contacts/${id}`, { body: { name } }),
  addIdentity: (id: string, type: string, value: string) => ask<Contact>("POST", `/contacts/${id}/identities`, { body: { type, value } }),
  removeIdentity: (id: string, identity: string) => ask("DELETE", `/contacts/${id}/identities/${identity}`),
  merge: (id: string, other: string, proof: string) => ask<{ merge_id: string }>("POST", `/contacts/${id}/merge`, { body: { with: other, ...(proof ? { proof } : {}) } }),
  block: (id: string, blocked: boolean) => ask("POST", `/contacts/${id}/${blocked ? "block" : "unblock"}`),
  decide: (id: string, what: "accept" | "dismiss") => ask<{ merge_id?: string } | undefined>("POST", `/merge-suggestions/${id}/${what}`),
  undoMerge: (id: string) => ask("POST", `/contact-merges/${id}/undo`),
};
