import { useNavigate } from "@tanstack/react-router";
import { PhoneIncoming, SearchX } from "lucide-react";
import { useCallback, useRef } from "react";
import { useCan } from "@/api";
import { useShortcut } from "@/app/commands";
import { Banner, Button, DataTable, EmptyState, PageHeader, Skeleton } from "@/design";
import { useT } from "@/i18n";
import { type LiveCall, useCallHistory, useLiveReady, useRunningCalls } from "@/live";
import { standing } from "./call-words";
import { useColumns } from "./columns";
import { FilterBar } from "./filter-bar";
import { isFiltered } from "./filters";
import { useScrollPlace } from "./scroll-place";
import { TestCallButton } from "../test-call";
import { useFilters } from "./use-filters";

const rowKey = (call: LiveCall) => call.id;
const href = (call: LiveCall) => `/calls/${call.id}`;
const rowTone = (call: LiveCall) => (call.state === "ended" ? undefined : standing(call).tone);

/** Into the list, where its own keys go on. */
function toRows() {
  document.querySelector<HTMLElement>('[data-calls] [data-row][tabindex="0"]')?.focus();
}

/** Every call: what runs on top, with its timers, the history beneath. */
export default function Calls() {
  const t = useT();
  const navigate = useNavigate();
  const inUse = useFilters();
  const columns = useColumns();
  const { rows: shown, isPending, error, refetch, fetchNextPage, hasNextPage, isFetchingNextPage, isFetchNextPageError } = useCallHistory(inUse.query);
  const more = useCallback(() => {
    // What failed is not tried again by scrolling, but by the button that says so.
    if (hasNextPage && !isFetchingNextPage && !isFetchNextPageError) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage]);
  const list = useRef<HTMLDivElement>(null);
  const keepPlace = useScrollPlace(list, JSON.stringify(inUse.query), shown.length > 0);
  const open = useCallback((call: LiveCall) => void navigate({ to: "/calls/$callId", params: { callId: call.id } }), [navigate]);
  useShortcut("j", toRows, { title: t("calls.shortcut.rows") });
  const mayTest = useCan("calls:test");
  const filtered = isFiltered(inUse.filters);
  const empty = filtered ? (
    <EmptyState
      icon={<SearchX size={28} aria-hidden />}
      title={t("calls.empty.filtered")}
      text={t("calls.empty.filtered-text")}
      action={<Button onClick={inUse.clear}>{t("calls.filter.clear")}</Button>}
    />
  ) : (
    <EmptyState icon={<PhoneIncoming size={28} aria-hidden />} title={t("calls.empty.title")} text={mayTest ? t("calls.empty.text") : t("calls.empty.text-plain")} action={<TestCallButton variant="primary" />} />
  );
  return (
    <div className="flex h-full min-h-0 flex-col">
      <PageHeader title={t("calls.title")} description={<Running />} actions={shown.length > 0 && <TestCallButton />} tabs={<FilterBar {...inUse} />} />
      {error && shown.length > 0 && (
        <Banner
          tone="bad"
          action={
            <Button size="sm" onClick={() => void (isFetchNextPageError ? fetchNextPage() : refetch())}>
              {t("common.retry")}
            </Button>
          }
        >
          {isFetchNextPageError ? t("calls.more-failed") : t("calls.history-failed")}
        </Banner>
      )}
      <div ref={list} onScrollCapture={keepPlace} className="min-h-0 flex-1" data-calls={shown.length}>
        <DataTable
          label={t("calls.title")}
          columns={columns}
          rows={shown}
          rowKey={rowKey}
          href={href}
          onOpen={open}
          rowTone={rowTone}
          loading={isPending}
          error={shown.length === 0 ? error : undefined}
          onRetry={() => void refetch()}
          onEndReached={more}
          empty={empty}
        />
      </div>
    </div>
  );
}

/** How much goes on now, whatever the filters. */
function Running() {
  const t = useT();
  const ready = useLiveReady();
  const running = useRunningCalls();
  const waiting = running.filter((call) => call.state !== "active").length;
  if (!ready) return <Skeleton width={120} height={18} />;
  if (running.length === 0) return <>{t("calls.summary.none")}</>;
  return (
    <span className="num">
      {t("calls.summary.talking", { n: running.length - waiting })} · {t("calls.summary.waiting", { n: waiting })}
    </span>
  );
}
