import type { ReactNode } from "react";
import { SOLID, type Tone, cx } from "./tone";

export function PageHeader({ title, description, actions, tabs }: { title: string; description?: ReactNode; actions?: ReactNode; tabs?: ReactNode }) {
  return (
    <header className="border-b border-line bg-surface px-5 pt-4 max-sm:px-3">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2 pb-3">
        <div className="min-w-0 flex-1 basis-40">
          <h1 className="truncate text-xl font-semibold tracking-tight">{title}</h1>
          {description && <div className="text-md text-ink-2">{description}</div>}
        </div>
        {actions && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
      </div>
      {tabs}
    </header>
  );
}

export function Card({ className, children }: { className?: string; children: ReactNode }) {
  return <div className={cx("rounded-lg border border-line bg-surface p-4 shadow-card", className)}>{children}</div>;
}

export function DefinitionList({ items, className }: { items: readonly { term: string; value: ReactNode }[]; className?: string }) {
  return (
    <dl className={cx("grid grid-cols-[auto_1fr] gap-x-4 gap-y-1.5 text-md", className)}>
      {items.map((item) => (
        <div key={item.term} className="contents">
          <dt className="text-ink-3">{item.term}</dt>
          <dd className="min-w-0">{item.value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function VisuallyHidden({ children }: { children: ReactNode }) {
  return <span className="sr-only">{children}</span>;
}

/** Figures in groups, isolated from the direction of the text around. */
export function PhoneNumber({ value, className }: { value: string; className?: string }) {
  return (
    <bdi dir="ltr" className={cx("num whitespace-nowrap", className)}>
      {grouped(value)}
    </bdi>
  );
}

/** `+1 555 0100`: countries group differently; threes and fours are read well everywhere. */
export function grouped(value: string): string {
  const found = /^(\+(?:1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|\d{3}))(\d{4,})$/.exec(value);
  if (!found?.[1] || !found[2]) return value;
  const groups: string[] = [];
  let rest = found[2];
  while (rest.length > 4) {
    groups.push(rest.slice(0, 3));
    rest = rest.slice(3);
  }
  return [found[1], ...groups, rest].join(" ");
}

/** 0..1. */
export function Meter({ value, label, tone = "accent", vertical, className }: { value: number; label: string; tone?: Tone; vertical?: boolean; className?: string }) {
  const part = Math.max(0, Math.min(1, value));
  return (
    <div role="meter" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(part * 100)} className={cx("overflow-hidden rounded-full bg-sunken", vertical ? "relative h-16 w-2" : "h-2 w-full", className)}>
      <div
        className={cx("rounded-full", SOLID[tone], vertical ? "absolute inset-x-0 bottom-0 h-full origin-bottom" : "h-full w-full origin-left rtl:origin-right")}
        style={{ transform: vertical ? `scaleY(${String(part)})` : `scaleX(${String(part)})` }}
      />
    </div>
  );
}
