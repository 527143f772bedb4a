import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Copy, Ellipsis, Pencil, Plus, Split, Trash2 } from "lucide-react";
import { useState } from "react";
import { Problem, useCan } from "@/api";
import { Badge, Banner, Button, Card, ConfirmDialog, Dialog, EmptyState, ErrorState, Field, IconButton, Input, Menu, PageHeader, PhoneNumber, RadioGroup, RelativeTime, Skeleton, toast } from "@/design";
import { currentLanguage, t as text, useT } from "@/i18n";
import { useQueues } from "@/live";
import { problemText } from "../calls/problem-text";
import { flowsApi } from "./api";
import { BEGINNINGS, type Beginning, beginning } from "./begin";
import { flowsQuery } from "./data";
import { MANAGE } from "./may";
import type { FlowLine } from "./model";

/** All ways that calls may go. */
export default function Flows() {
  const t = useT();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const may = useCan(MANAGE);
  const list = useQuery(flowsQuery);
  const [making, setMaking] = useState(false);
  const [renaming, setRenaming] = useState<FlowLine>();
  const [removing, setRemoving] = useState<FlowLine>();
  const read = () => queries.invalidateQueries({ queryKey: flowsQuery.queryKey });
  const remove = useMutation({
    mutationFn: (one: FlowLine) => flowsApi.remove(one.id),
    onSuccess: (_, one) => toast({ title: text("flows.removed", { name: one.name }), tone: "good" }),
    onError: (error) => toast({ title: text("flows.not-removed"), description: error instanceof Problem && error.status === 409 ? text("flows.in-use") : problemText(error), tone: "bad" }),
    onSettled: read,
  });
  const duplicate = useMutation({
    mutationFn: async (one: FlowLine) => {
      const { flow } = await flowsApi.one(one.id);
      return flowsApi.create(text("flows.copy-name", { name: one.name }), flow.draft?.definition ?? flow.published?.definition);
    },
    onError: (error) => toast({ title: problemText(error), tone: "bad" }),
    onSettled: read,
  });
  const make = (
    <Button variant="primary" icon={<Plus size={15} aria-hidden />} onClick={() => setMaking(true)}>
      {t("flows.make")}
    </Button>
  );
  const items = [...(list.data?.items ?? [])].sort((a, b) => a.name.localeCompare(b.name));
  return (
    <div className="flex min-h-full flex-col">
      <PageHeader title={t("flows.list")} description={t("flows.about")} actions={may && make} />
      <div className="grid w-full max-w-4xl gap-3 p-5 max-sm:p-3">
        {list.isPending ? (
          <div aria-busy="true">
            <Skeleton lines={4} />
          </div>
        ) : list.isError ? (
          <ErrorState error={list.error} onRetry={() => void list.refetch()} />
        ) : items.length === 0 ? (
          <Card>
            <EmptyState icon={<Split size={30} />} title={t("flows.none")} text={t("flows.none-text")} action={may ? make : undefined} />
          </Card>
        ) : (
          <ul aria-label={t("flows.list")} className="divide-y divide-line rounded-lg border border-line bg-surface">
            {items.map((one) => (
              <Row key={one.id} flow={one} may={may} onRename={() => setRenaming(one)} onDuplicate={() => duplicate.mutate(one)} onRemove={() => setRemoving(one)} />
            ))}
          </ul>
        )}
      </div>
      {making && (
        <NameDialog
          flow={undefined}
          onClose={(made) => {
            setMaking(false);
            if (made) void navigate({ to: "/settings/flows/$flowId", params: { flowId: made } });
          }}
        />
      )}
      {renaming && <NameDialog flow={renaming} onClose={() => setRenaming(undefined)} />}
      <ConfirmDialog
        open={removing !== undefined}
        onOpenChange={(open) => {
          if (!open) setRemoving(undefined);
        }}
        title={t("flows.remove-title", { name: removing?.name ?? "" })}
        description={t("flows.remove-text")}
        confirm={t("flows.remove")}
        onConfirm={async () => {
          if (removing) await remove.mutateAsync(removing).catch(() => undefined);
        }}
      />
    </div>
  );
}

