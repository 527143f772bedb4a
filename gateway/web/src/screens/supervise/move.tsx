import { useState } from "react";
import { Button, Dialog, Field, PhoneNumber, Select, toast } from "@/design";
import { useT } from "@/i18n";
import { type LiveCall, useQueues } from "@/live";
import { otherSide } from "../calls/call-words";
import { problemText } from "../calls/problem-text";
import { move } from "./requests";

/** How many numbers are shown by name. */
const SHOWN = 5;

/** A call that can still be moved: nobody has answered it, and it is in a queue. */
export function canMove(call: Pick<LiveCall, "state" | "queue_id" | "direction">): boolean {
  return (call.state === "queued" || call.state === "ringing") && call.queue_id !== null && call.direction !== "outbound";
}

/** Where calls that wait go on waiting. Who is answered meanwhile stays with who answered. */
export function MoveDialog({ calls, onClose, onMoved }: { calls: readonly LiveCall[]; onClose: () => void; onMoved?: () => void }) {
  const t = useT();
  const queues = useQueues();
  // Where all of them are already is no place to move them to.
  const others = queues.filter((queue) => calls.some((call) => call.queue_id !== queue.id));
  const [to, setTo] = useState<string>();
  const [busy, setBusy] = useState(false);
  const run = async () => {
    if (!to || busy) return;
    setBusy(true);
    const wanted = calls.filter((call) => call.queue_id !== to);
    const results = await Promise.allSettled(wanted.map((call) => move(call.id, to)));
    setBusy(false);
    const refused = results.filter((one) => one.status === "rejected");
    const moved = results.length - refused.length;
    if (moved > 0) toast({ title: t("board.move.done", { n: moved, queue: queues.find((one) => one.id === to)?.name ?? "" }), tone: "good" });
    if (refused[0]) toast({ title: t("board.move.failed", { n: refused.length }), description: problemText(refused[0].reason), tone: "bad" });
    onMoved?.();
    onClose();
  };
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={t("board.move.title", { n: calls.length })}
      description={t("board.move.text")}
      size="sm"
      footer={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button variant="primary" busy={busy} disabled={!to} onClick={() => void run()}>
            {t("board.move.do")}
          </Button>
        </>
      }
    >
      <div className="grid gap-3">
        <ul className="grid gap-0.5 text-md text-ink-2">
          {calls.slice(0, SHOWN).map((call) => (
            <li key={call.id}>
              <PhoneNumber value={otherSide(call)} />
            </li>
          ))}
          {calls.length > SHOWN && <li>{t("people.queues.more", { n: calls.length - SHOWN })}</li>}
        </ul>
        <Field label={t("board.move.to")}>
          <Select value={to} onValueChange={setTo} placeholder={t("board.move.choose")} options={others.map((queue) => ({ value: queue.id, label: queue.name }))} />
        </Field>
      </div>
    </Dialog>
  );
}
