import { useMe } from "@/api";
import { useT } from "@/i18n";
import { useAgentName } from "./status";
import { useTalk } from "./use-talk";
import { failureText } from "./words";

/** Why this call rings here, where it is no new one: handed on, asked about, or come back. */
export function RingNote({ callId }: { callId: string }) {
  const t = useT();
  const self = useMe()?.user.id ?? "";
  const name = useAgentName();
  const { talk, call } = useTalk(callId);
  const { consult, joining, handover, failure } = talk;
  const from = call?.agent_id && call.agent_id !== self ? name(call.agent_id) : undefined;
  let note: string | undefined;
  if (handover?.agent === self && handover.back) note = failure ? `${failureText(failure, name(failure.agent), "", undefined)} ${t("incall.ring.back")}` : t("incall.ring.back");
  else if (handover?.agent === self) note = from ? t("incall.ring.transfer-by", { name: from }) : t("incall.ring.transfer");
  else if (consult && (consult.to === self || consult.rung?.includes(self))) note = consult.by ?? from ? t("incall.ring.consult-by", { name: consult.by ? name(consult.by) : (from ?? "") }) : t("incall.ring.consult");
  else if (joining?.agent === self) note = from ? t("incall.ring.conference-by", { name: from }) : t("incall.ring.conference");
  return note ? (
    <p className="mt-2 rounded-md bg-ring-soft px-2 py-1 text-md" data-ring-note>
      {note}
    </p>
  ) : null;
}
