import { useQuery, useQueryClient } from "@tanstack/react-query";
import { ArrowDown, ArrowLeft, CircleCheck, Clock, EllipsisVertical, Eye, Lock, PanelRight, Paperclip, UserPlus } from "lucide-react";
import { type DragEvent, type Ref, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useCan } from "@/api";
import { Avatar, Badge, Banner, Button, ErrorState, IconButton, Menu, type MenuItem, RelativeTime, Skeleton, announce, useZone } from "@/design";
import { useT } from "@/i18n";
import { useConnection, useEvents } from "@/live";
import { saveFile } from "../shared/save";
import { carryOut, deeds, failed, markRead } from "./actions";
import { type Attachment, type ConversationDetail, type Message, inboxApi } from "./api";
import { CallCard } from "./call-card";
import { Composer, type ComposerHandle } from "./composer";
import { AddressText } from "./content";
import { type Person, useNameable, useNames } from "./data";
import { dayText } from "./days";
import type { Asked } from "./dialogs";
import { LeavingView } from "./leaving";
import { Lightbox } from "./media";
import { type Acts, GroupView } from "./message";
import { useBeingHere, usePresence } from "./presence";
import { inbox, useRow } from "./store";
import { type Thread, useLatest, useThread } from "./thread";
import { blocks } from "./thread-core";
import { useUploads } from "./uploads";
import { channelText, eventLine, priorityText, shortTime, titleOf } from "./words";

interface Props {
  id: string;
  self: string;
  composer: Ref<ComposerHandle>;
  /** Where there is one pane at a time. */
  onBack: (() => void) | undefined;
  onPerson: () => void;
  personShown: boolean;
  onAsk: (what: Asked) => void;
  onGone: () => void;
  onLeave: () => void;
}

/** The conversation as it stands, for whoever has it open. */
export function useDetail(id: string) {
  const queries = useQueryClient();
  const key = useMemo(() => ["inbox", "conversation", id], [id]);
  // Windows open with their message, and close with time; what a person is known by changes with the person.
  useEvents(["message.received", "message.sent", "contact.*", "conversation.resolved", "conversation.reopened"], (event) => {
    if (event.data.conversation_id === id || event.subject.id === id || event.kind.startsWith("contact.")) void queries.invalidateQueries({ queryKey: key });
  });
  const query = useQuery({
    queryKey: key,
    queryFn: async ({ signal }) => {
      const detail = await inboxApi.one(id, signal);
      inbox.takeRead(detail, detail.as_of_seq);
      return detail;
    },
    // What nobody looks at, nobody keeps fresh.
    staleTime: 0,
    gcTime: 0,
  });
  return { ...query, again: () => void queries.invalidateQueries({ queryKey: key }) };
}

