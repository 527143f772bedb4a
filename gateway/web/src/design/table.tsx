import { tableFeatures, useTable } from "@tanstack/react-table";
import { type Range, defaultRangeExtractor, useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type ReactNode, useCallback, useEffect, useLayoutEffect, useMemo, useState } from "react";
import { usePreferences } from "@/app/preferences";
import { ErrorState, Skeleton } from "./feedback";
import { SOLID, type Tone, cx } from "./tone";

export interface Column<T> {
  id: string;
  header: string;
  cell: (row: T) => ReactNode;
  width?: number | string;
  align?: "start" | "end";
  numeric?: boolean;
  /** Left out when the table itself is narrower: 720, 960 or 1200 px. */
  hideBelow?: "sm" | "md" | "lg";
}

export interface DataTableProps<T> {
  columns: readonly Column<T>[];
  rows: readonly T[];
  rowKey: (row: T) => string;
  onOpen?: (row: T) => void;
  href?: (row: T) => string;
  empty?: ReactNode;
  loading?: boolean;
  error?: unknown;
  onRetry?: () => void;
  onEndReached?: () => void;
  label: string;
  selectedKey?: string;
  rowTone?: (row: T) => Tone | undefined;
  className?: string;
}

const NARROW = 640;
const FROM = { sm: 720, md: 960, lg: 1200 };
/** Pixels: comfortable, compact. */
const ROWS = [40, 32] as const;
const HEAD = 34;
const OVERSCAN = 12;
/** No feature of the library's is needed yet but its model of columns and rows. */
const FEATURES = tableFeatures({});

/**
 * Rows of anything, as many as there are: only those in sight are in the page. Keys move through it (`j`, `k`, arrows, Home, End; Enter opens), a
 * mouse clicks. In a narrow place each row is a card.
 */
