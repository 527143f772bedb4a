import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Pencil, Plus, ShieldCheck, Trash2 } from "lucide-react";
import { type ReactNode, useState } from "react";
import { api, body, useCan } from "@/api";
import type { components } from "@/api";
import { Badge, Button, ConfirmDialog, EmptyState, ErrorState, IconButton, Skeleton, toast } from "@/design";
import { useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { type Permission, type Reach, usePermissionText, usePermissions } from "../shared/permissions";
import { RoleDialog } from "./role-dialog";

export type CustomRole = components["schemas"]["CustomRole"];

/** The tenant's own roles, and those that everybody has, each with what it allows. */
export function Roles() {
  const t = useT();
  const queries = useQueryClient();
  const mayManage = useCan("roles:manage");
  const catalogue = usePermissions();
  const list = useQuery({ queryKey: ["roles"], queryFn: ({ signal }) => body(api.GET("/api/v1/roles", { params: { query: { limit: 200 } }, signal })) });
  const [editing, setEditing] = useState<CustomRole | "new">();
  const [removing, setRemoving] = useState<CustomRole>();
  const remove = useMutation({
    mutationFn: (role: CustomRole) => body(api.DELETE("/api/v1/roles/{id}", { params: { path: { id: role.id } } })),
    onSuccess: (_, role) => toast({ title: t("access.role.removed", { name: role.name }), tone: "good" }),
    onError: (error) => toast({ title: t("access.role.not-removed"), description: problemText(error), tone: "bad" }),
    onSettled: () => queries.invalidateQueries({ queryKey: ["roles"] }),
  });
  if (list.isError || catalogue.isError) {
    const failed = list.isError ? list : catalogue;
    return <ErrorState error={failed.error} onRetry={() => void failed.refetch()} />;
  }
  if (list.isPending || catalogue.isPending) {
    return (
      <div aria-busy="true">
        <Skeleton lines={6} />
      </div>
    );
  }
  const { permissions, roles } = catalogue.data;
  return (
    <div className="grid gap-6">
      <section aria-labelledby="own-roles" className="grid gap-2">
        <div className="flex flex-wrap items-center gap-3">
          <h2 id="own-roles" className="flex-1 text-lg font-semibold">
            {t("access.roles.own")}
          </h2>
          {mayManage && (
            <Button variant="primary" icon={<Plus size={15} aria-hidden />} onClick={() => setEditing("new")}>
              {t("access.role.add")}
            </Button>
          )}
        </div>
        {list.data.items.length === 0 ? (
          <div className="rounded-lg border border-line bg-surface">
            <EmptyState icon={<ShieldCheck size={30} />} title={t("access.roles.none")} text={t("access.roles.none-text")} />
          </div>
        ) : (
          <ul className="divide-y divide-line rounded-lg border border-line bg-surface">
            {list.data.items.map((role) => (
              <RoleRow key={role.id} name={role.name} reach={role.reach} allowed={permissions.filter((one) => role.permissions.includes(one.name))} about={t("access.role.members", { n: role.members })}>
                {mayManage && (
                  <>
                    <IconButton label={t("access.role.edit", { name: role.name })} onClick={() => setEditing(role)}>
                      <Pencil size={16} aria-hidden />
                    </IconButton>
                    <IconButton label={t("access.role.remove", { name: role.name })} onClick={() => setRemoving(role)}>
                      <Trash2 size={16} aria-hidden />
                    </IconButton>
                  </>
                )}
              </RoleRow>
            ))}
          </ul>
        )}
      </section>
      <section aria-labelledby="built-in-roles" className="grid gap-2">
        <h2 id="built-in-roles" className="text-lg font-semibold">
          {t("access.roles.built-in")}
        </h2>
        <ul className="divide-y divide-line rounded-lg border border-line bg-surface">
          {roles.map(({ role, reach }) => (
            <RoleRow key={role} name={t(`setup.role.${role}`)} reach={reach} allowed={permissions.filter((one) => one.roles.includes(role))} about={t(`setup.role.${role}-about`)} />
          ))}
        </ul>
      </section>
      {editing && <RoleDialog role={editing === "new" ? undefined : editing} permissions={permissions} onClose={() => setEditing(undefined)} />}
      <ConfirmDialog
        open={removing !== undefined}
        onOpenChange={(open) => {
          if (!open) setRemoving(undefined);
        }}
        title={t("access.role.remove", { name: removing?.name ?? "" })}
        description={t("access.role.remove-text")}
        confirm={t("access.remove")}
        onConfirm={async () => {
          if (removing) await remove.mutateAsync(removing).catch(() => undefined);
        }}
      />
    </div>
  );
}

function RoleRow({ name, about, reach, allowed, children }: { name: string; about: string; reach: Reach; allowed: readonly Permission[]; children?: ReactNode }) {
  const t = useT();
  const text = usePermissionText();
  return (
    <li className="px-4 py-2.5">
      <div className="flex items-start gap-3">
        <div className="min-w-0 flex-1">
          <div className="flex flex-wrap items-center gap-2">
            <h3 className="font-medium">{name}</h3>
            <Badge>{t(`access.reach.${reach}`)}</Badge>
          </div>
          <p className="text-sm text-ink-3">{about}</p>
        </div>
        {children}
      </div>
      {allowed.length === 0 ? (
        <p className="mt-1 text-sm text-ink-3">{t("access.role.nothing")}</p>
      ) : (
        <details className="mt-1 text-md">
          <summary className="cursor-pointer text-sm text-ink-2">{t("access.role.allows", { n: allowed.length })}</summary>
          <ul className="mt-1 grid gap-x-6 text-ink-2 sm:grid-cols-2">
            {allowed.map((one) => (
              <li key={one.name}>{text(one)}</li>
            ))}
          </ul>
        </details>
      )}
    </li>
  );
}
