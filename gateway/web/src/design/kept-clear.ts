/** What no passing notice may lie over: the field that somebody writes in. The notices stand above it (`toast`). */
import { type RefObject, useEffect } from "react";

const HEIGHT = "--notices-above";
/** As wide as notices are, and the gap beside them (`toast`). */
const WIDTH = 396;

/** How far from the bottom of the window the notices begin; nothing where they are not in each other's way. */
export function roomFor(box: Pick<DOMRect, "top" | "height" | "left" | "right">, view: { width: number; height: number }, endsLeft = false): number | undefined {
  if (box.height === 0) return undefined;
  const beside = endsLeft ? box.left >= WIDTH : box.right <= view.width - WIDTH;
  return beside ? undefined : Math.max(0, Math.round(view.height - box.top));
}

export function useKeptClear(element: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const one = element.current;
    if (!one) return;
    const root = document.documentElement;
    const measure = () => {
      const room = roomFor(one.getBoundingClientRect(), { width: innerWidth, height: innerHeight }, root.dir === "rtl");
      if (room === undefined) root.style.removeProperty(HEIGHT);
      else root.style.setProperty(HEIGHT, `${String(room)}px`);
    };
    const observer = new ResizeObserver(measure);
    observer.observe(one);
    addEventListener("resize", measure);
    return () => {
      observer.disconnect();
      removeEventListener("resize", measure);
      root.style.removeProperty(HEIGHT);
    };
  }, [element]);
}
