import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRound, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { Problem, api, body, newKey } from "@/api";
import type { components } from "@/api";
import { Banner, Button, Card, ConfirmDialog, Dialog, EmptyState, ErrorState, Field, IconButton, Input, RelativeTime, Skeleton, toast } from "@/design";
import { useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { CopyButton } from "../devices/add-device";

type HookToken = components["schemas"]["HookToken"];

/** The tokens that HTTP asks for. */
export function HookTokens({ mayManage }: { mayManage: boolean }) {
  const t = useT();
  const queries = useQueryClient();
  const list = useQuery({ queryKey: ["hook-tokens"], queryFn: ({ signal }) => body(api.GET("/api/v1/hook-tokens", { params: { query: { limit: 200 } }, signal })) });
  const [adding, setAdding] = useState(false);
  const [revoking, setRevoking] = useState<HookToken>();
  const revoke = useMutation({
    mutationFn: (token: HookToken) => body(api.DELETE("/api/v1/hook-tokens/{id}", { params: { path: { id: token.id } } })),
    onSuccess: (_, token) => toast({ title: t("hooks.token.revoked", { name: token.name }), tone: "good" }),
    onError: (error) => toast({ title: t("hooks.token.not-changed"), description: problemText(error), tone: "bad" }),
    onSettled: () => queries.invalidateQueries({ queryKey: ["hook-tokens"] }),
  });
  return (
    <Card className="grid grid-cols-[minmax(0,1fr)] gap-3">
      <div className="flex flex-wrap items-start gap-3">
        <div className="min-w-0 flex-1">
          <h2 className="font-medium">{t("hooks.tokens")}</h2>
          <p className="text-md text-ink-2">{t("hooks.tokens-text")}</p>
        </div>
        {mayManage && (
          <Button icon={<Plus size={15} aria-hidden />} onClick={() => setAdding(true)}>
            {t("hooks.token.add")}
          </Button>
        )}
      </div>
      {list.isPending ? (
        <div aria-busy="true">
          <Skeleton lines={2} />
        </div>
      ) : list.isError ? (
        <ErrorState error={list.error} onRetry={() => void list.refetch()} />
      ) : list.data.items.length === 0 ? (
        <EmptyState icon={<KeyRound size={26} />} title={t("hooks.tokens-none")} text={t("hooks.tokens-none-text")} />
      ) : (
        <ul className="divide-y divide-line">
          {list.data.items.map((token) => (
            <li key={token.id} className="flex items-center gap-3 py-2">
              <div className="min-w-0 flex-1">
                <p className="flex flex-wrap items-center gap-2">
                  <span className="font-medium">{token.name}</span>
                  <span className="font-mono text-sm text-ink-3">tlh_{token.prefix}_…</span>
                </p>
                <p className="text-sm text-ink-3">
                  {token.last_used_at ? (
                    <>
                      {t("hooks.token.used")} <RelativeTime at={token.last_used_at} />
                    </>
                  ) : (
                    t("hooks.token.never-used")
                  )}
                </p>
              </div>
              {mayManage && (
                <IconButton label={t("hooks.token.revoke", { name: token.name })} onClick={() => setRevoking(token)}>
                  <Trash2 size={16} aria-hidden />
                </IconButton>
              )}
            </li>
          ))}
        </ul>
      )}
      {adding && <NewToken onClose={() => setAdding(false)} />}
      <ConfirmDialog
        open={revoking !== undefined}
        onOpenChange={(open) => {
          if (!open) setRevoking(undefined);
        }}
        tone="danger"
        title={t("hooks.token.revoke", { name: revoking?.name ?? "" })}
        description={t("hooks.token.revoke-text")}
        confirm={t("hooks.token.revoke-confirm")}
        onConfirm={async () => {
          if (revoking) await revoke.mutateAsync(revoking).catch(() => undefined);
        }}
      />
    </Card>
  );
}

/** A name in, the token out: it is shown this once. */
function NewToken({ onClose }: { onClose: () => void }) {
  const t = useT();
  const queries = useQueryClient();
  const [name, setName] = useState("Asterisk");
  const [key] = useState(newKey);
  const add = useMutation({
    mutationFn: () => body(api.POST("/api/v1/hook-tokens", { params: { header: { "Idempotency-Key": key } }, body: { name: name.trim() } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["hook-tokens"] }),
  });
  const wrong = add.error instanceof Problem ? (add.error.fields.name ?? problemText(add.error)) : add.error ? problemText(add.error) : undefined;
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={add.data ? t("hooks.token.secret") : t("hooks.token.add")}
      footer={
        add.data ? (
          <Button variant="primary" onClick={onClose}>
            {t("hooks.token.saved-it")}
          </Button>
        ) : (
          <Button type="submit" form="hook-token" variant="primary" busy={add.isPending} disabled={name.trim() === ""}>
            {t("hooks.token.create")}
          </Button>
        )
      }
    >
      {add.data ? (
        <div className="grid grid-cols-[minmax(0,1fr)] gap-3">
          <Banner tone="ring" className="rounded-md">
            {t("hooks.token.once")}
          </Banner>
          <div className="flex items-center gap-3 rounded-md bg-sunken px-3 py-1.5">
            <code className="min-w-0 flex-1 font-mono text-md break-all" data-credential="token">
              {add.data.token}
            </code>
            <CopyButton text={add.data.token} label={t("common.copy")} />
          </div>
          <p className="text-sm text-ink-3">{t("hooks.token.how")}</p>
        </div>
      ) : (
        <form
          id="hook-token"
          onSubmit={(event) => {
            event.preventDefault();
            if (name.trim() && !add.isPending) add.mutate();
          }}
        >
          <Field label={t("hooks.token.name")} error={wrong}>
            <Input maxLength={60} value={name} onChange={(event) => setName(event.target.value)} />
          </Field>
        </form>
      )}
    </Dialog>
  );
}
