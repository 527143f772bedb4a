import { Grid3x3, Mic, MicOff, Pause, PhoneOff, Play } from "lucide-react";
import { useState } from "react";
import { useMe } from "@/api";
import { useCommand } from "@/app/commands";
import { Badge, Duration, PhoneNumber, Popover } from "@/design";
import { useT } from "@/i18n";
import { type LiveCall, isDialling, useQueues } from "@/live";
import { Control } from "@/phone/ui/call-bar";
import { useKeptFocus } from "@/phone/ui/focus";
import { TonePad } from "@/phone/ui/keypad";
import { otherSide } from "../calls/call-words";
import { type Control as Wish, ask, control, hangUp, sendDigits } from "./ask";
import { CallStatus } from "./status";
import { type Talk, talkers } from "./talk";
import { RecordingMark, ToolButtons } from "./tools";
import { useTalk } from "./use-talk";

/** How I stand in a call that another phone of mine has: what the call's events say. */
export function standing(talk: Talk, self: string): { held: string | undefined; muted: boolean; asking: boolean } {
  const { consult } = talk;
  return { held: talk.held[self], muted: talk.muted.includes(self), asking: consult?.by === self || consult?.to === self };
}

/** Hold, mute, keypad and hang-up by the server, for a phone that is not this browser. */
export function DeskButtons({ call, keys = false }: { call: LiveCall; keys?: boolean }) {
  const t = useT();
  const self = useMe()?.user.id ?? "";
  const { talk } = useTalk(call.id);
  const { held, muted, asking } = standing(talk, self);
  const [busy, setBusy] = useState<Wish>();
  const [pad, setPad] = useState(false);
  const live = call.state === "active";
  // The others would lose the call with me: my own phone lets me go alone.
  const alone = talkers(call, talk).length < 2 && talk.outside === undefined;
  const wish = async (what: Wish) => {
    if (busy) return;
    setBusy(what);
    await ask(control(call.id, what));
    setBusy(undefined);
  };
  const mute = () => void wish(muted ? "unmute" : "mute");
  const hold = () => void wish(held ? "resume" : "hold");
  const end = () => void ask(hangUp(call.id));
  const group = t("phone.group");
  const [muteLabel, holdLabel] = [muted ? t("phone.unmute") : t("phone.mute"), held ? t("phone.resume") : t("phone.hold")];
  const heard = keys && live;
  useCommand({ id: "mute", title: muteLabel, group, shortcut: "m", run: mute, when: heard });
  useCommand({ id: "hold", title: holdLabel, group, shortcut: "h", run: hold, when: heard && !asking });
  useCommand({ id: "tones", title: t("phone.keypad"), group, shortcut: "#", run: () => setPad(true), when: heard && !asking });
  useCommand({ id: "hang-up", title: t("phone.hang-up"), group, shortcut: "ctrl+shift+e", run: end, when: heard && alone });
  const key = (one: string) => (keys ? one : undefined);
  return (
    <>
      <Control label={muteLabel} keys={key("m")} on={muted} busy={busy === "mute" || busy === "unmute"} disabled={!live} icon={muted ? <MicOff size={17} aria-hidden /> : <Mic size={17} aria-hidden />} onClick={mute} />
      <Control label={holdLabel} keys={key("h")} on={held !== undefined} busy={busy === "hold" || busy === "resume"} disabled={!live || asking} icon={held ? <Play size={17} aria-hidden /> : <Pause size={17} aria-hidden />} onClick={hold} />
      <Popover label={t("phone.keypad")} open={pad && live} onOpenChange={setPad} trigger={<Control label={t("phone.keypad")} keys={key("#")} disabled={!live || asking} icon={<Grid3x3 size={17} aria-hidden />} />}>
        <TonePad callId={call.id} send={(digits) => void ask(sendDigits(call.id, digits))} />
      </Popover>
      <ToolButtons callId={call.id} keys={keys} />
      {alone && <Control label={t("phone.hang-up")} keys={key("ctrl+shift+e")} variant="danger" disabled={!live} icon={<PhoneOff size={17} aria-hidden />} onClick={end} />}
    </>
  );
}

/** The call bar of a call on a phone that is not this browser: the same looks, the same keys. */
export function DeskBar({ call }: { call: LiveCall }) {
  const t = useT();
  const self = useMe()?.user.id ?? "";
  const queue = useQueues().find((one) => one.id === call.queue_id)?.name;
  const { talk } = useTalk(call.id);
  const { held, muted } = standing(talk, self);
  const dials = isDialling(call);
  const state = dials ? "dialing" : held ? "held" : muted ? "muted" : "active";
  const box = useKeptFocus<HTMLElement>();
  return (
    <section ref={box} aria-label={t("phone.call")} data-desk-call={call.id} className={`flex min-w-0 flex-1 flex-wrap items-center gap-x-3 gap-y-1.5 rounded-lg border px-2.5 py-1 ${dials ? "border-ring/50 bg-ring-soft" : held ? "border-hold/40 bg-hold-soft" : "border-live/40 bg-live-soft"}`}>
      <div className="min-w-24 flex-1 basis-28 sm:max-w-72">
        <p className="truncate text-md font-semibold">
          <bdi>
            <PhoneNumber value={otherSide(call)} />
          </bdi>
        </p>
        <p className="truncate text-sm text-ink-2" title={queue}>
          {queue ? t("incall.desk.queue", { queue }) : t("incall.desk.where")}
        </p>
      </div>
      <div className="flex flex-wrap items-center gap-2">
        {/* What the router calls began when its customer came into line. */}
        {!dials && <Duration since={call.answered_at ?? call.started_at} className="text-lg font-semibold" />}
        <Badge tone={dials ? "ring" : held ? "hold" : muted ? "bad" : "live"} dot className="bg-surface">
          {t(`phone.state.${state}`)}
        </Badge>
        <RecordingMark callId={call.id} />
      </div>
      <div className="ms-auto flex flex-wrap items-center gap-1.5 max-sm:w-full">
        <DeskButtons call={call} keys />
      </div>
      <CallStatus callId={call.id} />
    </section>
  );
}
