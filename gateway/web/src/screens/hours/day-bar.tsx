import { type PointerEvent, useLayoutEffect, useRef, useState } from "react";
import { cx } from "@/design";
import { DAY_END, type Stretches, clockText, drawn, moved, resized, snapped } from "./week";

type Drag =
  | { readonly kind: "draw"; readonly from: number; readonly to: number }
  | { readonly kind: "edge"; readonly index: number; readonly edge: "from" | "to"; readonly to: number }
  | { readonly kind: "move"; readonly index: number; readonly from: number; readonly to: number };

/** How near an edge is taken for it, in pixels: a finger is wider. */
const NEAR = { mouse: 7, touch: 14 };

function after(stretches: Stretches, drag: Drag): Stretches {
  switch (drag.kind) {
    case "draw":
      return drawn(stretches, drag.from, drag.to);
    case "edge":
      return resized(stretches, drag.index, drag.edge, drag.to);
    case "move":
      return moved(stretches, drag.index, drag.to - drag.from);
  }
}

const LABEL_PX = 76;

function Edge({ at }: { at: "left" | "right" }) {
  return <span className="absolute w-0.5 rounded-full bg-accent" style={{ [at]: 2, top: 7, bottom: 7, cursor: "ew-resize" }} />;
}

/**
 * A day as a bar: a drag over it opens, a drag of an edge or of the whole changes, a double click removes. For the pointer only: what it shows is typed
 * beside it.
 */
export function DayBar({ stretches, disabled, onChange }: { stretches: Stretches; disabled: boolean; onChange: (stretches: Stretches) => void }) {
  const bar = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState<number>();
  useLayoutEffect(() => {
    if (!bar.current) return;
    const observer = new ResizeObserver(([entry]) => setWidth(entry?.contentRect.width));
    observer.observe(bar.current);
    return () => observer.disconnect();
  }, []);
  const [drag, setDrag] = useState<Drag>();
  const shown = drag ? after(stretches, drag) : stretches;
  const exact = (event: PointerEvent | { clientX: number }): number => {
    const box = bar.current?.getBoundingClientRect();
    return box ? ((event.clientX - box.left) / box.width) * DAY_END : 0;
  };
  const begin = (event: PointerEvent<HTMLDivElement>) => {
    if (disabled || event.button !== 0) return;
    const at = exact(event);
    const near = ((event.pointerType === "mouse" ? NEAR.mouse : NEAR.touch) / (bar.current?.clientWidth ?? 1)) * DAY_END;
    bar.current?.setPointerCapture(event.pointerId);
    for (const [index, { from, to }] of stretches.entries()) {
      for (const edge of ["from", "to"] as const) {
        if (Math.abs((edge === "from" ? from : to) - at) <= Math.min(near, (to - from) / 3)) return setDrag({ kind: "edge", index, edge, to: edge === "from" ? from : to });
      }
      if (from <= at && at < to) return setDrag({ kind: "move", index, from: snapped(at), to: snapped(at) });
    }
    setDrag({ kind: "draw", from: snapped(at), to: snapped(at) });
  };
  const go = (event: PointerEvent) => {
    if (drag) setDrag({ ...drag, to: snapped(exact(event)) });
  };
  const end = () => {
    if (!drag) return;
    const next = after(stretches, drag);
    setDrag(undefined);
    if (JSON.stringify(next) !== JSON.stringify(stretches)) onChange(next);
  };
  return (
    <div
      ref={bar}
      aria-hidden
      data-bar
      className={cx("relative h-8 touch-pan-y overflow-hidden rounded-md bg-sunken select-none", disabled && "opacity-60")}
      style={disabled ? {} : { cursor: "crosshair" }}
      onPointerDown={begin}
      onPointerMove={go}
      onPointerUp={end}
      onPointerCancel={() => setDrag(undefined)}
      onDoubleClick={(event) => {
        if (disabled) return;
        const at = exact(event);
        onChange(stretches.filter(({ from, to }) => !(from <= at && at < to)));
      }}
    >
      {[6, 12, 18].map((hour) => (
        <span key={hour} className="absolute inset-y-0 w-px bg-line-strong" style={{ left: `${String((hour / 24) * 100)}%` }} />
      ))}
      {shown.map(({ from, to }) => (
        <span
          key={`${String(from)}-${String(to)}`}
          className="absolute inset-y-0 flex items-center justify-center overflow-hidden rounded-sm border border-accent-line bg-accent-soft text-xs whitespace-nowrap text-ink"
          style={{ left: `${String((from / DAY_END) * 100)}%`, width: `${String(((to - from) / DAY_END) * 100)}%`, ...(disabled ? {} : { cursor: "grab" }) }}
        >
          {!disabled && <Edge at="left" />}
          {/* Where there is no room for it, what is typed says it. */}
          {((to - from) / DAY_END) * (width ?? 0) >= LABEL_PX && (
            <span className="num">
              {clockText(from)}–{clockText(to)}
            </span>
          )}
          {!disabled && <Edge at="right" />}
        </span>
      ))}
    </div>
  );
}
