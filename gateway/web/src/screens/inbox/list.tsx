import { type Range, defaultRangeExtractor, useVirtualizer } from "@tanstack/react-virtual";
import { Inbox, SearchX } from "lucide-react";
import { type KeyboardEvent, useCallback, useEffect, useMemo, useState } from "react";
import { Button, EmptyState, ErrorState, Skeleton } from "@/design";
import { type TextKey, useT } from "@/i18n";
import type { Label } from "./api";
import type { Row } from "./core";
import type { Search } from "./filters";
import { RowView } from "./row";
import type { List } from "./store";

const ROW = 86;
const OVERSCAN = 10;

interface Props {
  list: List;
  search: Search;
  labels: ReadonlyMap<string, Label>;
  agentName: (id: string | null | undefined) => string | undefined;
  active: string | undefined;
  opened: string | undefined;
  selected: ReadonlySet<string>;
  /** Whether the agent of a line is worth its place. */
  showsAgent: boolean;
  onActive: (id: string) => void;
  onOpen: (id: string) => void;
  /** `through`: with all between it and the last one that was chosen. */
  onSelect: (id: string, through?: boolean) => void;
  onMore: () => void;
  onRetry: () => void;
  onNew: (() => void) | undefined;
  /** Looks for the same words everywhere; absent where that is done already. */
  onEverywhere: (() => void) | undefined;
}

/** The conversations, as many as there are: only those in sight are in the page. */
export function ListPane({ list, search, labels, agentName, active, opened, selected, showsAgent, onActive, onOpen, onSelect, onMore, onRetry, onNew, onEverywhere }: Props) {
  const t = useT();
  const { rows } = list;
  const [scroller, setScroller] = useState<HTMLDivElement | null>(null);
  const activeIndex = useMemo(() => Math.max(0, rows.findIndex((row) => row.line.id === (active ?? opened))), [rows, active, opened]);
  const withActive = useCallback(
    (range: Range) => {
      const drawn = defaultRangeExtractor(range);
      return activeIndex >= range.count || drawn.includes(activeIndex) ? drawn : [...drawn, activeIndex].sort((a, b) => a - b);
    },
    [activeIndex],
  );
  // Its functions change with what they say; nothing here is kept by them.
  // eslint-disable-next-line react-hooks/incompatible-library
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller, estimateSize: () => ROW, overscan: OVERSCAN, rangeExtractor: withActive, getItemKey: (index) => rows[index]?.line.id ?? index });
  const last = virtual.range?.endIndex ?? -1;
  useEffect(() => {
    if (list.more && last >= rows.length - OVERSCAN - 8) onMore();
  }, [last, rows.length, list.more, onMore]);
  useEffect(() => {
    if (active === undefined) return;
    virtual.scrollToIndex(activeIndex);
    // Only where the keys are at: whoever writes keeps the focus.
    // eslint-disable-next-line react-hooks/exhaustive-deps -- when another row is active, not when rows move
  }, [active]);

  const focus = (row: Row | undefined) => {
    if (!row) return;
    onActive(row.line.id);
    requestAnimationFrame(() => scroller?.querySelector<HTMLElement>(`[data-row="${CSS.escape(row.line.id)}"]`)?.focus({ preventScroll: true }));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.target as HTMLElement).hasAttribute("data-row")) return;
    const steps: Record<string, number> = { ArrowDown: activeIndex + 1, ArrowUp: activeIndex - 1, Home: 0, End: rows.length - 1, PageDown: activeIndex + 8, PageUp: activeIndex - 8 };
    const to = steps[event.key];
    const row = rows[activeIndex];
    if (to !== undefined) {
      event.preventDefault();
      focus(rows[Math.max(0, Math.min(rows.length - 1, to))]);
    } else if (event.key === "Enter" && row) {
      event.preventDefault();
      onOpen(row.line.id);
    } else if (event.key === " " && row) {
      event.preventDefault();
      onSelect(row.line.id);
    }
  };

  if (list.error && rows.length === 0) return <ErrorState error={list.error} onRetry={onRetry} />;
  if (list.loading && rows.length === 0) return <Loading />;
  if (rows.length === 0) return <Empty search={search} onNew={onNew} onEverywhere={onEverywhere} />;
  return (
    <div ref={setScroller} className="relative min-h-0 flex-1 overflow-auto">
      {/* Rows are focused one at a time, and the keys are theirs. */}
      {/* eslint-disable-next-line jsx-a11y/interactive-supports-focus */}
      <div role="grid" aria-label={t("inbox.list")} aria-rowcount={list.more ? -1 : rows.length} aria-multiselectable onKeyDown={onKeyDown} className="relative" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index];
          if (!row) return null;
          const { id } = row.line;
          return (
            // The grid above hears its keys.
            // eslint-disable-next-line jsx-a11y/click-events-have-key-events
            <div
              key={id}
              role="row"
              data-row={id}
              data-unread={row.unread || undefined}
              aria-rowindex={item.index + 1}
              aria-selected={selected.has(id)}
              aria-current={id === opened || undefined}
              tabIndex={item.index === activeIndex ? 0 : -1}
              onFocus={() => onActive(id)}
              onClick={(event) => (event.shiftKey || event.metaKey || event.ctrlKey ? onSelect(id, event.shiftKey) : onOpen(id))}
              // The second click of a range would mark the words between.
              onMouseDown={(event) => event.shiftKey && event.preventDefault()}
              className="absolute inset-x-0 cursor-pointer hover:bg-sunken focus-visible:-outline-offset-2"
              style={{ transform: `translateY(${String(item.start)}px)`, height: ROW }}
            >
              <div role="gridcell" className="h-full">
                <RowView row={row} labels={labels} agent={showsAgent ? agentName(row.line.agent_id) : undefined} open={id === opened} selected={selected.has(id)} choosing={selected.size > 0} onSelect={(through) => onSelect(id, through)} />
              </div>
            </div>
          );
        })}
      </div>
      {list.more && (
        <div className="p-3" aria-busy="true">
          {list.error ? <Button onClick={onRetry}>{t("common.retry")}</Button> : <Skeleton lines={2} height={16} />}
        </div>
      )}
    </div>
  );
}

function Loading() {
  const t = useT();
  return (
    <div role="status" aria-busy="true" aria-label={t("common.loading")} className="min-h-0 flex-1 overflow-hidden">
      {Array.from({ length: 9 }, (_, index) => (
        <div key={index} className="grid grid-cols-[34px_1fr] gap-2.5 border-b border-line px-3.5 py-3" style={{ height: ROW }}>
          <span className="size-[34px] animate-pulse rounded-full bg-sunken" />
          <Skeleton lines={2} width={`${String(50 + ((index * 23) % 40))}%`} />
        </div>
      ))}
    </div>
  );
}

function Empty({ search, onNew, onEverywhere }: { search: Search; onNew: (() => void) | undefined; onEverywhere: (() => void) | undefined }) {
  const t = useT();
  const narrowed = search.q ?? search.label ?? search.channel ?? search.queue ?? search.account ?? search.unread;
  if (narrowed !== undefined) return <EmptyState icon={<SearchX size={26} />} title={t("inbox.empty.found")} text={t("inbox.empty.found-text")} action={onEverywhere ? <Button onClick={onEverywhere}>{t("inbox.search.everywhere")}</Button> : undefined} />;
  const view = search.view ?? "mine";
  const key: TextKey = `inbox.empty.${view}`;
  return <EmptyState icon={<Inbox size={26} />} title={t(key)} text={t(`inbox.empty.${view}-text`)} action={onNew ? <Button onClick={onNew}>{t("inbox.new")}</Button> : undefined} />;
}
