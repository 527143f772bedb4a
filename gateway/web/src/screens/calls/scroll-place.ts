import { type RefObject, type UIEvent, useCallback, useLayoutEffect } from "react";

/** Where the list stood when it was left, by its filters. */
let left: { readonly list: string; readonly top: number } | undefined;

/** Whoever comes back from a call finds the list where it was. `ready`: there are rows to scroll. Gives what has to hear the list's scrolling. */
export function useScrollPlace(ref: RefObject<HTMLElement | null>, list: string, ready: boolean): (event: UIEvent) => void {
  useLayoutEffect(() => {
    const before = left;
    if (!ready || before?.list !== list) return;
    // The table measures itself first, and begins at its top.
    const frame = requestAnimationFrame(() => {
      const scroller = ref.current?.querySelector('[role="grid"]')?.parentElement;
      if (scroller) scroller.scrollTop = before.top;
    });
    return () => cancelAnimationFrame(frame);
  }, [ref, list, ready]);
  return useCallback(
    (event: UIEvent) => {
      left = { list, top: (event.target as HTMLElement).scrollTop };
    },
    [list],
  );
}
