import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { ArrowLeft, Trash2 } from "lucide-react";
import { useState } from "react";
import { useCan, useMe } from "@/api";
import { Badge, Button, ConfirmDialog, DefinitionList, EmptyState, ErrorState, PageHeader, RelativeTime, Skeleton, Switch, Tabs, toast, undoable, useNow } from "@/design";
import { t as text, useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { type ChannelAccount, channelsApi } from "./api";
import { Check } from "./check";
import { useAccounts } from "./data";
import { Groups } from "./groups";
import { Section } from "./section";
import { AccountSettings } from "./settings-form";
import { Templates } from "./templates";
import { TestMessage } from "./test-message";
import { WebhookAddress } from "./webhook-address";
import { Webhooks } from "./webhooks";
import { kindText, standingOf } from "./words";

/** One account: how it does, how it is set up, what its provider knows and told. */
export function Account({ id, tab }: { id: string; tab: string }) {
  const t = useT();
  const navigate = useNavigate();
  const zone = useMe()?.tenant.time_zone;
  const mayManage = useCan("channels:manage");
  const list = useAccounts();
  const account = list.data?.items.find((one) => one.id === id);
  const back = (
    <Link to="/settings/channels" className="inline-flex items-center gap-1 text-md text-accent hover:underline">
      <ArrowLeft size={14} aria-hidden />
      {t("common.nav.channels")}
    </Link>
  );
  if (list.isError) return <ErrorState error={list.error} onRetry={() => void list.refetch()} />;
  if (!account) {
    return list.isPending ? (
      <div aria-busy="true" className="p-5">
        <Skeleton lines={6} />
      </div>
    ) : (
      <EmptyState title={t("channels.gone")} text={t("channels.gone-text")} action={back} />
    );
  }
  const tabs = [
    { value: "overview", label: t("channels.tab.overview") },
    ...(mayManage ? [{ value: "settings", label: t("channels.tab.settings") }] : []),
    ...(account.type === "whatsapp" ? [{ value: "templates", label: t("channels.tab.templates") }] : []),
    ...(mayManage ? [{ value: "webhooks", label: t("channels.tab.webhooks") }] : []),
  ];
  const shown = tabs.find((one) => one.value === tab)?.value ?? "overview";
  return (
    <div className="flex min-h-full flex-col">
      <PageHeader title={account.name} description={kindText(account.type)} actions={back} />
      <Tabs
        className="px-5 pt-2 max-sm:px-3"
        value={shown}
        onValueChange={(next) => void navigate({ to: "/settings/channels", search: { account: id, ...(next === "overview" ? {} : { tab: next }) } as never, replace: true })}
        tabs={tabs}
      >
        <div className="grid w-full max-w-4xl gap-4 py-4">
          {shown === "settings" && zone ? (
            <AccountSettings key={account.updated_at} account={account} zone={zone} />
          ) : shown === "templates" ? (
            <Templates account={account} mayManage={mayManage} />
          ) : shown === "webhooks" ? (
            <Webhooks account={account} />
          ) : (
            <Overview account={account} mayManage={mayManage} />
          )}
        </div>
      </Tabs>
    </div>
  );
}

function Overview({ account, mayManage }: { account: ChannelAccount; mayManage: boolean }) {
  const t = useT();
  return (
    <>
      <Section title={t("channels.health")}>
        <HealthFacts account={account} />
        {mayManage && (
          <div className="mt-4">
            <Check account={account} />
          </div>
        )}
      </Section>
      {mayManage && (
        <>
          <Section title={t("channels.webhook")}>
            <WebhookAddress account={account} />
          </Section>
          <Section title={t("channels.test")}>
            <TestMessage account={account} />
          </Section>
          {account.type === "telegram" && (
            <Section title={t("channels.groups")}>
              <Groups account={account} />
            </Section>
          )}
          <Section title={t("channels.state")}>
            <OnOff account={account} />
          </Section>
        </>
      )}
    </>
  );
}

function HealthFacts({ account }: { account: ChannelAccount }) {
  const t = useT();
  const standing = standingOf(account, useNow());
  const { health } = account;
  const when = (at: string | null | undefined) => (at ? <RelativeTime at={at} /> : t("channels.never"));
  return (
    <div className="grid gap-3">
      <div data-health={health.webhook}>
        <Badge tone={standing.tone} dot>
          {standing.text}
        </Badge>
        {standing.more && <p className="mt-1 text-md break-words text-ink-2">{standing.more}</p>}
      </div>
      <DefinitionList
        items={[
          { term: t("channels.webhook"), value: t(`channels.receiving.${health.webhook}`) },
          { term: t("channels.received"), value: when(health.last_received_at) },
          { term: t("channels.sent"), value: when(health.last_sent_at) },
          ...(health.problem ? [{ term: t("channels.problem-since"), value: when(health.problem.at) }] : []),
          ...(health.token_expires_at ? [{ term: t("channels.token-ends"), value: when(health.token_expires_at) }] : []),
        ]}
      />
    </div>
  );
}

/** Off can be taken back; gone cannot. */
function OnOff({ account }: { account: ChannelAccount }) {
  const t = useT();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [removing, setRemoving] = useState(false);
  const failed = (error: Error) => toast({ title: text("channels.not-changed"), description: problemText(error), tone: "bad" });
  const refresh = () => queries.invalidateQueries({ queryKey: ["channels"] });
  const turn = useMutation({
    mutationFn: ({ to, from }: { to: boolean; from: ChannelAccount }) => channelsApi.change(from, { enabled: to }),
    onSuccess: (now) => {
      if (!now.enabled) undoable({ title: text("channels.turned-off", { name: now.name }), undo: () => turn.mutate({ to: true, from: now }) });
    },
    onError: failed,
    onSettled: refresh,
  });
  const remove = useMutation({
    mutationFn: () => channelsApi.remove(account.id),
    onSuccess: async () => {
      toast({ title: text("channels.removed", { name: account.name }), tone: "good" });
      await navigate({ to: "/settings/channels" });
    },
    onError: failed,
    onSettled: refresh,
  });
  return (
    <div className="grid gap-3">
      <div>
        <Switch label={t("channels.enabled")} checked={account.enabled} disabled={turn.isPending} onCheckedChange={(to) => turn.mutate({ to, from: account })} />
        <p className="text-sm text-ink-3">{t("channels.enabled-about")}</p>
      </div>
      <div>
        <Button icon={<Trash2 size={15} aria-hidden />} onClick={() => setRemoving(true)}>
          {t("channels.remove")}
        </Button>
      </div>
      <ConfirmDialog
        open={removing}
        onOpenChange={setRemoving}
        title={t("channels.remove-title", { name: account.name })}
        description={t("channels.remove-text")}
        confirm={t("channels.remove")}
        onConfirm={async () => {
          await remove.mutateAsync().catch(() => undefined);
        }}
      />
    </div>
  );
}
