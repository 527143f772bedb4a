import { useSyncExternalStore } from "react";

const query = (px: number) => (typeof matchMedia === "function" ? matchMedia(`(max-width: ${String(px - 1)}px)`) : undefined);

/** Whether the window is narrower than so many pixels. */
export function useNarrow(px: number): boolean {
  return useSyncExternalStore(
    (listener) => {
      const list = query(px);
      list?.addEventListener("change", listener);
      return () => list?.removeEventListener("change", listener);
    },
    () => query(px)?.matches ?? false,
  );
}
