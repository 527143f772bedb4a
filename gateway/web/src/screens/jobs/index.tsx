import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { CircleCheck, ListChecks, Play, RefreshCw, Trash2 } from "lucide-react";
import { useCallback, useMemo } from "react";
import { api, body, useCan } from "@/api";
import { Badge, Button, type Column, DataTable, DefinitionList, EmptyState, ErrorState, IconButton, PageHeader, RelativeTime, Sheet, Skeleton, Tabs, formatDateTime, toast, undoable, useZone } from "@/design";
import { useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { type Job, STATES, type State, TONES, canDrop, canRetry, kindText } from "./job-words";
import { useDrops } from "./use-drops";

/** What is done in the background: look into it, run it again, drop it. */
export default function Jobs() {
  const t = useT();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const search: Record<string, unknown> = useSearch({ strict: false });
  const state = STATES.find((one) => one === search.state);
  const opened = typeof search.job === "string" ? search.job : undefined;
  const list = useInfiniteQuery({
    queryKey: ["jobs", "list", state ?? "all"],
    queryFn: ({ pageParam, signal }) => body(api.GET("/api/v1/jobs", { params: { query: { ...(state ? { state } : {}), ...(pageParam ? { cursor: pageParam } : {}) } }, signal })),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    // Nothing tells of jobs: whoever comes back to the window looks again.
    refetchOnWindowFocus: "always",
    refetchOnMount: "always",
  });
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = list;
  const refresh = useCallback(() => queries.invalidateQueries({ queryKey: ["jobs"] }), [queries]);
  const drops = useDrops(refresh);
  const rows = useMemo(() => (list.data?.pages ?? []).flatMap((page) => page.items).filter((job) => !drops.ids.has(job.id)), [list.data, drops.ids]);
  const go = useCallback(
    (to: { state?: State | undefined; job?: string | undefined }) => void navigate({ to: "/settings/jobs", search: { ...(to.state ? { state: to.state } : {}), ...(to.job ? { job: to.job } : {}) } as never, replace: true }),
    [navigate],
  );
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const columns = useMemo<Column<Job>[]>(
    () => [
      { id: "kind", header: t("jobs.kind"), width: "minmax(140px, 1fr)", cell: (job) => <span className="truncate font-medium">{kindText(job.kind)}</span> },
      { id: "state", header: t("jobs.state"), width: "minmax(180px, 1fr)", cell: (job) => <Standing job={job} /> },
      { id: "attempts", header: t("jobs.attempts"), width: 100, numeric: true, hideBelow: "sm", cell: (job) => t("jobs.attempts-of", { n: job.attempt, most: job.last_attempt }) },
      { id: "created", header: t("jobs.created"), width: 130, cell: (job) => <RelativeTime at={job.created_at} /> },
      { id: "error", header: t("jobs.error"), width: "minmax(160px, 1.6fr)", hideBelow: "md", cell: (job) => <span className="truncate text-ink-2">{job.error ?? "–"}</span> },
    ],
    [t],
  );
  const empty =
    state === "dead" ? (
      <EmptyState icon={<CircleCheck size={30} />} title={t("jobs.no-failed")} text={t("jobs.no-failed-text")} />
    ) : (
      <EmptyState icon={<ListChecks size={30} />} title={state ? t("jobs.none-such") : t("jobs.none")} text={t("jobs.none-text")} />
    );
  const drop = (job: Job) => {
    go({ state });
    drops.begin(job.id);
    undoable({ title: t("jobs.dropped", { kind: kindText(job.kind) }), undo: () => drops.undo(job.id) });
  };
  return (
    <div className="flex h-full min-h-0 flex-col">
      <PageHeader
        title={t("common.nav.jobs")}
        description={t("jobs.about")}
        actions={
          <IconButton label={t("jobs.refresh")} variant="secondary" onClick={() => void refresh()}>
            <RefreshCw size={15} aria-hidden className={list.isFetching ? "animate-spin" : undefined} />
          </IconButton>
        }
        tabs={
          <Tabs
            value={state ?? "all"}
            onValueChange={(value) => go({ state: STATES.find((one) => one === value) })}
            tabs={[{ value: "all", label: t("jobs.all") }, ...STATES.map((one) => ({ value: one, label: t(`jobs.${one}`) }))]}
          />
        }
      />
      <div className="min-h-0 flex-1">
        <DataTable
          label={t("common.nav.jobs")}
          columns={columns}
          rows={rows}
          rowKey={(job) => job.id}
          onOpen={(job) => go({ state, job: job.id })}
          rowTone={(job) => (job.state === "dead" ? "bad" : undefined)}
          loading={list.isPending}
          error={list.error}
          onRetry={() => void list.refetch()}
          onEndReached={more}
          empty={empty}
          {...(opened ? { selectedKey: opened } : {})}
        />
      </div>
      <Sheet
        open={opened !== undefined}
        onOpenChange={(open) => {
          if (!open) go({ state });
        }}
        title={t("jobs.kind")}
      >
        {opened && <One key={opened} id={opened} onChanged={refresh} onDrop={drop} />}
      </Sheet>
    </div>
  );
}

function Standing({ job }: { job: Job }) {
  const t = useT();
  const zone = useZone();
  const waits =
    job.waits_for === "time"
      ? t("jobs.waits.time", { time: formatDateTime(job.run_at, { dateStyle: "short", timeStyle: "medium", ...(zone ? { zone } : {}) }) })
      : job.waits_for
        ? t(`jobs.waits.${job.waits_for}`)
        : undefined;
  return waits ? (
    <span className="truncate text-ink-2">{waits}</span>
  ) : (
    <Badge tone={TONES[job.state]} dot>
      {t(`jobs.${job.state}`)}
    </Badge>
  );
}

function One({ id, onChanged, onDrop }: { id: string; onChanged: () => Promise<void>; onDrop: (job: Job) => void }) {
  const t = useT();
  const mayManage = useCan("jobs:manage");
  const one = useQuery({ queryKey: ["jobs", "one", id], queryFn: ({ signal }) => body(api.GET("/api/v1/jobs/{id}", { params: { path: { id } }, signal })), refetchOnMount: "always", refetchOnWindowFocus: "always" });
  const retry = useMutation({
    mutationFn: () => body(api.POST("/api/v1/jobs/{id}/retry", { params: { path: { id } } })),
    onSuccess: () => toast({ title: t("jobs.retried"), tone: "good" }),
    onError: (error) => toast({ title: t("jobs.not-retried"), description: problemText(error), tone: "bad" }),
    onSettled: onChanged,
  });
  const job = one.data;
  if (one.isError) return <ErrorState error={one.error} title={t("jobs.gone")} onRetry={() => void one.refetch()} />;
  if (!job)
    return (
      <div aria-busy="true">
        <Skeleton lines={6} />
      </div>
    );
  const time = (at: string | null | undefined) => (at ? <RelativeTime at={at} /> : "–");
  return (
    <div className="grid gap-4">
      <div className="flex flex-wrap items-center gap-2">
        <p className="flex-1 text-lg font-semibold">{kindText(job.kind)}</p>
        <Standing job={job} />
      </div>
      {job.error && (
        <section aria-label={t("jobs.error")} className="rounded-md bg-bad-soft px-3 py-2 text-md break-words whitespace-pre-wrap">
          {job.error}
        </section>
      )}
      <DefinitionList
        items={[
          { term: t("jobs.attempts"), value: t("jobs.attempts-of", { n: job.attempt, most: job.last_attempt }) },
          { term: t("jobs.created"), value: time(job.created_at) },
          { term: t("jobs.due"), value: time(job.run_at) },
          { term: t("jobs.started"), value: time(job.started_at) },
          { term: t("jobs.finished"), value: time(job.finished_at) },
          ...(job.key ? [{ term: t("jobs.key"), value: <span className="break-all">{job.key}</span> }] : []),
          { term: t("jobs.priority"), value: String(job.priority) },
          { term: t("jobs.number"), value: <span className="font-mono text-sm break-all">{job.id}</span> },
        ]}
      />
      <section>
        <h3 className="mb-1 text-md font-semibold">{t("jobs.given")}</h3>
        {job.sealed ? (
          <p className="text-md text-ink-2">{t("jobs.sealed")}</p>
        ) : (
          // It may scroll, and keys must reach it.
          // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
          <pre tabIndex={0} className="max-h-64 overflow-auto rounded-md bg-sunken p-2 text-sm">
            {job.payload === null || job.payload === undefined ? "–" : JSON.stringify(job.payload, null, 2)}
          </pre>
        )}
      </section>
      {mayManage && (
        <div className="flex flex-wrap gap-2">
          {canRetry(job) && (
            <Button variant="primary" icon={<Play size={15} aria-hidden />} busy={retry.isPending} onClick={() => retry.mutate()}>
              {t("jobs.retry")}
            </Button>
          )}
          {canDrop(job) && (
            <Button icon={<Trash2 size={15} aria-hidden />} onClick={() => onDrop(job)}>
              {t("jobs.drop")}
            </Button>
          )}
        </div>
      )}
    </div>
  );
}
