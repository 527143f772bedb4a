import type { ReactNode } from "react";
import { SOFT, SOLID, type Tone, cx } from "./tone";

export function Badge({ tone = "neutral", dot, className, children }: { tone?: Tone; dot?: boolean; className?: string; children: ReactNode }) {
  return (
    <span className={cx("inline-flex items-center gap-1.5 rounded-full px-2 py-0.5 text-sm font-medium whitespace-nowrap", SOFT[tone], className)}>
      {dot && <span aria-hidden className={cx("size-1.5 rounded-full", SOLID[tone])} />}
      {children}
    </span>
  );
}

export function Tag({ className, children }: { className?: string; children: ReactNode }) {
  return <span className={cx("inline-flex items-center rounded-sm border border-line-strong px-1.5 text-sm text-ink-2", className)}>{children}</span>;
}

const HUES = ["bg-accent-soft text-accent", "bg-hold-soft text-hold", "bg-wait-soft text-wait", "bg-ring-soft text-ring", "bg-live-soft text-live"];

/** Initials, the same colour for the same name. */
export function Avatar({ name, size = 28, presence, className }: { name: string; size?: number; presence?: Tone; className?: string }) {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const initials = [...(words[0] ?? "?")].slice(0, 1).concat(words.length > 1 ? [...(words.at(-1) ?? "")].slice(0, 1) : []).join("");
  const hue = [...name].reduce((sum, one) => sum + (one.codePointAt(0) ?? 0), 0) % HUES.length;
  return (
    // Drawn, not written: a button with a picture of its person is called by its name, not by two letters.
    <span
      aria-hidden
      data-initials={initials}
      className={cx("relative inline-grid shrink-0 place-items-center rounded-full font-semibold uppercase before:content-[attr(data-initials)]", HUES[hue], className)}
      style={{ width: size, height: size, fontSize: size * 0.38 }}
    >
      {presence && <span className={cx("absolute -end-0.5 -bottom-0.5 size-2.5 rounded-full border-2 border-surface", SOLID[presence])} />}
    </span>
  );
}