export function ThreadPane({ id, self, composer, onBack, onPerson, personShown, onAsk, onGone, onLeave }: Props) {
  const t = useT();
  const may = useCan("conversations:write");
  const { thread, state } = useThread(id);
  const { data: detail, error, refetch, again } = useDetail(id);
  const row = useRow(id);
  const people = useNameable();
  const uploads = useUploads();
  const [typing, setTyping] = useState(false);
  const [dragging, setDragging] = useState(false);
  useBeingHere(id, typing);
  const presence = usePresence(id, self, detail?.viewing, state.messages.at(-1));
  const onTyping = useCallback((now: boolean) => setTyping(now), []);
  const line = row?.line ?? detail;

  if (error && !line) {
    return (
      <div className="min-w-0 flex-1">
        {onBack && <Back onBack={onBack} />}
        <ErrorState error={error} onRetry={() => void refetch()} />
      </div>
    );
  }
  if (!line) return <Loading />;
  const drag = (event: DragEvent, over: boolean) => {
    if (!may || ![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    setDragging(over);
  };
  return (
    <section
      aria-label={t("inbox.conversation-with", { name: titleOf(line) })}
      data-conversation={id}
      className="relative flex min-h-0 min-w-0 flex-1 flex-col bg-bg"
      onDragOver={(event) => drag(event, true)}
      onDragLeave={(event) => event.currentTarget === event.target && setDragging(false)}
      onDrop={(event) => {
        drag(event, false);
        uploads.add([...event.dataTransfer.files]);
      }}
    >
      <Head line={line} detail={detail} may={may} viewing={presence.viewing.filter((one) => !presence.typing.some((other) => other.user_id === one.user_id)).map((one) => one.name)} onBack={onBack} onPerson={onPerson} personShown={personShown} onAsk={onAsk} onGone={onGone} />
      <Stale />
      {line.contact.blocked && <Banner tone="bad">{t("inbox.blocked.about")}</Banner>}
      <Messages thread={thread} state={state} self={self} detail={detail} people={people} may={may} callId={line.call_id ?? undefined} unread={row?.unread ?? false} id={id} composer={composer} />
      {presence.typing.length > 0 && (
        <p className="px-4 pb-1 text-sm text-ink-2" role="status">
          {t("inbox.typing", { names: presence.typing.map((one) => one.name).join(", ") })}
        </p>
      )}
      {may && <Composer ref={composer} line={line} detail={detail} thread={thread} people={people} uploads={uploads} onTyping={onTyping} onWindowClosed={again} onLeave={onLeave} />}
      {dragging && (
        <div aria-hidden className="pointer-events-none absolute inset-2 z-10 grid place-items-center rounded-lg border-2 border-dashed border-accent bg-accent-soft text-lg font-semibold text-accent">
          <span className="flex items-center gap-2">
            <Paperclip size={20} /> {t("inbox.drop")}
          </span>
        </div>
      )}
    </section>
  );
}

function Back({ onBack }: { onBack: () => void }) {
  const t = useT();
  return (
    <IconButton label={t("inbox.back")} onClick={onBack}>
      <ArrowLeft size={17} aria-hidden className="rtl:rotate-180" />
    </IconButton>
  );
}

function Loading() {
  const t = useT();
  return (
    <div role="status" aria-busy="true" aria-label={t("common.loading")} className="flex min-w-0 flex-1 flex-col gap-4 bg-bg p-5">
      <Skeleton width={220} height={22} />
      <Skeleton width="55%" height={56} />
      <Skeleton width="45%" height={56} className="self-end" />
      <Skeleton width="60%" height={56} />
    </div>
  );
}

/** What is shown may be from before: said where it is read, too. */
function Stale() {
  const t = useT();
  const { state } = useConnection();
  return state === "offline" ? <Banner tone="ring">{t("inbox.offline")}</Banner> : null;
}

interface HeadProps {
  line: NonNullable<ReturnType<typeof useRow>>["line"];
  detail: ConversationDetail | undefined;
  may: boolean;
  viewing: readonly string[];
  onBack: (() => void) | undefined;
  onPerson: () => void;
  personShown: boolean;
  onAsk: (what: Asked) => void;
  onGone: () => void;
}

function Head({ line, detail, may, viewing, onBack, onPerson, personShown, onAsk, onGone }: HeadProps) {
  const t = useT();
  const zone = useZone();
  const names = useNames();
  const mayManage = useCan("conversations:manage");
  const done = line.state === "resolved";
  const name = titleOf(line);
  const whose = names.agent(line.agent_id) ?? names.team(line.team_id);
  const queue = names.queue(line.queue_id);
  const resolve = async () => {
    if (done) void carryOut(deeds.reopen(), [line.id]);
    else {
      onGone();
      await carryOut(deeds.resolve(), [line.id]);
    }
  };
  const items: (MenuItem | "separator")[] = [
    { label: t("inbox.label"), shortcut: "l", onSelect: () => onAsk("label") },
    { label: t("inbox.priority"), shortcut: "p", onSelect: () => onAsk("priority") },
    { label: t("inbox.macro"), shortcut: "shift+m", onSelect: () => onAsk("macro") },
    "separator",
    ...(line.state === "pending" ? [] : [{ label: t("inbox.pending"), onSelect: () => void carryOut(deeds.pending(), [line.id]) }]),
    ...(line.state === "open" ? [] : [{ label: t("inbox.reopen"), onSelect: () => void carryOut(deeds.reopen(), [line.id]) }]),
    { label: t("inbox.mark-unread"), shortcut: "u", onSelect: () => void markRead([line.id], true) },
    "separator",
    ...(mayManage ? [{ label: t("inbox.transcript"), onSelect: () => void saveFile(`/api/v1/conversations/${line.id}/transcript?format=html`, "transcript.html").catch(failed) }] : []),
    { label: line.spam ? t("inbox.not-spam") : t("inbox.spam"), tone: "danger", onSelect: () => void carryOut(deeds.spam(!line.spam), [line.id]) },
  ];
  return (
    <header className="@container border-b border-line bg-surface px-4 max-sm:px-2">
      <div className="flex min-h-14 items-center gap-2 py-1.5">
      {onBack && <Back onBack={onBack} />}
      <button type="button" onClick={onPerson} className="flex min-w-0 flex-1 items-center gap-2.5 rounded-md text-start">
        <Avatar name={name} size={30} />
        <span className="min-w-0">
          <h1 className="truncate text-lg font-semibold">
            <bdi>{name}</bdi>
          </h1>
          <span className="block truncate text-xs text-ink-2">
            {channelText(line.channel)} · <AddressText value={line.address} />
            {queue && ` · ${queue}`}
            {whose ? ` · ${whose}` : ` · ${t("inbox.view.unassigned")}`}
          </span>
        </span>
      </button>
      {line.state !== "open" && (
        <Badge className="@max-lg:hidden" tone={done ? "live" : line.state === "snoozed" ? "wait" : "ring"}>
          {t(`inbox.state.${line.state}`)}
          {line.snoozed_until && ` · ${shortTime(line.snoozed_until, zone)}`}
        </Badge>
      )}
      {line.priority > 0 && <Badge className="@max-2xl:hidden" tone={line.priority === 4 ? "bad" : line.priority === 3 ? "ring" : "neutral"}>{priorityText(line.priority)}</Badge>}
      {may && (
        <>
          <Button className="max-sm:hidden" shortcut="a" icon={<UserPlus size={15} aria-hidden />} onClick={() => onAsk("assign")}>
            <span className="sr-only @2xl:not-sr-only">{t("inbox.assign")}</span>
          </Button>
          <Button className="max-sm:hidden" shortcut="s" icon={<Clock size={15} aria-hidden />} onClick={() => onAsk("snooze")}>
            <span className="sr-only @2xl:not-sr-only">{t("inbox.snooze")}</span>
          </Button>
          <Button variant={done ? "secondary" : "primary"} shortcut="e" icon={<CircleCheck size={15} aria-hidden />} onClick={() => void resolve()}>
            <span className="@max-sm:sr-only">{done ? t("inbox.reopen") : t("inbox.resolve")}</span>
          </Button>
          <Menu
            label={t("inbox.more")}
            items={[{ label: t("inbox.assign"), shortcut: "a", onSelect: () => onAsk("assign") }, { label: t("inbox.snooze"), shortcut: "s", onSelect: () => onAsk("snooze") }, ...items]}
            trigger={
              <IconButton label={t("inbox.more")}>
                <EllipsisVertical size={16} aria-hidden />
              </IconButton>
            }
          />
        </>
      )}
      <IconButton label={t("inbox.person")} pressed={personShown} onClick={onPerson} disabled={!detail}>
        <PanelRight size={16} aria-hidden />
      </IconButton>
      </div>
      {viewing.length > 0 && (
        <p className="-mt-1 flex min-w-0 items-center gap-1 pb-1.5 text-sm text-ink-2" role="status" data-viewing={viewing.length}>
          <Eye size={14} aria-hidden />
          <span className="truncate">{t("inbox.viewing", { names: viewing.join(", ") })}</span>
        </p>
      )}
    </header>
  );
}

/** Nearer to its end than this, a thread follows what comes. */
const NEAR = 80;

interface MessagesProps {
  id: string;
  thread: Thread;
  state: ReturnType<Thread["get"]>;
  self: string;
  detail: ConversationDetail | undefined;
  people: readonly Person[];
  may: boolean;
  callId: string | undefined;
  unread: boolean;
  composer: Ref<ComposerHandle>;
}

function Messages({ id, thread, state, self, detail, people, may, callId, unread, composer }: MessagesProps) {
  const t = useT();
  const zone = useZone();
  const names = useNames();
  const scroller = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const before = useRef<{ height: number; first: string | undefined; leaving: number }>({ height: 0, first: undefined, leaving: 0 });
  const [fresh, setFresh] = useState(0);
  const [looked, setLooked] = useState<string>();
  const { messages, leaving, ready } = state;
  const count = messages.length + leaving.length;
  const last = messages.at(-1);

  // Where the new began when it was opened: what came since the last word of ours.
  const [opened, setOpened] = useState<{ newFrom: string | undefined }>();
  if (ready && !opened) {
    const mine = messages.findLastIndex((one) => one.direction === "out" || one.direction === "note");
    setOpened({ newFrom: unread ? messages.slice(mine + 1).find((one) => one.direction === "in")?.id : undefined });
  }
  const shown = useMemo(() => blocks(messages, { zone, newFrom: opened?.newFrom }), [messages, zone, opened]);
  const pictures = useMemo(() => messages.flatMap((one) => one.attachments.filter((file) => file.state === "stored" && file.mime?.startsWith("image/"))), [messages]);

  // Seen as soon as it is on the screen of somebody who looks.
  const seen = useRef("");
  const lastIn = messages.findLast((one) => one.direction === "in")?.id;
  useEffect(() => {
    if (!ready || !unread) return;
    const see = () => {
      if (document.visibilityState !== "visible" || seen.current === (lastIn ?? "none")) return;
      seen.current = lastIn ?? "none";
      void markRead([id], false);
    };
    see();
    document.addEventListener("visibilitychange", see);
    return () => document.removeEventListener("visibilitychange", see);
  }, [id, ready, unread, lastIn]);

  // Older messages come in above without moving what is read; newer ones are followed by whoever is at the end.
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const first = messages[0]?.id;
    const { height, first: firstBefore, leaving: leavingBefore } = before.current;
    // One's own words are always seen.
    if (leaving.length > leavingBefore) atEnd.current = true;
    if (firstBefore !== undefined && first !== firstBefore) element.scrollTop += element.scrollHeight - height;
    else if (atEnd.current) element.scrollTop = element.scrollHeight;
    before.current = { height: element.scrollHeight, first, leaving: leaving.length };
  }, [messages, leaving]);
  const counted = useRef(0);
  useEffect(() => {
    const added = counted.current === 0 ? 0 : count - counted.current;
    counted.current = count;
    if (added <= 0 || !last) return;
    if (last.direction === "in" && last.text) announce(`${last.author.name ?? ""}: ${last.text.slice(0, 200)}`);
    if (!atEnd.current) setFresh((n) => n + added);
  }, [count, last]);
  // Pictures and cards grow after they are drawn.
  useEffect(() => {
    const element = scroller.current;
    const inner = element?.firstElementChild;
    if (!element || !inner || typeof ResizeObserver === "undefined") return;
    const observer = new ResizeObserver(() => {
      if (atEnd.current) element.scrollTop = element.scrollHeight;
    });
    observer.observe(inner);
    // A line beneath it takes of its height.
    observer.observe(element);
    return () => observer.disconnect();
  }, [ready]);

  const toEnd = () => {
    const element = scroller.current;
    if (element) element.scrollTop = element.scrollHeight;
    setFresh(0);
  };
  const onScroll = () => {
    const element = scroller.current;
    if (!element) return;
    atEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR;
    if (atEnd.current && fresh > 0) setFresh(0);
    if (element.scrollTop < 400 && state.more && !state.loadingMore && ready) void thread.earlier();
  };

  const handle = (what: (composer: ComposerHandle) => void) => {
    if (composer && typeof composer === "object" && composer.current) what(composer.current);
  };
  const done = useLatest(async (message: Message, ask: () => Promise<Message | undefined>) => {
    try {
      thread.reread(message.id, await ask());
    } catch (error) {
      failed(error);
    }
  });
  const acts: Acts = useMemo(
    () => ({
      reply: (message) => handle((one) => one.quote(message)),
      edit: (message) => handle((one) => one.edit(message)),
      react: (message, emoji) => void done(message, () => inboxApi.react(message.id, emoji)),
      takeBack: (message) => void done(message, () => inboxApi.takeBack(message.id)),
      retry: (message, how) => void done(message, () => (how === "retry" ? inboxApi.retry(message.id) : inboxApi.resend(message.id))),
      undo: (message) => handle((one) => one.undo(message)),
      look: (attachment: Attachment) => setLooked(attachment.id),
      find: (message) => thread.message(message),
      goTo: (message) => document.getElementById(`message-${message}`)?.scrollIntoView({ block: "center" }),
    }),
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `handle` reads a ref
    [done, thread],
  );

  if (state.error && !ready) {
    return (
      <div className="min-h-0 flex-1 overflow-auto">
        <ErrorState error={state.error} onRetry={() => void thread.load()} />
      </div>
    );
  }
  if (!ready) {
    return (
      <div aria-busy="true" className="flex min-h-0 flex-1 flex-col justify-end gap-3 p-5">
        <Skeleton width="50%" height={48} />
        <Skeleton width="40%" height={48} className="self-end" />
        <Skeleton width="55%" height={48} />
      </div>
    );
  }
  return (
    <div className="relative flex min-h-0 flex-1 flex-col">
      {/* What was said is scrolled by keys too. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div ref={scroller} onScroll={onScroll} tabIndex={0} role="log" aria-live="off" aria-label={t("inbox.messages")} className="relative min-h-0 flex-1 overflow-auto px-5 max-sm:px-3">
        <div className="flex min-h-full flex-col justify-end gap-2.5 py-4">
          {state.more && (
            <Button className="self-center" size="sm" variant="ghost" busy={state.loadingMore} onClick={() => void thread.earlier()}>
              {t("inbox.earlier")}
            </Button>
          )}
          {shown.map((block) => {
            switch (block.type) {
              case "day":
                return <Day key={block.key} at={block.at} />;
              case "new":
                return (
                  <p key={block.key} className="flex items-center gap-3 text-xs font-semibold text-accent before:h-px before:flex-1 before:bg-accent-line after:h-px after:flex-1 after:bg-accent-line">
                    {t("inbox.new-messages")}
                  </p>
                );
              case "event":
                return <EventLine key={block.key} message={block.message} words={eventLine(block.message, names)} />;
              case "call":
                return <CallCard key={block.key} message={block.message} zone={zone} />;
              case "group":
                return <GroupView key={block.key} messages={block.messages} self={self} zone={zone} people={people} channel={detail?.channel} abilities={detail?.abilities ?? undefined} may={may} acts={acts} />;
            }
          })}
          {callId && !messages.some((one) => one.call_id === callId) && <CallCard key={callId} message={callMessage(id, callId)} zone={zone} />}
          {leaving.map((one) => (
            <LeavingView key={one.key} leaving={one} thread={thread} onChange={() => handle((composer) => composer.change(one.key))} />
          ))}
          {count === 0 && !callId && <p className="self-center py-8 text-md text-ink-3">{t("inbox.thread.empty")}</p>}
        </div>
      </div>
      {fresh > 0 && (
        <Button size="sm" variant="primary" className="absolute bottom-3 left-1/2 -translate-x-1/2 rounded-full shadow-over" icon={<ArrowDown size={14} aria-hidden />} onClick={toEnd}>
          {t("inbox.fresh", { n: fresh })}
        </Button>
      )}
      <Lightbox pictures={pictures} at={looked} onAt={setLooked} onClose={() => setLooked(undefined)} />
    </div>
  );
}

/** A call that runs and of which the thread has no line yet. */
function callMessage(conversation: string, call: string): Message {
  return { id: `call-${call}`, conversation_id: conversation, direction: "event", author: { type: "system" }, kind: "call", text: "", content: {}, attachments: [], forwarded: false, state: "received", reactions: [], history: false, call_id: call, at: "" };
}

function Day({ at }: { at: string }) {
  const t = useT();
  const zone = useZone();
  return (
    <h2 className="self-center rounded-full px-2 text-xs font-normal text-ink-2">
      <DayText at={at} zone={zone} today={t("inbox.today")} yesterday={t("inbox.yesterday")} />
    </h2>
  );
}

function DayText({ at, zone, today, yesterday }: { at: string; zone: string | undefined; today: string; yesterday: string }) {
  const [now] = useState(() => Date.now());
  return <>{dayText(at, now, zone, today, yesterday)}</>;
}

function EventLine({ message, words }: { message: Message; words: string }) {
  return (
    <p className="flex max-w-full items-center gap-2 self-center text-center text-sm text-ink-2" data-event={message.kind}>
      {message.kind === "snoozed" ? <Clock size={13} aria-hidden /> : message.kind === "resolved" ? <CircleCheck size={13} aria-hidden /> : message.kind === "spam" ? <Lock size={13} aria-hidden /> : null}
      <bdi>{words}</bdi> <RelativeTime at={message.at} className="text-xs text-ink-3" />
    </p>
  );
}
