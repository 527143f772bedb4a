/** The softphone, without its looks. What each name means is said in `../api.ts`. */
import { useCallback, useState, useSyncExternalStore } from "react";
import { type PhoneActions, type PhoneCall, PhoneError, type PhoneState } from "../api";
import { PhoneStore } from "./store";

const store = new PhoneStore();

function notYet(): Promise<never> {
  return Promise.reject(new PhoneError("offline", "the phone is off"));
}

export const phone: PhoneActions = {
  answer: notYet,
  hangUp: notYet,
  setMuted: notYet,
  setHeld: notYet,
  sendDigits: notYet,
  dial: notYet,
  takeOver: notYet,
  retryMicrophone: notYet,
  chooseMicrophone: notYet,
  chooseSpeaker: notYet,
  chooseBell: notYet,
  setRingVolume: () => undefined,
  testSound: notYet,
  askForNotifications: notYet,
  clearMissed: () => undefined,
};

export function startPhone(): () => void {
  return () => undefined;
}

export function usePhone(): PhoneState {
  return useSyncExternalStore(store.subscribe, () => store.state);
}

export function usePhoneCall(id: string): PhoneCall | undefined {
  return useSyncExternalStore(
    store.subscribe,
    useCallback(() => store.state.calls.find((call) => call.id === id), [id]),
  );
}

export function useMicrophoneLevel(_active: boolean): number {
  return useState(0)[0];
}
