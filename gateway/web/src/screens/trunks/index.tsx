import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Activity, Cable, FileInput, Pencil, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { useCan } from "@/api";
import { Badge, Button, Card, ConfirmDialog, EmptyState, ErrorState, IconButton, PageHeader, Skeleton, Switch, toast, undoable } from "@/design";
import { t as text, useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { trunksApi } from "./api";
import { TRUNKS, useTrunks, useTrunksTold } from "./data";
import { usualPort } from "./draft";
import { TrunkForm } from "./form";
import { ImportTrunks } from "./import";
import type { Trunk } from "./model";
import { ServerList } from "./status";
import { TestTrunk } from "./try";
import { standingOf } from "./words";

/** The lines to telephone companies, and how each does now. */
export default function Trunks() {
  const t = useT();
  const navigate = useNavigate();
  const search: Record<string, unknown> = useSearch({ strict: false });
  const mayManage = useCan("telephony:manage");
  const list = useTrunks();
  useTrunksTold();
  const [adding, setAdding] = useState(false);
  const [importing, setImporting] = useState(false);
  const [testing, setTesting] = useState<string>();
  const [removing, setRemoving] = useState<Trunk>();
  const trunks = [...(list.data ?? [])].sort((a, b) => a.priority - b.priority || a.name.localeCompare(b.name));
  const edited = trunks.find((one) => one.id === search.trunk);
  const open = (trunk: string | undefined) => void navigate({ to: "/settings/trunks", search: (trunk === undefined ? {} : { trunk }) as never, replace: true });
  const actions = (
    <>
      <Button icon={<FileInput size={15} aria-hidden />} onClick={() => setImporting(true)}>
        {t("trunks.import")}
      </Button>
      <Button variant="primary" icon={<Plus size={15} aria-hidden />} onClick={() => setAdding(true)}>
        {t("trunks.add")}
      </Button>
    </>
  );
  return (
    <div className="flex min-h-full flex-col">
      <PageHeader title={t("common.nav.trunks")} description={t("trunks.about")} actions={mayManage && trunks.length > 0 && actions} />
      <div className="grid w-full max-w-4xl gap-3 p-5 max-sm:p-3">
        {list.isError && !list.data ? (
          <ErrorState error={list.error} onRetry={() => void list.refetch()} />
        ) : list.isPending ? (
          <div aria-busy="true">
            <Skeleton lines={5} />
          </div>
        ) : trunks.length === 0 ? (
          <Card>
            <EmptyState icon={<Cable size={30} />} title={t("trunks.none")} text={t("trunks.none-text")} action={mayManage ? <div className="flex flex-wrap justify-center gap-2">{actions}</div> : undefined} />
          </Card>
        ) : (
          <ul aria-label={t("common.nav.trunks")} className="divide-y divide-line rounded-lg border border-line bg-surface">
            {trunks.map((one) => (
              <Row key={one.id} trunk={one} mayManage={mayManage} onEdit={() => open(one.id)} onTest={() => setTesting(one.id)} onRemove={() => setRemoving(one)} />
            ))}
          </ul>
        )}
      </div>
      {(adding || (edited && mayManage)) && (
        <TrunkForm
          key={edited?.id ?? NEW}
          trunk={adding ? undefined : edited}
          onClose={(made) => {
            if (adding) setAdding(false);
            else open(undefined);
            // Whether it works is what one wants to know next.
            if (made?.enabled) setTesting(made.id);
          }}
        />
      )}
      {importing && <ImportTrunks onClose={() => setImporting(false)} />}
      {testing && <TestTrunk id={testing} onClose={() => setTesting(undefined)} />}
      <Removal trunk={removing} onClose={() => setRemoving(undefined)} />
    </div>
  );
}

const NEW = "new";

interface RowProps {
  trunk: Trunk;
  mayManage: boolean;
  onEdit: () => void;
  onTest: () => void;
  onRemove: () => void;
}

function Row({ trunk, mayManage, onEdit, onTest, onRemove }: RowProps) {
  const t = useT();
  const queries = useQueryClient();
  const standing = standingOf(trunk);
  const { name, settings } = trunk;
  const turn = useMutation({
    mutationFn: ({ to, from }: { to: boolean; from: Trunk }) => trunksApi.change(from, { enabled: to }),
    onSuccess: (now, { to, from }) => {
      if (!to) undoable({ title: text("trunks.turned-off", { name }), undo: () => turn.mutate({ to: true, from: now ?? from }) });
    },
    onError: (error) => toast({ title: text("trunks.not-changed"), description: problemText(error), tone: "bad" }),
    onSettled: () => queries.invalidateQueries({ queryKey: TRUNKS }),
  });
  return (
    <li className="flex items-start gap-3 px-4 py-3" data-trunk={trunk.id} data-standing={standing.tone}>
      <Cable size={17} aria-hidden className="mt-1 shrink-0 text-ink-3 max-sm:hidden" />
      <div className="grid min-w-0 flex-1 gap-1">
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <h2 className="min-w-0 font-medium break-words">{name}</h2>
          <Badge tone={standing.tone} dot>
            {standing.text}
          </Badge>
        </div>
        <p className="text-md break-words text-ink-2">
          {t(`trunks.kind-short.${settings.kind}`)} ·{" "}
          <bdi dir="ltr" className="font-mono text-sm">
            {settings.host}
            {settings.port !== null && settings.port !== usualPort(settings.transport) && `:${String(settings.port)}`}
          </bdi>
          {settings.max_channels !== null && ` · ${t("trunks.channels", { n: settings.max_channels })}`}
          {!settings.outbound && ` · ${t("trunks.inbound-only")}`}
        </p>
        {trunk.enabled && trunk.status.length > 0 ? <ServerList trunk={trunk} /> : standing.more && <p className="text-sm break-words text-ink-2">{standing.more}</p>}
        {mayManage && (
          <div className="mt-1 flex flex-wrap items-center gap-x-4 gap-y-2">
            <Switch label={<>{t("trunks.on")}<span className="sr-only">: {name}</span></>} checked={trunk.enabled} disabled={turn.isPending} onCheckedChange={(to) => turn.mutate({ to, from: trunk })} />
            <Button size="sm" icon={<Activity size={14} aria-hidden />} disabled={!trunk.enabled} aria-label={t("trunks.test-of", { name })} onClick={onTest}>
              {t("trunks.test")}
            </Button>
          </div>
        )}
      </div>
      {mayManage && (
        <div className="flex">
          <IconButton label={t("trunks.change", { name })} onClick={onEdit}>
            <Pencil size={16} aria-hidden />
          </IconButton>
          <IconButton label={t("trunks.remove", { name })} onClick={onRemove}>
            <Trash2 size={16} aria-hidden />
          </IconButton>
        </div>
      )}
    </li>
  );
}

function Removal({ trunk, onClose }: { trunk: Trunk | undefined; onClose: () => void }) {
  const t = useT();
  const queries = useQueryClient();
  const remove = useMutation({
    mutationFn: (one: Trunk) => trunksApi.remove(one.id),
    onSuccess: (_, one) => toast({ title: text("trunks.removed", { name: one.name }), tone: "good" }),
    onError: (error) => toast({ title: text("trunks.not-removed"), description: problemText(error), tone: "bad" }),
    onSettled: () => queries.invalidateQueries({ queryKey: TRUNKS }),
  });
  return (
    <ConfirmDialog
      open={trunk !== undefined}
      onOpenChange={(next) => {
        if (!next) onClose();
      }}
      title={t("trunks.remove-title", { name: trunk?.name ?? "" })}
      description={t("trunks.remove-text")}
      confirm={t("trunks.remove-confirm")}
      onConfirm={async () => {
        if (trunk) await remove.mutateAsync(trunk).catch(() => undefined);
      }}
    />
  );
}
