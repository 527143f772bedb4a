import { Grid3x3, Mic, MicOff, Pause, Phone, PhoneMissed, PhoneOff, Play, TriangleAlert } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useCommand } from "@/app/commands";
import { Avatar, Badge, Button, Duration, IconButton, PhoneNumber, Popover, RelativeTime, announce, cx } from "@/design";
import { useT } from "@/i18n";
import type { PhoneCall } from "../api";
import { phone, usePhone } from "../core";
import { DialPad, TonePad } from "./keypad";
import { attempt } from "./problems";
import { QualityMark } from "./quality";
import { PhoneStatus } from "./status";

/** The phone, on every screen: the call that runs, or the way to make one. */
export function CallBar() {
  const { calls } = usePhone();
  const running = calls.filter((call) => call.state !== "incoming" && call.state !== "ended");
  const [first, ...others] = running;
  return (
    <div className="flex min-h-11 min-w-0 items-center gap-3" data-phone={first ? first.state : "idle"}>
      {first ? <Running key={first.id} call={first} others={others} /> : <Idle />}
    </div>
  );
}

function Idle() {
  const t = useT();
  const { registration, here, missed } = usePhone();
  const [open, setOpen] = useState(false);
  const usable = registration.state === "ready" || (!here && registration.state !== "off");
  useCommand({ id: "dial", title: t("phone.dial.title"), group: t("phone.group"), shortcut: "d", run: () => setOpen(true), when: usable });
  return (
    <>
      <PhoneStatus />
      {registration.state !== "off" && registration.state !== "blocked" && (
        <Popover
          label={t("phone.dial.title")}
          align="start"
          open={open}
          onOpenChange={setOpen}
          trigger={
            <Button icon={<Phone size={15} aria-hidden />} disabled={!usable} shortcut="d">
              <span className="max-sm:sr-only">{t("phone.dial.title")}</span>
            </Button>
          }
        >
          <DialPad onDialed={() => setOpen(false)} />
        </Popover>
      )}
      {missed.length > 0 && <Missed />}
    </>
  );
}

function Missed() {
  const t = useT();
  const { missed } = usePhone();
  return (
    <Popover
      label={t("phone.missed.title")}
      align="start"
      className="w-80"
      trigger={
        <Button icon={<PhoneMissed size={15} aria-hidden className="text-bad" />}>
          <span className="num">{t("phone.missed.count", { n: missed.length })}</span>
        </Button>
      }
    >
      <div className="mb-2 flex items-center justify-between gap-2">
        <p className="font-medium">{t("phone.missed.title")}</p>
        <Button size="sm" variant="ghost" onClick={() => phone.clearMissed()}>
          {t("phone.missed.clear")}
        </Button>
      </div>
      <ul className="grid max-h-72 gap-1 overflow-auto">
        {missed.map((one) => (
          <li key={one.id} className="flex items-center gap-2 rounded-md px-1 py-1 hover:bg-sunken">
            <div className="min-w-0 flex-1">
              <p className="truncate text-md">{one.peerName ?? <PhoneNumber value={one.peer} />}</p>
              <p className="text-sm text-ink-3">
                {one.queue ? `${one.queue} · ` : ""}
                <RelativeTime at={new Date(one.at).toISOString()} />
              </p>
            </div>
            <IconButton label={t("phone.missed.call-back", { peer: one.peerName ?? one.peer })} onClick={() => void attempt(phone.dial(one.peer))}>
              <Phone size={15} aria-hidden />
            </IconButton>
          </li>
        ))}
      </ul>
    </Popover>
  );
}

