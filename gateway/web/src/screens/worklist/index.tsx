import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { PhoneMissed, Voicemail as VoicemailMark } from "lucide-react";
import { useCallback, useMemo } from "react";
import { Button, EmptyState, ErrorState, PageHeader, SegmentedControl, Select, Skeleton, Switch, Tabs } from "@/design";
import { useT } from "@/i18n";
import { useQueues } from "@/live";
import { useFreshWorklist, useWorklistCounts, worklistApi } from "./api";
import { CallbackRow } from "./callback-row";
import { VoicemailRow } from "./voicemail-row";

type What = "calls" | "voicemails";
interface Asked {
  readonly what: What;
  readonly state: "open" | "done";
  readonly queue: string | undefined;
  readonly mine: boolean;
}

const ALL = "all";

function useAsked(): readonly [Asked, (change: Partial<Asked>) => void] {
  const navigate = useNavigate();
  const search: Record<string, unknown> = useSearch({ strict: false });
  const asked = useMemo<Asked>(
    () => ({
      what: search.what === "voicemails" ? "voicemails" : "calls",
      state: search.state === "done" ? "done" : "open",
      queue: typeof search.queue === "string" ? search.queue : undefined,
      mine: search.mine === true || search.mine === "true",
    }),
    [search.what, search.state, search.queue, search.mine],
  );
  const change = useCallback(
    (to: Partial<Asked>) => {
      const next = { ...asked, ...to };
      const kept = { ...(next.what === "voicemails" ? { what: next.what } : {}), ...(next.state === "done" ? { state: next.state } : {}), ...(next.queue ? { queue: next.queue } : {}), ...(next.mine ? { mine: true } : {}) };
      void navigate({ to: "/worklist", search: kept as never, replace: true });
    },
    [asked, navigate],
  );
  return [asked, change];
}

/** Who is to be called back, and what callers left: each with what is done about it. */
export default function Worklist() {
  const t = useT();
  const [asked, change] = useAsked();
  const counts = useWorklistCounts();
  const queues = useQueues();
  useFreshWorklist(["worklist", "list"]);
  return (
    <div className="flex h-full min-h-0 flex-col">
      <PageHeader
        title={t("common.nav.worklist")}
        description={t("worklist.about")}
        tabs={
          <Tabs
            value={asked.what}
            onValueChange={(value) => change({ what: value === "voicemails" ? "voicemails" : "calls" })}
            tabs={[
              { value: "calls", label: t("worklist.calls"), ...(counts ? { count: counts.open } : {}) },
              { value: "voicemails", label: t("worklist.voicemails"), ...(counts ? { count: counts.voicemails } : {}) },
            ]}
          />
        }
      />
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-line px-4 py-2">
        <SegmentedControl
          label={t("worklist.which")}
          value={asked.state}
          onValueChange={(value) => change({ state: value === "done" ? "done" : "open" })}
          options={[
            { value: "open", label: t("worklist.open") },
            { value: "done", label: t("worklist.over") },
          ]}
        />
        <Select
          aria-label={t("worklist.queue")}
          className="w-48"
          value={asked.queue ?? ALL}
          onValueChange={(value) => change({ queue: value === ALL ? undefined : value })}
          options={[{ value: ALL, label: t("worklist.all-queues") }, ...queues.map(({ id, name }) => ({ value: id, label: name }))]}
        />
        {asked.what === "calls" && (
          <Switch checked={asked.mine} onCheckedChange={(mine) => change({ mine })} label={t("worklist.mine")} />
        )}
      </div>
      <div className="min-h-0 flex-1 overflow-y-auto" data-worklist={asked.what}>
        {asked.what === "calls" ? <Callbacks asked={asked} /> : <Voicemails asked={asked} />}
      </div>
    </div>
  );
}

function query({ state, queue, mine }: Asked) {
  return { state, queue_id: queue, mine: mine ? "true" : undefined };
}

function Callbacks({ asked }: { asked: Asked }) {
  const t = useT();
  const list = useInfiniteQuery({
    queryKey: ["worklist", "list", "calls", query(asked)],
    queryFn: ({ pageParam, signal }) => worklistApi.callbacks({ ...query(asked), cursor: pageParam }, signal),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const rows = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <List label={t("worklist.calls")} list={list} empty={<EmptyState icon={<PhoneMissed size={28} aria-hidden />} title={t(asked.state === "open" ? "worklist.none" : "worklist.none-over")} text={t("worklist.none-text")} />}>
      {rows.map((row) => (
        <CallbackRow key={row.id} row={row} />
      ))}
    </List>
  );
}

function Voicemails({ asked }: { asked: Asked }) {
  const t = useT();
  const wanted = { state: asked.state, queue_id: asked.queue };
  const list = useInfiniteQuery({
    queryKey: ["worklist", "list", "voicemails", wanted],
    queryFn: ({ pageParam, signal }) => worklistApi.voicemails({ ...wanted, cursor: pageParam }, signal),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const rows = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <List label={t("worklist.voicemails")} list={list} empty={<EmptyState icon={<VoicemailMark size={28} aria-hidden />} title={t("worklist.no-voicemails")} text={t("worklist.no-voicemails-text")} />}>
      {rows.map((row) => (
        <VoicemailRow key={row.id} row={row} />
      ))}
    </List>
  );
}

interface Listed {
  readonly isPending: boolean;
  readonly error: unknown;
  readonly hasNextPage: boolean;
  readonly isFetchingNextPage: boolean;
  readonly refetch: () => unknown;
  readonly fetchNextPage: () => unknown;
}

function List({ label, list, empty, children }: { label: string; list: Listed; empty: React.ReactNode; children: readonly React.ReactNode[] }) {
  const t = useT();
  if (list.isPending) {
    return (
      <div aria-busy="true" className="p-4">
        <Skeleton lines={6} />
      </div>
    );
  }
  if (list.error && children.length === 0) return <ErrorState error={list.error} onRetry={() => void list.refetch()} />;
  if (children.length === 0) return empty;
  return (
    <>
      {/* What is over the page's edge is neither laid out nor drawn: a list of thousands scrolls as a short one does. */}
      <ul aria-label={label}>{children}</ul>
      {list.hasNextPage && (
        <p className="p-3 text-center">
          <Button disabled={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            {t("worklist.more")}
          </Button>
        </p>
      )}
    </>
  );
}
