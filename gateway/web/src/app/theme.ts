/** Light, dark, or as the system has it; `public/theme.js` does the same before the first paint. */
import { useSyncExternalStore } from "react";

export type Theme = "light" | "dark" | "system";
const KEPT = "trunkline.theme";
const dark = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

function kept(): Theme {
  const value = localStorage.getItem(KEPT);
  return value === "light" || value === "dark" ? value : "system";
}

function show(): void {
  const theme = kept();
  document.documentElement.dataset.theme = theme === "dark" || (theme === "system" && dark.matches) ? "dark" : "light";
}
dark.addEventListener("change", show);
// Chosen in another tab.
addEventListener("storage", (event) => {
  if (event.key !== KEPT) return;
  show();
  for (const listener of listeners) listener();
});

/** Shows a theme, and keeps it in this browser for the first paint of the next page. */
export function setTheme(theme: Theme): void {
  if (theme === kept()) return;
  if (theme === "system") localStorage.removeItem(KEPT);
  else localStorage.setItem(KEPT, theme);
  show();
  for (const listener of listeners) listener();
}

let remember: ((theme: Theme) => void) | undefined;

/** Has what somebody chooses remembered beyond this browser: by the settings, for whoever is signed in. */
export function rememberTheme(by: ((theme: Theme) => void) | undefined): void {
  remember = by;
}

function choose(theme: Theme): void {
  setTheme(theme);
  remember?.(theme);
}

/** Whether this browser was told before. */
export function isThemeKept(): boolean {
  return localStorage.getItem(KEPT) !== null;
}

export function useTheme(): [theme: Theme, set: (theme: Theme) => void] {
  const theme = useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, kept);
  return [theme, choose];
}
