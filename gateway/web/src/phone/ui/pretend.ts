/** A phone that stands still, for the component page and for tests. */
import type { LiveCall } from "@/live";
import type { PhoneActions, PhoneCall, PhoneCore, PhoneState } from "../api";

export function call(what: Partial<PhoneCall> = {}): PhoneCall {
  const startedAt = Date.now() - 135_000;
  return {
    id: "call-1",
    callId: undefined,
    direction: "in",
    peer: "+41445550132",
    peerName: "Marta Keller",
    queue: "Sales",
    state: "active",
    muted: false,
    held: false,
    interrupted: false,
    startedAt,
    answeredAt: startedAt + 8000,
    quality: { loss: 0.002, jitterMs: 4, rttMs: 38, mos: 4.3, grade: "good" },
    ...what,
  };
}

export function ringing(what: Partial<PhoneCall> = {}): PhoneCall {
  return call({ state: "incoming", answeredAt: undefined, quality: undefined, startedAt: Date.now() - 7000, ...what });
}

/** What the journal says of a call by which somebody is called back. */
export function calledBack(what: Partial<LiveCall> = {}): LiveCall {
  const queued = new Date(Date.now() - 754_000).toISOString();
  return {
    id: "call-back",
    direction: "outbound",
    from: "+41445550100",
    to: "+41445550132",
    state: "ringing",
    queue_id: null,
    agent_id: null,
    ringing_agent_ids: [],
    talker_ids: [],
    started_at: queued,
    queued_at: queued,
    answered_at: null,
    held_since: null,
    ended_at: null,
    end_reason: null,
    recording_id: null,
    ...what,
  };
}

export function state(what: Partial<PhoneState> = {}): PhoneState {
  return {
    registration: { state: "ready" },
    here: true,
    calls: [],
    missed: [],
    lastDialed: undefined,
    audio: {
      microphones: [{ id: "headset", label: "USB Headset" }],
      speakers: [
        { id: "headset", label: "USB Headset" },
        { id: "built-in", label: "Built-in loudspeaker" },
      ],
      microphone: "headset",
      speaker: "headset",
      bell: "built-in",
      ringVolume: 0.8,
      canChooseSpeaker: true,
      notifications: "granted",
    },
    ...what,
  };
}

const done = () => Promise.resolve();
const nothing = () => undefined;

export function pretend(shown: PhoneState, actions: Partial<PhoneActions> = {}, level = 0): PhoneCore {
  const phone: PhoneActions = {
    answer: done,
    hangUp: done,
    setMuted: done,
    setHeld: done,
    sendDigits: done,
    dial: done,
    takeOver: done,
    retryMicrophone: done,
    chooseMicrophone: done,
    chooseSpeaker: done,
    chooseBell: done,
    setRingVolume: nothing,
    testSound: done,
    askForNotifications: done,
    clearMissed: nothing,
    ...actions,
  };
  return {
    phone,
    usePhone: () => shown,
    usePhoneCall: (id) => shown.calls.find((one) => one.id === id),
    useMicrophoneLevel: (active) => (active ? level : 0),
    startPhone: () => nothing,
  };
}
