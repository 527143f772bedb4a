import { Check, CheckCheck, CircleAlert, Clock, Copy, CornerUpLeft, EllipsisVertical, Forward, Lock, Pencil, RotateCcw, SmilePlus, TriangleAlert, Undo2 } from "lucide-react";
import { memo, useEffect, useState } from "react";
import { Button, IconButton, Menu, type MenuItem, Popover, Tooltip, cx, formatDateTime, toast } from "@/design";
import { t as text, useT } from "@/i18n";
import type { Abilities, Attachment, Channel, Message } from "./api";
import { ContentView, ReferralView, saysItsText } from "./content";
import type { Person } from "./data";
import { EmojiChoice } from "./emoji-choice";
import { straight } from "./format";
import { AttachmentView } from "./media";
import { MessageText } from "./message-text";
import { UNDO_MS, isLeaving } from "./thread-core";
import { clockTime, deliveryText, failureText, shortTime, tidy } from "./words";

export interface Acts {
  readonly reply: (message: Message) => void;
  readonly react: (message: Message, emoji: string | null) => void;
  readonly edit: (message: Message) => void;
  readonly takeBack: (message: Message) => void;
  readonly retry: (message: Message, again: "retry" | "resend") => void;
  readonly undo: (message: Message) => void;
  readonly look: (attachment: Attachment) => void;
  readonly find: (id: string) => Message | undefined;
  readonly goTo: (id: string) => void;
}

interface Props {
  messages: readonly Message[];
  self: string;
  zone: string | undefined;
  people: readonly Person[];
  channel: Channel | undefined;
  abilities: Abilities | undefined;
  may: boolean;
  acts: Acts;
}

/** Messages of one writer that follow each other. */
export const GroupView = memo(function GroupView({ messages, self, zone, people, channel, abilities, may, acts }: Props) {
  const t = useT();
  const first = messages[0];
  if (!first) return null;
  const { direction, author } = first;
  const ours = direction === "out";
  const note = direction === "note";
  const name = author.type === "agent" && author.id === self ? t("inbox.you") : author.name ? tidy(author.name) : author.type === "bot" ? t("inbox.author.bot") : author.type === "system" ? t("inbox.author.system") : author.type === "app" ? t("inbox.author.app") : "";
  return (
    <section aria-label={note ? t("inbox.note-of", { name }) : t("inbox.messages-of", { name })} className={cx("flex flex-col gap-1", ours && "items-end", note && "items-stretch")}>
      <p className={cx("flex items-center gap-1.5 px-1 text-xs text-ink-3", ours && "justify-end")}>
        {note && <Lock size={11} aria-hidden />}
        <bdi>{name}</bdi>
        {note && <span>{t("inbox.note")}</span>}
        {author.type === "app" && author.name && <span>{t("inbox.author.app")}</span>}
        {first.history && <span>{t("inbox.history")}</span>}
      </p>
      {messages.map((message) => (
        <Bubble key={message.id} message={message} own={author.type === "agent" && author.id === self} zone={zone} people={people} channel={channel} abilities={abilities} may={may} acts={acts} />
      ))}
    </section>
  );
});

