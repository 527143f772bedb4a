/** What the hooks read: one immutable state, and who wants to know of a new one. */
import type { AudioSettings, PhoneState } from "../api";

const NO_AUDIO: AudioSettings = {
  microphones: [],
  speakers: [],
  microphone: undefined,
  speaker: undefined,
  bell: undefined,
  ringVolume: 0.8,
  canChooseSpeaker: false,
  notifications: "unsupported",
};

export const NO_PHONE: PhoneState = { registration: { state: "off" }, here: false, calls: [], missed: [], lastDialed: undefined, audio: NO_AUDIO };

export class PhoneStore {
  state: PhoneState = NO_PHONE;
  private readonly listeners = new Set<() => void>();

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  set(state: PhoneState): void {
    if (state === this.state) return;
    this.state = state;
    for (const listener of this.listeners) listener();
  }
}
