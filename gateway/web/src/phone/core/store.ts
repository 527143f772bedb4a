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

/** Whether both have the same things, by identity. */
export function same<T extends object>(one: T, other: T): boolean {
  const keys = Object.keys(other) as (keyof T)[];
  return keys.length === Object.keys(one).length && keys.every((key) => Object.is(one[key], other[key]));
}

export function list<T>(before: readonly T[], after: readonly T[]): readonly T[] {
  return before.length === after.length && before.every((one, n) => one === after[n]) ? before : after;
}

/** A copy of another tab's state: what has not changed keeps its identity, so that it is not drawn anew. */
export function followed(before: PhoneState, told: PhoneState): PhoneState {
  const equal = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
  const keep = <T>(was: T, is: T): T => (equal(was, is) ? was : is);
  const calls = told.calls.map((call) => keep(before.calls.find((one) => one.id === call.id) ?? call, call));
  return {
    registration: keep(before.registration, told.registration),
    here: false,
    calls: list(before.calls, calls),
    missed: keep(before.missed, told.missed),
    lastDialed: told.lastDialed,
    audio: keep(before.audio, told.audio),
  };
}
