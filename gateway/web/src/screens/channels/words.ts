/** What is said of accounts, in the reader's language. */
import type { Tone } from "@/design";
import { type TextKey, t } from "@/i18n";
import type { ChannelAccount, Kind, WebhookState } from "./api";

const WEEK_MS = 7 * 24 * 3_600_000;

export const kindText = (kind: Kind): string => t(`channels.kind.${kind}`);

export interface Standing {
  readonly tone: Tone;
  readonly text: string;
  /** What to do, or what the provider said. */
  readonly more?: string;
}

const TROUBLES = ["account", "money", "webhook", "provider", "number"] as const;

function troubleText(what: string): string {
  const known = TROUBLES.find((one) => one === what);
  return t(`channels.trouble.${known ?? "other"}`);
}

/** How an account does, the worst first. */
export function standingOf({ enabled, health }: Pick<ChannelAccount, "enabled" | "health">, now: number): Standing {
  if (!enabled) return { tone: "neutral", text: t("channels.standing.disabled"), more: t("channels.standing.disabled-text") };
  const { problem, webhook, token_expires_at } = health;
  if (problem && problem.level !== "note") {
    const stopped = problem.level === "stopped";
    return { tone: stopped ? "bad" : "ring", text: t(stopped ? "channels.standing.stopped" : "channels.standing.warning"), more: `${troubleText(problem.what)} ${problem.detail}` };
  }
  if (webhook === "failing") return { tone: "bad", text: t("channels.standing.failing"), more: t("channels.standing.failing-text") };
  const left = token_expires_at ? Date.parse(token_expires_at) - now : Infinity;
  if (left <= 0) return { tone: "bad", text: t("channels.standing.token-over"), more: t("channels.standing.token-text") };
  if (left < WEEK_MS) return { tone: "ring", text: t("channels.standing.token-ends"), more: t("channels.standing.token-text") };
  if (webhook === "unknown") return { tone: "wait", text: t("channels.standing.unknown"), more: t("channels.standing.unknown-text") };
  return { tone: "live", text: t(webhook === "polling" ? "channels.standing.polling" : "channels.standing.verified") };
}

/** Accounts that do nothing any more until somebody sees to them; one that is off is meant to do nothing. */
export function stoppedOf(accounts: readonly Pick<ChannelAccount, "id" | "name" | "enabled" | "health">[]): readonly { readonly key: string; readonly id: string; readonly name: string; readonly detail: string }[] {
  return accounts.flatMap(({ id, name, enabled, health: { problem } }) => (enabled && problem?.level === "stopped" ? [{ key: `${id} ${problem.at}`, id, name, detail: problem.detail }] : []));
}

const FINDINGS = ["token", "webhook", "number", "bot"] as const;

export function findingText(what: string): string {
  const known = FINDINGS.find((one) => one === what);
  return known ? t(`channels.finding.${known}`) : what;
}

export const WEBHOOK_TONE: Readonly<Record<WebhookState, Tone>> = { received: "wait", applied: "live", ignored: "neutral", unsupported: "ring", failed: "bad" };

const STATUSES: Readonly<Record<string, TextKey>> = {
  APPROVED: "channels.template.approved",
  PENDING: "channels.template.pending",
  REJECTED: "channels.template.rejected",
  PAUSED: "channels.template.paused",
  DISABLED: "channels.template.disabled",
};
const STATUS_TONE: Readonly<Record<string, Tone>> = { APPROVED: "live", PENDING: "wait", REJECTED: "bad", PAUSED: "ring", DISABLED: "bad" };

/** What Meta says of a template; in its own word where there is no other. */
export function templateStatus(status: string): Standing {
  const key = STATUSES[status];
  return { tone: STATUS_TONE[status] ?? "neutral", text: key ? t(key) : status };
}

const QUALITIES: Readonly<Record<string, { key: TextKey; tone: Tone }>> = {
  GREEN: { key: "channels.quality.green", tone: "live" },
  YELLOW: { key: "channels.quality.yellow", tone: "ring" },
  RED: { key: "channels.quality.red", tone: "bad" },
};

export function qualityOf(quality: string | null): Standing | undefined {
  const known = quality === null ? undefined : QUALITIES[quality];
  return known && { tone: known.tone, text: t(known.key) };
}

const CATEGORIES: Readonly<Record<string, TextKey>> = { MARKETING: "channels.category.marketing", UTILITY: "channels.category.utility", AUTHENTICATION: "channels.category.authentication" };

export function categoryText(category: string): string {
  const key = CATEGORIES[category];
  return key ? t(key) : category;
}

/** A body that is JSON is easier to read with its lines. */
export function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), undefined, 2);
  } catch {
    return body;
  }
}
