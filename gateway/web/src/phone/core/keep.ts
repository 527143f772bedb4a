/** What the next page of this browser has to know: which call ran here, and in this tab what was missed and dialled. */
import type { MissedCall } from "../api";

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
export function keepCall(user: string, call: string | undefined): void {
  write(local, CALL, call === undefined ? undefined : { user, call });
}

export function keptCall(user: string): string | undefined {
  const kept = read<{ user: string; call: string }>(local, CALL);
  return kept?.user === user && typeof kept.call === "string" ? kept.call : undefined;
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
