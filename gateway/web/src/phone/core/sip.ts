/** The telephone as the rest of the core sees it. Which library speaks SIP is known to the file that implements this, and to no other. */
import type { Invitation } from "./machine";

export interface Credentials {
  readonly uri: string;
  readonly username: string;
  readonly password: string;
  readonly socketUrl: string;
  readonly iceServers: readonly RTCIceServer[];
}

export type SipEvent =
  | { type: "opened" }
  | { type: "closed" }
  | { type: "registered" }
  | { type: "register_failed"; status: number }
  | { type: "incoming"; call: Invitation }
  | { type: "accepted"; id: string }
  | { type: "ended"; id: string; by: "us" | "them"; answeredElsewhere: boolean }
  | { type: "media"; id: string; state: "ok" | "broken" | "failed" };

/** Why a dialled call came to nothing. */
export class NotReached extends Error {
  constructor(readonly code: "busy" | "refused" | "failed") {
    super(code);
  }
}

/** Calls are named by their SIP dialog. What is asked of one that has ended is rejected, or does nothing. */
export interface Sip {
  /** Takes the credentials into use for whatever is sent from now on. */
  use(credentials: Credentials): void;
  /** Opens a socket, and registers once it is open. */
  open(): void;
  /** Forgets the socket. Running calls stay. */
  drop(): void;
  /** Registers again: renews, and shows whether the line lives. */
  register(): void;
  /** Ends calls and registration, and the socket behind them. */
  signOff(): void;
  answer(id: string, microphone: MediaStream): Promise<void>;
  /** `reached` when it rings or is answered there; else rejected with a {@link NotReached}. */
  dial(number: string, microphone: MediaStream): { id: string; reached: Promise<void> };
  hangUp(id: string, decline: boolean): void;
  setMuted(id: string, muted: boolean): void;
  setHeld(id: string, held: boolean): Promise<void>;
  refresh(id: string, restartIce: boolean): Promise<void>;
  /** RFC 4733, in the stream of the voice. */
  sendDigits(id: string, digits: string): Promise<void>;
  /** Another microphone for a running call. */
  useMicrophone(id: string, microphone: MediaStream): Promise<void>;
  /** What the other side says. */
  heard(id: string): MediaStream | undefined;
  stats(id: string): Promise<RTCStatsReport | undefined>;
}
