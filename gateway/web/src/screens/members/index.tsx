import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { UserPlus, Users } from "lucide-react";
import { useState } from "react";
import type { components } from "@/api";
import { Problem, api, body, useCan, useMe } from "@/api";
import { Avatar, Badge, Button, Card, Checkbox, ConfirmDialog, Dialog, EmptyState, ErrorState, Field, Input, PageHeader, RelativeTime, Select, Skeleton, toast } from "@/design";
import { useT } from "@/i18n";
import { accountProblem } from "../account/problem";
import { CopyButton } from "../devices/add-device";

type Member = components["schemas"]["Member"];
type Role = components["schemas"]["Role"];
const ROLES: readonly Role[] = ["admin", "manager", "closer", "setter", "sales_rep", "operator", "viewer", "client"];

/** Who belongs to the company, who is invited, and who may come in no more. */
export default function Members() {
  const t = useT();
  const queries = useQueryClient();
  const mayManage = useCan("members:manage");
  const list = useQuery({ queryKey: ["members"], queryFn: ({ signal }) => body(api.GET("/api/v1/members", { params: { query: { limit: 200 } }, signal })) });
  const [inviting, setInviting] = useState(false);
  const [leaving, setLeaving] = useState<Member>();
  const changed = () => queries.invalidateQueries({ queryKey: ["members"] });
  const failed = (error: unknown) => toast({ title: t("account.failed"), description: accountProblem(error), tone: "bad" });
  const act = useMutation({
    mutationFn: async ({ id, what }: { id: string; what: "deactivate" | "reactivate" | "sign-out" | Role }) => {
      const params = { path: { id } };
      if (what === "deactivate") await api.POST("/api/v1/members/{id}/deactivate", { params });
      else if (what === "reactivate") await api.POST("/api/v1/members/{id}/reactivate", { params });
      else if (what === "sign-out") await api.DELETE("/api/v1/members/{id}/sessions", { params });
      else await api.PATCH("/api/v1/members/{id}", { params, body: { role: what } });
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
              <Row key={member.id} member={member} manage={mayManage} onAct={(what) => act.mutate({ id: member.id, what })} onLeave={() => setLeaving(member)} />
            ))}
          </ul>
        )}
        {mayManage && <Open />}
      </div>
      {inviting && <Invite onClose={() => setInviting(false)} />}
      <ConfirmDialog
        open={leaving !== undefined}
        onOpenChange={(open) => {
          if (!open) setLeaving(undefined);
        }}
        title={t("account.members.deactivate-title", { name: leaving?.name ?? "" })}
        description={t("account.members.deactivate-text")}
        confirm={t("account.members.deactivate")}
        onConfirm={async () => {
          if (leaving) await act.mutateAsync({ id: leaving.id, what: "deactivate" }).catch(() => undefined);
        }}
      />
    </div>
  );
}

function Row({ member, manage, onAct, onLeave }: { member: Member; manage: boolean; onAct: (what: "reactivate" | "sign-out" | Role) => void; onLeave: () => void }) {
  const t = useT();
  const mayRoles = useCan("roles:manage");
  const myself = useMe()?.user.id === member.id;
  const disabled = member.disabled_at != null;
  return (
    <li className="flex flex-wrap items-center gap-3 px-4 py-2.5">
      <Avatar name={member.name} />
      <div className="min-w-0 flex-1">
        <p className="flex flex-wrap items-center gap-2 text-md font-medium">
          {member.name}
          {disabled && <Badge tone="bad">{t("account.members.disabled")}</Badge>}
          {member.second_step && <Badge tone="live">{t("account.members.second-step")}</Badge>}
        </p>
        <p className="text-sm break-words text-ink-3">
          {member.email} ·{" "}
          {member.last_seen_at ? (
            <>
              {t("account.members.seen")} <RelativeTime at={member.last_seen_at} />
            </>
          ) : (
            t("account.members.never")
          )}
        </p>
      </div>
      {mayRoles && !myself && !member.role_id ? (
        <Select className="w-36" aria-label={t("account.members.role")} value={member.role} onValueChange={(role) => onAct(role as Role)} options={ROLES.map((role) => ({ value: role, label: t(`setup.role.${role}`) }))} />
      ) : (
        <span className="text-md text-ink-2">{member.role_name ?? t(`setup.role.${member.role}`)}</span>
      )}
      {manage && !myself && (
        <div className="flex gap-2">
          {disabled ? (
            <Button size="sm" onClick={() => onAct("reactivate")}>
              {t("account.members.reactivate")}
            </Button>
          ) : (
            <>
              <Button size="sm" onClick={() => onAct("sign-out")}>
                {t("account.members.sign-out")}
              </Button>
              <Button size="sm" variant="danger" onClick={onLeave}>
                {t("account.members.deactivate")}
              </Button>
            </>
          )}
        </div>
      )}
    </li>
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
                {t(`setup.role.${one.role}`)} · {one.invited_by} · {t("account.members.until")} <RelativeTime at={one.expires_at} />
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

function Invite({ onClose }: { onClose: () => void }) {
  const t = useT();
  const queries = useQueryClient();
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("operator");
  const [works, setWorks] = useState(true);
  const invite = useMutation({
    mutationFn: () => body(api.POST("/api/v1/invitations", { body: { email: email.trim(), role, takes_work: works } })),
    onSuccess: (made) => {
      void queries.invalidateQueries({ queryKey: ["invitations"] });
      if (!made.mailed) return;
      toast({ title: t("account.members.invited", { email: made.email }), tone: "good" });
      onClose();
    },
  });
  const link = invite.data?.link;
  const wrong = invite.error instanceof Problem ? (invite.error.fields.email ?? accountProblem(invite.error)) : undefined;
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={t(link ? "account.members.link-title" : "account.members.invite-title")} {...(link ? { description: t("account.members.link") } : {})}>
      {link ? (
        <p className="flex items-center gap-2">
          <code className="min-w-0 flex-1 font-mono text-sm break-all">{link}</code>
          <CopyButton text={link} label={t("common.copy")} />
        </p>
      ) : (
        <form
          noValidate
          className="grid gap-3"
          onSubmit={(event) => {
            event.preventDefault();
            if (email.includes("@") && !invite.isPending) invite.mutate();
          }}
        >
          <Field label={t("people.sign-in.email")} error={wrong}>
            <Input type="email" value={email} onChange={(event) => setEmail(event.target.value)} />
          </Field>
          <Field label={t("account.members.role")}>
            <Select
              value={role}
              onValueChange={(next) => {
                setRole(next as Role);
                setWorks(next === "operator");
              }}
              options={ROLES.map((one) => ({ value: one, label: t(`setup.role.${one}`) }))}
            />
          </Field>
          <Checkbox checked={works} onCheckedChange={setWorks} label={t("account.members.works")} />
          <div>
            <Button type="submit" variant="primary" busy={invite.isPending} disabled={!email.includes("@")}>
              {t("account.members.invite")}
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