function Bubble({ message, own, zone, people, channel, abilities, may, acts }: { message: Message; own: boolean; zone: string | undefined; people: readonly Person[]; channel: Channel | undefined; abilities: Abilities | undefined; may: boolean; acts: Acts }) {
  const t = useT();
  const { direction, deleted_at } = message;
  const ours = direction === "out";
  const note = direction === "note";
  const gone = Boolean(deleted_at);
  return (
    <div id={`message-${message.id}`} data-message={message.id} data-state={message.state} className={cx("group flex max-w-full items-end gap-1", ours && "flex-row-reverse", note && "w-full")}>
      <div className={cx("grid min-w-0 gap-1", note ? "flex-1" : "max-w-[min(34rem,82%)]")}>
        <div
          className={cx(
            "min-w-0 rounded-lg border px-3 py-2 text-md shadow-card",
            note ? "border-dashed border-ring bg-ring-soft" : ours ? "border-accent-line bg-accent-soft" : "border-line bg-surface",
            message.state === "failed" && "border-bad",
            message.state === "canceled" && "opacity-60",
          )}
        >
          {message.forwarded && (
            <p className="mb-0.5 flex items-center gap-1 text-xs text-ink-2">
              <Forward size={12} aria-hidden /> {t("inbox.forwarded")}
            </p>
          )}
          {message.reply_to && <Quote id={message.reply_to} acts={acts} />}
          {gone ? (
            <p className="text-ink-2 italic">{t("inbox.deleted")}</p>
          ) : (
            <>
              {message.attachments.length > 0 && (
                <div className={cx("mb-1 flex flex-wrap gap-1.5", message.attachments.length > 1 && "max-w-lg")}>
                  {message.attachments.map((one) => (
                    <AttachmentView key={one.id} attachment={one} onLook={acts.look} />
                  ))}
                </div>
              )}
              <ReferralView content={message.content} />
              {message.text && !saysItsText(message) && <MessageText text={message.text} people={note ? people : undefined} marks={!note && channel === "whatsapp"} />}
              <ContentView message={message} />
            </>
          )}
          <p className={cx("mt-0.5 flex flex-wrap items-center gap-x-1.5 text-xs text-ink-2", ours && "justify-end")}>
            {message.edited_at && !gone && (
              <Tooltip content={formatDateTime(message.edited_at, zone ? { zone, dateStyle: "medium", timeStyle: "short" } : {})}>
                <span>{t("inbox.edited")}</span>
              </Tooltip>
            )}
            <time dateTime={message.at} title={formatDateTime(message.at, zone ? { zone, dateStyle: "medium", timeStyle: "long" } : {})} className="num whitespace-nowrap">
              {clockTime(message.at, zone)}
            </time>
            {ours && <Delivery message={message} zone={zone} />}
            {may && own && <Undo key={message.state} message={message} acts={acts} />}
          </p>
        </div>
        {message.reactions.length > 0 && (
          <p className={cx("-mt-1.5 flex gap-1 px-2", ours && "justify-end")}>
            {message.reactions.map((reaction) => (
              <button
                key={reaction.by}
                type="button"
                disabled={reaction.by !== "us" || !may}
                aria-label={t(reaction.by === "us" ? "inbox.reaction.ours" : "inbox.reaction.theirs", { emoji: reaction.emoji.join(" ") })}
                onClick={() => acts.react(message, null)}
                className="rounded-full border border-line bg-raised px-1.5 text-sm"
              >
                {reaction.emoji.join("")}
              </button>
            ))}
          </p>
        )}
        {(message.state === "failed" || message.state === "uncertain") && <Failed message={message} may={may} acts={acts} />}
        {message.state === "scheduled" && may && !isLeaving(message) && <Scheduled message={message} acts={acts} />}
      </div>
      {!gone && <Actions message={message} abilities={abilities} may={may} acts={acts} />}
    </div>
  );
}

function Quote({ id, acts }: { id: string; acts: Acts }) {
  const t = useT();
  const quoted = acts.find(id);
  return (
    <button type="button" onClick={() => acts.goTo(id)} className="mb-1 block max-w-full rounded-sm border-s-2 border-accent bg-sunken px-2 py-1 text-start text-sm text-ink-2">
      {quoted?.author.name && <span className="block text-xs font-semibold">{tidy(quoted.author.name)}</span>}
      <span dir="auto" className="line-clamp-2">{quoted ? (quoted.deleted_at ? t("inbox.deleted") : straight(quoted.text) || t("inbox.quote.file")) : t("inbox.quote.earlier")}</span>
    </button>
  );
}

function Delivery({ message, zone }: { message: Message; zone: string | undefined }) {
  const { state } = message;
  const size = { size: 13, "aria-hidden": true } as const;
  const icon =
    state === "read" ? <CheckCheck {...size} className="text-accent" />
    : state === "delivered" ? <CheckCheck {...size} />
    : state === "sent" ? <Check {...size} />
    : state === "failed" ? <CircleAlert {...size} className="text-bad" />
    : state === "uncertain" ? <TriangleAlert {...size} className="text-ring" />
    : state === "canceled" ? <Undo2 {...size} />
    : <Clock {...size} />;
  const words = isLeaving(message) ? text("inbox.sent.leaving") : state === "scheduled" && message.send_at ? text("inbox.sent.at", { at: shortTime(message.send_at, zone) }) : deliveryText(state);
  return (
    <Tooltip content={words}>
      <span className="inline-flex items-center gap-1">
        {icon}
        <span className={state === "sent" || state === "delivered" || state === "queued" || state === "sending" ? "sr-only" : undefined}>{words}</span>
      </span>
    </Tooltip>
  );
}

