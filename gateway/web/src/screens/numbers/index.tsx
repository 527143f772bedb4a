import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { MicOff, Pencil, PhoneIncoming, Plus, Search, Trash2 } from "lucide-react";
import { useMemo, useState } from "react";
import { useCan } from "@/api";
import { Badge, Button, type Column, ConfirmDialog, DataTable, EmptyState, IconButton, Input, PageHeader, PhoneNumber, grouped, toast, undoable } from "@/design";
import { t as text, useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { useSites } from "../channels/data";
import { useOpeningTold, useSchedules } from "../hours/data";
import type { Schedule } from "../hours/model";
import { OpenBadge } from "../hours/now";
import { numbersApi } from "./api";
import { type Targets, useNumbers, useNumbersTold, useTargets } from "./data";
import { NumberDialog } from "./dialog";
import { bodyOf, draftOf, matches } from "./draft";
import type { InboundNumber } from "./model";

interface Row {
  readonly number: InboundNumber;
  readonly to: string | undefined;
  readonly closedTo: string | undefined;
  readonly schedule: Schedule | undefined;
  readonly site: string | undefined;
}

/** More than that is searched, not looked through. */
const SEARCHED_FROM = 8;

/** The numbers that customers call, and where each leads. */
export default function Numbers() {
  const t = useT();
  const navigate = useNavigate();
  const search: Record<string, unknown> = useSearch({ strict: false });
  const mayManage = useCan("telephony:manage");
  const list = useNumbers();
  const schedules = useSchedules();
  const sites = useSites();
  const targets = useTargets();
  useNumbersTold();
  useOpeningTold(schedules.data);
  const [typed, setTyped] = useState("");
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<InboundNumber>();
  const all = useMemo(() => rowsOf(list.data ?? [], targets, schedules.data ?? [], sites), [list.data, targets, schedules.data, sites]);
  const rows = useMemo(() => all.filter((row) => matches([row.number.number, row.number.label, row.to ?? "", row.schedule?.name ?? "", row.site ?? ""], typed)), [all, typed]);
  const edited = typeof search.number === "string" ? all.find((row) => row.number.number === search.number)?.number : undefined;
  const open = (number: string | undefined) => void navigate({ to: "/settings/numbers", search: (number === undefined ? {} : { number }) as never, replace: true });
  const columns = useColumns(sites.length > 0, mayManage, (number) => open(number.number), setRemoving);
  const add = (
    <Button variant="primary" icon={<Plus size={15} aria-hidden />} onClick={() => setAdding(true)}>
      {t("numbers.add")}
    </Button>
  );
  return (
    <div className="flex h-full flex-col">
      <PageHeader title={t("common.nav.numbers")} description={t("numbers.about")} actions={mayManage && all.length > 0 && add} />
      {all.length >= SEARCHED_FROM && (
        <div className="border-b border-line bg-surface px-5 py-2 max-sm:px-3">
          <div className="relative max-w-md">
            <Search size={15} aria-hidden className="pointer-events-none absolute top-1/2 start-2.5 -translate-y-1/2 text-ink-3" />
            <Input type="search" aria-label={t("numbers.search")} placeholder={t("numbers.search")} className="ps-8" value={typed} onChange={(event) => setTyped(event.target.value)} />
          </div>
        </div>
      )}
      <div className="min-h-0 flex-1">
        <DataTable
          label={t("common.nav.numbers")}
          columns={columns}
          rows={rows}
          rowKey={(row) => row.number.number}
          loading={list.isPending}
          error={list.error}
          onRetry={() => void list.refetch()}
          {...(mayManage ? { onOpen: (row: Row) => open(row.number.number) } : {})}
          empty={
            typed ? (
              <EmptyState icon={<Search size={28} />} title={t("numbers.not-found")} text={t("numbers.not-found-text")} />
            ) : (
              <EmptyState icon={<PhoneIncoming size={30} />} title={t("numbers.none")} text={t("numbers.none-text")} action={mayManage ? add : undefined} />
            )
          }
        />
      </div>
      {(adding || (edited && mayManage)) && (
        <NumberDialog
          key={edited?.number ?? "new"}
          number={adding ? undefined : edited}
          others={all.map((row) => row.number.number)}
          targets={targets}
          schedules={schedules.data ?? []}
          sites={sites}
          onClose={() => (adding ? setAdding(false) : open(undefined))}
        />
      )}
      <Removal number={removing} onClose={() => setRemoving(undefined)} />
    </div>
  );
}

function rowsOf(numbers: readonly InboundNumber[], targets: Targets, schedules: readonly Schedule[], sites: readonly { id: string; name: string }[]): readonly Row[] {
  const byId = new Map(schedules.map((one) => [one.id, one]));
  const siteNames = new Map(sites.map((one) => [one.id, one.name]));
  return numbers.map((number) => ({
    number,
    to: targets.nameOf(number.target),
    closedTo: targets.nameOf(number.closed_target),
    schedule: number.schedule_id === null ? undefined : byId.get(number.schedule_id),
    site: number.site_id === null ? undefined : siteNames.get(number.site_id),
  }));
}

function useColumns(withSites: boolean, mayManage: boolean, onEdit: (number: InboundNumber) => void, onRemove: (number: InboundNumber) => void): readonly Column<Row>[] {
  const t = useT();
  return [
    { id: "number", header: t("numbers.number"), width: 155, cell: ({ number }) => <PhoneNumber value={number.number} className="font-medium" /> },
    { id: "label", header: t("numbers.label"), cell: ({ number }) => number.label || <span className="text-ink-3">–</span> },
    { id: "to", header: t("numbers.leads-to"), width: "minmax(0, 1.5fr)", cell: ({ to }) => to ?? <Badge tone="bad">{t("numbers.to.gone")}</Badge> },
    { id: "hours", header: t("numbers.hours"), hideBelow: "md", cell: ({ number, schedule }) => schedule?.name ?? <span className="text-ink-3">{number.schedule_id === null ? t("numbers.always") : "…"}</span> },
    { id: "now", header: t("numbers.now"), width: 180, cell: ({ number, schedule }) => (schedule ? <OpenBadge schedule={schedule} /> : number.schedule_id === null && <Badge tone="live" dot>{t("numbers.open")}</Badge>) },
    { id: "closed", header: t("numbers.when-closed"), hideBelow: "lg", cell: ({ number, closedTo }) => (number.schedule_id === null ? <span className="text-ink-3">–</span> : (closedTo ?? <Badge tone="bad">{t("numbers.to.gone")}</Badge>)) },
    ...(withSites ? [{ id: "site", header: t("numbers.site"), width: 110, hideBelow: "lg" as const, cell: ({ site }: Row) => site ?? <span className="text-ink-3">–</span> }] : []),
    {
      id: "recording",
      header: t("numbers.recording"),
      width: 120,
      hideBelow: "md",
      cell: ({ number }) =>
        number.recording === "never" ? (
          <span className="inline-flex items-center gap-1.5">
            <MicOff size={14} aria-hidden className="text-ink-3" />
            {t("numbers.recording-short.never")}
          </span>
        ) : (
          t("numbers.recording-short.as_queue")
        ),
    },
    ...(mayManage
      ? [
          {
            id: "actions",
            header: "",
            width: 72,
            align: "end" as const,
            cell: ({ number }: Row) => (
              <span className="inline-flex">
                <IconButton
                  size="sm"
                  label={t("numbers.change", { number: grouped(number.number) })}
                  onClick={(event) => {
                    event.stopPropagation();
                    onEdit(number);
                  }}
                >
                  <Pencil size={15} aria-hidden />
                </IconButton>
                <IconButton
                  size="sm"
                  label={t("numbers.remove", { number: grouped(number.number) })}
                  onClick={(event) => {
                    event.stopPropagation();
                    onRemove(number);
                  }}
                >
                  <Trash2 size={15} aria-hidden />
                </IconButton>
              </span>
            ),
          },
        ]
      : []),
  ];
}

function Removal({ number, onClose }: { number: InboundNumber | undefined; onClose: () => void }) {
  const t = useT();
  const queries = useQueryClient();
  const refresh = () => queries.invalidateQueries({ queryKey: ["numbers"] });
  const again = useMutation({
    mutationFn: (one: InboundNumber) => numbersApi.create(bodyOf(draftOf(one))),
    onError: (error) => toast({ title: text("numbers.not-saved"), description: problemText(error), tone: "bad" }),
    onSettled: refresh,
  });
  const remove = useMutation({
    mutationFn: (one: InboundNumber) => numbersApi.remove(one.number),
    onSuccess: (_, one) => void undoable({ title: text("numbers.removed", { number: grouped(one.number) }), undo: () => again.mutate(one) }),
    onError: (error) => toast({ title: text("numbers.not-removed"), description: problemText(error), tone: "bad" }),
    onSettled: refresh,
  });
  return (
    <ConfirmDialog
      open={number !== undefined}
      onOpenChange={(next) => {
        if (!next) onClose();
      }}
      title={t("numbers.remove", { number: number ? grouped(number.number) : "" })}
      description={t("numbers.remove-text")}
      confirm={t("numbers.remove-confirm")}
      onConfirm={async () => {
        if (number) await remove.mutateAsync(number).catch(() => undefined);
      }}
    />
  );
}
