import { ArrowLeftRight, CircleDot, Pause, UserPlus } from "lucide-react";
import { useState } from "react";
import { useCan, useMe } from "@/api";
import { useCommand } from "@/app/commands";
import { Badge, Duration } from "@/design";
import { useT } from "@/i18n";
import { Control } from "@/phone/ui/call-bar";
import { ask, control } from "./ask";
import { PickDialog } from "./pick";
import { isFree } from "./talk";
import { useTalk } from "./use-talk";

/** What can be asked of a running call beside hold, mute and keypad. With `keys` it hears them too: once on a page. */
export function ToolButtons({ callId, keys = false }: { callId: string; keys?: boolean }) {
  const t = useT();
  const may = useCan("calls:control");
  const { talk, call } = useTalk(callId);
  const [picking, setPicking] = useState<"transfer" | "conference">();
  const [asking, setAsking] = useState(false);
  const { recording } = talk;
  const runs = call?.state === "active";
  // One thing at a time: somebody who is being asked is dealt with first.
  const free = may && runs && isFree(talk);
  const paused = recording.state === "paused";
  const recorded = may && runs && (recording.state === "running" || paused);
  const toggle = async () => {
    if (asking) return;
    setAsking(true);
    await ask(control(callId, paused ? "recording/resume" : "recording/pause"));
    setAsking(false);
  };
  const group = t("phone.group");
  const recordingLabel = paused ? t("incall.recording.resume") : t("incall.recording.pause");
  useCommand({ id: "transfer", title: t("incall.transfer.do"), group, shortcut: "t", run: () => setPicking("transfer"), when: keys && free });
  useCommand({ id: "conference", title: t("incall.conference.do"), group, shortcut: "c", run: () => setPicking("conference"), when: keys && free });
  useCommand({ id: "recording", title: recordingLabel, group, shortcut: "r", run: () => void toggle(), when: keys && recorded });
  if (!may || !runs) return null;
  return (
    <>
      <Control label={t("incall.transfer.do")} keys={keys ? "t" : undefined} disabled={!free} icon={<ArrowLeftRight size={17} aria-hidden />} onClick={() => setPicking("transfer")} />
      <Control compact label={t("incall.conference.do")} keys={keys ? "c" : undefined} disabled={!free} icon={<UserPlus size={17} aria-hidden />} onClick={() => setPicking("conference")} />
      {recorded && (
        <Control
          compact
          label={recordingLabel}
          keys={keys ? "r" : undefined}
          on={paused}
          busy={asking}
          data-recording-now={recording.state}
          icon={paused ? <CircleDot size={17} aria-hidden /> : <Pause size={17} aria-hidden className="text-bad" />}
          onClick={() => void toggle()}
        />
      )}
      <PickDialog callId={callId} what={picking} onClose={() => setPicking(undefined)} />
    </>
  );
}

/** Whether it is recorded, in a word; paused, also since when. */
export function RecordingMark({ callId }: { callId: string }) {
  const t = useT();
  const { talk, call } = useTalk(callId);
  const { recording } = talk;
  if (call?.state !== "active") return null;
  if (recording.state === "paused") {
    return (
      <Badge tone="hold" className="bg-surface" dot>
        <span data-recording-paused>
          {t("incall.recording.paused")} <Duration since={recording.since} />
        </span>
      </Badge>
    );
  }
  return recording.state === "running" ? (
    <Badge tone="bad" className="bg-surface" dot>
      {t("incall.recording.on")}
    </Badge>
  ) : null;
}

/** Whether the one who looks may act for others than themselves. */
export function useActs(talkers: readonly string[]): boolean {
  const me = useMe();
  return me !== undefined && (talkers.includes(me.user.id) || me.reach === "all");
}
