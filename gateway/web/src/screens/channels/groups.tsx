import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { useState } from "react";
import { Button, ConfirmDialog, ErrorState, IconButton, RelativeTime, Skeleton, toast } from "@/design";
import { t as text, useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { CopyButton } from "../devices/add-device";
import { type ChannelAccount, type StaffChat, channelsApi } from "./api";

/** Groups of the staff's at Telegram: told what happens. */
export function Groups({ account }: { account: ChannelAccount }) {
  const t = useT();
  const queries = useQueryClient();
  const queryKey = ["channels", "groups", account.id];
  const list = useQuery({ queryKey, queryFn: ({ signal }) => channelsApi.groups(account.id, signal), refetchOnWindowFocus: "always" });
  const [leaving, setLeaving] = useState<StaffChat>();
  const failed = (error: Error) => toast({ title: text("channels.not-changed"), description: problemText(error), tone: "bad" });
  const code = useMutation({ mutationFn: () => channelsApi.groupCode(account.id), onError: failed });
  const unlink = useMutation({ mutationFn: (chat: string) => channelsApi.unlink(account.id, chat), onError: failed, onSettled: () => queries.invalidateQueries({ queryKey }) });
  return (
    <div className="grid gap-3">
      <p className="text-md text-ink-2">{t("channels.groups.about")}</p>
      {list.isError ? (
        <ErrorState error={list.error} onRetry={() => void list.refetch()} />
      ) : list.isPending ? (
        <div aria-busy="true">
          <Skeleton lines={2} />
        </div>
      ) : (
        list.data.items.length > 0 && (
          <ul className="divide-y divide-line rounded-md border border-line">
            {list.data.items.map((one) => (
              <li key={one.chat} className="flex items-center gap-3 px-3 py-1.5">
                <span className="min-w-0 flex-1 truncate">{one.title ?? one.chat}</span>
                <span className="text-sm text-ink-3">
                  <RelativeTime at={one.linked_at} />
                </span>
                <IconButton label={t("channels.groups.unlink", { name: one.title ?? one.chat })} size="sm" onClick={() => setLeaving(one)}>
                  <Trash2 size={14} aria-hidden />
                </IconButton>
              </li>
            ))}
          </ul>
        )
      )}
      {code.data ? (
        <div className="grid gap-1">
          <div className="flex items-center gap-3 rounded-md bg-sunken px-3 py-1.5">
            <code className="min-w-0 flex-1 font-mono text-md break-all">{code.data.command}</code>
            <CopyButton text={code.data.command} label={t("common.copy")} />
          </div>
          <p className="text-sm text-ink-3">{t("channels.groups.how")}</p>
        </div>
      ) : (
        <div>
          <Button busy={code.isPending} onClick={() => code.mutate()}>
            {t("channels.groups.code")}
          </Button>
        </div>
      )}
      <ConfirmDialog
        open={leaving !== undefined}
        onOpenChange={(open) => {
          if (!open) setLeaving(undefined);
        }}
        title={t("channels.groups.unlink", { name: leaving?.title ?? leaving?.chat ?? "" })}
        description={t("channels.groups.unlink-text")}
        confirm={t("channels.groups.unlink-confirm")}
        onConfirm={async () => {
          if (leaving) await unlink.mutateAsync(leaving.chat).catch(() => undefined);
        }}
      />
    </div>
  );
}
