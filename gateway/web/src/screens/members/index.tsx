import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { UserPlus, Users } from "lucide-react";
import { useState } from "react";
import type { components } from "@/api";
import { api, body, useCan } from "@/api";
import { Button, Card, ConfirmDialog, EmptyState, ErrorState, PageHeader, RelativeTime, Skeleton, toast } from "@/design";
import { useT } from "@/i18n";
import { accountProblem } from "../account/problem";
import { Invite } from "./invite";
import { chosenRole } from "./role-choice";
import { Row } from "./row";

export type Member = components["schemas"]["Member"];
/** What may be done with a member without asking back. */
export type Act = "reactivate" | "sign-out" | { role: string };
/** And what is asked about first. */
export type Serious = "deactivate" | "reset-codes";

/** Who belongs to the company, who is invited, and who may come in no more. */
export default function Members() {
  const t = useT();
  const queries = useQueryClient();
  const mayManage = useCan("members:manage");
  const list = useQuery({ queryKey: ["members"], queryFn: ({ signal }) => body(api.GET("/api/v1/members", { params: { query: { limit: 200 } }, signal })) });
  const [inviting, setInviting] = useState(false);
  const [serious, setSerious] = useState<{ member: Member; what: Serious }>();
  const changed = () => queries.invalidateQueries({ queryKey: ["members"] });
  const failed = (error: unknown) => toast({ title: t("account.failed"), description: accountProblem(error), tone: "bad" });
  const act = useMutation({
    mutationFn: async ({ id, what }: { id: string; what: Act | Serious }) => {
      const params = { path: { id } };
      if (what === "deactivate") await api.POST("/api/v1/members/{id}/deactivate", { params });
      else if (what === "reactivate") await api.POST("/api/v1/members/{id}/reactivate", { params });
      else if (what === "sign-out") await api.DELETE("/api/v1/members/{id}/sessions", { params });
      else if (what === "reset-codes") await api.DELETE("/api/v1/members/{id}/second-step", { params });
      else await api.PATCH("/api/v1/members/{id}", { params, body: chosenRole(what.role) });
    },
    onSuccess: () => toast({ title: t("account.members.changed"), tone: "good" }),
    onError: failed,
    onSettled: changed,
  });
  return (
    <div className="flex min-h-full flex-col">
      <PageHeader
        title={t("common.nav.members")}
        description={t("account.members.about")}
        actions={
          mayManage && (
            <Button variant="primary" icon={<UserPlus size={15} aria-hidden />} onClick={() => setInviting(true)}>
              {t("account.members.invite")}
            </Button>
          )
        }
      />
      <div className="grid w-full max-w-4xl gap-5 p-5 max-sm:p-3">
        {list.isPending ? (
          <div aria-busy="true">
            <Skeleton lines={5} />
          </div>
        ) : list.isError ? (
          <ErrorState error={list.error} onRetry={() => void list.refetch()} />
        ) : list.data.items.length === 0 ? (
          <Card>
            <EmptyState icon={<Users size={30} />} title={t("account.members.about")} />
          </Card>
        ) : (
          <ul className="divide-y divide-line rounded-lg border border-line bg-surface">
            {list.data.items.map((member) => (
              <Row key={member.id} member={member} manage={mayManage} onAct={(what) => act.mutate({ id: member.id, what })} onSerious={(what) => setSerious({ member, what })} />
            ))}
          </ul>
        )}
        {mayManage && <Open />}
      </div>
      {inviting && <Invite onClose={() => setInviting(false)} />}
      <ConfirmDialog
        open={serious !== undefined}
        onOpenChange={(open) => {
          if (!open) setSerious(undefined);
        }}
        title={t(serious?.what === "reset-codes" ? "account.members.reset-codes-title" : "account.members.deactivate-title", { name: serious?.member.name ?? "" })}
        description={t(serious?.what === "reset-codes" ? "account.members.reset-codes-text" : "account.members.deactivate-text", { name: serious?.member.name ?? "" })}
        confirm={t(serious?.what === "reset-codes" ? "account.members.reset-codes" : "account.members.deactivate")}
        onConfirm={async () => {
          if (serious) await act.mutateAsync({ id: serious.member.id, what: serious.what }).catch(() => undefined);
        }}
      />
    </div>
  );
}

function Open() {
  const t = useT();
  const queries = useQueryClient();
  const list = useQuery({ queryKey: ["invitations"], queryFn: ({ signal }) => body(api.GET("/api/v1/invitations", { signal })) });
  const withdraw = useMutation({
    mutationFn: (id: string) => api.DELETE("/api/v1/invitations/{id}", { params: { path: { id } } }),
    onError: (error) => toast({ title: t("account.failed"), description: accountProblem(error), tone: "bad" }),
    onSettled: () => queries.invalidateQueries({ queryKey: ["invitations"] }),
  });
  const items = list.data?.items ?? [];
  if (items.length === 0) return null;
  return (
    <section aria-label={t("account.members.open")}>
      <h2 className="mb-2 text-lg font-semibold">{t("account.members.open")}</h2>
      <ul className="divide-y divide-line rounded-lg border border-line bg-surface">
        {items.map((one) => (
          <li key={one.id} className="flex flex-wrap items-center gap-3 px-4 py-2">
            <div className="min-w-0 flex-1">
              <p className="text-md font-medium break-words">{one.email}</p>
              <p className="text-sm text-ink-3">
                {one.role_name ?? t(`setup.role.${one.role}`)} · {one.invited_by} · {t("account.members.until")} <RelativeTime at={one.expires_at} />
              </p>
            </div>
            <Button size="sm" busy={withdraw.isPending && withdraw.variables === one.id} onClick={() => withdraw.mutate(one.id)}>
              {t("account.members.withdraw")}
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}
