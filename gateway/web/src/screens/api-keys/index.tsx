import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRound, Pencil, Plus, RefreshCw, Trash2 } from "lucide-react";
import { type ReactNode, useState } from "react";
import { api, body, newKey, useMe } from "@/api";
import type { components } from "@/api";
import { Badge, Banner, Button, Card, ConfirmDialog, Dialog, EmptyState, ErrorState, IconButton, PageHeader, RelativeTime, Skeleton, toast, useNow } from "@/design";
import { useT } from "@/i18n";
import { useAgents } from "@/live";
import { problemText } from "../calls/problem-text";
import { CopyButton } from "../devices/add-device";
import { KeyDialog } from "./key-dialog";

export type ApiKey = components["schemas"]["ApiKey"];

/** Programs' ways in: what each may do, when it was last used, and an end to it. */
export default function ApiKeys() {
  const t = useT();
  const queries = useQueryClient();
  const list = useQuery({ queryKey: ["api-keys"], queryFn: ({ signal }) => body(api.GET("/api/v1/api-keys", { params: { query: { limit: 200 } }, signal })) });
  const [editing, setEditing] = useState<ApiKey | "new">();
  const [revoking, setRevoking] = useState<ApiKey>();
  const [rotating, setRotating] = useState<ApiKey>();
  const [token, setToken] = useState<string>();
  const changed = () => queries.invalidateQueries({ queryKey: ["api-keys"] });
  const revoke = useMutation({
    mutationFn: (key: ApiKey) => body(api.DELETE("/api/v1/api-keys/{id}", { params: { path: { id: key.id } } })),
    onSuccess: (_, key) => toast({ title: t("access.key.revoked", { name: key.name }), tone: "good" }),
    onError: (error) => toast({ title: t("access.key.not-changed"), description: problemText(error), tone: "bad" }),
    onSettled: changed,
  });
  const rotate = useMutation({
    mutationFn: (key: ApiKey) => body(api.POST("/api/v1/api-keys/{id}/rotate", { params: { path: { id: key.id }, header: { "Idempotency-Key": newKey() } }, body: { overlap_seconds: null } })),
    onSuccess: (made) => setToken(made.token),
    onError: (error) => toast({ title: t("access.key.not-changed"), description: problemText(error), tone: "bad" }),
    onSettled: changed,
  });
  const keys = list.data?.items ?? [];
  return (
    <div className="flex min-h-full flex-col">
      <PageHeader
        title={t("common.nav.keys")}
        description={t("access.keys.about")}
        actions={
          <Button variant="primary" icon={<Plus size={15} aria-hidden />} onClick={() => setEditing("new")}>
            {t("access.key.add")}
          </Button>
        }
      />
      <div className="grid w-full max-w-4xl gap-3 p-5 max-sm:p-3">
        {list.isPending ? (
          <div aria-busy="true">
            <Skeleton lines={4} />
          </div>
        ) : list.isError ? (
          <ErrorState error={list.error} onRetry={() => void list.refetch()} />
        ) : keys.length === 0 ? (
          <Card>
            <EmptyState icon={<KeyRound size={30} />} title={t("access.keys.none")} text={t("access.keys.none-text")} />
          </Card>
        ) : (
          <ul className="divide-y divide-line rounded-lg border border-line bg-surface">
            {keys.map((key) => (
              <KeyRow key={key.id} apiKey={key} onEdit={() => setEditing(key)} onRotate={() => setRotating(key)} onRevoke={() => setRevoking(key)} />
            ))}
          </ul>
        )}
      </div>
      {editing && <KeyDialog apiKey={editing === "new" ? undefined : editing} onClose={() => setEditing(undefined)} onMade={setToken} />}
      <Shown token={token} onClose={() => setToken(undefined)} />
      <Confirm about={rotating} onClose={() => setRotating(undefined)} title="access.key.rotate" text="access.key.rotate-text" confirm="access.key.rotate-confirm" run={(key) => rotate.mutateAsync(key)} />
      <Confirm about={revoking} onClose={() => setRevoking(undefined)} title="access.key.revoke" text="access.key.revoke-text" confirm="access.key.revoke-confirm" run={(key) => revoke.mutateAsync(key)} danger />
    </div>
  );
}

interface ConfirmProps {
  about: ApiKey | undefined;
  onClose: () => void;
  title: "access.key.rotate" | "access.key.revoke";
  text: "access.key.rotate-text" | "access.key.revoke-text";
  confirm: "access.key.rotate-confirm" | "access.key.revoke-confirm";
  run: (key: ApiKey) => Promise<unknown>;
  danger?: boolean;
}

