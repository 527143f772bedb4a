import { useMe } from "@/api";
import { Card } from "@/design";
import { useT } from "@/i18n";
import { type LiveCall, useCallLive } from "@/live";
import { usePhone } from "@/phone";
import { DeskButtons } from "./desk";
import { CallStatus } from "./status";
import { talkers } from "./talk";
import { RecordingMark, ToolButtons, useActs } from "./tools";
import { useTalk } from "./use-talk";

/** On the page of a running call: how it stands, and what can be asked of it by whoever is in it or answers for everybody. */
export function InCall({ id }: { id: string }) {
  const call = useCallLive(id);
  return call?.state === "active" || call?.state === "ringing" ? <Running call={call} /> : null;
}

function Running({ call }: { call: LiveCall }) {
  const t = useT();
  const self = useMe()?.user.id ?? "";
  const { calls } = usePhone();
  const { talk } = useTalk(call.id);
  const acts = useActs(talkers(call, talk));
  const mine = call.talker_ids.includes(self);
  // This browser's own phone has its buttons in the bar.
  const here = calls.some((one) => one.callId === call.id);
  return (
    <Card>
      <section aria-label={t("incall.title")} className="@container grid gap-2">
        <div className="flex flex-wrap items-center gap-2">
          <h2 className="text-sm font-semibold">{t("incall.title")}</h2>
          <RecordingMark callId={call.id} />
          <span className="flex-1" />
          {acts && <div className="flex flex-wrap items-center gap-1.5">{mine && !here ? <DeskButtons call={call} /> : <ToolButtons callId={call.id} />}</div>}
        </div>
        <CallStatus callId={call.id} />
      </section>
    </Card>
  );
}
