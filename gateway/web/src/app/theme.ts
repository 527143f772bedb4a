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

function set(theme: Theme): void {
  if (theme === "system") localStorage.removeItem(KEPT);
  else localStorage.setItem(KEPT, theme);
  show();
  for (const listener of listeners) listener();
}

export function useTheme(): [theme: Theme, set: (theme: Theme) => void] {
  const theme = useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, kept);
  return [theme, set];
}