export function DataTable<T extends object>(props: DataTableProps<T>) {
  const { columns, rows, rowKey, onOpen, href, empty, loading, error, onRetry, onEndReached, label, selectedKey, rowTone, className } = props;
  const [scroller, setScroller] = useState<HTMLDivElement | null>(null);
  const [width, setWidth] = useState(1000);
  const [active, setActive] = useState<string>();
  const narrow = width < NARROW;
  const rowHeight = ROWS[usePreferences().compact ? 1 : 0];
  useLayoutEffect(() => {
    if (!scroller) return;
    setWidth(scroller.clientWidth);
    const observer = new ResizeObserver(() => setWidth(scroller.clientWidth));
    observer.observe(scroller);
    return () => observer.disconnect();
  }, [scroller]);
  const seen = useMemo(() => columns.filter((one) => narrow || !one.hideBelow || width >= FROM[one.hideBelow]), [columns, narrow, width]);
  const template = seen.map((one) => (typeof one.width === "number" ? `${String(one.width)}px` : (one.width ?? "minmax(0, 1fr)"))).join(" ");
  const keyAt = useCallback((index: number) => {
    const row = rows[index];
    return row ? rowKey(row) : index;
  }, [rows, rowKey]);
  const wanted = active ?? selectedKey;
  const activeIndex = useMemo(() => (wanted === undefined ? 0 : Math.max(0, rows.findIndex((row) => rowKey(row) === wanted))), [rows, rowKey, wanted]);
  // The row that the keys are at stays in the page when it is scrolled out of sight: the focus must not be lost with it, nor the way back in.
  const withActive = useCallback(
    (range: Range) => {
      const drawn = defaultRangeExtractor(range);
      return activeIndex >= range.count || drawn.includes(activeIndex) ? drawn : [...drawn, activeIndex].sort((a, b) => a - b);
    },
    [activeIndex],
  );
  // Its functions change with what they say; nothing here is kept by them.
  // eslint-disable-next-line react-hooks/incompatible-library
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller,
    estimateSize: () => (narrow ? 96 : rowHeight),
    overscan: OVERSCAN,
    rangeExtractor: withActive,
    // A card's height goes with its row. Where all are of one height, a row that comes in on top changes nothing beneath it.
    ...(narrow ? { getItemKey: keyAt } : { scrollPaddingStart: HEAD }),
  });
  useLayoutEffect(() => virtual.measure(), [virtual, rowHeight]);
  const items = virtual.getVirtualItems();
  const last = virtual.range?.endIndex ?? -1;
  // Of ten thousand rows only those in sight are put through the table: it makes all of its own anew whenever one has changed.
  const sight = useMemo(() => items.flatMap(({ index }) => rows[index] ?? []), [rows, items]);
  const table = useTable({
    features: FEATURES,
    data: sight,
    columns: useMemo(() => seen.map((one) => ({ id: one.id, header: one.header, cell: ({ row }: { row: { original: T } }) => one.cell(row.original) })), [seen]),
    getRowId: rowKey,
  });
  const model = table.getRowModel().rows;
  useEffect(() => {
    if (onEndReached && rows.length > 0 && last >= rows.length - OVERSCAN - 8) onEndReached();
  }, [last, rows.length, onEndReached]);

  const move = (to: number) => {
    const index = Math.max(0, Math.min(rows.length - 1, to));
    const row = rows[index];
    if (!row) return;
    const key = rowKey(row);
    setActive(key);
    virtual.scrollToIndex(index);
    // The row may have to be drawn first.
    requestAnimationFrame(() => scroller?.querySelector<HTMLElement>(`[data-row="${CSS.escape(key)}"]`)?.focus({ preventScroll: true }));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.target as HTMLElement).hasAttribute("data-row")) return;
    const steps: Record<string, number> = { j: activeIndex + 1, ArrowDown: activeIndex + 1, k: activeIndex - 1, ArrowUp: activeIndex - 1, Home: 0, End: rows.length - 1, PageDown: activeIndex + 15, PageUp: activeIndex - 15 };
    const to = steps[event.key];
    if (to !== undefined) {
      event.preventDefault();
      move(to);
    } else if (event.key === "Enter") {
      const row = rows[activeIndex];
      if (row && onOpen) {
        event.preventDefault();
        onOpen(row);
      }
    }
  };

  if (error && rows.length === 0) return <ErrorState error={error} onRetry={onRetry} />;
  if (!loading && rows.length === 0) return <>{empty}</>;
  return (
    <div ref={setScroller} className={cx("h-full min-h-0 overflow-auto bg-surface", className)}>
      {/* Rows are focused one at a time, and the keys are theirs. */}
      {/* eslint-disable-next-line jsx-a11y/interactive-supports-focus */}
      <div role="grid" aria-label={label} aria-rowcount={rows.length + 1} aria-busy={loading ? true : undefined} onKeyDown={onKeyDown} className="text-md">
        <div role="rowgroup" className={cx("sticky top-0 z-10 border-b border-line bg-surface", narrow && "sr-only")}>
          <div role="row" aria-rowindex={1} className="grid items-center gap-3 px-4" style={{ gridTemplateColumns: template, height: HEAD }}>
            {seen.map((one) => (
              <div key={one.id} role="columnheader" className={cx("truncate text-sm font-medium text-ink-3", (one.align === "end" || one.numeric) && "text-end")}>
                {one.header}
              </div>
            ))}
          </div>
        </div>
        {loading && rows.length === 0 ? (
          <div role="rowgroup">
            {Array.from({ length: 8 }, (_, row) => (
              <div key={row} role="row" className="flex items-center gap-3 border-b border-line px-4" style={{ height: rowHeight }}>
                {(narrow ? seen.slice(0, 1) : seen).map((one) => (
                  <div key={one.id} role="gridcell" className="flex-1">
                    <Skeleton width={`${String(45 + ((row * 17 + one.id.length * 11) % 45))}%`} />
                  </div>
                ))}
              </div>
            ))}
          </div>
        ) : (
          <div role="rowgroup" className="relative" style={{ height: virtual.getTotalSize() }}>
            {items.map((item, place) => {
              const row = model[place];
              if (!row) return null;
              const tone = rowTone?.(row.original);
              const chosen = row.id === selectedKey;
              return (
                // The grid above hears its keys.
                // eslint-disable-next-line jsx-a11y/click-events-have-key-events
                <div
                  key={row.id}
                  ref={narrow ? virtual.measureElement : undefined}
                  data-index={item.index}
                  data-row={row.id}
                  role="row"
                  aria-rowindex={item.index + 2}
                  aria-selected={chosen || undefined}
                  tabIndex={item.index === activeIndex ? 0 : -1}
                  onFocus={() => setActive(row.id)}
                  onClick={(event) => {
                    const target = event.target as HTMLElement;
                    // What opens from a row (a menu, a question) is not in it, and is nothing of its own click.
                    if (!event.currentTarget.contains(target) || target.closest("a, button, input")) return;
                    if (href && (event.metaKey || event.ctrlKey)) window.open(href(row.original), "_blank", "noopener");
                    else onOpen?.(row.original);
                  }}
                  className={cx(
                    "absolute inset-x-0 border-b border-line hover:bg-sunken focus-visible:-outline-offset-2",
                    narrow ? "grid gap-1 px-3 py-2.5" : "grid items-center gap-3 px-4",
                    onOpen && "cursor-pointer",
                    chosen && "bg-accent-soft",
                  )}
                  style={{ transform: `translateY(${String(item.start)}px)`, ...(narrow ? {} : { gridTemplateColumns: template, height: rowHeight }) }}
                >
                  {tone && <span aria-hidden className={cx("absolute inset-y-0 start-0 w-0.5", SOLID[tone])} />}
                  {row.getAllCells().map((cell, index) => {
                    const column = seen[index];
                    if (!column) return null;
                    return (
                      <div key={cell.id} role="gridcell" className={cx("min-w-0", narrow ? (index === 0 ? "font-medium" : "flex gap-2") : "truncate", !narrow && (column.align === "end" || column.numeric) && "text-end", column.numeric && "num")}>
                        {narrow && index > 0 && column.header && <span className="w-24 shrink-0 text-sm text-ink-2">{column.header}</span>}
                        {column.cell(row.original)}
                      </div>
                    );
                  })}
                </div>
              );
            })}
          </div>
        )}
      </div>
    </div>
  );
}