function Confirm({ about, onClose, title, text, confirm, run, danger }: ConfirmProps) {
  const t = useT();
  return (
    <ConfirmDialog
      open={about !== undefined}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      tone={danger ? "danger" : "primary"}
      title={t(title, { name: about?.name ?? "" })}
      description={t(text)}
      confirm={t(confirm)}
      onConfirm={async () => {
        if (about) await run(about).catch(() => undefined);
      }}
    />
  );
}

function KeyRow({ apiKey, onEdit, onRotate, onRevoke }: { apiKey: ApiKey; onEdit: () => void; onRotate: () => void; onRevoke: () => void }) {
  const t = useT();
  const me = useMe();
  const agents = useAgents();
  const now = useNow();
  const mine = apiKey.user_id === me?.user.id;
  const maker = mine ? me.user.name : agents.find((one) => one.id === apiKey.user_id)?.name;
  const ended = apiKey.expires_at !== null && apiKey.expires_at !== undefined && Date.parse(apiKey.expires_at) <= now;
  return (
    <li className="flex items-start gap-3 px-4 py-2.5">
      <KeyRound size={17} aria-hidden className="mt-1 text-ink-3" />
      <div className="min-w-0 flex-1">
        <div className="flex flex-wrap items-center gap-2">
          <h2 className="font-medium">{apiKey.name}</h2>
          <span className="font-mono text-sm text-ink-3">tlk_{apiKey.prefix}_…</span>
          {ended && <Badge tone="bad">{t("access.key.ended")}</Badge>}
          {apiKey.previous_until && <Badge tone="ring">{t("access.key.two-secrets")}</Badge>}
        </div>
        <p className="text-sm break-words text-ink-2">{apiKey.permissions.join(", ")}</p>
        <p className="text-sm text-ink-3">
          <Facts>
            {maker !== undefined && t("access.key.acts-for", { name: maker })}
            {apiKey.last_used_at ? (
              <>
                {t("access.key.last-used", { n: apiKey.requests, address: apiKey.last_used_from ?? "" })} <RelativeTime at={apiKey.last_used_at} />
              </>
            ) : (
              t("access.key.never-used")
            )}
            {apiKey.expires_at && !ended && (
              <>
                {t("access.key.ends")} <RelativeTime at={apiKey.expires_at} />
              </>
            )}
            {apiKey.allowed_addresses.length > 0 && t("access.key.from", { addresses: apiKey.allowed_addresses.join(", ") })}
            {apiKey.refused > 0 && t("access.key.refused", { n: apiKey.refused })}
          </Facts>
        </p>
      </div>
      <div className="flex">
        <IconButton label={t("access.key.edit", { name: apiKey.name })} onClick={onEdit}>
          <Pencil size={16} aria-hidden />
        </IconButton>
        {mine && (
          <IconButton label={t("access.key.rotate", { name: apiKey.name })} onClick={onRotate}>
            <RefreshCw size={16} aria-hidden />
          </IconButton>
        )}
        <IconButton label={t("access.key.revoke", { name: apiKey.name })} onClick={onRevoke}>
          <Trash2 size={16} aria-hidden />
        </IconButton>
      </div>
    </li>
  );
}

/** What is there of it, with points between. */
function Facts({ children }: { children: readonly ReactNode[] }) {
  const facts = children.filter((one) => one !== false && one !== null && one !== undefined && one !== "");
  return facts.map((fact, at) => (
    // The list is made anew each time.
    <span key={at}>
      {at > 0 && " · "}
      {fact}
    </span>
  ));
}

/** The secret, this once. */
function Shown({ token, onClose }: { token: string | undefined; onClose: () => void }) {
  const t = useT();
  return (
    <Dialog
      open={token !== undefined}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={t("access.key.secret")}
      footer={
        <Button variant="primary" onClick={onClose}>
          {t("access.key.saved-it")}
        </Button>
      }
    >
      <div className="grid gap-3">
        <Banner tone="ring" className="rounded-md">
          {t("access.key.once")}
        </Banner>
        <div className="flex items-center gap-3 rounded-md bg-sunken px-3 py-1.5">
          <code className="min-w-0 flex-1 font-mono text-md break-all" data-credential="token">
            {token}
          </code>
          <CopyButton text={token ?? ""} label={t("common.copy")} />
        </div>
        <p className="text-sm text-ink-3">{t("access.key.how")}</p>
      </div>
    </Dialog>
  );
}