function Running({ call, others }: { call: PhoneCall; others: readonly PhoneCall[] }) {
  const t = useT();
  const [pad, setPad] = useState(false);
  const live = call.state === "active";
  const mute = () => void attempt(phone.setMuted(call.id, !call.muted));
  const hold = () => void attempt(phone.setHeld(call.id, !call.held));
  const hangUp = () => void attempt(phone.hangUp(call.id));
  const group = t("phone.group");
  useCommand({ id: "mute", title: call.muted ? t("phone.unmute") : t("phone.mute"), group, shortcut: "m", run: mute, when: live });
  useCommand({ id: "hold", title: call.held ? t("phone.resume") : t("phone.hold"), group, shortcut: "h", run: hold, when: live });
  useCommand({ id: "tones", title: t("phone.keypad"), group, shortcut: "t", run: () => setPad(true), when: live });
  useCommand({ id: "hang-up", title: t("phone.hang-up"), group, shortcut: "ctrl+shift+e", run: hangUp });
  useAnnounced(call);
  const name = call.peerName && call.peerName !== call.peer ? call.peerName : undefined;
  const state = call.interrupted ? "interrupted" : call.held ? "held" : call.muted && live ? "muted" : call.state;
  const tone = call.interrupted ? "ring" : call.held ? "hold" : call.muted && live ? "bad" : live ? "live" : "ring";
  return (
    <section aria-label={t("phone.call")} className={cx("flex min-w-0 flex-1 flex-wrap items-center gap-x-3 gap-y-1 rounded-lg px-2 py-1", call.held ? "bg-hold-soft" : "bg-live-soft")}>
      <Avatar name={name ?? call.peer.replace(/\D/g, "").slice(-2)} size={32} className="max-sm:hidden" />
      <div className="min-w-0">
        <p className="truncate text-md font-semibold">{name ?? <PhoneNumber value={call.peer} />}</p>
        <p className="truncate text-sm text-ink-2">
          {name && <PhoneNumber value={call.peer} />}
          {name && call.queue && " · "}
          {call.queue}
        </p>
      </div>
      <Duration since={call.answeredAt ?? call.startedAt} className="text-lg font-semibold" />
      <Badge tone={tone} dot className="bg-surface">
        {t(`phone.state.${state}`)}
      </Badge>
      {call.quality && live && !call.held && <QualityMark quality={call.quality} />}
      <div className="ms-auto flex items-center gap-1.5">
        <IconButton label={call.muted ? t("phone.unmute") : t("phone.mute")} shortcut="m" pressed={call.muted} disabled={!live} size="lg" variant="secondary" onClick={mute}>
          {call.muted ? <MicOff size={18} aria-hidden /> : <Mic size={18} aria-hidden />}
        </IconButton>
        <IconButton label={call.held ? t("phone.resume") : t("phone.hold")} shortcut="h" pressed={call.held} disabled={!live} size="lg" variant="secondary" onClick={hold}>
          {call.held ? <Play size={18} aria-hidden /> : <Pause size={18} aria-hidden />}
        </IconButton>
        <Popover
          label={t("phone.keypad")}
          open={pad}
          onOpenChange={setPad}
          trigger={
            <button type="button" aria-label={t("phone.keypad")} disabled={!live} className="grid size-10 place-items-center rounded-md border border-line-strong bg-surface hover:bg-sunken disabled:opacity-45">
              <Grid3x3 size={18} aria-hidden />
            </button>
          }
        >
          <TonePad callId={call.id} />
        </Popover>
        <IconButton label={t("phone.hang-up")} shortcut="ctrl+shift+e" size="lg" variant="danger" className="w-14" onClick={hangUp}>
          <PhoneOff size={18} aria-hidden />
        </IconButton>
      </div>
      {call.interrupted && (
        <p className="flex w-full items-center gap-1.5 text-sm text-ink">
          <TriangleAlert size={14} aria-hidden className="text-ring" />
          {t("phone.interrupted")}
        </p>
      )}
      {others.map((other) => (
        <div key={other.id} className="flex w-full items-center gap-2 text-sm">
          <Badge tone="hold">{t(`phone.state.${other.held ? "held" : other.state}`)}</Badge>
          <span className="truncate">{other.peerName ?? other.peer}</span>
          <Duration since={other.answeredAt ?? other.startedAt} />
          {other.held && (
            <Button size="sm" onClick={() => void attempt(phone.setHeld(other.id, false))}>
              {t("phone.resume")}
            </Button>
          )}
          <Button size="sm" variant="danger" onClick={() => void attempt(phone.hangUp(other.id))}>
            {t("phone.hang-up")}
          </Button>
        </div>
      ))}
    </section>
  );
}

/** Changes that nobody watching the screen needs to be told. */
function useAnnounced(call: PhoneCall): void {
  const t = useT();
  const said = useRef("");
  const now = call.interrupted ? "interrupted" : call.held ? "held" : call.muted ? "muted" : call.state;
  useEffect(() => {
    if (said.current && said.current !== now) announce(t(`phone.state.${now}`));
    said.current = now;
  }, [now, t]);
}
