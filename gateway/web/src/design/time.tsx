import { type ReactNode, useState, useSyncExternalStore } from "react";
import { useMe } from "@/api";
import { preferences, usePreferences } from "@/app/preferences";
import { currentLanguage, useT } from "@/i18n";
import { Tooltip } from "./tooltip";
import { cx } from "./tone";

/** One clock for the whole page, on the second: timers beside each other change together. */
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setTimeout> | undefined;
let second = Math.floor(Date.now() / 1000) * 1000;

function tick() {
  second = Math.floor(Date.now() / 1000) * 1000;
  for (const listener of listeners) listener();
  timer = setTimeout(tick, 1000 - (Date.now() % 1000) + 2);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (listeners.size === 1) {
    second = Math.floor(Date.now() / 1000) * 1000;
    timer = setTimeout(tick, 1000 - (Date.now() % 1000) + 2);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) clearTimeout(timer);
  };
}

/** Now, in milliseconds, changing each second. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => second);
}

/** `m:ss`, `h:mm:ss`. */
export function clock(ms: number): string {
  const whole = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes, seconds] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  return hours > 0 ? `${String(hours)}:${two(minutes)}:${two(seconds)}` : `${String(minutes)}:${two(seconds)}`;
}

interface DurationProps {
  since?: string | number | Date | null;
  ms?: number;
  tick?: boolean;
  className?: string;
}

export function Duration({ since, ms, tick: ticks = true, className }: DurationProps) {
  return ms === undefined && since !== undefined && since !== null && ticks ? <Ticking since={since} className={className} /> : <Still since={since} ms={ms} className={className} />;
}

function Ticking({ since, className }: { since: string | number | Date; className?: string | undefined }) {
  const now = useNow();
  return <span className={cx("num", className)}>{clock(now - new Date(since).getTime())}</span>;
}

function Still({ since, ms, className }: { since?: string | number | Date | null | undefined; ms?: number | undefined; className?: string | undefined }) {
  // As it was when it was drawn first.
  const [drawn] = useState(() => Date.now());
  const length = ms ?? (since === undefined || since === null ? undefined : drawn - new Date(since).getTime());
  return <span className={cx("num", className)}>{length === undefined ? "–" : clock(length)}</span>;
}

/** A time in the reader's zone, by the clock that they prefer. */
export function formatDateTime(at: string | number | Date, options: Intl.DateTimeFormatOptions & { zone?: string } = {}): string {
  const { zone, ...rest } = options;
  const shape: Intl.DateTimeFormatOptions = Object.keys(rest).length > 0 ? rest : { dateStyle: "medium", timeStyle: "medium" };
  const { hour12 } = preferences();
  return new Intl.DateTimeFormat(currentLanguage(), { ...shape, ...(zone ? { timeZone: zone } : {}), ...(hour12 === undefined ? {} : { hour12 }) }).format(new Date(at));
}

export function useZone(): string | undefined {
  const me = useMe() as { tenant?: { time_zone?: string } } | undefined;
  const { zone } = usePreferences();
  return zone ?? me?.tenant?.time_zone;
}

const STEPS: [seconds: number, unit: Intl.RelativeTimeFormatUnit][] = [
  [60, "second"],
  [3600, "minute"],
  [86_400, "hour"],
  [7 * 86_400, "day"],
];

function relative(ms: number, language: string): string | undefined {
  const seconds = Math.round(ms / 1000);
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
  let unitSeconds = 1;
  for (const [limit, unit] of STEPS) {
    if (Math.abs(seconds) < limit) return format.format(Math.trunc(-seconds / unitSeconds), unit);
    unitSeconds = limit;
    if (unit === "hour") unitSeconds = 86_400;
  }
  return undefined;
}

/** How long ago; the exact time, in the reader's zone, on hover. Older than a week it is the date. */
export function RelativeTime({ at, className }: { at: string; className?: string }): ReactNode {
  useT();
  const now = useNow();
  const zone = useZone();
  const age = now - new Date(at).getTime();
  const words = age < 10_000 && age > -10_000 ? new Intl.RelativeTimeFormat(currentLanguage(), { numeric: "auto" }).format(0, "second") : relative(age, currentLanguage());
  return (
    <Tooltip content={formatDateTime(at, zone ? { zone, dateStyle: "medium", timeStyle: "long" } : {})}>
      <time dateTime={at} className={cx("num whitespace-nowrap", className)}>
        {words ?? formatDateTime(at, { dateStyle: "medium", ...(zone ? { zone } : {}) })}
      </time>
    </Tooltip>
  );
}
