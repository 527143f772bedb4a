import { type ReactNode, useState } from "react";
import type { Blocked, PhoneState } from "../api";
import { AudioSettings } from "./audio-settings";
import { CallBar } from "./call-bar";
import { ShownPhone } from "./core";
import { RingCard } from "./incoming";
import { DialPad, TonePad } from "./keypad";
import { AskForNotifications } from "./notices";
import { call, calledBack, pretend, ringing, state } from "./pretend";

const LONG = "Wolfeschlegelsteinhausenbergerdorff Versicherungsgesellschaft auf Gegenseitigkeit";
const BLOCKED: readonly Blocked[] = ["insecure", "microphone-refused", "microphone-missing", "microphone-busy", "unsupported"];
const QUALITY = { loss: 0.04, jitterMs: 31, rttMs: 180, mos: 3.4, grade: "fair" } as const;

function bars(): [name: string, shown: PhoneState][] {
  const missed = [
    { id: "m1", callId: undefined, peer: "+442079460991", peerName: undefined, queue: "Support", at: Date.now() - 840_000 },
    { id: "m2", callId: undefined, peer: "+393331234567", peerName: "Luca Bianchi", queue: undefined, at: Date.now() - 7_200_000 },
  ];
  const held = call({ id: "call-2", peerName: "Diego Paredes", peer: "+34600555010", queue: "Support", held: true });
  return [
    ["ready", state()],
    ["ready, missed", state({ missed, lastDialed: "201" })],
    ["connecting", state({ registration: { state: "connecting" } })],
    ["lost", state({ registration: { state: "lost", reason: "network", retryAt: Date.now() + 8000 } })],
    ["another tab", state({ here: false })],
    ...BLOCKED.map((reason): [string, PhoneState] => [reason, state({ registration: { state: "blocked", reason } })]),
    ["dialing", state({ calls: [call({ state: "dialing", direction: "out", peer: "201", peerName: undefined, queue: undefined, answeredAt: undefined, quality: undefined })] })],
    ["talking", state({ calls: [call()] })],
    ["a number only, fair sound", state({ calls: [call({ peerName: undefined, quality: QUALITY })] })],
    ["muted, poor sound", state({ calls: [call({ muted: true, quality: { ...QUALITY, loss: 0.12, mos: 2.1, grade: "poor" } })] })],
    ["held", state({ calls: [call({ held: true })] })],
    ["interrupted", state({ calls: [call({ interrupted: true })] })],
    ["coming back", state({ calls: [call({ state: "reattaching", interrupted: true, peerName: undefined, queue: undefined })] })],
    ["a second call waits", state({ calls: [call(), held] })],
    ["long names", state({ calls: [call({ peerName: LONG, queue: LONG, startedAt: Date.now() - 4_000_000, answeredAt: Date.now() - 3_999_000 })] })],
    ["right to left", state({ calls: [call({ peerName: "نادية العمراني", peer: "+212522555010", queue: "خدمة العملاء" })] })],
  ];
}

function rings(): [name: string, shown: PhoneState][] {
  return [
    ["rings for a queue", state({ calls: [ringing()] })],
    ["rings while another talks", state({ calls: [ringing({ peerName: undefined, queue: undefined }), call({ id: "call-2" })] })],
    ["rings, long names", state({ calls: [ringing({ peerName: LONG, queue: LONG })] })],
  ];
}

/** The phone in each of its states: none of them does anything. */
export function PhoneGallery() {
  const [{ inBars, inRings }] = useState(() => ({ inBars: bars(), inRings: rings() }));
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-6">
      <div className="grid grid-cols-[minmax(0,1fr)] gap-3">
        {inBars.map(([name, shown]) => (
          <State key={name} name={name} shown={shown}>
            <CallBar />
          </State>
        ))}
        <State name="notifications" shown={state({ audio: { ...state().audio, notifications: "default" } })}>
          <AskForNotifications />
        </State>
      </div>
      <div className="flex flex-wrap items-start gap-4">
        {inRings.map(([name, shown]) => (
          <State key={name} name={name} shown={shown} className="w-[min(23rem,100%)]">
            {shown.calls.filter((one) => one.state === "incoming").map((one) => <RingCard key={one.id} call={one} first />)}
          </State>
        ))}
        {(["rings to call somebody back", "rings to call back, while another talks"] as const).map((name, at) => {
          const rings = ringing({ id: `back-${String(at)}`, ...(at > 0 ? { peerName: undefined } : {}) });
          return (
            <State key={name} name={name} shown={state({ calls: at > 0 ? [rings, call({ id: "call-2" })] : [rings] })} className="w-[min(23rem,100%)]">
              <RingCard call={rings} first told={calledBack()} />
            </State>
          );
        })}
        <State name="dial pad" shown={state({ lastDialed: "201" })}>
          <DialPad />
        </State>
        <State name="tones" shown={state()}>
          <TonePad callId="call-1" />
        </State>
      </div>
      <div className="flex flex-wrap items-start gap-8">
        <State name="audio" shown={state()} className="w-96 max-w-full">
          <AudioSettings />
        </State>
        <State name="audio, nothing to choose" shown={state({ registration: { state: "blocked", reason: "microphone-missing" }, audio: { ...state().audio, microphones: [], speakers: [], microphone: undefined, speaker: undefined, bell: undefined, canChooseSpeaker: false, notifications: "denied" } })} className="w-96 max-w-full">
          <AudioSettings />
        </State>
      </div>
    </div>
  );
}

function State({ name, shown, className, children }: { name: string; shown: PhoneState; className?: string; children: ReactNode }) {
  const [core] = useState(() => pretend(shown, {}, 0.6));
  return (
    <div className={className}>
      <p className="mb-1 text-sm text-ink-3">{name}</p>
      <ShownPhone value={core}>{children}</ShownPhone>
    </div>
  );
}
