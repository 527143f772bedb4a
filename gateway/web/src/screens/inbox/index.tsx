import { useNavigate, useSearch } from "@tanstack/react-router";
import { Mail, MessagesSquare, PenSquare } from "lucide-react";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { Problem, useCan, useMe } from "@/api";
import { onceOpened } from "@/app/once-opened";
import { EmptyState, ErrorState, IconButton, Sheet, Skeleton, cx } from "@/design";
import { useT } from "@/i18n";
import { carryOut, deeds, markRead, useById } from "./actions";
import { BulkBar } from "./bulk-bar";
import type { ComposerHandle } from "./composer";
import { useFreshTools, useLabels, useNames, useViews } from "./data";
import { type Asked, Dialogs } from "./dialogs";
import { type Search, filterOf, rangeOf, searchOf, without } from "./filters";
import { useKeys } from "./keys";
import { ListPane } from "./list";
import { PersonPane } from "./person";
import { SearchBox } from "./search-box";
import { inbox, useList, useRow } from "./store";
import { ThreadPane, useDetail } from "./thread-pane";
import { ViewsBar, ViewsPane } from "./views";
import { titleOf } from "./words";

const NewConversation = onceOpened(async () => (await import("./new-conversation")).NewConversation);

/** Pixels of the screen's own place: all panes, or list and thread, or one at a time. */
const ALL = 1060;
const PERSON = 1240;
const TWO = 680;
const NONE: ReadonlySet<string> = new Set();

export default function InboxScreen() {
  const me = useMe();
  const may = useCan("conversations:read");
  if (!me) {
    return (
      <div aria-busy="true" className="p-5">
        <Skeleton lines={6} height={22} />
      </div>
    );
  }
  if (!may) return <ErrorState error={new Problem({ status: 403, code: "forbidden" })} />;
  return <Inbox self={me.user.id} />;
}

