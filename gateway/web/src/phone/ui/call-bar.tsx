import { Grid3x3, Mic, MicOff, Pause, Phone, PhoneOff, Play, TriangleAlert } from "lucide-react";
import { type ComponentProps, type ReactNode, Suspense, lazy, useEffect, useRef, useState } from "react";
import { useMe } from "@/api";
import { useCommand } from "@/app/commands";
import { Avatar, Badge, Button, Duration, Kbd, PhoneNumber, Popover, type Tone, Tooltip, announce, cx } from "@/design";
import { loadArea, useT } from "@/i18n";
import { type LiveCall, awaitsOther, isDialling, useCallLive, useRunningCalls } from "@/live";
import type { PhoneCall } from "../api";
import { usePhone, usePhoneActions } from "./core";
import { useKeptFocus } from "./focus";
import { Missed } from "./missed";
import { attempt } from "./problems";
import { QualityMark } from "./quality";
import { PhoneStatus } from "./status";

/** The pads come when one is opened; the fallback keeps their place. */
const DialPad = lazy(async () => ({ default: (await import("./keypad")).DialPad }));
const TonePad = lazy(async () => ({ default: (await import("./keypad")).TonePad }));

/** What belongs to a running call comes with the first of them. */
const inCall = async () => (await Promise.all([import("@/screens/in-call/bar"), loadArea("incall")]))[0];
const ToolButtons = lazy(async () => ({ default: (await inCall()).ToolButtons }));
const RecordingMark = lazy(async () => ({ default: (await inCall()).RecordingMark }));
const CallStatus = lazy(async () => ({ default: (await inCall()).CallStatus }));
const DeskBar = lazy(async () => ({ default: (await inCall()).DeskBar }));

/** Between the end of a call here and the journal's word of it, which is not the same moment. */
const SETTLE_MS = 1_500;

