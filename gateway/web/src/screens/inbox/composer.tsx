import { CalendarClock, LayoutTemplate, Paperclip, Send, Smile, X } from "lucide-react";
import { type ClipboardEvent, type KeyboardEvent, type ReactNode, useEffect, useId, useImperativeHandle, useMemo, useRef, useState, type Ref } from "react";
import { useMe } from "@/api";
import { useShortcut } from "@/app/commands";
import { onceOpened } from "@/app/once-opened";
import { Button, Dialog, Field, IconButton, Input, Popover, SegmentedControl, announce, cx, formatDateTime, useKeptClear, useZone } from "@/design";
import { useT } from "@/i18n";
import type { Conversation, ConversationDetail, Message, TemplateToSend } from "./api";
import { cannedFor, filled, firstName, localInput, mentionsIn, put, segmentsOf, snoozeTimes, tokenAt } from "./compose-core";
import { type Person, useCanned } from "./data";
import { EmojiChoice } from "./emoji-choice";
import { useDraft } from "./draft";
import { type Sent, useSending } from "./sending";
import type { Thread } from "./thread";
import { refusalOf } from "./file-rules";
import type { Uploading, Uploads } from "./uploads";
import { UploadList } from "./upload-list";
import { VoiceButton } from "./voice";
import { channelText, refusalText, tidy, titleOf } from "./words";

const TemplatesDialog = onceOpened(async () => (await import("./templates")).TemplatesDialog);

export interface ComposerHandle {
  focus: (tab: "reply" | "note") => void;
  quote: (message: Message) => void;
  edit: (message: Message) => void;
  /** Takes back what has not left, and puts its words into the field again. */
  undo: (message: Message) => void;
  /** Puts what the server did not take into the field again. */
  change: (key: string) => void;
}

interface Props {
  ref: Ref<ComposerHandle>;
  line: Conversation;
  detail: ConversationDetail | undefined;
  thread: Thread;
  people: readonly Person[];
  uploads: Uploads;
  onTyping: (typing: boolean) => void;
  onWindowClosed: () => void;
  onLeave: () => void;
}

const REASONS = ["blocked", "opted_out", "never_wrote", "day_over", "no_account"] as const;

