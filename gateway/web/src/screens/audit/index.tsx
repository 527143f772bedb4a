import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Download, RefreshCw, ScrollText, Search, SearchX, X } from "lucide-react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { api, body, useCan } from "@/api";
import { useShortcut } from "@/app/commands";
import { Button, type Column, DataTable, EmptyState, IconButton, Input, Menu, PageHeader, RelativeTime, Select, toast } from "@/design";
import { useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { EntrySheet } from "./entry-sheet";
import { type ExportFormat, saveAs } from "./export";
import { AREAS, type Filters, fromSearch, isFiltered } from "./filters";
import { type Entry, actionText, actorText } from "./words";

const PAGE = 100;
/** Long enough for the next letter, too short to be waited for. */
const PAUSE_MS = 300;
const EVERYTHING = "all";
const rowKey = (entry: Entry) => String(entry.seq);

/** Who did what to which record, from where. */
export default function Audit() {
  const t = useT();
  const navigate = useNavigate();
  const search: Record<string, unknown> = useSearch({ strict: false });
  const filters = useMemo(() => fromSearch(search), [search]);
  const mayRead = useCan("audit:read");
  const [opened, setOpened] = useState<Entry>();
  const go = useCallback((next: Filters) => void navigate({ to: "/audit", search: next as never, replace: true }), [navigate]);
  const list = useInfiniteQuery({
    queryKey: ["audit", filters],
    queryFn: ({ pageParam, signal }) => body(api.GET("/api/v1/audit", { params: { query: { ...filters, limit: PAGE, ...(pageParam ? { cursor: pageParam } : {}) } }, signal })),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    enabled: mayRead,
  });
  const { hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage } = list;
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage && !isFetchNextPageError) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage]);
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  const columns = useMemo<Column<Entry>[]>(
    () => [
      { id: "action", header: t("audit.field.action"), width: "minmax(160px, 1.2fr)", cell: (entry) => <span className="truncate font-medium">{actionText(entry.action)}</span> },
      { id: "actor", header: t("audit.field.actor"), width: "minmax(120px, 1fr)", cell: (entry) => <span className="truncate">{actorText(entry)}</span> },
      { id: "subject", header: t("audit.field.subject"), width: "minmax(120px, 1fr)", cell: (entry) => <span className="truncate text-ink-2">{entry.subject.name ?? entry.subject.type}</span> },
      { id: "address", header: t("audit.field.address"), width: 150, hideBelow: "md", cell: (entry) => <span className="num truncate text-ink-2">{entry.address ?? "–"}</span> },
      { id: "at", header: t("audit.field.at"), width: 120, align: "end", cell: (entry) => <RelativeTime at={entry.at} /> },
    ],
    [t],
  );
  const filtered = isFiltered(filters);
  return (
    <div className="flex h-full min-h-0 flex-col">
      <PageHeader
        title={t("common.nav.audit")}
        description={t("audit.about")}
        actions={
          <>
            <IconButton label={t("audit.refresh")} onClick={() => void list.refetch()}>
              <RefreshCw size={15} aria-hidden />
            </IconButton>
            <Export filters={filters} />
          </>
        }
        tabs={
          <div role="search" className="flex flex-wrap items-center gap-2 pb-3">
            <SearchText key={filters.q ?? ""} value={filters.q ?? ""} onChange={(q) => go({ ...without(filters, "q"), ...(q ? { q } : {}) })} />
            <Select
              aria-label={t("audit.area")}
              className="w-48"
              value={AREAS.find((area) => area === filters.action) ?? EVERYTHING}
              onValueChange={(area) => go({ ...without(filters, "action"), ...(area === EVERYTHING ? {} : { action: area }) })}
              options={[{ value: EVERYTHING, label: t("audit.area.all") }, ...AREAS.map((area) => ({ value: area, label: t(`audit.area.${area.slice(0, -1) as "user"}`) }))]}
            />
            {(["actor", "subject"] as const).map(
              (name) =>
                filters[name] && (
                  <Button key={name} size="sm" icon={<X size={14} aria-hidden />} onClick={() => go(without(filters, name))}>
                    {t(`audit.only.${name}`)}
                  </Button>
                ),
            )}
          </div>
        }
      />
      <div className="min-h-0 flex-1">
        <DataTable
          label={t("common.nav.audit")}
          columns={columns}
          rows={rows}
          rowKey={rowKey}
          onOpen={setOpened}
          {...(opened ? { selectedKey: rowKey(opened) } : {})}
          loading={list.isPending}
          error={list.error}
          onRetry={() => void list.refetch()}
          onEndReached={more}
          empty={
            filtered ? (
              <EmptyState icon={<SearchX size={28} aria-hidden />} title={t("audit.none-such")} action={<Button onClick={() => go({})}>{t("audit.clear")}</Button>} />
            ) : (
              <EmptyState icon={<ScrollText size={28} aria-hidden />} title={t("audit.none")} text={t("audit.none-text")} />
            )
          }
        />
      </div>
      <EntrySheet
        entry={opened}
        onClose={() => setOpened(undefined)}
        onActor={(actor) => {
          setOpened(undefined);
          go({ ...filters, actor });
        }}
        onSubject={(subject) => {
          setOpened(undefined);
          go({ ...filters, subject });
        }}
      />
    </div>
  );
}

function without(filters: Filters, name: keyof Filters): Filters {
  return Object.fromEntries(Object.entries(filters).filter(([key]) => key !== name));
}

function Export({ filters }: { filters: Filters }) {
  const t = useT();
  const [busy, setBusy] = useState(false);
  const save = (format: ExportFormat) => {
    setBusy(true);
    saveAs(format, filters)
      .catch((error: unknown) => toast({ title: t("audit.export-failed"), description: problemText(error), tone: "bad" }))
      .finally(() => setBusy(false));
  };
  return (
    <Menu
      label={t("audit.export")}
      trigger={
        <Button icon={<Download size={15} aria-hidden />} busy={busy}>
          {t("audit.export")}
        </Button>
      }
      items={[
        { label: t("audit.export-csv"), onSelect: () => save("csv") },
        { label: t("audit.export-jsonl"), onSelect: () => save("jsonl") },
      ]}
    />
  );
}

/** `/` leads to it, Escape empties it. Drawn anew when the text changes elsewhere. */
function SearchText({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const t = useT();
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(value);
  const report = useRef(onChange);
  useEffect(() => {
    report.current = onChange;
  });
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => report.current(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text, value]);
  useShortcut("/", () => input.current?.focus(), { title: t("audit.search") });
  return (
    <div className="relative min-w-40 flex-1 basis-40 sm:max-w-80">
      <Search size={15} aria-hidden className="pointer-events-none absolute top-1/2 start-2.5 -translate-y-1/2 text-ink-3" />
      <Input
        ref={input}
        type="search"
        autoComplete="off"
        spellCheck={false}
        maxLength={100}
        className="w-full ps-8"
        aria-label={t("audit.search")}
        placeholder={t("audit.search-placeholder")}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") setText("");
          else if (event.key === "Enter") onChange(text);
        }}
      />
    </div>
  );
}
