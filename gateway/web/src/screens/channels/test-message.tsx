import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Send } from "lucide-react";
import { useState } from "react";
import { Problem } from "@/api";
import { Button, Field, Input, announce } from "@/design";
import { t as text, useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { type ChannelAccount, channelsApi } from "./api";

/** One text to somebody who expects it. */
export function TestMessage({ account }: { account: ChannelAccount }) {
  const t = useT();
  const queries = useQueryClient();
  const [to, setTo] = useState("");
  const send = useMutation({
    mutationFn: () => channelsApi.test(account.id, to.trim()),
    onSuccess: ({ sent }) => announce(text(sent ? "channels.test.sent" : "channels.test.not-sent")),
    onSettled: () => queries.invalidateQueries({ queryKey: ["channels"] }),
  });
  const wrong = send.error instanceof Problem ? (send.error.fields.to ?? problemText(send.error)) : send.error ? problemText(send.error) : undefined;
  return (
    <form
      className="grid gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        if (to.trim() && !send.isPending) send.mutate();
      }}
    >
      <Field label={t("channels.test.to")} hint={t(`channels.test-hint.${account.type}`)} error={wrong} className="max-w-sm">
        <Input maxLength={256} value={to} onChange={(event) => setTo(event.target.value)} />
      </Field>
      <div>
        <Button type="submit" icon={<Send size={15} aria-hidden />} busy={send.isPending} disabled={to.trim() === "" || !account.enabled}>
          {t("channels.test.send")}
        </Button>
      </div>
      {send.data && (
        <p data-tested={send.data.sent ? "sent" : "not-sent"} className={send.data.sent ? "text-md text-live" : "text-md text-bad"}>
          {send.data.sent ? t("channels.test.sent") : `${t("channels.test.not-sent")} ${send.data.detail}`}
        </p>
      )}
    </form>
  );
}
