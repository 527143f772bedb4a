import { useMutation } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { useState } from "react";
import { Problem, api, body } from "@/api";
import { Banner, Button, Dialog, Field, Select, dismiss, toast } from "@/design";
import { t, useT } from "@/i18n";
import { live, useQueueLive, useQueues } from "@/live";
import { problemText } from "../calls/problem-text";
import { whenItComes } from "./follow";

function whyNot(error: unknown): string {
  const code = error instanceof Problem ? error.code : undefined;
  if (code === "too-many-test-calls") return t("setup.test.too-many");
  if (code === "queue-without-number") return t("setup.test.no-number");
  if (error instanceof Problem && error.status === 503) return t("setup.test.no-telephony");
  return problemText(error);
}

/** Which queue shall be called, and what will happen then. */
export function TestCallDialog({ open, onOpenChange }: { open: boolean; onOpenChange: (open: boolean) => void }) {
  const t = useT();
  const router = useRouter();
  const queues = useQueues().filter((queue) => queue.numbers.length > 0);
  const [chosen, setChosen] = useState<string>();
  const queue = queues.find((one) => one.id === chosen) ?? queues[0];
  const free = useQueueLive(queue?.id ?? "")?.agents.available;
  const call = useMutation({
    mutationFn: (queue_id: string) => body(api.POST("/api/v1/test-calls", { body: { queue_id } })),
    onSuccess: ({ from }) => {
      onOpenChange(false);
      const waiting = toast({ title: t("setup.test.placed"), description: t("setup.test.placed-text") });
      whenItComes(live.store, from, ({ id }) => {
        dismiss(waiting);
        const show = () => void router.navigate({ to: "/calls/$callId", params: { callId: id } });
        toast({ title: t("setup.test.came"), description: t("setup.test.placed-text"), tone: "good", action: { label: t("setup.test.show"), run: show }, duration: 12_000 });
      });
    },
  });
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => {
        call.reset();
        onOpenChange(next);
      }}
      title={t("setup.test.place")}
      description={t("setup.test.about")}
      footer={
        <>
          <Button onClick={() => onOpenChange(false)}>{t("common.cancel")}</Button>
          <Button variant="primary" busy={call.isPending} disabled={!queue} onClick={() => queue && call.mutate(queue.id)}>
            {t("setup.test.call")}
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        <Field label={t("setup.test.queue")}>
          <Select value={queue?.id ?? ""} onValueChange={setChosen} options={queues.map((one) => ({ value: one.id, label: one.name }))} />
        </Field>
        <ol className="ms-5 grid list-decimal gap-1 text-md text-ink-2">
          <li>{t("setup.test.step-rings")}</li>
          <li>{t("setup.test.step-speaks")}</li>
          <li>{t("setup.test.step-ends")}</li>
        </ol>
        {free === 0 && (
          <Banner tone="ring" className="rounded-md">
            {t("setup.test.nobody")}
          </Banner>
        )}
        {call.isError && (
          <div role="alert">
            <Banner tone="bad" className="rounded-md">
              <p className="font-medium">{t("setup.test.failed")}</p>
              <p>{whyNot(call.error)}</p>
            </Banner>
          </div>
        )}
      </div>
    </Dialog>
  );
}
