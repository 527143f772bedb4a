import { CircleAlert, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { clock, cx, useNow } from "@/design";
import { currentLanguage, useT } from "@/i18n";
import { NOTHING, share } from "../reports/words";
import type { Stay } from "./figures";
import { type Alarm, levelAlarm, waitAlarm } from "./tones";

export const INK: Record<"ring" | "bad", string> = { ring: "text-ring", bad: "text-bad" };

/** A figure that may be alarming: by colour, by a sign, and by words for those who hear the page. */
export function Alarming({ alarm, words, size = 13, children }: { alarm: Alarm; words: string; size?: number; children: ReactNode }) {
  if (!alarm) return <>{children}</>;
  const Icon = alarm === "bad" ? CircleAlert : TriangleAlert;
  return (
    <span data-alarm={alarm} title={words} className={cx("inline-flex items-center gap-1 font-semibold", INK[alarm])} style={{ verticalAlign: "bottom" }}>
      <Icon size={size} aria-hidden className="shrink-0" />
      {children}
      <span className="sr-only">{words}</span>
    </span>
  );
}

/** How long somebody waits, ticking. */
export function Wait({ since, level_ms, size }: { since: number; level_ms: number; size?: number }) {
  const t = useT();
  const waited = useNow() - since;
  const alarm = waitAlarm(waited, level_ms);
  return (
    <Alarming alarm={alarm} words={t(alarm === "bad" ? "board.alarm.wait-bad" : "board.alarm.wait", { n: Math.round(level_ms / 1000) })} {...(size ? { size } : {})}>
      <span className="num">{clock(waited)}</span>
    </Alarming>
  );
}

export function Longest({ stay, size }: { stay: Stay | undefined; size?: number }) {
  return stay ? <Wait since={stay.waiting_since} level_ms={stay.level_ms} {...(size ? { size } : {})} /> : <span className="text-ink-3">–</span>;
}

/** `wall`: without a tenth, which nobody reads from afar. */
export function Level({ value, size, wall }: { value: number | undefined; size?: number; wall?: boolean }) {
  const t = useT();
  return (
    <Alarming alarm={levelAlarm(value)} words={t("board.alarm.level")} {...(size ? { size } : {})}>
      <span className="num">{wall ? percent(value) : share(value)}</span>
    </Alarming>
  );
}

/** In whole percents. Rounded down: 100 % are all of them. */
export function percent(value: number | undefined): string {
  return value === undefined ? NOTHING : (Math.floor(value * 100) / 100).toLocaleString(currentLanguage(), { style: "percent" });
}
