/** What can be done from the keyboard: screens say it once, and the palette (Ctrl K), the list of shortcuts (?) and the keys all know it. */
import { useEffect, useRef, useSyncExternalStore } from "react";

export interface Command {
  id: string;
  title: string;
  group?: string;
  /** `ctrl+k`, `?`, or keys one after the other: `g c`. */
  shortcut?: string;
  keywords?: string;
  run: () => void;
  /** Left out of the palette, and its keys without effect, while this is false. */
  when?: boolean;
}

interface Entry extends Command {
  /** Keys only: not in the palette. */
  hidden: boolean;
}

/** Between the keys of a sequence. */
const PATIENCE_MS = 1200;
/** Before a key is taken for itself that could also begin a sequence. */
const HELD_MS = 400;

let entries: readonly Entry[] = [];
const listeners = new Set<() => void>();
function change(next: readonly Entry[]) {
  entries = next;
  for (const listener of listeners) listener();
}

function add(entry: Entry): () => void {
  change([...entries, entry]);
  return () => change(entries.filter((one) => one !== entry));
}

function useEntry(command: Command, hidden: boolean): void {
  const { id, title, group, shortcut, keywords, when = true } = command;
  const run = useRef(command.run);
  useEffect(() => {
    run.current = command.run;
  });
  useEffect(() => {
    if (!when) return;
    return add({ id, title, hidden, run: () => run.current(), ...(group ? { group } : {}), ...(shortcut ? { shortcut } : {}), ...(keywords ? { keywords } : {}) });
  }, [id, title, group, shortcut, keywords, when, hidden]);
}

/** Something that can be done while this component is there. */
export function useCommand(command: Command): void {
  useEntry(command, false);
}

/** Keys alone; with a title they are in the list of shortcuts. */
export function useShortcut(keys: string, run: () => void, options: { when?: boolean; title?: string; group?: string } = {}): void {
  useEntry({ id: `keys:${keys}`, title: options.title ?? "", shortcut: keys, run, ...(options.group ? { group: options.group } : {}), when: options.when ?? true }, true);
}

export function useCommands(): readonly Entry[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => entries,
  );
}

/** The name of a key press, as shortcuts are written. */
export function chord(event: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">): string {
  const key = event.key === " " ? "space" : event.key.toLowerCase();
  const parts = [];
  if (event.ctrlKey || event.metaKey) parts.push("ctrl");
  if (event.altKey) parts.push("alt");
  // A sign that is typed with Shift is named by itself: `?`.
  if (event.shiftKey && (key.length > 1 || /[a-z0-9]/.test(key))) parts.push("shift");
  return [...parts, key].join("+");
}

function isTyping(target: EventTarget | null): boolean {
  const element = target instanceof HTMLElement ? target : undefined;
  return element !== undefined && (element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName) || element.closest('[role="menu"], [role="listbox"]') !== null);
}

/** Space and Enter belong to the button or link that has the focus. */
function ownsKey(target: EventTarget | null, pressed: string): boolean {
  return /^(space|enter)$/.test(pressed) && target instanceof HTMLElement && target.closest('a, button, summary, [role="button"], [data-row]') !== null;
}

/** What a press means, given the keys before it. Pure: `listen` feeds it. */
export function resolve(known: readonly Pick<Entry, "shortcut" | "run">[], before: string, pressed: string): { run?: () => void; waiting: string } {
  for (const keys of before ? [`${before} ${pressed}`, pressed] : [pressed]) {
    // What was registered last is nearest: a dialog's before the screen's.
    const exact = known.findLast((one) => one.shortcut === keys);
    const longer = known.some((one) => one.shortcut?.startsWith(`${keys} `));
    // What may yet become another's sequence is done once it has not.
    if (exact) return { run: exact.run, waiting: longer ? keys : "" };
    if (longer) return { waiting: keys };
  }
  return { waiting: "" };
}

let before = "";
let timer: ReturnType<typeof setTimeout> | undefined;
let held: (() => void) | undefined;

export function onKeyDown(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.repeat || event.isComposing || ["Control", "Shift", "Alt", "Meta"].includes(event.key)) return;
  if (isTyping(event.target) && !event.ctrlKey && !event.metaKey && !event.altKey) return;
  // Beneath a dialog only what has a modifier is heard.
  if (document.querySelector('[role="dialog"][data-state="open"], [role="alertdialog"]') && !event.ctrlKey && !event.metaKey && !event.altKey) return;
  const pressed = chord(event);
  if (ownsKey(event.target, pressed)) return;
  const { run, waiting } = resolve(entries, before, pressed);
  clearTimeout(timer);
  // Another key than the sequence's next: the first one was meant for itself.
  if (held && !entries.some((one) => one.shortcut?.startsWith(`${before} ${pressed}`))) held();
  held = undefined;
  before = waiting;
  if (run) event.preventDefault();
  if (waiting) {
    held = run;
    timer = setTimeout(
      () => {
        before = "";
        held?.();
        held = undefined;
      },
      run ? HELD_MS : PATIENCE_MS,
    );
  } else run?.();
}