function Inbox({ self }: { self: string }) {
  const t = useT();
  useFreshTools();
  const navigate = useNavigate();
  const raw = useSearch({ strict: false });
  const search = useMemo(() => searchOf(raw as Record<string, unknown>), [raw]);
  const views = useViews();
  const saved = views.find((one) => one.id === search.saved)?.filter;
  const filter = useMemo(() => filterOf(search, saved), [search, saved]);
  const list = useList(filter, self);
  const labels = useById(useLabels());
  const names = useNames();
  const mayWrite = useCan("conversations:write");
  const composer = useRef<ComposerHandle>(null);
  const frame = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(1400);
  const [active, setActive] = useState<string>();
  const [selected, setSelected] = useState<ReadonlySet<string>>(NONE);
  const [asked, setAsked] = useState<Asked>();
  const [creating, setCreating] = useState(false);
  const [personWanted, setPersonWanted] = useState<boolean>();
  const opened = search.c;
  const { rows } = list;

  useLayoutEffect(() => {
    const element = frame.current;
    if (!element || typeof ResizeObserver === "undefined") return;
    setWidth(element.clientWidth || 1400);
    const observer = new ResizeObserver(() => setWidth(element.clientWidth || 1400));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const [hasViews, hasPerson, two] = [width >= ALL, width >= PERSON, width >= TWO];
  const personShown = personWanted ?? hasPerson;

  const go = useCallback((next: Search, replace = false) => void navigate({ to: "/inbox", search: next as Record<string, unknown>, replace }), [navigate]);
  const narrow = (next: Search) => {
    setSelected(NONE);
    go({ ...next, ...(opened && next.c === undefined && two ? { c: opened } : {}) });
  };
  const open = useCallback(
    (id: string) => {
      setActive(id);
      setPersonWanted((wanted) => (wanted && !hasPerson ? undefined : wanted));
      go({ ...search, c: id });
    },
    [go, search, hasPerson],
  );
  const close = () => {
    go(without(search, "c"));
  };
  /** The one that was chosen last: a range begins there. */
  const from = useRef<string>(undefined);
  const select = useCallback(
    (id: string, through?: boolean) => {
      const between = through ? rangeOf(rows.map((row) => row.line.id), from.current, id) : [];
      from.current = id;
      setSelected((all) => {
        const next = new Set([...all, ...between]);
        if (between.length === 0 && !next.delete(id)) next.add(id);
        return next;
      });
    },
    [rows],
  );
  const selectAll = () => setSelected(new Set(rows.map((row) => row.line.id)));
  const onlyUnread = () => narrow(search.unread ? without(search, "unread") : { ...search, unread: true });
  /** What the keys are about: those that are chosen, or the one that is open, or the one that the keys are at. */
  const targets = useMemo(() => (selected.size > 0 ? [...selected] : opened ? [opened] : active ? [active] : []), [selected, opened, active]);
  /** It leaves the list: the next one is opened in its place. */
  const gone = () => {
    if (selected.size > 0) {
      setSelected(NONE);
      return;
    }
    const here = rows.findIndex((row) => row.line.id === (opened ?? active));
    const next = rows[here + 1] ?? rows[here - 1];
    if (here < 0 || !next) {
      if (!two) close();
      return;
    }
    setActive(next.line.id);
    if (opened && two) go({ ...search, c: next.line.id }, true);
    else if (opened) close();
  };
  const move = (step: 1 | -1) => {
    const here = rows.findIndex((row) => row.line.id === (active ?? opened));
    const next = rows[here < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, here + step))];
    if (!next) return;
    setActive(next.line.id);
    requestAnimationFrame(() => frame.current?.querySelector<HTMLElement>(`[data-row="${CSS.escape(next.line.id)}"]`)?.focus({ preventScroll: true }));
  };
  const acts = mayWrite && targets.length > 0;
  useKeys({
    acts,
    canReply: mayWrite && opened !== undefined,
    move,
    open: () => active && open(active),
    select: () => {
      const id = active ?? opened;
      if (id) select(id);
    },
    resolve: () => {
      const ids = targets;
      const all = ids.every((id) => inbox.core.row(id)?.line.state === "resolved");
      if (!all) gone();
      void carryOut(all ? deeds.reopen() : deeds.resolve(), ids);
    },
    reply: (tab) => composer.current?.focus(tab),
    ask: setAsked,
    unread: () => {
      const ids = targets;
      // Who leaves it open would have read it again at once.
      if (opened && ids.includes(opened)) close();
      void markRead(ids, true);
    },
    onlyUnread,
    selectAll: () => mayWrite && selectAll(),
    leave: () => {
      if (selected.size > 0) setSelected(NONE);
      else if (opened) close();
    },
    create: mayWrite ? () => setCreating(true) : undefined,
  });
  // What is chosen and not there any more is not chosen any more.
  const here = useMemo(() => new Set(rows.map((row) => row.line.id)), [rows]);
  const chosen = useMemo(() => new Set([...selected].filter((id) => here.has(id))), [selected, here]);

  const showsList = two || !opened;
  const showsThread = two || opened !== undefined;
  const onNew = mayWrite ? () => setCreating(true) : undefined;
  return (
    <div ref={frame} className={cx("grid h-full min-h-0 grid-rows-[minmax(0,1fr)]", hasViews ? (personShown && hasPerson && opened ? "grid-cols-[208px_minmax(280px,348px)_minmax(0,1fr)_300px]" : "grid-cols-[208px_minmax(280px,348px)_minmax(0,1fr)]") : two ? "grid-cols-[minmax(260px,320px)_minmax(0,1fr)]" : "grid-cols-1")}>
      {hasViews && <ViewsPane search={search} filter={filter} onSearch={narrow} />}
      {showsList && (
        <section aria-label={t("inbox.list")} className="flex min-h-0 min-w-0 flex-col border-e border-line bg-surface">
          <div className="grid gap-2 border-b border-line p-2.5">
            <div className="flex items-center gap-1.5">
              {!opened && <h1 className="sr-only">{t("common.nav.inbox")}</h1>}
              <div className="min-w-0 flex-1">
                <SearchBox
                  value={search.q ?? ""}
                  onChange={(q) => {
                    const rest = without(search, "q");
                    go(q.trim() === "" ? rest : { ...rest, q: q.trim() }, true);
                  }}
                />
              </div>
              <IconButton label={t("inbox.only-unread")} shortcut="shift+u" variant="secondary" pressed={search.unread === true} onClick={onlyUnread}>
                <Mail size={15} aria-hidden />
              </IconButton>
              {onNew && (
                <IconButton label={t("inbox.new")} variant="secondary" onClick={onNew}>
                  <PenSquare size={15} aria-hidden />
                </IconButton>
              )}
            </div>
            {!hasViews && <ViewsBar search={search} filter={filter} onSearch={narrow} />}
          </div>
          {chosen.size > 0 && mayWrite && <BulkBar ids={[...chosen]} onAll={chosen.size < rows.length ? selectAll : undefined} onAsk={setAsked} onDone={() => setSelected(NONE)} />}
          <ListPane
            list={list}
            search={search}
            labels={labels}
            agentName={names.agent}
            active={active}
            opened={opened}
            selected={chosen}
            showsAgent={!filter.mine}
            onActive={setActive}
            onOpen={open}
            onSelect={select}
            onMore={() => inbox.more(filter)}
            onRetry={() => inbox.retry(filter)}
            onNew={onNew}
            onEverywhere={search.q && Object.keys(without(search, "q", "c")).length > 0 ? () => narrow({ q: search.q ?? "" }) : undefined}
          />
        </section>
      )}
      {showsThread &&
        (opened ? (
          <div className="flex min-h-0 min-w-0">
            <ThreadPane key={opened} id={opened} self={self} composer={composer} onBack={two ? undefined : close} onPerson={() => setPersonWanted(!personShown)} personShown={personShown} onAsk={setAsked} onGone={gone} onLeave={() => focusRow(frame.current, opened)} />
          </div>
        ) : (
          <EmptyState className="self-center" icon={<MessagesSquare size={30} />} title={t("inbox.choose")} text={t("inbox.choose.text")} />
        ))}
      {opened && <PersonPlace key={`person-${opened}`} id={opened} shown={personShown} inline={hasPerson} onClose={() => setPersonWanted(false)} onOpen={open} />}
      <Dialogs what={asked} ids={targets} self={self} onClose={() => setAsked(undefined)} onGone={gone} />
      <NewConversation
        open={creating}
        onOpenChange={setCreating}
        onBegun={(id) => {
          setCreating(false);
          open(id);
        }}
      />
      <Title name={opened} />
    </div>
  );
}

