import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { MessagesSquare, Plus } from "lucide-react";
import { useState } from "react";
import { useCan } from "@/api";
import { Badge, Button, Card, EmptyState, ErrorState, PageHeader, RelativeTime, Skeleton, useNow } from "@/design";
import { useT } from "@/i18n";
import { useQueues } from "@/live";
import { Account } from "./account";
import type { ChannelAccount } from "./api";
import { Connect } from "./connect";
import { useAccounts, useHealthTold } from "./data";
import { kindText, standingOf } from "./words";

/** By which ways customers write, how each does, and what to do where one does not. */
export default function Channels() {
  const search: Record<string, unknown> = useSearch({ strict: false });
  useHealthTold();
  return typeof search.account === "string" ? <Account key={search.account} id={search.account} tab={typeof search.tab === "string" ? search.tab : "overview"} /> : <List />;
}

function List() {
  const t = useT();
  const navigate = useNavigate();
  const mayManage = useCan("channels:manage");
  const list = useAccounts();
  const [connecting, setConnecting] = useState(false);
  const connect = (
    <Button variant="primary" icon={<Plus size={15} aria-hidden />} onClick={() => setConnecting(true)}>
      {t("channels.connect")}
    </Button>
  );
  return (
    <div className="flex min-h-full flex-col">
      <PageHeader title={t("common.nav.channels")} description={t("channels.about")} actions={mayManage && connect} />
      <div className="grid w-full max-w-4xl gap-3 p-5 max-sm:p-3">
        {list.isPending ? (
          <div aria-busy="true">
            <Skeleton lines={4} />
          </div>
        ) : list.isError ? (
          <ErrorState error={list.error} onRetry={() => void list.refetch()} />
        ) : list.data.items.length === 0 ? (
          <Card>
            <EmptyState icon={<MessagesSquare size={30} />} title={t("channels.none")} text={t("channels.none-text")} action={mayManage ? connect : undefined} />
          </Card>
        ) : (
          <ul className="divide-y divide-line rounded-lg border border-line bg-surface">
            {list.data.items.map((account) => (
              <Row key={account.id} account={account} />
            ))}
          </ul>
        )}
      </div>
      {connecting && (
        <Connect
          onClose={(made) => {
            setConnecting(false);
            if (made) void navigate({ to: "/settings/channels", search: { account: made.id } as never });
          }}
        />
      )}
    </div>
  );
}

function Row({ account }: { account: ChannelAccount }) {
  const t = useT();
  const now = useNow();
  const queue = useQueues().find((one) => one.id === account.queue_id)?.name;
  const standing = standingOf(account, now);
  const { last_received_at: received, last_sent_at: sent } = account.health;
  return (
    <li className="flex items-start gap-3 px-4 py-2.5" data-account={account.id}>
      <MessagesSquare size={17} aria-hidden className="mt-1 shrink-0 text-ink-3" />
      <div className="min-w-0 flex-1">
        <div className="flex flex-wrap items-center gap-2">
          <h2 className="font-medium">
            <Link to="/settings/channels" search={{ account: account.id } as never} className="hover:underline">
              {account.name}
            </Link>
          </h2>
          <span className="text-sm text-ink-3">{kindText(account.type)}</span>
          <Badge tone={standing.tone} dot>
            {standing.text}
          </Badge>
        </div>
        {standing.more && <p className="text-md break-words text-ink-2">{standing.more}</p>}
        <p className="text-sm text-ink-3">
          {queue ?? t("channels.queue-none")} · {t("channels.received")} {received ? <RelativeTime at={received} /> : t("channels.never")} · {t("channels.sent")} {sent ? <RelativeTime at={sent} /> : t("channels.never")}
        </p>
      </div>
    </li>
  );
}
