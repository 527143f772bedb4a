import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { FileText, RefreshCw } from "lucide-react";
import { Badge, Button, Card, EmptyState, ErrorState, RelativeTime, Skeleton, toast } from "@/design";
import { t as text, useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { type ChannelAccount, type MessageTemplate, channelsApi } from "./api";
import { categoryText, qualityOf, templateStatus } from "./words";

/** What may be said first, and to whoever has been silent for a day. Meta approves of each. */
export function Templates({ account, mayManage }: { account: ChannelAccount; mayManage: boolean }) {
  const t = useT();
  const queries = useQueryClient();
  const queryKey = ["channels", "templates", account.id];
  const list = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) => channelsApi.templates(account.id, pageParam, signal),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchOnWindowFocus: "always",
    refetchOnMount: "always",
  });
  const sync = useMutation({
    mutationFn: () => channelsApi.readTemplates(account.id),
    onSuccess: () => {
      toast({ title: text("channels.templates.begun"), tone: "good" });
      // A job reads them; it tells nobody when it is done.
      setTimeout(() => void queries.invalidateQueries({ queryKey }), 3000);
    },
    onError: (error) => toast({ title: text("channels.templates.not-begun"), description: problemText(error), tone: "bad" }),
  });
  const items = (list.data?.pages ?? []).flatMap((page) => page.items);
  const newest = items.reduce<string | undefined>((latest, one) => (latest !== undefined && latest > one.synced_at ? latest : one.synced_at), undefined);
  return (
    <section aria-label={t("channels.tab.templates")} className="grid gap-3">
      <div className="flex flex-wrap items-center gap-3">
        <p className="min-w-60 flex-1 text-md text-ink-2">
          {t("channels.templates.about")}
          {newest && (
            <>
              {" "}
              {t("channels.templates.synced")} <RelativeTime at={newest} />
            </>
          )}
        </p>
        {mayManage && (
          <Button icon={<RefreshCw size={15} aria-hidden />} busy={sync.isPending} onClick={() => sync.mutate()}>
            {t("channels.templates.sync")}
          </Button>
        )}
      </div>
      {list.isError ? (
        <ErrorState error={list.error} onRetry={() => void list.refetch()} />
      ) : list.isPending ? (
        <div aria-busy="true">
          <Skeleton lines={4} />
        </div>
      ) : items.length === 0 ? (
        <Card>
          <EmptyState icon={<FileText size={30} />} title={t("channels.templates.none")} text={t("channels.templates.none-text")} />
        </Card>
      ) : (
        <ul className="divide-y divide-line rounded-lg border border-line bg-surface">
          {items.map((one) => (
            <Row key={`${one.name} ${one.language}`} template={one} />
          ))}
        </ul>
      )}
      {list.hasNextPage && (
        <div>
          <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            {t("channels.show-more")}
          </Button>
        </div>
      )}
    </section>
  );
}

function Row({ template }: { template: MessageTemplate }) {
  const t = useT();
  const status = templateStatus(template.status);
  const quality = qualityOf(template.quality);
  const words = template.components.find((one) => one.sort === "body")?.text;
  return (
    <li className="grid gap-0.5 px-4 py-2.5">
      <div className="flex flex-wrap items-center gap-2">
        <h3 className="font-medium break-all">{template.name}</h3>
        <span className="text-sm text-ink-3">
          {template.language} · {categoryText(template.category)}
        </span>
        <Badge tone={status.tone}>{status.text}</Badge>
        {quality && <Badge tone={quality.tone}>{quality.text}</Badge>}
      </div>
      {words && <p className="text-md break-words whitespace-pre-line text-ink-2">{words}</p>}
      {template.reason && template.reason !== "NONE" && <p className="text-sm text-bad">{t("channels.template.reason", { reason: template.reason })}</p>}
    </li>
  );
}