function Failed({ message, may, acts }: { message: Message; may: boolean; acts: Acts }) {
  const t = useT();
  const { failure, state } = message;
  const uncertain = state === "uncertain";
  return (
    <div className={cx("rounded-md px-2.5 py-1.5 text-sm", uncertain ? "bg-ring-soft" : "bg-bad-soft")} role="note">
      <p className="text-ink">{uncertain ? t("inbox.uncertain") : failureText(failure)}</p>
      {failure && !uncertain && (failure.detail || failure.code) && (
        <details className="text-xs text-ink-2">
          <summary className="cursor-pointer">{t("inbox.provider-says")}</summary>
          <bdi>{[failure.code, failure.detail].filter(Boolean).join(": ")}</bdi>
        </details>
      )}
      {may && (
        <div className="mt-1 flex flex-wrap gap-1.5">
          {uncertain ? (
            <Button size="sm" icon={<RotateCcw size={13} aria-hidden />} onClick={() => acts.retry(message, "resend")}>
              {t("inbox.resend")}
            </Button>
          ) : (
            failure?.retry !== false && (
              <Button size="sm" icon={<RotateCcw size={13} aria-hidden />} onClick={() => acts.retry(message, "retry")}>
                {t("common.retry")}
              </Button>
            )
          )}
        </div>
      )}
    </div>
  );
}

/** For as long as it surely works: what has left cannot be had back. */
function Undo({ message, acts }: { message: Message; acts: Acts }) {
  const t = useT();
  const leaving = isLeaving(message);
  // A moment that is long past by the clock of whoever opens the thread later.
  const [over, setOver] = useState(() => Date.now() - Date.parse(message.at) > 60_000);
  useEffect(() => {
    if (!leaving) return;
    const timer = setTimeout(() => setOver(true), UNDO_MS);
    return () => clearTimeout(timer);
  }, [leaving]);
  if (!leaving || over) return null;
  return (
    <button type="button" aria-keyshortcuts="Control+Z Meta+Z" onClick={() => acts.undo(message)} className="rounded-sm px-1 font-semibold text-accent underline underline-offset-2 pointer-coarse:min-h-9 pointer-coarse:px-2.5">
      {t("common.undo")}
    </button>
  );
}

/** When it goes stands in the message itself. */
function Scheduled({ message, acts }: { message: Message; acts: Acts }) {
  const t = useT();
  return (
    <div className="flex items-center justify-end gap-2 text-sm text-ink-2">
      <Button size="sm" icon={<Undo2 size={13} aria-hidden />} onClick={() => acts.undo(message)}>
        {t("inbox.take-back")}
      </Button>
    </div>
  );
}

const REACTIONS = ["👍", "❤️", "😂", "😮", "😢", "🙏"] as const;

function Actions({ message, abilities, may, acts }: { message: Message; abilities: Abilities | undefined; may: boolean; acts: Acts }) {
  const t = useT();
  const [picking, setPicking] = useState(false);
  const settled = ["received", "sent", "delivered", "read"].includes(message.state);
  const spoken = message.direction === "in" || message.direction === "out";
  const own = message.direction === "out";
  const items: MenuItem[] = [
    ...(may && spoken && settled && abilities?.replies ? [{ label: t("inbox.reply-to"), icon: <CornerUpLeft size={14} aria-hidden />, onSelect: () => acts.reply(message) }] : []),
    ...(message.text
      ? [
          {
            label: t("inbox.copy"),
            icon: <Copy size={14} aria-hidden />,
            onSelect: () => void navigator.clipboard.writeText(message.text).then(() => toast({ title: t("common.copied") })).catch(() => undefined),
          },
        ]
      : []),
    ...(may && own && settled && message.text && abilities?.edit ? [{ label: t("inbox.edit"), icon: <Pencil size={14} aria-hidden />, onSelect: () => acts.edit(message) }] : []),
    ...(may && own && settled && abilities?.delete ? [{ label: t("inbox.take-back"), icon: <Undo2 size={14} aria-hidden />, tone: "danger" as const, onSelect: () => acts.takeBack(message) }] : []),
  ];
  if (items.length === 0) return null;
  return (
    <span className="flex shrink-0 opacity-0 group-focus-within:opacity-100 group-hover:opacity-100 has-[[data-state=open]]:opacity-100 max-sm:opacity-100">
      {may && abilities?.reactions && message.direction === "in" && (
        <Popover
          label={t("inbox.react")}
          open={picking}
          onOpenChange={setPicking}
          trigger={
            <IconButton label={t("inbox.react")} size="sm" className="max-sm:hidden">
              <SmilePlus size={14} aria-hidden />
            </IconButton>
          }
        >
          <EmojiChoice
            first={REACTIONS}
            onChoose={(emoji) => {
              setPicking(false);
              acts.react(message, emoji);
            }}
          />
        </Popover>
      )}
      <Menu
        label={t("inbox.message-menu")}
        items={items}
        align="start"
        trigger={
          <IconButton label={t("inbox.message-menu")} size="sm">
            <EllipsisVertical size={14} aria-hidden />
          </IconButton>
        }
      />
    </span>
  );
}
