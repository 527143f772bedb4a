/** What is said of conversations and messages, in the reader's language. */
import { type Tone, formatDateTime } from "@/design";
import { type TextKey, currentLanguage, t } from "@/i18n";
import type { Refusal } from "./file-rules";
import type { Channel, Colour, Conversation, Failure, Message, MessageState, Preview, Why } from "./api";

export const channelText = (channel: Channel): string => t(`inbox.channel.${channel}`);

/** A letter on the picture of the person; never the only sign: the name of the channel stands in words too. */
export const CHANNEL_MARK: Readonly<Record<Channel, string>> = { whatsapp: "W", telegram: "T", sms: "S", call: "\u260E\uFE0E" };
export const CHANNEL_TONE: Readonly<Record<Channel, Tone>> = { whatsapp: "live", telegram: "hold", sms: "wait", call: "neutral" };

export const LABEL_TONE: Readonly<Record<Colour, string>> = {
  grey: "bg-sunken text-ink-2",
  red: "bg-bad-soft text-bad",
  orange: "bg-ring-soft text-ring",
  yellow: "bg-ring-soft text-ring",
  green: "bg-live-soft text-live",
  teal: "bg-accent-soft text-accent",
  blue: "bg-hold-soft text-hold",
  purple: "bg-wait-soft text-wait",
  pink: "bg-wait-soft text-wait",
};

/** A name that its owner chose: marks that turn the direction of what stands around it, and signs without width, are left out. */
export function tidy(name: string): string {
  return name.replace(/[\u200B\u200E\u200F\u202A-\u202E\u2060\u2066-\u2069\uFEFF]/g, "").trim() || "\u2026";
}

export function titleOf(line: Pick<Conversation, "title" | "contact" | "address">): string {
  return tidy(line.title ?? (line.contact.name || line.address));
}

const KINDS = ["media", "location", "contacts", "choice", "choices", "form", "order", "command", "notice", "template", "call", "voicemail", "unsupported"] as const;

export function kindText(kind: string): string {
  const known = KINDS.find((one) => one === kind);
  return known ? t(`inbox.kind.${known}`) : t("inbox.kind.unsupported");
}

/** The newest message in one line. */
/** `me`: whose words are "yours"; without it every one of ours is. */
export function previewText(last: Preview, me?: string): string {
  const words = last.text.trim() !== "" ? last.text : last.direction === "event" && last.kind !== "call" ? eventText(last.kind, {}, () => undefined) : kindText(last.kind);
  if (last.direction === "out") return t(me === undefined || last.author_id === me ? "inbox.preview.you" : "inbox.preview.team", { text: words });
  return last.direction === "note" ? t("inbox.preview.note", { text: words }) : words;
}

const STATES: Readonly<Record<MessageState, TextKey>> = {
  received: "inbox.sent.received",
  scheduled: "inbox.sent.scheduled",
  queued: "inbox.sent.queued",
  sending: "inbox.sent.sending",
  sent: "inbox.sent.sent",
  delivered: "inbox.sent.delivered",
  read: "inbox.sent.read",
  failed: "inbox.sent.failed",
  uncertain: "inbox.sent.uncertain",
  canceled: "inbox.sent.canceled",
};
export const deliveryText = (state: MessageState): string => t(STATES[state]);

const WHYS: readonly Why[] = ["too_many", "provider_down", "no_such_recipient", "refused", "window_closed", "template_wanting", "not_accepted", "account", "money", "filtered", "unknown"];

/** Why it was not sent, and what helps. The provider's own words stand beside it for those who look closer. */
export function failureText(failure: Failure | null | undefined): string {
  const why = WHYS.find((one) => one === failure?.why) ?? "unknown";
  return t(`inbox.why.${why}`);
}

type Name = (id: string | null | undefined) => string | undefined;

interface Names {
  readonly agent: Name;
  readonly team: Name;
  readonly queue: Name;
}

const id = (value: unknown, key: string): string | undefined => {
  const found = typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  return typeof found === "string" ? found : undefined;
};

/** To whom something went. */
export function assigneeText(to: unknown, names: Names): string {
  const [agent, team, queue] = [id(to, "agent_id"), id(to, "team_id"), id(to, "queue_id")];
  return names.agent(agent) ?? names.team(team) ?? names.queue(queue) ?? t("inbox.somebody");
}

