/**
 * What the settings of the cascade say of looks, for whoever draws: small, and there from the start. `app/obey` reads the settings and
 * sets this; until then, and for whoever is not signed in, everything is as delivered.
 */
import { useSyncExternalStore } from "react";

export interface Preferences {
  readonly compact: boolean;
  /** Twelve hours with am and pm, or not; `undefined`: as the language has it. */
  readonly hour12: boolean | undefined;
  /** IANA zone; `undefined`: the tenant's. */
  readonly zone: string | undefined;
  /** Whether a ring is shown outside of the browser. */
  readonly notifications: boolean;
}

let current: Preferences = { compact: false, hour12: undefined, zone: undefined, notifications: true };
const listeners = new Set<() => void>();

export function preferences(): Preferences {
  return current;
}

export function setPreferences(next: Preferences): void {
  const same = (Object.keys(next) as (keyof Preferences)[]).every((key) => next[key] === current[key]);
  if (same) return;
  current = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function usePreferences(): Preferences {
  return useSyncExternalStore(subscribe, preferences);
}
