import { type UIEvent, useCallback, useLayoutEffect, useRef } from "react";

/** Where the list stood when it was left, by its filters. */
let left: { readonly list: string; readonly top: number } | undefined;

/** Whoever comes back from a call finds the list where it was. `ready`: there are rows to scroll. */
export function useScrollPlace(list: string, ready: boolean) {
  const ref = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (!ready || left?.list !== list) return;
    const scroller = ref.current?.querySelector('[role="grid"]')?.parentElement;
    if (scroller) scroller.scrollTop = left.top;
  }, [list, ready]);
  const onScrollCapture = useCallback(
    (event: UIEvent) => {
      left = { list, top: (event.target as HTMLElement).scrollTop };
    },
    [list],
  );
  return { ref, onScrollCapture };
}
