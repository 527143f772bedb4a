import { useMutation, useQuery } from "@tanstack/react-query";
import { ownTenantsQuery, switchTo, useMe } from "@/api";
import { Badge, Banner, Button, Dialog, ErrorState, Skeleton } from "@/design";
import { useT } from "@/i18n";
import { useRunningCalls } from "@/live";
import { problemText } from "../calls/problem-text";

/** The companies that one belongs to; signs in to another one. */
export function Switcher({ open, onOpenChange }: { open: boolean; onOpenChange: (open: boolean) => void }) {
  const t = useT();
  const list = useQuery(ownTenantsQuery);
  const id = useMe()?.user.id ?? "";
  const busy = useRunningCalls({ agent_id: id }).length > 0;
  const go = useMutation({ mutationFn: switchTo });
  return (
    <Dialog open={open} onOpenChange={onOpenChange} size="sm" title={t("company.switch.title")} description={t("company.switch.about")}>
      {busy && <Banner tone="ring">{t("company.switch.busy")}</Banner>}
      {go.isError && <Banner tone="bad">{problemText(go.error)}</Banner>}
      {list.isError ? (
        <ErrorState error={list.error} onRetry={() => void list.refetch()} />
      ) : list.isPending ? (
        <div aria-busy="true">
          <Skeleton lines={3} />
        </div>
      ) : (
        <ul className="divide-y divide-line">
          {list.data.map((tenant) => (
            <li key={tenant.id} className="flex flex-wrap items-center gap-3 py-2">
              <span className="min-w-0 flex-1">
                <span className="block truncate font-medium">{tenant.name}</span>
                <span className="block text-sm text-ink-3">{tenant.role_name ?? t(`setup.role.${tenant.role}`)}</span>
              </span>
              {tenant.current ? (
                <Badge tone="live">{t("company.switch.here")}</Badge>
              ) : (
                <Button disabled={busy || go.isPending} busy={go.isPending && go.variables === tenant.slug} onClick={() => go.mutate(tenant.slug)} aria-label={t("company.switch.go", { name: tenant.name })}>
                  {t("company.switch.enter")}
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
    </Dialog>
  );
}
