import { cx } from "./tone";

const NAMES: Record<string, string> = { ctrl: "Ctrl", shift: "⇧", alt: "Alt", enter: "↵", escape: "Esc", space: "Space", arrowup: "↑", arrowdown: "↓", arrowleft: "←", arrowright: "→" };

/** `ctrl+k`, or keys one after the other: `g c`. */
export function Kbd({ keys, inverse }: { keys: string; inverse?: boolean }) {
  return (
    <span role="img" className="inline-flex gap-1" aria-label={keys}>
      {keys.split(" ").map((chord) => (
        <kbd key={chord} aria-hidden className={cx("rounded-sm border px-1 font-sans text-xs", inverse ? "border-current/40" : "border-line-strong bg-sunken text-ink-2")}>
          {chord
            .split("+")
            .map((key) => NAMES[key] ?? key.toUpperCase())
            .join(" ")}
        </kbd>
      ))}
    </span>
  );
}
