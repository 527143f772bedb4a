/**
 * What the softphone is to the rest of the panel. `core` does it, `ui` shows it; neither shows up anywhere else.
 *
 * One tab of a browser *is* the phone (it has the microphone, the SIP registration and the audio); the others follow it: they show
 * the same calls and their buttons work, because what they ask for is done in the tab that is the phone.
 */

/** How this browser stands as a phone. */
export type Registration =
  /** Not asked to be a phone (the agent is off, or may not be one). */
  | { readonly state: "off" }
  | { readonly state: "connecting" }
  | { readonly state: "ready" }
  /** The socket or the registration is gone; it comes back by itself. */
  | { readonly state: "lost"; readonly retryAt: number; readonly reason: "network" | "server" }
  /** It cannot be one, and says why. */
  | { readonly state: "blocked"; readonly reason: Blocked };

export type Blocked =
  /** Microphones are for pages over HTTPS, or from this machine itself. */
  | "insecure"
  /** The person or their administrator said no to the microphone. */
  | "microphone-refused"
  | "microphone-missing"
  /** Another program holds it. */
  | "microphone-busy"
  | "unsupported"
  /** The user takes no calls (404), or may not have a softphone (403). */
  | "no-agent";

export type PhoneCallState = "incoming" | "dialing" | "active" | "reattaching" | "ended";

/** A call on this browser's phone. */
export interface PhoneCall {
  /** Of the SIP dialog; for actions. */
  readonly id: string;
  /** Of the journal's call, when the gateway told it (header X-Trunkline-Call). */
  readonly callId: string | undefined;
  readonly direction: "in" | "out";
  /** Number or extension of the other side, and its name if there is one. */
  readonly peer: string;
  readonly peerName: string | undefined;
  readonly queue: string | undefined;
  readonly state: PhoneCallState;
  readonly muted: boolean;
  readonly held: boolean;
  /** The network is away under a running call; what was said so far is safe, buttons work again when it is back. */
  readonly interrupted: boolean;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly answeredAt: number | undefined;
  readonly quality: Quality | undefined;
}

/** What `getStats()` says about the last seconds of what we hear. */
export interface Quality {
  /** 0..1 */
  readonly loss: number;
  readonly jitterMs: number;
  readonly rttMs: number | undefined;
  /** 1..4.5, ITU-T G.107 simplified. */
  readonly mos: number;
  readonly grade: "good" | "fair" | "poor";
}

export interface MissedCall {
  readonly id: string;
  readonly callId: string | undefined;
  readonly peer: string;
  readonly peerName: string | undefined;
  readonly queue: string | undefined;
  readonly at: number;
}

export interface AudioDevice {
  readonly id: string;
  readonly label: string;
}

export interface AudioSettings {
  readonly microphones: readonly AudioDevice[];
  readonly speakers: readonly AudioDevice[];
  /** `undefined` is what the system uses. `bell` is the second device that also rings. */
  readonly microphone: string | undefined;
  readonly speaker: string | undefined;
  readonly bell: string | undefined;
  readonly ringVolume: number;
  /** Whether this browser can choose where sound comes out (`setSinkId`). */
  readonly canChooseSpeaker: boolean;
  readonly notifications: "granted" | "denied" | "default" | "unsupported";
}

export interface PhoneState {
  readonly registration: Registration;
  /** Whether this tab is the phone. */
  readonly here: boolean;
  /** Running calls, the one that needs attention first. At most one talks. */
  readonly calls: readonly PhoneCall[];
  readonly missed: readonly MissedCall[];
  readonly lastDialed: string | undefined;
  readonly audio: AudioSettings;
}

/** What can be asked of the phone from any tab. Each rejects with an `Error` that has a `code` of {@link PhoneErrorCode}. */
export interface PhoneActions {
  answer(id: string): Promise<void>;
  /** Declines an incoming call, ends any other. */
  hangUp(id: string): Promise<void>;
  setMuted(id: string, muted: boolean): Promise<void>;
  setHeld(id: string, held: boolean): Promise<void>;
  /** Digits, `*`, `#`, A–D, and `,` for a pause. */
  sendDigits(id: string, digits: string): Promise<void>;
  dial(number: string): Promise<void>;
  /** Makes this tab the phone. Refused while the other tab has a call. */
  takeOver(): Promise<void>;
  /** Asks for the microphone again after it was refused. */
  retryMicrophone(): Promise<void>;
  chooseMicrophone(id: string | undefined): Promise<void>;
  chooseSpeaker(id: string | undefined): Promise<void>;
  chooseBell(id: string | undefined): Promise<void>;
  setRingVolume(volume: number): void;
  /** Plays the bell once on the chosen devices, or a test tone in the headset. */
  testSound(which: "bell" | "speaker"): Promise<void>;
  askForNotifications(): Promise<void>;
  clearMissed(): void;
}

export type PhoneErrorCode = "no-call" | "not-here" | "microphone" | "offline" | "refused" | "busy" | "failed";

export class PhoneError extends Error {
  constructor(readonly code: PhoneErrorCode, message: string) {
    super(message);
  }
}

/**
 * `core/index.ts` exports:
 * `phone: PhoneActions`, `usePhone(): PhoneState`, `usePhoneCall(id): PhoneCall | undefined`,
 * `useMicrophoneLevel(active: boolean): number` (0..1, only measured while asked for, opens the microphone if no call runs),
 * `startPhone(): () => void` (the shell calls it once signed in; stops on sign-out).
 */
export interface PhoneCore {
  readonly phone: PhoneActions;
  readonly usePhone: () => PhoneState;
  readonly usePhoneCall: (id: string) => PhoneCall | undefined;
  readonly useMicrophoneLevel: (active: boolean) => number;
  readonly startPhone: () => () => void;
}