/** What happened to a conversation, without who did it. */
export function eventText(kind: string, content: Readonly<Record<string, unknown>>, to: (value: unknown) => string | undefined): string {
  switch (kind) {
    case "assigned":
      return t("inbox.event.assigned", { to: to(content.to) ?? t("inbox.somebody") });
    case "snoozed":
      return typeof content.until === "string" ? t("inbox.event.snoozed-until", { at: shortTime(content.until) }) : t("inbox.event.snoozed");
    case "priority":
      return t("inbox.event.priority", { priority: priorityText(Number(content.to ?? 0)) });
    case "spam":
      return content.spam === false ? t("inbox.event.not-spam") : t("inbox.event.spam");
    case "opened":
    case "unassigned":
    case "pending":
    case "resolved":
    case "reopened":
      return t(`inbox.event.${kind}`);
    default:
      return t("inbox.event.other", { what: kind.replaceAll("_", " ") });
  }
}

export function eventLine(message: Message, names: Names): string {
  const words = message.text.trim() !== "" ? message.text : eventText(message.kind, message.content, (value) => assigneeText(value, names));
  const who = message.author.name;
  return who ? `${tidy(who)}: ${words}` : words;
}

const PRIORITIES = ["none", "low", "normal", "high", "urgent"] as const;
export const priorityText = (priority: number): string => t(`inbox.priority.${PRIORITIES[priority] ?? "none"}`);

export function shortTime(at: string | Date, zone?: string): string {
  return formatDateTime(at, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", ...(zone ? { zone } : {}) });
}

export function clockTime(at: string, zone?: string): string {
  return formatDateTime(at, { hour: "2-digit", minute: "2-digit", ...(zone ? { zone } : {}) });
}

/** Why a channel would not take a file. */
export function refusalText(refusal: Refusal, channel: Channel): string {
  const name = channelText(channel);
  if (refusal.why === "type") return t("inbox.file.not-taken", { channel: name, taken: refusal.taken });
  if (refusal.why === "size") return t("inbox.file.too-large-for", { channel: name, size: sizeText(refusal.most) });
  return refusal.why === "empty" ? t("inbox.file.empty") : t("inbox.file.none-taken", { channel: name });
}

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;
export function sizeText(bytes: number): string {
  // In the plural, which the short form of some languages has not.
  if (bytes < 1000) return new Intl.NumberFormat(currentLanguage(), { style: "unit", unit: "byte", unitDisplay: "long" }).format(bytes);
  let [value, unit] = [bytes, 0];
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return new Intl.NumberFormat(currentLanguage(), { style: "unit", unit: UNITS[unit] ?? "byte", unitDisplay: "short", maximumFractionDigits: value < 10 ? 1 : 0 }).format(value);
}

/** How long until, or since: `12 min`, `3 h`, `2 d`. Short, for a chip. */
export function spanText(ms: number): string {
  const minutes = Math.max(0, Math.floor(Math.abs(ms) / 60_000));
  const [value, unit] = minutes < 60 ? [minutes, "minute"] : minutes < 48 * 60 ? [Math.floor(minutes / 60), "hour"] : [Math.floor(minutes / 1440), "day"];
  return new Intl.NumberFormat(currentLanguage(), { style: "unit", unit, unitDisplay: "short" }).format(value);
}

export interface Chip {
  readonly tone: Tone;
  readonly text: string;
}

const GOALS = ["first_reply", "next_reply", "resolution"] as const;

/** What is owed, and how soon. */
export function slaChip(line: Pick<Conversation, "sla">, now: number): (Chip & { readonly goal: string }) | undefined {
  const { sla } = line;
  if (!sla) return undefined;
  const goal = GOALS.find((one) => one === sla.goal);
  const name = goal ? t(`inbox.sla.${goal}`) : sla.goal;
  if (sla.breached) return { tone: "bad", text: t("inbox.sla.missed", { goal: name }), goal: name };
  if (!sla.due_at) return { tone: "neutral", text: t("inbox.sla.stands"), goal: name };
  const left = Date.parse(sla.due_at) - now;
  if (left <= 0) return { tone: "bad", text: t("inbox.sla.over", { goal: name, span: spanText(left) }), goal: name };
  return { tone: left < 15 * 60_000 ? "ring" : "neutral", text: t("inbox.sla.in", { goal: name, span: spanText(left) }), goal: name };
}
