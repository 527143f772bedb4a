import { CircleAlert, CircleCheck, X } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { t as text, useT } from "@/i18n";
import { announce } from "./announce";
import { Button, IconButton } from "./button";
import { cx } from "./tone";

export interface Toast {
  title: string;
  description?: ReactNode;
  tone?: "neutral" | "good" | "bad";
  action?: { label: string; run: () => void };
  /** Called once when it goes without its action: read to the end, dismissed, pushed out by others, or left with the page. */
  onGone?: () => void;
  /** Milliseconds; `Infinity` stays until it is dismissed. */
  duration?: number;
}

interface Shown extends Toast {
  id: number;
}

/** More would hide what is beneath. */
const MOST = 4;
let next = 1;
let shown: readonly Shown[] = [];
const listeners = new Set<() => void>();

function change(to: readonly Shown[], acted?: number) {
  const gone = shown.filter((one) => one.id !== acted && !to.includes(one));
  shown = to;
  for (const listener of listeners) listener();
  for (const one of gone) one.onGone?.();
}

/** Nothing that waits for its toast is left undone. */
export function dismissAll(): void {
  change([]);
}

export function toast(what: Toast): number {
  const id = next++;
  change([...shown, { ...what, id }].slice(-MOST));
  announce([what.title, typeof what.description === "string" ? what.description : ""].filter(Boolean).join(". "), what.tone === "bad" ? "assertive" : "polite");
  return id;
}

export function dismiss(id: number): void {
  if (shown.some((one) => one.id === id)) change(shown.filter((one) => one.id !== id));
}

function act(one: Shown): void {
  change(
    shown.filter((other) => other !== one),
    one.id,
  );
  one.action?.run();
}

interface Undoable {
  title: string;
  description?: string;
  undo: () => void;
  /** For what can only be taken back until it is really done: the screen shows it as done, and this does it when nobody has taken it back. */
  commit?: () => void;
  /** For how long it can be taken back, in ms, where that ends by itself. */
  within?: number;
}

/** For what shows at once and can be taken back. */
export function undoable({ title, description, undo, commit, within }: Undoable): number {
  return toast({ title, ...(description ? { description } : {}), action: { label: text("common.undo"), run: undo }, ...(commit ? { onGone: commit } : {}), duration: within ?? (commit ? 6000 : 8000) });
}

export function Toaster() {
  const t = useT();
  const toasts = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => shown,
  );
  // A page that is left takes back nothing any more.
  useEffect(() => {
    addEventListener("pagehide", dismissAll);
    return () => removeEventListener("pagehide", dismissAll);
  }, []);
  return (
    <section aria-label={t("common.notifications")} className="pointer-events-none fixed end-3 bottom-[calc(var(--notices-above,0px)+0.75rem)] z-50 grid w-[min(24rem,calc(100vw-1.5rem))] gap-2 max-sm:bottom-[calc(var(--notices-above,3.75rem)+0.5rem)]">
      {toasts.map((one) => (
        <Card key={one.id} toast={one} />
      ))}
    </section>
  );
}

function Card({ toast: one }: { toast: Shown }) {
  const t = useT();
  const [held, setHeld] = useState(false);
  const left = useRef(one.duration ?? (one.tone === "bad" ? 10_000 : 5000));
  useEffect(() => {
    if (held || left.current === Infinity) return;
    const began = performance.now();
    const timer = setTimeout(() => dismiss(one.id), left.current);
    return () => {
      clearTimeout(timer);
      left.current = Math.max(1500, left.current - (performance.now() - began));
    };
  }, [held, one.id]);
  const Icon = one.tone === "bad" ? CircleAlert : CircleCheck;
  return (
    <div
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
      className="pointer-events-auto flex items-start gap-2.5 rounded-lg border border-line bg-raised p-3 shadow-over"
    >
      {one.tone && one.tone !== "neutral" && <Icon size={16} aria-hidden className={cx("mt-0.5 shrink-0", one.tone === "bad" ? "text-bad" : "text-live")} />}
      <div className="min-w-0 flex-1">
        <p className="text-md font-medium">{one.title}</p>
        {one.description && <div className="text-sm text-ink-2">{one.description}</div>}
      </div>
      {one.action && (
        <Button
          size="sm"
          onClick={() => act(one)}
        >
          {one.action.label}
        </Button>
      )}
      <IconButton label={t("common.close")} size="sm" onClick={() => dismiss(one.id)}>
        <X size={14} aria-hidden />
      </IconButton>
    </div>
  );
}