function Row({ flow, may, onRename, onDuplicate, onRemove }: { flow: FlowLine; may: boolean; onRename: () => void; onDuplicate: () => void; onRemove: () => void }) {
  const t = useT();
  const { numbers } = flow;
  return (
    <li data-flow={flow.id} className="flex items-start gap-3 px-4 py-2.5">
      <Split size={17} aria-hidden className="mt-1 shrink-0 text-ink-3" />
      <div className="min-w-0 flex-1">
        <div className="flex flex-wrap items-center gap-2">
          <h2 className="font-medium [overflow-wrap:anywhere]">
            <Link to="/settings/flows/$flowId" params={{ flowId: flow.id }} className="hover:underline">
              {flow.name}
            </Link>
          </h2>
          {flow.published ? (
            <Badge tone="live" dot>
              {t("flows.published", { n: flow.published.version })}
            </Badge>
          ) : (
            <Badge>{t("flows.never-published")}</Badge>
          )}
          {flow.has_draft && <Badge tone={flow.draft_faults > 0 ? "bad" : "ring"}>{flow.draft_faults > 0 ? t("flows.draft-faults", { n: flow.draft_faults }) : t("flows.draft")}</Badge>}
        </div>
        <p className="flex flex-wrap items-center gap-x-1.5 text-sm text-ink-3">
          {numbers.length === 0 ? (
            <span>{t("flows.numbers-none")}</span>
          ) : numbers.length > 3 ? (
            <span title={numbers.join(", ")}>{t("flows.numbers", { n: numbers.length })}</span>
          ) : (
            numbers.map((number, at) => (
              <span key={number}>
                <PhoneNumber value={number} />
                {at < numbers.length - 1 && ","}
              </span>
            ))
          )}
          <span>
            · {t("flows.changed")} <RelativeTime at={flow.published && !flow.has_draft ? flow.published.at : flow.updated_at} />
          </span>
        </p>
      </div>
      {may && (
        <Menu
          label={t("flows.more", { name: flow.name })}
          trigger={
            <IconButton label={t("flows.more", { name: flow.name })}>
              <Ellipsis size={17} aria-hidden />
            </IconButton>
          }
          items={[
            { label: t("flows.rename"), icon: <Pencil size={14} aria-hidden />, onSelect: onRename },
            { label: t("flows.duplicate"), icon: <Copy size={14} aria-hidden />, onSelect: onDuplicate },
            "separator",
            { label: t("flows.remove"), icon: <Trash2 size={14} aria-hidden />, tone: "danger", onSelect: onRemove },
          ]}
        />
      )}
    </li>
  );
}

/** A new flow's name and beginning, or another name for one. */
function NameDialog({ flow, onClose }: { flow: FlowLine | undefined; onClose: (made: string | undefined) => void }) {
  const t = useT();
  const queries = useQueryClient();
  const queues = useQueues();
  const [name, setName] = useState(flow?.name ?? "");
  const [kind, setKind] = useState<Beginning>("greeting");
  const save = useMutation({
    mutationFn: () =>
      flow
        ? flowsApi.rename(flow.id, name.trim())
        : flowsApi.create(
            name.trim(),
            beginning(
              kind,
              currentLanguage(),
              queues.map((one) => one.id),
            ),
          ),
    onSuccess: (made) => onClose(flow ? undefined : made.id),
    onSettled: () => queries.invalidateQueries({ queryKey: flowsQuery.queryKey }),
  });
  const errors = save.error instanceof Problem ? save.error.fields : {};
  const taken = save.error instanceof Problem && save.error.status === 409;
  const ready = name.trim() !== "";
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose(undefined);
      }}
      title={flow ? t("flows.rename-title", { name: flow.name }) : t("flows.make")}
      footer={
        <Button type="submit" form="flow-name" variant="primary" busy={save.isPending} disabled={!ready}>
          {t(flow ? "common.save" : "flows.create")}
        </Button>
      }
    >
      <form
        id="flow-name"
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (ready && !save.isPending) save.mutate();
        }}
      >
        <Field label={t("flows.name")} error={taken ? t("flows.name-taken") : errors.name}>
          <Input maxLength={80} value={name} onChange={(event) => setName(event.target.value)} />
        </Field>
        {!flow && (
          <div className="grid gap-1.5">
            <p className="text-sm font-medium text-ink-2">{t("flows.begin-with")}</p>
            <RadioGroup
              label={t("flows.begin-with")}
              value={kind}
              onValueChange={(next) => setKind(next as Beginning)}
              options={BEGINNINGS.map((one) => ({ value: one, label: t(`flows.begin.${one}`), description: t(`flows.begin.${one}-about`) }))}
            />
          </div>
        )}
        {save.error && !taken && !errors.name && (
          <Banner tone="bad" className="rounded-md">
            <div role="alert">{problemText(save.error)}</div>
          </Banner>
        )}
      </form>
    </Dialog>
  );
}
