import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { ChartColumn, Download, RefreshCw } from "lucide-react";
import { type ReactNode, useMemo, useState } from "react";
import { api, body, useMe } from "@/api";
import { Button, Card, type Column, DataTable, EmptyState, Field, IconButton, Input, Menu, PageHeader, RelativeTime, Select, toast } from "@/design";
import { useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { saveFile } from "../shared/save";
import { Chart } from "./chart";
import { GROUPS, INTERVALS, PERIODS, type Wanted, dayIn, fromSearch } from "./period";
import { NOTHING, type Report, type Row, hasCalls, share, span, stretch, whole } from "./words";

/** Figures of calls and agents over time. What each means stands in docs/metrics.md. */
export default function Reports() {
  const t = useT();
  const navigate = useNavigate();
  const search: Record<string, unknown> = useSearch({ strict: false });
  const zone = useMe()?.tenant.time_zone;
  const today = dayIn(zone, new Date());
  const wanted = useMemo(() => fromSearch(search, today), [search, today]);
  const { from, to, interval, by } = wanted;
  const go = (change: Partial<Wanted>) => {
    const next = { ...wanted, ...change };
    // What follows from the rest is not said: a shorter time is cut finer by itself.
    const cut = change.interval ?? (change.period || change.from || change.to ? undefined : (search.interval as string | undefined));
    const days = next.period === "custom" ? { from: next.from, to: next.to } : {};
    void navigate({ to: "/reports", search: { period: next.period, ...days, ...(cut ? { interval: cut } : {}), ...(next.by === "none" ? {} : { by: next.by }) } as never, replace: true });
  };
  const query = { from, to, interval, by };
  const report = useQuery({
    queryKey: ["reports", "calls", query],
    // The document has files among the answers: what is asked for without a format is the report.
    queryFn: ({ signal }) => body(api.GET("/api/v1/reports/calls", { params: { query: query as never }, signal })) as Promise<Report>,
    enabled: zone !== undefined,
    refetchOnWindowFocus: "always",
    refetchOnMount: "always",
  });
  return (
    <div className="flex min-h-full flex-col">
      <PageHeader
        title={t("calls.reports")}
        description={report.data ? <AsOf report={report.data} /> : t("reports.about")}
        actions={
          <>
            <IconButton label={t("reports.refresh")} onClick={() => void report.refetch()}>
              <RefreshCw size={15} aria-hidden className={report.isFetching ? "animate-spin" : undefined} />
            </IconButton>
            <Save query={query} />
          </>
        }
        tabs={<Choice wanted={wanted} today={today} onChange={go} />}
      />
      <Body report={report.data} loading={report.isPending} error={report.error} onRetry={() => void report.refetch()} />
    </div>
  );
}

function AsOf({ report }: { report: Report }) {
  const t = useT();
  return (
    <>
      {t("reports.zone", { zone: report.time_zone })} · <RelativeTime at={report.as_of} />
    </>
  );
}

function Choice({ wanted, today, onChange }: { wanted: Wanted; today: string; onChange: (change: Partial<Wanted>) => void }) {
  const t = useT();
  return (
    <div role="search" aria-label={t("reports.choice")} className="flex flex-wrap items-end gap-2 pb-3">
      <Field label={t("reports.period")} className="w-44 max-sm:w-full">
        <Select value={wanted.period} onValueChange={(period) => onChange({ period: period as Wanted["period"] })} options={PERIODS.map((value) => ({ value, label: t(`reports.period.${value}`) }))} />
      </Field>
      {wanted.period === "custom" && (
        <>
          <Field label={t("reports.from")} className="w-40">
            <Input type="date" value={wanted.from} max={wanted.to} onChange={(event) => event.target.value && onChange({ from: event.target.value })} />
          </Field>
          <Field label={t("reports.to")} className="w-40">
            <Input type="date" value={wanted.to} min={wanted.from} max={today} onChange={(event) => event.target.value && onChange({ to: event.target.value })} />
          </Field>
        </>
      )}
      <Field label={t("reports.interval")} className="w-40">
        <Select value={wanted.interval} onValueChange={(interval) => onChange({ interval: interval as Wanted["interval"] })} options={INTERVALS.map((value) => ({ value, label: t(`reports.interval.${value}`) }))} />
      </Field>
      <Field label={t("reports.by")} className="w-36">
        <Select value={wanted.by} onValueChange={(by) => onChange({ by: by as Wanted["by"] })} options={GROUPS.map((value) => ({ value, label: t(`reports.by.${value}`) }))} />
      </Field>
    </div>
  );
}

function Body({ report, loading, error, onRetry }: { report: Report | undefined; loading: boolean; error: unknown; onRetry: () => void }) {
  const t = useT();
  const empty = <EmptyState icon={<ChartColumn size={30} />} title={t("reports.none")} text={t("reports.none-text")} />;
  if (report && !hasCalls(report)) return empty;
  return (
    <>
      {report?.by === "none" && report.items.length > 1 && (
        <div className="p-5 pb-0 max-sm:p-3 max-sm:pb-0">
          <Card>
            <Chart report={report} />
          </Card>
        </div>
      )}
      <div className="p-5 max-sm:p-3">
        <Table report={report} loading={loading} error={error} onRetry={onRetry} empty={empty} />
      </div>
    </>
  );
}

function Table({ report, ...rest }: { report: Report | undefined; loading: boolean; error: unknown; onRetry: () => void; empty: ReactNode }) {
  const t = useT();
  const columns = useMemo<Column<Row>[]>(() => {
    const by = report?.by ?? "none";
    const numeric = { numeric: true, width: "minmax(64px, 1fr)" } as const;
    const aht: Column<Row> = { id: "aht", header: t("reports.aht"), ...numeric, cell: (row) => span(row.derived.aht_ms) };
    const missed: Column<Row> = { id: "missed", header: t("reports.missed"), ...numeric, hideBelow: "lg", cell: (row) => whole(row.figures.missed_offers) };
    const transfers: Column<Row> = { id: "transfers", header: t("reports.transfers"), ...numeric, hideBelow: "lg", cell: (row) => whole(row.figures.transfers_out) };
    // An agent's time is no queue's.
    const time: Column<Row>[] = [
      { id: "occupancy", header: t("reports.occupancy"), ...numeric, hideBelow: "sm", cell: (row) => share(row.derived.occupancy) },
      { id: "adherence", header: t("reports.adherence"), ...numeric, hideBelow: "md", cell: (row) => share(row.derived.adherence) },
    ];
    const calls: Column<Row>[] = [
      { id: "offered", header: t("reports.offered"), ...numeric, cell: (row) => whole(row.figures.offered) },
      { id: "answered", header: t("reports.answered"), ...numeric, cell: (row) => whole(row.figures.answered) },
      { id: "abandoned", header: t("reports.abandoned"), ...numeric, cell: (row) => whole(row.figures.abandoned) },
      { id: "level", header: t("reports.service-level"), ...numeric, cell: (row) => share(row.derived.service_level) },
      { id: "asa", header: t("reports.asa"), ...numeric, cell: (row) => span(row.derived.asa_ms) },
      { id: "longest", header: t("reports.longest-wait"), ...numeric, hideBelow: "md", cell: (row) => (row.figures.longest_wait_ms > 0 ? span(row.figures.longest_wait_ms) : NOTHING) },
      aht,
      missed,
      transfers,
      ...(by === "queue" ? [] : time),
    ];
    // Nobody answered an abandoned call: an agent's row has what they were offered, and what they did.
    const agents: Column<Row>[] = [
      { id: "offers", header: t("reports.offers"), ...numeric, cell: (row) => whole(row.figures.offers) },
      { ...missed, hideBelow: "sm" },
      { id: "contacts", header: t("reports.contacts"), ...numeric, cell: (row) => whole(row.figures.contacts) },
      aht,
      { id: "talk", header: t("reports.talk"), ...numeric, cell: (row) => span(row.figures.talk_ms) },
      { id: "hold", header: t("reports.hold"), ...numeric, hideBelow: "md", cell: (row) => span(row.figures.hold_ms) },
      { id: "wrap-up", header: t("reports.wrap-up"), ...numeric, hideBelow: "md", cell: (row) => span(row.figures.wrap_up_ms) },
      { id: "paused", header: t("reports.paused"), ...numeric, hideBelow: "lg", cell: (row) => span(row.figures.paused_ms) },
      transfers,
      ...time,
    ];
    return [
      { id: "time", header: t("reports.time"), width: "minmax(150px, 1.6fr)", cell: (row) => <span className="first-letter:uppercase">{report && stretch(row, report.interval, report.time_zone)}</span> },
      ...(by === "none" ? [] : [{ id: "who", header: t(`reports.by.${by}`), width: "minmax(120px, 1.4fr)", cell: (row: Row) => <Name row={row} /> }]),
      ...(by === "agent" ? agents : calls),
    ];
  }, [report, t]);
  return <DataTable label={t("calls.reports")} className="max-h-[70dvh] rounded-lg border border-line" columns={columns} rows={report?.items ?? []} rowKey={(row) => `${row.from} ${row.queue?.id ?? row.agent?.id ?? ""}`} {...rest} />;
}

function Name({ row }: { row: Row }) {
  const t = useT();
  const who = row.queue ?? row.agent;
  return who ? <span className="truncate font-medium">{who.name ?? t("reports.gone")}</span> : <span className="text-ink-3">{t("reports.nobody")}</span>;
}

function Save({ query }: { query: Record<"from" | "to" | "interval" | "by", string> }) {
  const t = useT();
  const [busy, setBusy] = useState(false);
  const save = (format: "csv" | "xlsx") => {
    setBusy(true);
    saveFile(`/api/v1/reports/calls?${new URLSearchParams({ ...query, format }).toString()}`, `calls.${format}`)
      .catch((error: unknown) => toast({ title: t("reports.save-failed"), description: problemText(error), tone: "bad" }))
      .finally(() => setBusy(false));
  };
  return (
    <Menu
      label={t("reports.save")}
      trigger={
        <Button icon={<Download size={15} aria-hidden />} busy={busy}>
          {t("reports.save")}
        </Button>
      }
      items={[
        { label: t("reports.save-xlsx"), onSelect: () => save("xlsx") },
        { label: t("reports.save-csv"), onSelect: () => save("csv") },
      ]}
    />
  );
}
