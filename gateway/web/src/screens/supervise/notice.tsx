import { useState } from "react";
import { Problem } from "@/api";
import { Banner, Button, Dialog, Field, Select, Textarea, toast } from "@/design";
import { useT } from "@/i18n";
import { useQueues } from "@/live";
import { problemText } from "../calls/problem-text";
import { LONGEST_NOTICE, sendNotice } from "./requests";

/** A select cannot have nothing for a value. */
const EVERYBODY = "all";

/** A few words that everybody, or every member of a queue, sees at once. */
export function NoticeDialog({ queue, onClose }: { queue?: string | undefined; onClose: () => void }) {
  const t = useT();
  const queues = useQueues();
  const [text, setText] = useState("");
  const [to, setTo] = useState(queue ?? EVERYBODY);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const words = text.trim();
  // The server counts characters, not halves of them.
  const left = LONGEST_NOTICE - [...words].length;
  const send = async () => {
    if (busy || words === "" || left < 0) return;
    setBusy(true);
    setError(undefined);
    try {
      await sendNotice(words, to === EVERYBODY ? undefined : to);
      toast({ title: t("board.notice.sent"), tone: "good" });
      onClose();
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  const field = error instanceof Problem ? error.fields.text : undefined;
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={t("board.notice.title")}
      description={t("board.notice.about")}
      size="sm"
      footer={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button variant="primary" busy={busy} disabled={words === "" || left < 0} onClick={() => void send()}>
            {t("board.notice.send")}
          </Button>
        </>
      }
    >
      <div className="grid gap-3">
        {error !== undefined && !field && <Banner tone="bad">{problemText(error)}</Banner>}
        <Field label={t("board.notice.to")}>
          <Select value={to} onValueChange={setTo} options={[{ value: EVERYBODY, label: t("board.notice.everybody") }, ...queues.map((one) => ({ value: one.id, label: t("board.notice.queue", { queue: one.name }) }))]} />
        </Field>
        <Field label={t("board.notice.text")} hint={t("board.notice.left", { n: left })} error={left < 0 ? t("board.notice.long", { n: LONGEST_NOTICE }) : field}>
          <Textarea
            rows={4}
            dir="auto"
            value={text}
            onChange={(event) => setText(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void send();
            }}
          />
        </Field>
      </div>
    </Dialog>
  );
}
