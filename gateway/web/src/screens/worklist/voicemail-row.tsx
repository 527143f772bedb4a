import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Check } from "lucide-react";
import { useCan } from "@/api";
import { Button, PhoneNumber, RelativeTime, Skeleton, toast, undoable } from "@/design";
import { useT } from "@/i18n";
import { CallBack } from "../calls/call-back";
import { problemText } from "../calls/problem-text";
import { useNames } from "../inbox/data";
import { type Voicemail, useFreshWorklist, worklistApi } from "./api";
import { VoicemailPlayer } from "./player";

/** Being done with a message, and not. */
export function VoicemailDone({ id, done }: { id: string; done: boolean }) {
  const t = useT();
  const queries = useQueryClient();
  const may = useCan("calls:control");
  const mark = useMutation({
    mutationFn: (to: boolean) => (to ? worklistApi.done(id) : worklistApi.undone(id)),
    onError: (error) => toast({ title: t("worklist.not-done"), description: problemText(error), tone: "bad" }),
    onSettled: () => void queries.invalidateQueries({ queryKey: ["worklist"] }),
  });
  if (!may) return null;
  const finish = () => mark.mutate(true, { onSuccess: () => void undoable({ title: t("worklist.voicemail.marked"), undo: () => mark.mutate(false) }) });
  return done ? (
    <Button size="sm" disabled={mark.isPending} onClick={() => mark.mutate(false)}>
      {t("worklist.reopen")}
    </Button>
  ) : (
    <Button size="sm" disabled={mark.isPending} icon={<Check size={14} aria-hidden />} onClick={finish}>
      {t("worklist.voicemail.done")}
    </Button>
  );
}

export function VoicemailRow({ row }: { row: Voicemail }) {
  const t = useT();
  const names = useNames();
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-2 border-b border-line px-4 py-2.5 [contain-intrinsic-size:auto_96px] [content-visibility:auto]" data-voicemail-row={row.id}>
      <div className="min-w-0 flex-[1_1_14rem]">
        <p className="flex flex-wrap items-center gap-x-2">
          {row.contact_name && row.contact_name !== row.from && <bdi className="truncate font-semibold">{row.contact_name}</bdi>}
          <span className="font-medium">
            <PhoneNumber value={row.from} />
          </span>
        </p>
        <p className="mt-0.5 flex flex-wrap items-center gap-x-1.5 text-sm text-ink-2">
          <Link to="/calls/$callId" params={{ callId: row.call_id }} className="underline decoration-line underline-offset-4 hover:decoration-ink">
            <RelativeTime at={row.at} />
          </Link>
          {names.queue(row.queue_id) && <span>· {names.queue(row.queue_id)}</span>}
          {row.done_at && row.done_by_name && <span>· {t("worklist.voicemail.done-by", { name: row.done_by_name })}</span>}
        </p>
      </div>
      <VoicemailPlayer id={row.id} state={row.state} lengthMs={row.length_ms} />
      <div className="flex items-center gap-1.5">
        <CallBack number={row.from} />
        <VoicemailDone id={row.id} done={row.done_at !== null} />
      </div>
    </li>
  );
}

/** The message with which somebody asks to be called. */
export function VoicemailOf({ id }: { id: string }) {
  useFreshWorklist(["worklist", "voicemail", id]);
  const { data } = useQuery({ queryKey: ["worklist", "voicemail", id], queryFn: ({ signal }) => worklistApi.voicemail(id, signal) });
  if (!data) return <Skeleton width={240} height={32} />;
  return <VoicemailPlayer id={id} state={data.state} lengthMs={data.length_ms} />;
}
