import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus, Trash2, UserMinus, Users } from "lucide-react";
import { useState } from "react";
import { Problem, api, body, newKey, useCan } from "@/api";
import type { components } from "@/api";
import { Avatar, Badge, Button, Card, Combobox, ConfirmDialog, Dialog, EmptyState, ErrorState, Field, IconButton, Input, Skeleton, Switch, toast } from "@/design";
import { useT } from "@/i18n";
import { useAgents } from "@/live";
import { problemText } from "../calls/problem-text";

type Team = components["schemas"]["Team"];

/** Teams, who belongs to them and who leads them. */
export function Teams() {
  const t = useT();
  const mayManage = useCan("teams:manage");
  const list = useQuery({ queryKey: ["teams"], queryFn: ({ signal }) => body(api.GET("/api/v1/teams", { params: { query: { limit: 200 } }, signal })) });
  const [adding, setAdding] = useState(false);
  if (list.isError) return <ErrorState error={list.error} onRetry={() => void list.refetch()} />;
  return (
    <section aria-labelledby="teams" className="grid gap-3">
      <div className="flex flex-wrap items-center gap-3">
        <h2 id="teams" className="flex-1 text-lg font-semibold">
          {t("access.teams")}
        </h2>
        {mayManage && (
          <Button variant="primary" icon={<Plus size={15} aria-hidden />} onClick={() => setAdding(true)}>
            {t("access.team.add")}
          </Button>
        )}
      </div>
      <p className="text-md text-ink-2">{t("access.teams.about")}</p>
      {list.isPending ? (
        <div aria-busy="true">
          <Skeleton lines={4} />
        </div>
      ) : list.data.items.length === 0 ? (
        <Card>
          <EmptyState icon={<Users size={30} />} title={t("access.teams.none")} text={t("access.teams.none-text")} />
        </Card>
      ) : (
        list.data.items.map((team) => <TeamCard key={team.id} team={team} mayManage={mayManage} />)
      )}
      {adding && <AddTeam onClose={() => setAdding(false)} />}
    </section>
  );
}

function useChanged() {
  const t = useT();
  const queries = useQueryClient();
  return {
    onError: (error: Error) => toast({ title: t("access.team.not-changed"), description: problemText(error), tone: "bad" as const }),
    onSettled: () => queries.invalidateQueries({ queryKey: ["teams"] }),
  };
}

function TeamCard({ team, mayManage }: { team: Team; mayManage: boolean }) {
  const t = useT();
  const agents = useAgents();
  const changed = useChanged();
  const [removing, setRemoving] = useState(false);
  const nameOf = (id: string) => agents.find((one) => one.id === id)?.name ?? t("access.team.somebody");
  const set = useMutation({
    mutationFn: ({ user, lead }: { user: string; lead: boolean }) => body(api.PUT("/api/v1/teams/{id}/members/{user_id}", { params: { path: { id: team.id, user_id: user } }, body: { lead } })),
    ...changed,
  });
  const leave = useMutation({
    mutationFn: (user: string) => body(api.DELETE("/api/v1/teams/{id}/members/{user_id}", { params: { path: { id: team.id, user_id: user } } })),
    ...changed,
  });
  const remove = useMutation({ mutationFn: () => body(api.DELETE("/api/v1/teams/{id}", { params: { path: { id: team.id } } })), ...changed });
  const others = agents.filter((one) => team.members.every((member) => member.user_id !== one.id));
  return (
    <Card className="grid gap-2">
      <div className="flex items-center gap-3">
        <h3 className="min-w-0 flex-1 truncate font-semibold">{team.name}</h3>
        {mayManage && (
          <IconButton label={t("access.team.remove", { name: team.name })} onClick={() => setRemoving(true)}>
            <Trash2 size={16} aria-hidden />
          </IconButton>
        )}
      </div>
      {team.members.length === 0 ? (
        <p className="text-sm text-ink-3">{t("access.team.empty")}</p>
      ) : (
        <ul className="grid gap-1">
          {team.members.map((member) => (
            <li key={member.user_id} className="flex flex-wrap items-center gap-x-3 gap-y-1">
              <Avatar name={nameOf(member.user_id)} size={24} />
              <span className="min-w-0 flex-1 truncate">{nameOf(member.user_id)}</span>
              {mayManage ? (
                <Switch label={t("access.team.leads")} checked={member.lead} disabled={set.isPending} onCheckedChange={(lead) => set.mutate({ user: member.user_id, lead })} />
              ) : (
                member.lead && <Badge tone="live">{t("access.team.leads")}</Badge>
              )}
              {mayManage && (
                <IconButton label={t("access.team.leave", { name: nameOf(member.user_id) })} onClick={() => leave.mutate(member.user_id)}>
                  <UserMinus size={16} aria-hidden />
                </IconButton>
              )}
            </li>
          ))}
        </ul>
      )}
      {mayManage && others.length > 0 && (
        <Combobox
          aria-label={t("access.team.join", { name: team.name })}
          placeholder={t("access.team.join-hint")}
          className="w-64 max-w-full"
          value={undefined}
          onValueChange={(user) => set.mutate({ user, lead: false })}
          options={others.map((one) => ({ value: one.id, label: one.name }))}
        />
      )}
      <ConfirmDialog
        open={removing}
        onOpenChange={setRemoving}
        title={t("access.team.remove", { name: team.name })}
        description={t("access.team.remove-text")}
        confirm={t("access.remove")}
        onConfirm={async () => {
          await remove.mutateAsync().catch(() => undefined);
        }}
      />
    </Card>
  );
}

function AddTeam({ onClose }: { onClose: () => void }) {
  const t = useT();
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [key] = useState(newKey);
  const add = useMutation({
    mutationFn: () => body(api.POST("/api/v1/teams", { params: { header: { "Idempotency-Key": key } }, body: { name: name.trim() } })),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["teams"] });
      onClose();
    },
  });
  const wrong = add.error ? (add.error instanceof Problem ? (add.error.fields.name ?? problemText(add.error)) : problemText(add.error)) : undefined;
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={t("access.team.add")}
      footer={
        <Button type="submit" form="add-team" variant="primary" busy={add.isPending} disabled={name.trim() === ""}>
          {t("common.save")}
        </Button>
      }
    >
      <form
        id="add-team"
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim() && !add.isPending) add.mutate();
        }}
      >
        <Field label={t("access.name")} error={wrong}>
          <Input maxLength={60} value={name} onChange={(event) => setName(event.target.value)} />
        </Field>
      </form>
    </Dialog>
  );
}
