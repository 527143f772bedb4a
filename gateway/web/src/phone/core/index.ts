/** The softphone, without its looks. What each name means is said in `../api.ts`. */
import { useCallback, useEffect, useState, useSyncExternalStore } from "react";
import type { PhoneActions, PhoneCall, PhoneState } from "../api";
import { measure } from "./audio";
import { stopTracks } from "./microphones";
import { Phone } from "./phone";

/** The page's one. */
const it = new Phone();

export const phone: PhoneActions = it.actions;

export function startPhone(): () => void {
  return it.start();
}

export function usePhone(): PhoneState {
  return useSyncExternalStore(it.store.subscribe, () => it.store.state);
}

export function usePhoneCall(id: string): PhoneCall | undefined {
  return useSyncExternalStore(
    it.store.subscribe,
    useCallback(() => it.store.state.calls.find((call) => call.id === id), [id]),
  );
}

/** What the phone is now, for code that is no component. */
export function phoneState(): PhoneState {
  return it.store.state;
}

/** Also 0 when the microphone cannot be had: why is for `registration` and `retryMicrophone` to say. */
export function useMicrophoneLevel(active: boolean): number {
  const [level, setLevel] = useState(0);
  // Another microphone is another thing to measure.
  const chosen = usePhone().audio.microphone;
  useEffect(() => {
    if (!active) return;
    let over = false;
    let stop = () => setLevel(0);
    // One of its own, also beside a call: that of the call may be muted, and another tab may have it.
    it.openMicrophone()
      .then((stream) => {
        if (over) {
          stopTracks(stream);
          return;
        }
        const end = measure(stream, setLevel);
        stop = () => {
          end();
          stopTracks(stream);
          setLevel(0);
        };
      })
      .catch(() => undefined);
    return () => {
      over = true;
      stop();
    };
  }, [active, chosen]);
  return level;
}
