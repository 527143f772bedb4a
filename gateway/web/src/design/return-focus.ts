import { useCallback, useRef } from "react";

/** What is filled in or chosen first. */
const FIRST = 'input:not([type="hidden"], [disabled]), textarea:not([disabled]), [role="combobox"]:not([disabled])';

/**
 * Where the focus goes when something opens over the page, and back to when it closes: Radix gives it back to a trigger only, and what is opened by a
 * key or a state has none.
 */
export function useReturnedFocus() {
  const before = useRef<Element>(null);
  /** For what chooses its first focus itself. */
  const remember = useCallback(() => {
    before.current = document.activeElement;
  }, []);
  /** To the first field; else to the whole, which is read out then, and not to the button that closes it. */
  const onOpenAutoFocus = useCallback((event: Event) => {
    before.current = document.activeElement;
    const box = event.currentTarget as HTMLElement;
    event.preventDefault();
    (box.querySelector<HTMLElement>(FIRST) ?? box).focus();
  }, []);
  const onCloseAutoFocus = useCallback((event: Event) => {
    event.preventDefault();
    const to = before.current;
    const back = to instanceof HTMLElement && to.isConnected && to !== document.body ? to : document.getElementById("content");
    back?.focus({ preventScroll: true });
  }, []);
  return { remember, onOpenAutoFocus, onCloseAutoFocus };
}