/** A call that I am in with a phone that is not this browser. */
function useDeskCall(calls: readonly PhoneCall[]): LiveCall | undefined {
  const self = useMe()?.user.id ?? "";
  const call = useRunningCalls().find((one) => (one.state === "active" || isDialling(one)) && one.talker_ids.includes(self) && !calls.some((here) => here.callId === one.id));
  const id = call?.id;
  const [settled, setSettled] = useState<string>();
  useEffect(() => {
    const timer = setTimeout(() => setSettled(id), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [id]);
  return settled === id ? call : undefined;
}

/** The phone, on every screen: the call that runs, or the way to make one. */
export function CallBar() {
  const { calls } = usePhone();
  const running = calls.filter((call) => call.state !== "incoming" && call.state !== "ended");
  // Whoever is being talked to has the controls.
  const first = running.find((call) => !call.held) ?? running[0];
  const others = running.filter((call) => call !== first);
  const desk = useDeskCall(calls);
  useToldCall(first);
  return (
    // Takes the focus when the button that had it goes with its call.
    <div tabIndex={-1} className="@container flex min-h-11 min-w-0 items-center gap-3 outline-none" data-phone={first ? first.state : "idle"}>
      {first ? (
        <Running key={first.id} call={first} others={others} />
      ) : (
        <>
          {desk && (
            <Suspense fallback={null}>
              <DeskBar key={desk.id} call={desk} />
            </Suspense>
          )}
          {!desk && <Idle />}
        </>
      )}
    </div>
  );
}

function Idle() {
  const t = useT();
  const { registration, here, missed } = usePhone();
  const [open, setOpen] = useState(false);
  const usable = registration.state === "ready";
  useCommand({ id: "dial", title: t("phone.dial.title"), group: t("phone.group"), shortcut: "d", run: () => setOpen(true), when: usable });
  const showsPad = registration.state !== "off" && (registration.state !== "blocked" || !here);
  return (
    <>
      <PhoneStatus />
      {showsPad && (
        <Popover
          label={t("phone.dial.title")}
          align="start"
          open={open}
          onOpenChange={setOpen}
          trigger={
            <Button icon={<Phone size={15} aria-hidden />} disabled={!usable} shortcut="d" aria-keyshortcuts="d">
              <span className="max-sm:sr-only">{t("phone.dial.title")}</span>
            </Button>
          }
        >
          <Suspense fallback={<div aria-busy className="h-72 w-60" />}>
            <DialPad onDialed={() => setOpen(false)} />
          </Suspense>
        </Popover>
      )}
      {missed.length > 0 && <Missed usable={usable} />}
    </>
  );
}

type Shown = "interrupted" | "held" | "muted" | PhoneCall["state"];

/** The one thing to know of a call that is not alright; else its state. `live`: what the journal says of it. */
function shownState(call: PhoneCall, live: LiveCall | undefined): Shown {
  if (call.interrupted) return call.state === "reattaching" ? "reattaching" : "interrupted";
  if (call.state !== "active") return call.state;
  // This phone is up, and it rings at the other side.
  if (live && awaitsOther(live)) return "dialing";
  return call.held ? "held" : call.muted ? "muted" : "active";
}

/** Since when they talk: the other side may have picked up long after this phone. */
function talksSince({ startedAt, answeredAt }: PhoneCall, live: LiveCall | undefined): number {
  const since = answeredAt ?? startedAt;
  return live?.direction === "outbound" && live.answered_at !== null ? Math.max(since, Date.parse(live.answered_at)) : since;
}

const TONE: Record<Shown, Tone> = { interrupted: "ring", reattaching: "ring", held: "hold", muted: "bad", active: "live", dialing: "ring", incoming: "ring", ended: "neutral" };
const GROUND: Partial<Record<Shown, string>> = { held: "border-hold/40 bg-hold-soft", interrupted: "border-ring/50 bg-ring-soft", reattaching: "border-ring/50 bg-ring-soft", dialing: "border-ring/50 bg-ring-soft" };

function Running({ call, others }: { call: PhoneCall; others: readonly PhoneCall[] }) {
  const t = useT();
  const phone = usePhoneActions();
  const told = useCallLive(call.callId ?? "");
  const [pad, setPad] = useState(false);
  const box = useKeptFocus<HTMLElement>();
  const live = call.state === "active";
  const state = shownState(call, told);
  // Muting happens in this browser; what the other side has to hear of waits for the line, and for the other side.
  const reachable = live && !call.interrupted && state !== "dialing";
  const mute = () => void attempt(phone.setMuted(call.id, !call.muted));
  const hold = () => void attempt(phone.setHeld(call.id, !call.held));
  const hangUp = () => void attempt(phone.hangUp(call.id));
  const group = t("phone.group");
  const [muteLabel, holdLabel] = [call.muted ? t("phone.unmute") : t("phone.mute"), call.held ? t("phone.resume") : t("phone.hold")];
  useCommand({ id: "mute", title: muteLabel, group, shortcut: "m", run: mute, when: live });
  useCommand({ id: "hold", title: holdLabel, group, shortcut: "h", run: hold, when: reachable });
  useCommand({ id: "tones", title: t("phone.keypad"), group, shortcut: "#", run: () => setPad(true), when: reachable });
  useCommand({ id: "hang-up", title: t("phone.hang-up"), group, shortcut: "ctrl+shift+e", run: hangUp });
  const name = call.peerName && call.peerName !== call.peer ? call.peerName : undefined;
  return (
    <section ref={box} aria-label={t("phone.call")} className={cx("flex min-w-0 flex-1 flex-wrap items-center gap-x-3 gap-y-1.5 rounded-lg border px-2.5 py-1", GROUND[state] ?? "border-live/40 bg-live-soft")}>
      {name && <Avatar name={name} size={30} className="@max-[34rem]:hidden" />}
      <div className="min-w-24 flex-1 basis-28 sm:max-w-72">
        <p className="truncate text-md font-semibold" title={name}>
          <bdi>{name ?? (call.peer ? <PhoneNumber value={call.peer} /> : t("phone.call"))}</bdi>
        </p>
        {(name ?? call.queue) && (
          <p className="truncate text-sm text-ink-2" title={call.queue}>
            {name && <PhoneNumber value={call.peer} />}
            {name && call.queue && " · "}
            {call.queue}
          </p>
        )}
      </div>
      <div className="flex flex-wrap items-center gap-2">
        <Duration since={talksSince(call, told)} className="text-lg font-semibold" />
        <Badge tone={TONE[state]} dot className="bg-surface">
          {t(`phone.state.${state}`)}
        </Badge>
        {live && call.callId && (
          <Suspense fallback={null}>
            <RecordingMark callId={call.callId} />
          </Suspense>
        )}
        {call.quality && live && state !== "dialing" && !call.held && !call.interrupted && <QualityMark quality={call.quality} />}
      </div>
      <div className="ms-auto flex flex-wrap items-center gap-1.5 max-sm:w-full">
        <Control label={muteLabel} keys="m" on={call.muted} disabled={!live} icon={call.muted ? <MicOff size={17} aria-hidden /> : <Mic size={17} aria-hidden />} onClick={mute} />
        <Control label={holdLabel} keys="h" on={call.held} disabled={!reachable} icon={call.held ? <Play size={17} aria-hidden /> : <Pause size={17} aria-hidden />} onClick={hold} />
        <Popover label={t("phone.keypad")} open={pad && reachable} onOpenChange={setPad} trigger={<Control label={t("phone.keypad")} keys="#" disabled={!reachable} icon={<Grid3x3 size={17} aria-hidden />} />}>
          <Suspense fallback={<div aria-busy className="h-64 w-56" />}>
            <TonePad callId={call.id} />
          </Suspense>
        </Popover>
        {live && call.callId && (
          <Suspense fallback={null}>
            <ToolButtons callId={call.callId} keys />
          </Suspense>
        )}
        <Control label={t("phone.hang-up")} keys="ctrl+shift+e" variant="danger" icon={<PhoneOff size={17} aria-hidden />} onClick={hangUp} />
      </div>
      {call.interrupted && (
        <p className="flex w-full items-center gap-1.5 text-sm text-ink">
          <TriangleAlert size={14} aria-hidden className="shrink-0 text-ring" />
          {t("phone.interrupted")}
        </p>
      )}
      {live && call.callId && (
        <Suspense fallback={null}>
          <CallStatus callId={call.callId} />
        </Suspense>
      )}
      {others.map((other) => (
        <Other key={other.id} call={other} />
      ))}
    </section>
  );
}

/** A second call, which waits while the first talks. Taking it up again puts the first on hold. */
function Other({ call }: { call: PhoneCall }) {
  const t = useT();
  const phone = usePhoneActions();
  const told = useCallLive(call.callId ?? "");
  const state = shownState(call, told);
  const who = call.peerName ?? call.peer;
  return (
    <div role="group" aria-label={`${who}, ${t(`phone.state.${state}`)}`} className="flex w-full flex-wrap min-w-0 items-center gap-2 border-t border-line-strong pt-1 text-sm">
      <Badge tone={TONE[state]}>{t(`phone.state.${state}`)}</Badge>
      <span className="min-w-24 flex-1 basis-24 truncate font-medium sm:max-w-72" title={who}>
        <bdi>{call.peerName ?? <PhoneNumber value={call.peer} />}</bdi>
      </span>
      <Duration since={talksSince(call, told)} />
      <div className="ms-auto flex gap-1.5">
        {call.held && (
          <Button size="sm" disabled={call.interrupted} icon={<Play size={14} aria-hidden />} onClick={() => void attempt(phone.setHeld(call.id, false))}>
            {t("phone.switch")}
          </Button>
        )}
        <Button size="sm" variant="danger" aria-label={t("phone.hang-up-on", { who })} icon={<PhoneOff size={14} aria-hidden />} onClick={() => void attempt(phone.hangUp(call.id))} />
      </div>
    </div>
  );
}

interface ControlProps extends Omit<ComponentProps<typeof Button>, "children" | "shortcut"> {
  label: string;
  keys?: string | undefined;
  on?: boolean;
  /** A sign alone, wherever it stands. */
  compact?: boolean;
  icon: ReactNode;
}

/** One of the call's buttons: with its word and its key where there is room. The word says what a press does, so it is no toggle to a screen reader. */
export function Control({ label, keys, on, compact, ...rest }: ControlProps) {
  return (
    <Tooltip content={label} shortcut={keys}>
      <Button
        aria-keyshortcuts={keys === "ctrl+shift+e" ? "Control+Shift+E" : keys}
        variant={on ? "primary" : "secondary"}
        {...rest}
        className="min-w-9 px-2 max-sm:min-h-11 max-sm:flex-1"
      >
        <span className={compact ? "sr-only" : "sr-only @min-[58rem]:not-sr-only"}>{label}</span>
        {keys?.length === 1 && !compact && (
          <span aria-hidden className="hidden @min-[70rem]:inline">
            <Kbd keys={keys} />
          </span>
        )}
      </Button>
    </Tooltip>
  );
}

/** Says how the call goes on to whoever does not watch the screen. What rings is announced by its card. */
function useToldCall(call: PhoneCall | undefined): void {
  const t = useT();
  const told = useCallLive(call?.callId ?? "");
  const now = call ? `${call.peerName ?? call.peer}: ${t(`phone.state.${shownState(call, told)}`)}` : "";
  const before = useRef(now);
  useEffect(() => {
    if (before.current === now) return;
    before.current = now;
    announce(now || t("phone.state.ended"));
  }, [now, t]);
}
