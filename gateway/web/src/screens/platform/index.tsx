import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Building2, Plus } from "lucide-react";
import { useCallback, useMemo, useState } from "react";
import { api, body } from "@/api";
import { platformSettingsQuery } from "@/api/settings";
import { Badge, Button, type Column, DataTable, EmptyState, ErrorState, PageHeader, RelativeTime, Sheet, Skeleton, Tabs } from "@/design";
import { useT } from "@/i18n";
import { SettingList } from "../all-settings/list";
import { CreateTenant } from "./create-tenant";
import { TenantSheet } from "./tenant-sheet";
import { STATE_TONES, type Tenant, tenantsKey } from "./tenant";

const TABS = ["tenants", "settings"] as const;

/** For those who run the installation: its tenants, and what holds for all of them. */
export default function Platform() {
  const t = useT();
  const navigate = useNavigate();
  const search: Record<string, unknown> = useSearch({ strict: false });
  const tab = TABS.find((one) => one === search.tab) ?? "tenants";
  const [creating, setCreating] = useState(false);
  const go = useCallback((to: { tab?: string; tenant?: string }) => void navigate({ to: "/platform", search: to as never, replace: true }), [navigate]);
  return (
    <div className="flex h-full min-h-0 flex-col">
      <PageHeader
        title={t("common.nav.platform")}
        description={t("platform.about")}
        actions={
          tab === "tenants" && (
            <Button variant="primary" icon={<Plus size={15} aria-hidden />} onClick={() => setCreating(true)}>
              {t("platform.create")}
            </Button>
          )
        }
        tabs={<Tabs value={tab} onValueChange={(next) => go(next === "settings" ? { tab: "settings" } : {})} tabs={TABS.map((one) => ({ value: one, label: t(`platform.tab.${one}`) }))} />}
      />
      {tab === "tenants" ? (
        <Tenants opened={typeof search.tenant === "string" ? search.tenant : undefined} onOpen={(tenant) => go(tenant ? { tenant } : {})} onCreate={() => setCreating(true)} />
      ) : (
        <PlatformSettings />
      )}
      {creating && <CreateTenant onClose={() => setCreating(false)} />}
    </div>
  );
}

function Tenants({ opened, onOpen, onCreate }: { opened: string | undefined; onOpen: (id: string | undefined) => void; onCreate: () => void }) {
  const t = useT();
  const list = useInfiniteQuery({
    queryKey: tenantsKey,
    queryFn: ({ pageParam, signal }) => body(api.GET("/api/v1/platform/tenants", { params: { query: { ...(pageParam ? { cursor: pageParam } : {}) } }, signal })),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchOnMount: "always",
    refetchOnWindowFocus: "always",
  });
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = list;
  const rows = useMemo(() => (list.data?.pages ?? []).flatMap((page) => page.items), [list.data]);
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const columns = useMemo<Column<Tenant>[]>(
    () => [
      { id: "name", header: t("platform.name"), width: "minmax(160px, 1.4fr)", cell: (tenant) => <span className="truncate font-medium">{tenant.name}</span> },
      { id: "slug", header: t("platform.slug"), width: "minmax(110px, 0.8fr)", hideBelow: "sm", cell: (tenant) => <span className="truncate font-mono text-sm text-ink-2">{tenant.slug}</span> },
      {
        id: "state",
        header: t("platform.state"),
        width: 150,
        cell: (tenant) => (
          <Badge tone={STATE_TONES[tenant.state]} dot>
            {t(`platform.state.${tenant.state}`)}
          </Badge>
        ),
      },
      { id: "members", header: t("platform.members"), width: 90, numeric: true, hideBelow: "sm", cell: (tenant) => String(tenant.members) },
      { id: "created", header: t("platform.created"), width: 130, hideBelow: "md", cell: (tenant) => <RelativeTime at={tenant.created_at} /> },
    ],
    [t],
  );
  const one = rows.find((tenant) => tenant.id === opened);
  return (
    <>
      <div className="min-h-0 flex-1">
        <DataTable
          label={t("platform.tab.tenants")}
          columns={columns}
          rows={rows}
          rowKey={(tenant) => tenant.id}
          onOpen={(tenant) => onOpen(tenant.id)}
          rowTone={(tenant) => (tenant.state === "active" ? undefined : STATE_TONES[tenant.state])}
          loading={list.isPending}
          error={list.error}
          onRetry={() => void list.refetch()}
          onEndReached={more}
          empty={
            <EmptyState
              icon={<Building2 size={30} />}
              title={t("platform.none")}
              text={t("platform.none-text")}
              action={
                <Button variant="primary" onClick={onCreate}>
                  {t("platform.create")}
                </Button>
              }
            />
          }
          {...(opened ? { selectedKey: opened } : {})}
        />
      </div>
      <Sheet
        open={one !== undefined}
        onOpenChange={(open) => {
          if (!open) onOpen(undefined);
        }}
        title={one?.name ?? ""}
      >
        {one && <TenantSheet key={one.id} tenant={one} />}
      </Sheet>
    </>
  );
}

function PlatformSettings() {
  const t = useT();
  const list = useQuery({ ...platformSettingsQuery, refetchOnMount: "always" });
  return (
    <div className="grid w-full max-w-4xl content-start gap-4 overflow-auto p-5 max-sm:p-3">
      <p className="text-md text-ink-2">{t("platform.settings.about")}</p>
      {list.isError ? (
        <ErrorState error={list.error} onRetry={() => void list.refetch()} />
      ) : list.isPending ? (
        <div aria-busy="true">
          <Skeleton lines={8} />
        </div>
      ) : (
        <SettingList settings={list.data} level="platform" mayChange queryKey={platformSettingsQuery.queryKey} />
      )}
    </div>
  );
}
