import { ChevronDown, X } from "lucide-react";
import { type ComponentProps, type ReactElement, type ReactNode, forwardRef } from "react";
import { useT } from "@/i18n";

interface TriggerProps extends Omit<ComponentProps<"button">, "value" | "name"> {
  name: string;
  value: ReactNode;
}

/** What opens a filter: its name, and what it is set to. */
export const FilterTrigger = forwardRef<HTMLButtonElement, TriggerProps>(function FilterTrigger({ name, value, className = "", ...rest }, ref) {
  return (
    <button
      ref={ref}
      type="button"
      className={`inline-flex h-7 max-w-64 items-center gap-1 px-2.5 text-sm ${value ? "text-ink" : "text-ink-2 hover:text-ink"} ${className}`}
      {...rest}
    >
      <span className={value ? "text-ink-2" : ""}>{name}</span>
      {value ? <span className="truncate font-medium">{value}</span> : <ChevronDown size={13} aria-hidden className="text-ink-3" />}
    </button>
  );
});

/** A filter as a chip: dashed while it is open to all, filled and with a way to clear it when it is set. */
export function FilterChip({ name, set, onClear, children }: { name: string; set: boolean; onClear: () => void; children: ReactElement }) {
  const t = useT();
  return (
    <span className={`inline-flex shrink-0 items-center rounded-full border ${set ? "border-accent-line bg-accent-soft" : "border-dashed border-line-control bg-surface hover:border-ink-3"}`}>
      {children}
      {set && (
        <button
          type="button"
          onClick={onClear}
          aria-label={t("calls.filter.clear-one", { name })}
          title={t("calls.filter.clear-one", { name })}
          className="me-0.5 inline-flex size-6 items-center justify-center rounded-full text-ink-2 hover:bg-surface hover:text-ink"
        >
          <X size={13} aria-hidden />
        </button>
      )}
    </span>
  );
}
