/** What the settings of channels ask of the server. The shapes are those of `gateway/src/channels/model.rs`. */
import { type Page, ask } from "../inbox/api";
import { etagOf } from "../shared/etag";

export type Kind = "whatsapp" | "telegram" | "twilio";
export const KINDS: readonly Kind[] = ["whatsapp", "telegram", "twilio"];

export interface Trouble {
  readonly what: string;
  readonly detail: string;
  readonly at: string;
  readonly level: string;
  readonly by?: string;
}

export interface Health {
  readonly webhook: "unknown" | "verified" | "polling" | "failing";
  readonly problem?: Trouble | null;
  readonly token_expires_at?: string | null;
  readonly last_received_at?: string | null;
  readonly last_sent_at?: string | null;
}

export interface ChannelAccount {
  readonly id: string;
  readonly type: Kind;
  readonly name: string;
  readonly settings: Readonly<Record<string, unknown>>;
  /** The secrets that are set. */
  readonly secrets: readonly string[];
  readonly queue_id: string | null;
  readonly site_id: string | null;
  readonly enabled: boolean;
  readonly webhook_url: string;
  readonly verify_token?: string | null;
  readonly health: Health;
  readonly created_at: string;
  readonly updated_at: string;
}

export interface NewAccount {
  readonly type: Kind;
  readonly name: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly queue_id: string | null;
}

/** What is absent stays as it is; a setting that is null is as if it was not set. */
export interface AccountChange {
  readonly name?: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly queue_id?: string | null;
  readonly site_id?: string | null;
  readonly enabled?: boolean;
}

export interface Finding {
  readonly what: string;
  readonly good: boolean;
  readonly detail: string;
}

export interface Checked {
  readonly good: boolean;
  readonly findings: readonly Finding[];
}

export interface Tested {
  readonly sent: boolean;
  readonly detail: string;
  readonly provider_id: string | null;
  readonly at: string;
}

export interface MessageTemplate {
  readonly name: string;
  readonly language: string;
  readonly category: string;
  readonly status: string;
  readonly quality: string | null;
  readonly reason: string | null;
  readonly components: readonly { readonly sort?: string; readonly text?: string | null }[];
  readonly synced_at: string;
}

export const WEBHOOK_STATES = ["received", "applied", "ignored", "unsupported", "failed"] as const;
export type WebhookState = (typeof WEBHOOK_STATES)[number];

export interface InboundWebhook {
  readonly id: string;
  readonly account_id: string;
  readonly type: string;
  readonly received_at: string;
  readonly state: WebhookState;
  readonly tries: number;
  readonly applied_at: string | null;
  readonly error: string | null;
  readonly bytes: number;
}

export interface InboundWebhookDetail extends InboundWebhook {
  readonly url: string;
  readonly headers: unknown;
  readonly body: string | null;
  readonly body_base64: string | null;
}

export interface StaffChat {
  readonly chat: string;
  readonly title: string | null;
  readonly linked_at: string;
}

const of = (id: string) => `/channel-accounts/${encodeURIComponent(id)}`;
const during = (signal: AbortSignal | undefined) => (signal ? { signal } : {});

export const channelsApi = {
  list: (signal?: AbortSignal) => ask<Page<ChannelAccount>>("GET", "/channel-accounts", { query: { limit: 200 }, ...during(signal) }),
  create: (account: NewAccount) => ask<ChannelAccount>("POST", "/channel-accounts", { body: account }),
  change: ({ id, updated_at }: ChannelAccount, change: AccountChange) => {
    const etag = etagOf(updated_at);
    return ask<ChannelAccount>("PATCH", of(id), { body: change, ...(etag ? { etag } : {}) });
  },
  remove: (id: string) => ask("DELETE", of(id)),
  check: (id: string) => ask<Checked>("POST", `${of(id)}/check`),
  test: (id: string, to: string) => ask<Tested>("POST", `${of(id)}/test-message`, { body: { to } }),
  templates: (id: string, cursor: string, signal?: AbortSignal) => ask<Page<MessageTemplate>>("GET", `${of(id)}/templates`, { query: { limit: 200, cursor }, ...during(signal) }),
  readTemplates: (id: string) => ask<{ job_id: string }>("POST", `${of(id)}/templates/sync`),
  webhooks: (account: string, state: WebhookState | undefined, cursor: string, signal?: AbortSignal) => ask<Page<InboundWebhook>>("GET", "/inbound-webhooks", { query: { account_id: account, state, limit: 50, cursor }, ...during(signal) }),
  webhook: (id: string, signal?: AbortSignal) => ask<InboundWebhookDetail>("GET", `/inbound-webhooks/${encodeURIComponent(id)}`, during(signal)),
  replay: (id: string) => ask<InboundWebhook>("POST", `/inbound-webhooks/${encodeURIComponent(id)}/replay`),
  groups: (id: string, signal?: AbortSignal) => ask<{ items: readonly StaffChat[] }>("GET", `${of(id)}/staff-chats`, during(signal)),
  groupCode: (id: string) => ask<{ command: string; code: string; expires_at: string }>("POST", `${of(id)}/staff-chats`),
  unlink: (id: string, chat: string) => ask("DELETE", `${of(id)}/staff-chats/${encodeURIComponent(chat)}`),
};
