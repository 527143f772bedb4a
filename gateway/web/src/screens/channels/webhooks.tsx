import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Inbox, RefreshCw, RotateCcw } from "lucide-react";
import { useState } from "react";
import { Badge, Button, Card, DefinitionList, EmptyState, ErrorState, IconButton, RelativeTime, Select, Sheet, Skeleton, toast } from "@/design";
import { t as text, useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { CopyButton } from "../devices/add-device";
import { type ChannelAccount, type InboundWebhook, WEBHOOK_STATES, type WebhookState, channelsApi } from "./api";
import { WEBHOOK_TONE, pretty } from "./words";

const ALL = "all";

/** What the provider told, as it came; each can be applied again. */
export function Webhooks({ account }: { account: ChannelAccount }) {
  const t = useT();
  const queries = useQueryClient();
  const [state, setState] = useState<WebhookState>();
  const [opened, setOpened] = useState<string>();
  const list = useInfiniteQuery({
    queryKey: ["channels", "webhooks", account.id, state ?? ALL],
    queryFn: ({ pageParam, signal }) => channelsApi.webhooks(account.id, state, pageParam, signal),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchOnWindowFocus: "always",
    refetchOnMount: "always",
  });
  const items = (list.data?.pages ?? []).flatMap((page) => page.items);
  return (
    <section aria-label={t("channels.tab.webhooks")} className="grid gap-3">
      <div className="flex flex-wrap items-center gap-3">
        <p className="min-w-60 flex-1 text-md text-ink-2">{t("channels.webhooks.about")}</p>
        <Select
          aria-label={t("channels.webhooks.state")}
          className="w-52"
          value={state ?? ALL}
          onValueChange={(next) => setState(WEBHOOK_STATES.find((one) => one === next))}
          options={[{ value: ALL, label: t("channels.webhooks.all") }, ...WEBHOOK_STATES.map((one) => ({ value: one, label: t(`channels.webhook-state.${one}`) }))]}
        />
        <IconButton label={t("channels.webhooks.refresh")} variant="secondary" onClick={() => void queries.invalidateQueries({ queryKey: ["channels", "webhooks"] })}>
          <RefreshCw size={15} aria-hidden />
        </IconButton>
      </div>
      {list.isError ? (
        <ErrorState error={list.error} onRetry={() => void list.refetch()} />
      ) : list.isPending ? (
        <div aria-busy="true">
          <Skeleton lines={6} />
        </div>
      ) : items.length === 0 ? (
        <Card>
          <EmptyState icon={<Inbox size={30} />} title={t("channels.webhooks.none")} text={t(state ? "channels.webhooks.none-such" : "channels.webhooks.none-text")} />
        </Card>
      ) : (
        <ul className="divide-y divide-line rounded-lg border border-line bg-surface">
          {items.map((one) => (
            <li key={one.id}>
              <button type="button" className="flex w-full flex-wrap items-center gap-x-3 gap-y-0.5 px-4 py-2 text-start hover:bg-sunken" onClick={() => setOpened(one.id)}>
                <span className="w-32 text-md">
                  <RelativeTime at={one.received_at} />
                </span>
                <StateBadge state={one.state} />
                <span className="min-w-0 flex-1 truncate text-sm text-ink-3">{one.error ?? t("channels.webhooks.bytes", { n: one.bytes })}</span>
              </button>
            </li>
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
      <Sheet
        open={opened !== undefined}
        onOpenChange={(open) => {
          if (!open) setOpened(undefined);
        }}
        title={t("channels.webhooks.one")}
      >
        {opened && <One key={opened} id={opened} />}
      </Sheet>
    </section>
  );
}

function StateBadge({ state }: { state: InboundWebhook["state"] }) {
  const t = useT();
  return (
    <Badge tone={WEBHOOK_TONE[state]} dot>
      {t(`channels.webhook-state.${state}`)}
    </Badge>
  );
}

function One({ id }: { id: string }) {
  const t = useT();
  const queries = useQueryClient();
  const one = useQuery({ queryKey: ["channels", "webhook", id], queryFn: ({ signal }) => channelsApi.webhook(id, signal), refetchOnMount: "always" });
  const replay = useMutation({
    mutationFn: () => channelsApi.replay(id),
    onSuccess: () => toast({ title: text("channels.webhooks.replayed"), tone: "good" }),
    onError: (error) => toast({ title: text("channels.webhooks.not-replayed"), description: problemText(error), tone: "bad" }),
    onSettled: () => queries.invalidateQueries({ queryKey: ["channels"] }),
  });
  if (one.isError) return <ErrorState error={one.error} onRetry={() => void one.refetch()} />;
  if (one.isPending)
    return (
      <div aria-busy="true">
        <Skeleton lines={8} />
      </div>
    );
  const { data } = one;
  const content = data.body ?? data.body_base64 ?? "";
  const kept = content !== "";
  return (
    <div className="grid gap-4">
      <DefinitionList
        items={[
          { term: t("channels.webhooks.state"), value: <StateBadge state={data.state} /> },
          { term: t("channels.webhooks.came"), value: <RelativeTime at={data.received_at} /> },
          { term: t("channels.webhooks.tries"), value: data.tries },
          ...(data.applied_at ? [{ term: t("channels.webhooks.applied"), value: <RelativeTime at={data.applied_at} /> }] : []),
          ...(data.error ? [{ term: t("channels.webhooks.error"), value: <span className="break-words text-bad">{data.error}</span> }] : []),
        ]}
      />
      <div>
        <Button icon={<RotateCcw size={15} aria-hidden />} busy={replay.isPending} disabled={data.state === "received" || (!kept && data.type !== "twilio")} onClick={() => replay.mutate()}>
          {t("channels.webhooks.replay")}
        </Button>
        <p className="mt-1 text-sm text-ink-3">{t("channels.webhooks.replay-about")}</p>
      </div>
      <Raw title={t("channels.webhooks.body")} value={kept ? (data.body === null ? content : pretty(content)) : data.url} copy={kept ? content : data.url} note={kept ? (data.body === null ? t("channels.webhooks.base64") : undefined) : t("channels.webhooks.not-kept")} />
      <Raw title={t("channels.webhooks.headers")} value={JSON.stringify(data.headers, undefined, 2)} copy={JSON.stringify(data.headers)} />
    </div>
  );
}

function Raw({ title, value, copy, note }: { title: string; value: string; copy: string; note?: string | undefined }) {
  const t = useT();
  return (
    <div className="grid gap-1">
      <div className="flex items-center gap-2">
        <h3 className="flex-1 text-sm font-medium text-ink-2">{title}</h3>
        <CopyButton text={copy} label={`${t("common.copy")}: ${title}`} />
      </div>
      {note && <p className="text-sm text-ink-3">{note}</p>}
      {/* What does not fit is scrolled to, by keys too. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre tabIndex={0} aria-label={title} role="region" className="max-h-80 overflow-auto rounded-md bg-sunken p-2 font-mono text-sm break-all whitespace-pre-wrap">
        {value}
      </pre>
    </div>
  );
}