/** Where one writes: a reply to them, or a note among ourselves. */
export function Composer({ ref, line, detail, thread, people, uploads, onTyping, onWindowClosed, onLeave }: Props) {
  const t = useT();
  const id = useId();
  const me = useMe();
  const canned = useCanned();
  const field = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const whole = useRef<HTMLElement>(null);
  useKeptClear(whole);
  const callsOnly = line.channel === "call";
  const draft = useDraft(line.id, detail?.draft_text, callsOnly);
  const { text, note } = draft;
  const [quoted, setQuoted] = useState<Message>();
  const [editing, setEditing] = useState<Message>();
  /** What was begun before an edit: it comes back after. */
  const begunBefore = useRef<{ text: string; note: boolean }>(undefined);
  const [caret, setCaret] = useState(0);
  const [active, setActive] = useState(0);
  const [dismissed, setDismissed] = useState("");
  const [templates, setTemplates] = useState(false);
  const [emoji, setEmoji] = useState(false);
  const abilities = detail?.abilities ?? undefined;
  const closed = !note && !callsOnly && detail?.window.open === false;
  const reason = REASONS.find((one) => one === detail?.window.reason) ?? "day_over";
  const mayTemplate = abilities?.templates === true && reason !== "blocked" && reason !== "opted_out";
  const restore = (sent: Sent, anew = false) => {
    // What was begun since stays, beneath it.
    if (sent.text) draft.set([sent.text, text.trim()].filter(Boolean).join("\n"), sent.note);
    if (anew) for (const one of sent.files) uploads.add([one.file], one.sort);
    else uploads.put(sent.files);
    if (sent.quoted) setQuoted(sent.quoted);
    field.current?.focus();
  };
  const sending = useSending({ thread, onWindowClosed, onRestore: restore });

  useImperativeHandle(ref, () => ({
    focus: (tab) => {
      draft.setNote(tab === "note");
      field.current?.focus();
    },
    quote: (message) => {
      setQuoted(message);
      draft.setNote(false);
      field.current?.focus();
    },
    edit: (message) => {
      if (!editing) begunBefore.current = { text, note };
      setEditing(message);
      draft.set(message.text, message.direction === "note");
      field.current?.focus();
    },
    undo: (message) => void sending.undo(message),
    change: (key) => sending.change(key),
  }));
  const { last } = sending;
  useShortcut("ctrl+z", () => last && void sending.undo(last), { when: last !== undefined && text === "", title: t("inbox.undo.key"), group: t("common.nav.inbox") });

  // It grows with what is written, up to a third of the screen.
  useEffect(() => {
    const element = field.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${String(Math.min(element.scrollHeight, Math.round(window.innerHeight / 3)))}px`;
  }, [text]);
  const typing = text.trim() !== "" && !note;
  useEffect(() => {
    onTyping(typing);
    if (!typing) return;
    // Whoever stops writing is not writing any more.
    const timer = setTimeout(() => onTyping(false), 12_000);
    return () => clearTimeout(timer);
  }, [typing, text, onTyping]);

  const values = useMemo(
    () => ({
      "contact.name": tidy(line.contact.name),
      "contact.first_name": firstName(tidy(line.contact.name)),
      "agent.name": me?.user.name,
      "agent.first_name": me ? firstName(me.user.name) : undefined,
      "company.name": me?.tenant.name,
    }),
    [line.contact.name, me],
  );
  const token = tokenAt(text, caret, note ? ["@", "/"] : ["/"]);
  const tokenKey = token ? `${token.sign}${String(token.from)}` : "";
  const choices: readonly { id: string; label: string; hint: string; insert: string }[] = useMemo(() => {
    if (!token || tokenKey === dismissed) return [];
    if (token.sign === "@") return people.filter((one) => one.name.toLowerCase().includes(token.word.toLowerCase())).slice(0, 8).map((one) => ({ id: one.id, label: one.name, hint: "", insert: `@${one.name} ` }));
    return cannedFor(canned, token.word).map((one) => ({ id: one.id, label: `/${one.shortcut}`, hint: one.text, insert: filled(one.text, values) }));
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `tokenKey` and the word stand for the token
  }, [tokenKey, token?.word, dismissed, people, canned, values]);
  const index = Math.min(active, Math.max(0, choices.length - 1));

  const insert = (what: string, from = field.current?.selectionStart ?? text.length, to = field.current?.selectionEnd ?? from) => {
    const next = put(text, from, to, what);
    draft.set(next.text, note);
    requestAnimationFrame(() => {
      field.current?.focus();
      field.current?.setSelectionRange(next.caret, next.caret);
      setCaret(next.caret);
    });
  };
  const take = (choice: (typeof choices)[number] | undefined) => {
    if (!choice || !token) return;
    insert(choice.insert, token.from, caret);
    setActive(0);
  };

  const words = text.trim();
  // What was the newest when the first letter was typed: whoever writes reads no further by themselves.
  const begun = useRef<string>(undefined);
  const writing = words !== "" || uploads.items.length > 0;
  useEffect(() => {
    begun.current = writing ? (begun.current ?? thread.seen()) : undefined;
  });
  const busyFiles = !uploads.ready;
  /** Colleagues are shown any file; only what goes out has to please the channel. */
  const wrongFile = (one: Uploading) => {
    const refusal = note || !abilities ? undefined : refusalOf(one, line.channel, abilities);
    return refusal && refusalText(refusal, line.channel);
  };
  const refused = uploads.items.some((one) => wrongFile(one) !== undefined);
  const limit = uploads.items.length > 0 ? abilities?.caption_limit : abilities?.text_limit;
  const tooLong = !note && limit !== undefined && [...text].length > limit;
  const empty = words === "" && uploads.items.length === 0;
  const can = !empty && !busyFiles && !refused && !tooLong && !closed && !(callsOnly && !note);
  const finish = () => {
    const before = editing ? begunBefore.current : undefined;
    if (before?.text.trim()) draft.set(before.text, before.note);
    else draft.clear();
    uploads.clear();
    setQuoted(undefined);
    setEditing(undefined);
    onTyping(false);
  };
  const send = (sendAt?: Date) => {
    if (!can) return;
    if (editing) {
      void sending.edit(editing, words).then((done) => done && finish());
      return;
    }
    const attachments = uploads.items.flatMap((one) => one.attachment?.id ?? []);
    const mentions = note ? mentionsIn(words, people) : [];
    const seen = begun.current ?? thread.seen();
    sending.send(
      {
        ...(words ? { text: words } : {}),
        ...(attachments.length > 0 ? { attachments } : {}),
        ...(quoted && !note ? { reply_to: quoted.id } : {}),
        ...(note ? { private: true } : {}),
        ...(mentions.length > 0 ? { mentions } : {}),
        ...(sendAt ? { send_at: sendAt.toISOString() } : {}),
        ...(seen && !note ? { seen } : {}),
      },
      { text, note, quoted, files: uploads.items },
    );
    announce(note ? t("inbox.note-saved") : sendAt ? t("inbox.scheduled") : t("inbox.sending"));
    finish();
  };
  const sendTemplate = (template: TemplateToSend, preview: string) => {
    setTemplates(false);
    const seen = thread.seen();
    sending.send({ template, ...(seen ? { seen } : {}) }, { text: "", note: false, quoted: undefined, files: [], shown: preview });
  };

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.nativeEvent.isComposing) return;
    if (choices.length > 0 && ["ArrowDown", "ArrowUp", "Enter", "Tab"].includes(event.key) && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      if (event.key === "ArrowDown" || event.key === "ArrowUp") setActive((index + (event.key === "ArrowDown" ? 1 : choices.length - 1)) % choices.length);
      else take(choices[index]);
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      send();
    } else if (event.key === "Escape") {
      event.stopPropagation();
      if (choices.length > 0) setDismissed(tokenKey);
      else if (editing) finish();
      else if (quoted) setQuoted(undefined);
      else onLeave();
    }
  };
  const onPaste = (event: ClipboardEvent) => {
    const files = [...event.clipboardData.files];
    if (files.length === 0) return;
    event.preventDefault();
    uploads.add(files);
  };

  const mayFiles = note || (abilities?.file_limit ?? 0) > 0;
  const placeholder = note ? t("inbox.compose.note") : t("inbox.compose.reply", { name: tidy(line.contact.name || line.address), channel: channelText(line.channel) });
  return (
    <section ref={whole} aria-label={t("inbox.compose")} className="border-t border-line bg-surface p-3 max-sm:p-2">
      <div className={cx("rounded-lg border px-3 py-2", note ? "border-dashed border-ring bg-ring-soft" : "border-line-strong")}>
        <div className="mb-1 flex items-center gap-2">
          <SegmentedControl
            label={t("inbox.compose.kind")}
            value={note ? "note" : "reply"}
            onValueChange={(value) => draft.setNote(value === "note")}
            options={[...(callsOnly ? [] : [{ value: "reply", label: t("inbox.reply") }]), { value: "note", label: t("inbox.note") }]}
          />
          {editing && (
            <span className="flex min-w-0 flex-1 items-center gap-1 text-sm text-ink-2">
              <span className="truncate">{t("inbox.editing")}</span>
              <IconButton label={t("common.cancel")} size="sm" onClick={finish}>
                <X size={13} aria-hidden />
              </IconButton>
            </span>
          )}
        </div>
        {quoted && !note && (
          <div className="mb-1 flex items-center gap-2 rounded-sm border-s-2 border-accent bg-sunken px-2 py-1 text-sm text-ink-2">
            <span className="min-w-0 flex-1 truncate">
              <bdi className="font-medium">{quoted.author.name ? tidy(quoted.author.name) : t("inbox.you")}</bdi>: {quoted.text || t("inbox.quote.file")}
            </span>
            <IconButton label={t("inbox.quote.drop")} size="sm" onClick={() => setQuoted(undefined)}>
              <X size={13} aria-hidden />
            </IconButton>
          </div>
        )}
        {closed ? (
          <div className="grid gap-2 py-1" data-window="closed">
            <p className="text-md text-ink-2">{t(`inbox.window.${reason}`)}</p>
            {mayTemplate && (
              <Button className="justify-self-start" variant="primary" icon={<LayoutTemplate size={15} aria-hidden />} onClick={() => setTemplates(true)}>
                {t("inbox.template.pick")}
              </Button>
            )}
          </div>
        ) : (
          <div className="relative">
            <textarea
              ref={field}
              rows={2}
              dir="auto"
              aria-label={placeholder}
              placeholder={placeholder}
              value={text}
              aria-autocomplete="list"
              aria-controls={choices.length > 0 ? `${id}-list` : undefined}
              aria-activedescendant={choices.length > 0 ? `${id}-${String(index)}` : undefined}
              className="block w-full resize-none bg-transparent text-md outline-none placeholder:text-ink-3"
              onChange={(event) => {
                draft.set(event.target.value, note);
                setCaret(event.target.selectionStart);
                setActive(0);
              }}
              onSelect={(event) => setCaret(event.currentTarget.selectionStart)}
              onKeyDown={onKeyDown}
              onPaste={onPaste}
            />
            {choices.length > 0 && (
              <div role="listbox" id={`${id}-list`} aria-label={token?.sign === "@" ? t("inbox.mention") : t("inbox.canned")} className="absolute inset-x-0 bottom-full z-20 mb-2 max-h-64 overflow-auto rounded-md border border-line bg-raised p-1 shadow-over">
                {choices.map((choice, at) => (
                  <div
                    key={choice.id}
                    id={`${id}-${String(at)}`}
                    role="option"
                    aria-selected={at === index}
                    onPointerDown={(event) => {
                      event.preventDefault();
                      take(choice);
                    }}
                    className={cx("flex min-h-8 cursor-default items-baseline gap-2 rounded-sm px-2 py-1 text-md", at === index && "bg-accent-soft")}
                  >
                    <span className="font-medium">{choice.label}</span>
                    <span className="min-w-0 flex-1 truncate text-sm text-ink-2">{choice.hint}</span>
                  </div>
                ))}
              </div>
            )}
          </div>
        )}
        <UploadList uploads={uploads} wrong={wrongFile} />
        <div className="mt-1.5 flex flex-wrap items-center gap-1">
          {!closed && (
            <>
              {mayFiles && (
                <>
                  <input
                    ref={picker}
                    type="file"
                    multiple
                    className="hidden"
                    aria-hidden
                    tabIndex={-1}
                    onChange={(event) => {
                      uploads.add([...(event.target.files ?? [])]);
                      event.target.value = "";
                    }}
                  />
                  <IconButton label={t("inbox.attach")} onClick={() => picker.current?.click()}>
                    <Paperclip size={16} aria-hidden />
                  </IconButton>
                </>
              )}
              <Popover
                label={t("inbox.emoji")}
                open={emoji}
                onOpenChange={setEmoji}
                align="start"
                trigger={
                  <IconButton label={t("inbox.emoji")}>
                    <Smile size={16} aria-hidden />
                  </IconButton>
                }
              >
                <EmojiChoice
                  onChoose={(sign) => {
                    setEmoji(false);
                    insert(sign, caret, caret);
                  }}
                />
              </Popover>
              {!note && mayFiles && !callsOnly && <VoiceButton disabled={sending.busy} onRecorded={(file) => uploads.add([file], "voice")} />}
            </>
          )}
          {!note && !closed && abilities?.templates && (
            <IconButton label={t("inbox.template.title")} onClick={() => setTemplates(true)}>
              <LayoutTemplate size={16} aria-hidden />
            </IconButton>
          )}
          <span className="min-w-2 flex-1" />
          <Counted text={text} sms={line.channel === "sms" && !note} limit={note ? undefined : limit} />
          <WindowLeft detail={detail} show={!note && !closed} />
          {!note && !editing && !closed && <Schedule disabled={!can} onChoose={send} />}
          {!closed && (
            <Button variant="primary" shortcut="ctrl+enter" disabled={!can} busy={sending.busy} icon={<Send size={14} aria-hidden />} onClick={() => send()}>
              {editing ? t("common.save") : note ? t("inbox.note.add") : t("inbox.send")}
            </Button>
          )}
        </div>
      </div>
      {line.account_id && <TemplatesDialog open={templates} onOpenChange={setTemplates} account={line.account_id} contactName={titleOf(line)} onSend={sendTemplate} />}
      {sending.meanwhile && (
        <Dialog
          open
          onOpenChange={(open) => !open && sending.look()}
          title={t("inbox.meanwhile", { name: sending.meanwhile.name })}
          description={t("inbox.meanwhile.text")}
          size="md"
          footer={
            <>
              <Button onClick={sending.look}>{t("inbox.meanwhile.look")}</Button>
              <Button variant="primary" onClick={sending.anyway}>
                {t("inbox.meanwhile.anyway")}
              </Button>
            </>
          }
        >
          <Said title={sending.meanwhile.name}>{sending.meanwhile.theirs}</Said>
          <Said title={t("inbox.you")}>{sending.meanwhile.ours}</Said>
        </Dialog>
      )}
    </section>
  );
}

function Said({ title, children }: { title: string; children: ReactNode }) {
  return children ? (
    <div className="mb-3">
      <p className="text-xs text-ink-3">{title}</p>
      <p dir="auto" className="rounded-md bg-sunken px-3 py-2 text-md break-words whitespace-pre-wrap">
        {children}
      </p>
    </div>
  ) : null;
}

/** How long a text is, where that matters: parts of an SMS, signs that a provider takes. */
function Counted({ text, sms, limit }: { text: string; sms: boolean; limit: number | undefined }) {
  const t = useT();
  const length = [...text].length;
  if (sms && text !== "" && (limit === undefined || length <= limit)) {
    const { encoding, segments, left } = segmentsOf(text);
    return (
      <span className="num text-xs text-ink-3" data-segments={segments}>
        {t("inbox.sms.count", { left: String(left), n: segments, encoding })}
      </span>
    );
  }
  if (limit === undefined || length < limit * 0.8) return null;
  return <span className={cx("num text-xs", length > limit ? "font-semibold text-bad" : "text-ink-3")}>{`${String(length)} / ${String(limit)}`}</span>;
}

/** Until when one may still write freely. */
function WindowLeft({ detail, show }: { detail: ConversationDetail | undefined; show: boolean }) {
  const t = useT();
  const zone = useZone();
  const until = detail?.window.until;
  if (!show || !until) return null;
  return <span className="num text-xs text-ink-3 max-sm:hidden">{t("inbox.window.open", { at: formatDateTime(until, { weekday: "short", hour: "2-digit", minute: "2-digit", ...(zone ? { zone } : {}) }) })}</span>;
}

function Schedule({ disabled, onChoose }: { disabled: boolean; onChoose: (at: Date) => void }) {
  const t = useT();
  const zone = useZone();
  const [open, setOpen] = useState(false);
  const [now, setNow] = useState(() => new Date());
  const [own, setOwn] = useState("");
  const chosen = own ? new Date(own) : undefined;
  const choose = (at: Date) => {
    setOpen(false);
    onChoose(at);
  };
  return (
    <Popover
      label={t("inbox.schedule")}
      open={open}
      onOpenChange={(next) => {
        setNow(new Date());
        setOpen(next);
      }}
      align="end"
      className="w-[min(23rem,calc(100vw-1rem))]"
      trigger={
        <IconButton label={t("inbox.schedule")} disabled={disabled}>
          <CalendarClock size={16} aria-hidden />
        </IconButton>
      }
    >
      <div className="grid grid-cols-[minmax(0,1fr)] gap-1">
        {snoozeTimes(now).map(({ key, at }) => (
          <button key={key} type="button" onClick={() => choose(at)} className="flex min-h-8 items-center justify-between rounded-md px-2 text-md hover:bg-sunken">
            {t(`inbox.snooze.${key}`)}
            <span className="num text-sm text-ink-3">{formatDateTime(at, { weekday: "short", hour: "2-digit", minute: "2-digit", ...(zone ? { zone } : {}) })}</span>
          </button>
        ))}
        <div className="mt-1 flex items-end gap-2 border-t border-line pt-2">
          <Field label={t("inbox.snooze.own")} className="min-w-0 flex-1">
            <Input type="datetime-local" min={localInput(now)} value={own} onChange={(event) => setOwn(event.target.value)} />
          </Field>
          <Button disabled={!chosen || chosen <= now} onClick={() => chosen && choose(chosen)}>
            {t("inbox.schedule.do")}
          </Button>
        </div>
      </div>
    </Popover>
  );
}
