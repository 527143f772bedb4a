import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { Trash2, Upload } from "lucide-react";
import { useState } from "react";
import { type components, Problem, api, body, newKey, useCan } from "@/api";
import { Button, Card, Dialog, EmptyState, ErrorState, Field, IconButton, Input, Meter, PhoneNumber, Skeleton, Textarea, formatDateTime, grouped, toast } from "@/design";
import { useT } from "@/i18n";
import { problemText } from "../calls/problem-text";

type Refused = components["schemas"]["RefusedLine"];

/** Lines of one request; the server takes no more at once. */
const CHUNK = 500;

export function DncList() {
  const t = useT();
  const queries = useQueryClient();
  const may = useCan("dnc:manage");
  const [beginning, setBeginning] = useState("");
  const [importing, setImporting] = useState(false);
  const list = useInfiniteQuery({
    queryKey: ["dnc", beginning],
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) => body(api.GET("/api/v1/dnc", { params: { query: { limit: 100, ...(pageParam && { cursor: pageParam }), ...(beginning && { beginning }) } }, signal })),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchOnMount: "always",
  });
  const again = () => queries.invalidateQueries({ queryKey: ["dnc"] });
  const remove = useMutation({
    mutationFn: (number: string) => body(api.DELETE("/api/v1/dnc/{number}", { params: { path: { number } } })),
    onSuccess: (_, number) => toast({ title: t("dialing.dnc.removed", { number: grouped(number) }), tone: "good" }),
    onError: (error) => toast({ title: t("dialing.not-saved"), description: problemText(error), tone: "bad" }),
    onSettled: again,
  });
  const entries = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <p className="text-ink-2">{t("dialing.dnc.about")}</p>
      {may && <AddNumber onAdded={again} />}
      <div className="flex flex-wrap items-end gap-3">
        <Field label={t("dialing.dnc.search")} className="min-w-44 flex-1">
          <Input dir="ltr" maxLength={16} value={beginning} onChange={(event) => setBeginning(event.target.value.trim())} />
        </Field>
        {may && (
          <Button icon={<Upload size={15} aria-hidden />} onClick={() => setImporting(true)}>
            {t("dialing.dnc.import")}
          </Button>
        )}
      </div>
      {list.isError ? (
        <ErrorState error={list.error} onRetry={() => void list.refetch()} />
      ) : list.isPending ? (
        <Skeleton lines={5} />
      ) : entries.length === 0 ? (
        <Card>
          <EmptyState title={t("dialing.dnc.none")} text={t("dialing.dnc.about")} />
        </Card>
      ) : (
        <ul className="divide-y divide-line rounded-lg border border-line bg-surface">
          {entries.map((entry) => (
            <li key={entry.number} className="flex items-center gap-3 px-4 py-1.5">
              <span className="min-w-0 flex-1">
                <PhoneNumber value={entry.number} className="font-medium" />
                <span className="block text-sm break-words text-ink-2">{[entry.reason, entry.until && t("dialing.dnc.until", { time: formatDateTime(entry.until) })].filter(Boolean).join(" · ")}</span>
              </span>
              {may && (
                <IconButton label={t("dialing.dnc.remove", { number: grouped(entry.number) })} onClick={() => remove.mutate(entry.number)}>
                  <Trash2 size={16} aria-hidden />
                </IconButton>
              )}
            </li>
          ))}
        </ul>
      )}
      {list.hasNextPage && (
        <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {t("dialing.more")}
        </Button>
      )}
      {importing && <ImportDialog onClose={() => setImporting(false)} onImported={again} />}
    </>
  );
}

function AddNumber({ onAdded }: { onAdded: () => Promise<void> }) {
  const t = useT();
  const [number, setNumber] = useState("");
  const [reason, setReason] = useState("");
  const add = useMutation({
    mutationFn: () => body(api.POST("/api/v1/dnc", { params: { header: { "Idempotency-Key": newKey() } }, body: { number: number.trim(), reason: reason.trim() } })),
    onSuccess: async () => {
      setNumber("");
      setReason("");
      await onAdded();
    },
  });
  const fields = add.error instanceof Problem ? add.error.fields : {};
  return (
    <form
      className="flex flex-wrap items-start gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        if (number.trim()) add.mutate();
      }}
    >
      <Field label={t("dialing.dnc.number")} className="min-w-44 flex-1" error={add.error ? (fields.number ?? problemText(add.error)) : undefined}>
        <Input type="tel" dir="ltr" maxLength={64} value={number} onChange={(event) => setNumber(event.target.value)} />
      </Field>
      <Field label={t("dialing.dnc.reason")} className="min-w-44 flex-1">
        <Input maxLength={200} value={reason} onChange={(event) => setReason(event.target.value)} />
      </Field>
      <Button type="submit" className="mt-6" busy={add.isPending} disabled={number.trim() === ""}>
        {t("dialing.dnc.add")}
      </Button>
    </form>
  );
}

/** A file or a text, sent in pieces; lines that were not taken are named. */
function ImportDialog({ onClose, onImported }: { onClose: () => void; onImported: () => Promise<void> }) {
  const t = useT();
  const [text, setText] = useState("");
  const [done, setDone] = useState<{ lines: number; of: number; taken: number; refused: Refused[] }>();
  const send = useMutation({
    mutationFn: async () => {
      const lines = text.split(/\r?\n/);
      let now = { lines: 0, of: lines.length, taken: 0, refused: [] as Refused[] };
      for (let from = 0; from < lines.length; from += CHUNK) {
        const piece = lines.slice(from, from + CHUNK);
        const answer = await body(api.POST("/api/v1/dnc/import", { params: { header: { "Idempotency-Key": newKey() } }, body: { text: piece.join("\n") } }));
        now = { ...now, lines: from + piece.length, taken: now.taken + answer.added + answer.updated, refused: [...now.refused, ...answer.refused.map((one) => ({ ...one, line: one.line + from }))] };
        setDone(now);
      }
    },
    onSettled: onImported,
  });
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={t("dialing.dnc.import")}
      footer={
        <Button variant="primary" busy={send.isPending} disabled={text.trim() === ""} onClick={() => send.mutate()}>
          {t("dialing.dnc.import.do")}
        </Button>
      }
    >
      <div className="grid gap-3">
        <Field label={t("dialing.dnc.import.file")}>
          <Input type="file" accept=".csv,.txt,text/plain,text/csv" onChange={(event) => void event.target.files?.[0]?.text().then(setText)} />
        </Field>
        <Field label={t("dialing.dnc.import.text")} error={send.error ? problemText(send.error) : undefined}>
          <Textarea rows={8} dir="ltr" value={text} onChange={(event) => setText(event.target.value)} />
        </Field>
        <div aria-live="polite" className="grid gap-2">
          {done && done.lines < done.of && <Meter value={done.lines / done.of} label={t("dialing.dnc.import.progress", { done: done.lines, n: done.of })} />}
          {done && <p>{t("dialing.dnc.imported", { n: done.taken })}</p>}
          {done && done.refused.length > 0 && (
            <>
              <p className="text-bad">{t("dialing.dnc.refused", { n: done.refused.length })}</p>
              <ul className="max-h-40 overflow-y-auto text-sm text-ink-2">
                {done.refused.slice(0, 200).map((one) => (
                  <li key={one.line}>{t("dialing.dnc.refused.line", { line: one.line, text: one.text, message: one.message })}</li>
                ))}
              </ul>
            </>
          )}
        </div>
      </div>
    </Dialog>
  );
}
