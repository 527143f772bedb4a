import { useT } from "@/i18n";
import { CopyButton } from "../devices/add-device";
import type { ChannelAccount } from "./api";

/** Where the provider is to post to, and what has to be done for it. */
export function WebhookAddress({ account }: { account: ChannelAccount }) {
  const t = useT();
  return (
    <div className="grid gap-3">
      <p className="text-md text-ink-2">{t(`channels.webhook.${account.type}`)}</p>
      <dl className="grid gap-2">
        <Copied term={t("channels.webhook.url")} value={account.webhook_url} name="webhook-url" />
        {account.verify_token && <Copied term={t("channels.webhook.verify_token")} value={account.verify_token} name="verify-token" />}
      </dl>
    </div>
  );
}

function Copied({ term, value, name }: { term: string; value: string; name: string }) {
  const t = useT();
  return (
    <div className="grid gap-1">
      <dt className="text-sm font-medium text-ink-2">{term}</dt>
      <dd className="flex items-center gap-3 rounded-md bg-sunken px-3 py-1.5">
        <code className="min-w-0 flex-1 font-mono text-md break-all" data-copied={name}>
          {value}
        </code>
        <CopyButton text={value} label={`${t("common.copy")}: ${term}`} />
      </dd>
    </div>
  );
}
