import { Pencil } from "lucide-react";
import { useState } from "react";
import { useCan, useMe } from "@/api";
import type { components } from "@/api";
import { Banner, Button, Card, Dialog, RelativeTime, toast } from "@/design";
import { useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { useDisposition } from "../shared/disposition";
import { DispositionFields } from "../shared/disposition-fields";

type Call = components["schemas"]["Call"];

/** What those who talked say that it came to. */
export function Dispositions({ call, agentName }: { call: Call; agentName: (id: string) => string | undefined }) {
  const t = useT();
  const me = useMe()?.user.id ?? "";
  const may = useCan("calls:control");
  const talked = call.legs.some((leg) => leg.agent_id === me && leg.answered_at);
  const form = useDisposition(call.id, me, call.queue_id);
  const [open, setOpen] = useState(false);
  const mine = may && talked && form.choices.length > 0;
  if (call.dispositions.length === 0 && !mine) return null;
  const { save, choice, said } = form;
  return (
    <Card>
      <section aria-label={t("work.disposition.title")}>
        <h2 className="mb-3 text-sm font-semibold">{t("work.disposition.title")}</h2>
        {call.dispositions.length === 0 && <p className="text-md text-ink-2">{t("work.disposition.none")}</p>}
        <ul className="grid gap-3">
          {call.dispositions.map((one) => (
            <li key={one.agent_id} className="min-w-0">
              <p className="font-medium [overflow-wrap:anywhere]">{one.label}</p>
              {one.note && <p className="text-md whitespace-pre-line [overflow-wrap:anywhere]">{one.note}</p>}
              <p className="text-sm text-ink-2">
                {agentName(one.agent_id) ?? t("calls.side.agent")} · <RelativeTime at={one.at} />
              </p>
            </li>
          ))}
        </ul>
        {mine && (
          <Button className="mt-3" icon={<Pencil size={14} aria-hidden />} onClick={() => setOpen(true)}>
            {said ? t("work.disposition.change") : t("work.disposition.set")}
          </Button>
        )}
      </section>
      <Dialog
        open={open}
        onOpenChange={setOpen}
        size="sm"
        title={t("work.disposition.title")}
        footer={
          <Button
            variant="primary"
            busy={save.isPending}
            disabled={!choice.changed}
            onClick={() =>
              save.mutate(undefined, {
                onSuccess: () => {
                  setOpen(false);
                  toast({ title: t("work.disposition.saved"), tone: "good" });
                },
              })
            }
          >
            {t("work.disposition.save")}
          </Button>
        }
      >
        {save.isError && <Banner tone="bad">{problemText(save.error)}</Banner>}
        <DispositionFields form={form} />
      </Dialog>
    </Card>
  );
}
