import { ToggleGroup } from "radix-ui";
import type { ReactNode } from "react";
import { cx } from "./tone";

interface Props {
  value: string;
  onValueChange: (value: string) => void;
  label: string;
  options: readonly { value: string; label: string; icon?: ReactNode }[];
  className?: string;
}

/** Few choices of which one holds, all in sight. Apart from `toggles`, for which no first screen has use. */
export function SegmentedControl({ value, onValueChange, label, options, className }: Props) {
  return (
    <ToggleGroup.Root type="single" value={value} aria-label={label} onValueChange={(next) => next && onValueChange(next)} className={cx("inline-flex rounded-md bg-sunken p-0.5", className)}>
      {options.map((one) => (
        <ToggleGroup.Item key={one.value} value={one.value} className="inline-flex h-7 items-center gap-1.5 rounded-sm px-2.5 text-sm font-medium text-ink-2 hover:text-ink data-[state=on]:bg-surface data-[state=on]:text-ink data-[state=on]:shadow-card">
          {one.icon}
          {one.label}
        </ToggleGroup.Item>
      ))}
    </ToggleGroup.Root>
  );
}
