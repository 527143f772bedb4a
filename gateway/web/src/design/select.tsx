import { Check, ChevronDown } from "lucide-react";
import { Select as RadixSelect } from "radix-ui";
import { control } from "./field";
import { ITEM, type Option } from "./option";
import { cx } from "./tone";

export interface SelectProps {
  value: string | undefined;
  onValueChange: (value: string) => void;
  options: readonly Option[];
  placeholder?: string;
  disabled?: boolean;
  className?: string;
  id?: string;
  "aria-label"?: string;
  "aria-describedby"?: string;
  "aria-invalid"?: boolean;
}

const LIST = "z-50 max-h-(--radix-select-content-available-height) min-w-(--radix-select-trigger-width) overflow-hidden rounded-md border border-line bg-raised p-1 shadow-over";

export function Select({ value, onValueChange, options, placeholder, disabled, className, ...rest }: SelectProps) {
  const shown = options.find((one) => one.value === value);
  return (
    <RadixSelect.Root value={value ?? ""} onValueChange={onValueChange} disabled={disabled ?? false}>
      <RadixSelect.Trigger {...rest} className={control(cx("inline-flex items-center justify-between gap-2 text-start", className))}>
        <span className={cx("truncate", !shown && "text-ink-3")}>
          <RadixSelect.Value placeholder={placeholder}>{shown?.label}</RadixSelect.Value>
        </span>
        <ChevronDown size={14} aria-hidden className="shrink-0 text-ink-3" />
      </RadixSelect.Trigger>
      <RadixSelect.Portal>
        <RadixSelect.Content position="popper" sideOffset={4} collisionPadding={8} className={LIST}>
          <RadixSelect.Viewport>
            {options.map((one) => (
              <RadixSelect.Item key={one.value} value={one.value} disabled={one.disabled ?? false} className={ITEM}>
                <span className="grid flex-1">
                  <RadixSelect.ItemText>{one.label}</RadixSelect.ItemText>
                  {one.description && <span className="text-sm text-ink-3">{one.description}</span>}
                </span>
                <RadixSelect.ItemIndicator>
                  <Check size={14} aria-hidden />
                </RadixSelect.ItemIndicator>
              </RadixSelect.Item>
            ))}
          </RadixSelect.Viewport>
        </RadixSelect.Content>
      </RadixSelect.Portal>
    </RadixSelect.Root>
  );
}
