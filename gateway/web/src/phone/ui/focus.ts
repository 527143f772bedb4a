import { type RefObject, useLayoutEffect, useRef } from "react";

/** When what held the keyboard's focus goes away with a call, the focus goes to the call bar instead of to nowhere. */
export function useKeptFocus<T extends HTMLElement>(): RefObject<T | null> {
  const element = useRef<T>(null);
  useLayoutEffect(
    () => () => {
      if (element.current?.contains(document.activeElement)) document.querySelector<HTMLElement>("[data-phone]")?.focus();
    },
    [],
  );
  return element;
}
