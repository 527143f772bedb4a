/** What the next page of this browser has to know: which call ran here, and in this tab what was missed and dialled. */
import type { MissedCall } from "../api";
import type { Kept } from "./machine";

const CALL = "trunkline.phone.call";
const LISTS = "trunkline.phone.lists";

interface Lists {
  readonly user: string;
  readonly missed: readonly MissedCall[];
  readonly lastDialed: string | undefined;
}

function read<T>(store: () => Storage, key: string): Partial<T> | undefined {
  try {
    const value: unknown = JSON.parse(store().getItem(key) ?? "null");
    return typeof value === "object" && value !== null ? (value as Partial<T>) : undefined;
  } catch {
    return undefined;
  }
}

function write(store: () => Storage, key: string, value: unknown): void {
  try {
    if (value === undefined) store().removeItem(key);
    else store().setItem(key, JSON.stringify(value));
  } catch {
    // A store that is full or forbidden costs a reload its memory, and nothing else.
  }
}

const local = () => localStorage;
const session = () => sessionStorage;

/** Names the call and nobody in it: the journal knows the rest. Shared by the tabs, since another may have to go on with it. */
export function keepCall(user: string, call: Kept | undefined): void {
  write(local, CALL, call && { user, ...call });
}

export function keptCall(user: string): Kept | undefined {
  const kept = read<{ user: string } & Kept>(local, CALL);
  if (kept?.user !== user || typeof kept.callId !== "string") return undefined;
  return { callId: kept.callId, muted: kept.muted === true, held: kept.held === true };
}

/** Numbers of people stay within the tab, and go with it. */
export function keepLists(lists: Lists | undefined): void {
  write(session, LISTS, lists);
}

export function keptLists(user: string): Lists | undefined {
  const kept = read<Lists>(session, LISTS);
  if (kept?.user !== user || !Array.isArray(kept.missed)) return undefined;
  return { user, missed: kept.missed, lastDialed: typeof kept.lastDialed === "string" ? kept.lastDialed : undefined };
}