function focusRow(frame: HTMLElement | null, id: string): void {
  const row = frame?.querySelector<HTMLElement>(`[data-row="${CSS.escape(id)}"]`);
  if (row) row.focus({ preventScroll: true });
  else if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
}

function PersonPlace({ id, shown, inline, onClose, onOpen }: { id: string; shown: boolean; inline: boolean; onClose: () => void; onOpen: (id: string) => void }) {
  const t = useT();
  const row = useRow(id);
  const { data: detail } = useDetail(id);
  const line = row?.line ?? detail;
  if (!line) return inline && shown ? <aside aria-busy="true" className="border-s border-line bg-surface p-4"><Skeleton lines={6} /></aside> : null;
  if (inline) {
    return shown ? (
      <aside aria-label={t("inbox.person")} className="relative min-h-0 overflow-auto border-s border-line bg-surface">
        <PersonPane line={line} detail={detail} onOpen={onOpen} />
      </aside>
    ) : null;
  }
  return (
    <Sheet open={shown} onOpenChange={(open) => !open && onClose()} title={titleOf(line)}>
      <PersonPane line={line} detail={detail} onOpen={onOpen} />
    </Sheet>
  );
}

/** The window's title says with whom one speaks. */
function Title({ name }: { name: string | undefined }) {
  const row = useRow(name);
  const words = row ? titleOf(row.line) : undefined;
  useEffect(() => {
    if (words === undefined) return;
    const before = document.title;
    document.title = `${words} · ${before}`;
    return () => {
      document.title = before;
    };
  }, [words]);
  return null;
}
