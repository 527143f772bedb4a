import { type KeyboardEvent, type PointerEvent, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { SOLID, type Tone } from "@/design";
import { currentLanguage, useT } from "@/i18n";
import type { Player } from "./audio";
import { clock, spokenLength } from "./clock";
import { type Waveform as Peaks, barPath, resample } from "./silence";
import { usePlayerSecond } from "./use-player";

export interface Mark {
  readonly id: string;
  readonly ms: number;
  readonly label: string;
  readonly tone: Tone;
}

export interface GapBand {
  readonly from_ms: number;
  readonly to_ms: number;
  readonly label: string;
}

const HALF = 38;
const MIDDLE = 6;
const HEIGHT = 2 * HALF + MIDDLE;
const [STEP, BAR] = [3, 2];
/** ms by one key. */
const KEYS: Record<string, number> = { ArrowLeft: -5_000, ArrowDown: -5_000, ArrowRight: 5_000, ArrowUp: 5_000, PageDown: -30_000, PageUp: 30_000 };

/** Both sides of what was said, the agent above, the customer below; time runs from left to right in every language. */
export function Waveform({ player, peaks, durationMs, marks, gaps }: { player: Player; peaks: Peaks | undefined; durationMs: number; marks: readonly Mark[]; gaps: readonly GapBand[] }) {
  const t = useT();
  const box = useRef<HTMLDivElement>(null);
  const played = useRef<SVGSVGElement>(null);
  const head = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  const [hover, setHover] = useState<number>();
  const second = usePlayerSecond(player);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const count = Math.floor(width / STEP);
  const paths = useMemo(() => {
    if (!peaks || count === 0) return undefined;
    const bars = { step: STEP, bar: BAR, height: HALF };
    return {
      agent: barPath(resample(peaks.agent, count), { ...bars, zero: HALF, up: true }),
      customer: barPath(resample(peaks.customer, count), { ...bars, zero: HALF + MIDDLE, up: false }),
    };
  }, [peaks, count]);

  // Sixty times a second, past React: only a clip and a line move.
  useEffect(() => {
    const draw = () => {
      const share = durationMs > 0 ? (player.position() / durationMs) * 100 : 0;
      if (played.current) played.current.style.clipPath = `inset(0 ${String(100 - share)}% 0 0)`;
      if (head.current) head.current.style.left = `${String(share)}%`;
    };
    draw();
    return player.subscribe(draw);
  }, [player, durationMs, paths]);

  const at = (event: PointerEvent) => {
    const { left, width: whole } = event.currentTarget.getBoundingClientRect();
    return whole > 0 ? Math.min(Math.max((event.clientX - left) / whole, 0), 1) * durationMs : 0;
  };
  const share = (ms: number) => `${String(durationMs > 0 ? (ms / durationMs) * 100 : 0)}%`;
  const onKeyDown = (event: KeyboardEvent) => {
    const by = KEYS[event.key];
    const to = by !== undefined ? player.position() + by : event.key === "Home" ? 0 : event.key === "End" ? durationMs : undefined;
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    player.seek(to);
  };

  return (
    <div dir="ltr" className="relative pt-3 select-none">
      {marks.map((mark) => (
        <span
          key={mark.id}
          aria-hidden
          data-mark={mark.id}
          title={mark.label}
          className="absolute top-0 z-10 flex h-full w-3 -translate-x-1/2 cursor-pointer flex-col items-center"
          style={{ left: share(mark.ms), pointerEvents: "none" }}
        >
          <button type="button" tabIndex={-1} title={`${clock(mark.ms)} ${mark.label}`} onClick={() => player.seek(mark.ms)} className={`pointer-events-auto size-2.5 shrink-0 rounded-full ring-2 ring-surface ${SOLID[mark.tone]}`} />
          <span className="w-px flex-1 bg-line-strong" />
        </span>
      ))}
      <div
        ref={box}
        role="slider"
        tabIndex={0}
        aria-label={t("call.player.position")}
        aria-valuemin={0}
        aria-valuemax={Math.floor(durationMs / 1000)}
        aria-valuenow={second}
        aria-valuetext={t("call.player.position-of", { at: spokenLength(second * 1000, currentLanguage()), of: spokenLength(durationMs, currentLanguage()) })}
        data-waveform={paths ? "drawn" : "pending"}
        className="relative cursor-pointer touch-pan-y rounded-sm"
        style={{ height: HEIGHT }}
        onKeyDown={onKeyDown}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          player.seek(at(event));
        }}
        onPointerMove={(event) => {
          setHover(at(event));
          if (event.currentTarget.hasPointerCapture(event.pointerId)) player.seek(at(event));
        }}
        onPointerLeave={() => setHover(undefined)}
      >
        {gaps.map((gap) => (
          <span
            key={`${String(gap.from_ms)}-${gap.label}`}
            title={gap.label}
            className="absolute inset-y-0 border-x border-line-strong"
            style={{
              left: share(gap.from_ms),
              width: share(Math.max(gap.to_ms - gap.from_ms, 0)),
              minWidth: 3,
              backgroundImage: "repeating-linear-gradient(135deg, var(--line) 0 4px, transparent 4px 8px)",
            }}
          />
        ))}
        {paths && (
          <>
            <svg aria-hidden width={width} height={HEIGHT} className="absolute inset-0 block text-ink-3 opacity-50" fill="currentColor">
              <path d={paths.agent} />
              <path d={paths.customer} />
            </svg>
            <svg ref={played} aria-hidden width={width} height={HEIGHT} className="absolute inset-0 block" fill="currentColor">
              <path d={paths.agent} className="text-accent" />
              <path d={paths.customer} className="text-ink-2" />
            </svg>
          </>
        )}
        <div ref={head} aria-hidden className="pointer-events-none absolute -inset-y-1 w-0.5 -translate-x-1/2 rounded-full bg-ink" />
        {hover !== undefined && (
          <span aria-hidden className="num pointer-events-none absolute top-0 z-10 -translate-x-1/2 -translate-y-full rounded-sm bg-ink px-1.5 text-xs text-surface" style={{ left: share(hover) }}>
            {clock(hover)}
          </span>
        )}
      </div>
    </div>
  );
}
