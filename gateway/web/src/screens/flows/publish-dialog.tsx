import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { Problem } from "@/api";
import { Banner, Button, Dialog, Field, Textarea, toast } from "@/design";
import { t as text, useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { flowsApi } from "./api";
import { versionsQuery } from "./data";
import { difference } from "./diff";
import type { Definition, Flow } from "./model";
import { Differences } from "./versions-panel";

interface Props {
  flow: string;
  name: string;
  published: Definition | undefined;
  draft: Definition;
  /** What is typed is with the server before it is published. */
  flush: () => Promise<boolean>;
  onPublished: (flow: Flow) => void;
  /** The server found faults that are not found here. */
  onRefused: (fields: Readonly<Record<string, string>>) => void;
  onClose: () => void;
}

/** Says what will change for callers, and asks for a word to colleagues. */
export function PublishDialog({ flow, name, published, draft, flush, onPublished, onRefused, onClose }: Props) {
  const t = useT();
  const queries = useQueryClient();
  const [note, setNote] = useState("");
  const what = useMemo(() => (published ? difference(published, draft) : undefined), [published, draft]);
  const publish = useMutation({
    mutationFn: async () => {
      if (!(await flush())) throw new Error(text("flows.save.failed"));
      return flowsApi.publish(flow, note);
    },
    onSuccess: (now) => {
      toast({ title: text("flows.published-now", { n: now.published?.version ?? 1 }), tone: "good" });
      onPublished(now);
    },
    onError: (error) => {
      if (error instanceof Problem && Object.keys(error.fields).length > 0) onRefused(error.fields);
    },
    onSettled: () => Promise.all([queries.invalidateQueries({ queryKey: versionsQuery(flow).queryKey }), queries.invalidateQueries({ queryKey: ["flows"] })]),
  });
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={t("flows.publish-title", { name })}
      footer={
        <Button type="submit" form="publish-flow" variant="primary" busy={publish.isPending}>
          {t("flows.publish")}
        </Button>
      }
    >
      <form
        id="publish-flow"
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (!publish.isPending) publish.mutate();
        }}
      >
        <p className="text-md text-ink-2">{t("flows.publish-about")}</p>
        {what && (
          <section aria-label={t("flows.diff-publish")} className="rounded-md border border-line p-3">
            <h3 className="mb-1 text-sm font-semibold">{t("flows.diff-publish")}</h3>
            <Differences what={what} words="diff-publish" />
          </section>
        )}
        <Field label={t("flows.publish-note")}>
          <Textarea rows={2} maxLength={500} value={note} onChange={(event) => setNote(event.target.value)} />
        </Field>
        {publish.isError && (
          <Banner tone="bad" className="rounded-md">
            <div role="alert">
              {t("flows.not-published")}: {problemText(publish.error)}
            </div>
          </Banner>
        )}
      </form>
    </Dialog>
  );
}
