import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Pencil, Plus, Store, Trash2 } from "lucide-react";
import { useState } from "react";
import { api, body, useCan } from "@/api";
import { Button, Card, ConfirmDialog, EmptyState, ErrorState, IconButton, PageHeader, PhoneNumber, Skeleton, toast } from "@/design";
import { useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { type Site, SiteDialog } from "./site-dialog";

/** The company's outlets, and the numbers that are theirs. */
export default function Sites() {
  const t = useT();
  const queries = useQueryClient();
  const mayManage = useCan("sites:manage");
  const list = useQuery({ queryKey: ["sites"], queryFn: ({ signal }) => body(api.GET("/api/v1/sites", { params: { query: { limit: 200 } }, signal })), refetchOnMount: "always" });
  const [editing, setEditing] = useState<Site | "new">();
  const [removing, setRemoving] = useState<Site>();
  const remove = useMutation({
    mutationFn: (site: Site) => body(api.DELETE("/api/v1/sites/{id}", { params: { path: { id: site.id } } })),
    onSuccess: (_, site) => toast({ title: t("company.site.removed", { name: site.name }), tone: "good" }),
    onError: (error) => toast({ title: t("company.site.not-removed"), description: problemText(error), tone: "bad" }),
    onSettled: () => queries.invalidateQueries({ queryKey: ["sites"] }),
  });
  return (
    <div className="flex min-h-full flex-col">
      <PageHeader
        title={t("common.nav.sites")}
        description={t("company.sites.about")}
        actions={
          mayManage && (
            <Button variant="primary" icon={<Plus size={15} aria-hidden />} onClick={() => setEditing("new")}>
              {t("company.site.add")}
            </Button>
          )
        }
      />
      <div className="grid w-full max-w-4xl gap-3 p-5 max-sm:p-3">
        {list.isError ? (
          <ErrorState error={list.error} onRetry={() => void list.refetch()} />
        ) : list.isPending ? (
          <div aria-busy="true">
            <Skeleton lines={4} />
          </div>
        ) : list.data.items.length === 0 ? (
          <Card>
            <EmptyState icon={<Store size={30} />} title={t("company.sites.none")} text={t("company.sites.none-text")} />
          </Card>
        ) : (
          <ul className="divide-y divide-line rounded-lg border border-line bg-surface">
            {list.data.items.map((site) => (
              <li key={site.id} className="flex items-start gap-3 px-4 py-2.5">
                <Store size={17} aria-hidden className="mt-1 text-ink-3" />
                <div className="min-w-0 flex-1">
                  <h2 className="font-medium">{site.name}</h2>
                  {site.address && <p className="text-md break-words whitespace-pre-line text-ink-2">{site.address}</p>}
                  {site.time_zone && <p className="text-sm text-ink-3">{site.time_zone}</p>}
                  <p className="flex flex-wrap gap-x-4 text-sm text-ink-2">
                    {site.numbers.length === 0 ? t("company.site.no-numbers") : site.numbers.map((number) => <PhoneNumber key={number} value={number} />)}
                  </p>
                </div>
                {mayManage && (
                  <div className="flex">
                    <IconButton label={t("company.site.edit", { name: site.name })} onClick={() => setEditing(site)}>
                      <Pencil size={16} aria-hidden />
                    </IconButton>
                    <IconButton label={t("company.site.remove", { name: site.name })} onClick={() => setRemoving(site)}>
                      <Trash2 size={16} aria-hidden />
                    </IconButton>
                  </div>
                )}
              </li>
            ))}
          </ul>
        )}
      </div>
      {editing && <SiteDialog site={editing === "new" ? undefined : editing} onClose={() => setEditing(undefined)} />}
      <ConfirmDialog
        open={removing !== undefined}
        onOpenChange={(open) => {
          if (!open) setRemoving(undefined);
        }}
        title={t("company.site.remove", { name: removing?.name ?? "" })}
        description={t("company.site.remove-text")}
        confirm={t("company.remove")}
        onConfirm={async () => {
          if (removing) await remove.mutateAsync(removing).catch(() => undefined);
        }}
      />
    </div>
  );
}
