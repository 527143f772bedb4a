import { Check } from "lucide-react";
import { Checkbox as RadixCheckbox, RadioGroup as RadixRadio, Switch as RadixSwitch } from "radix-ui";
import { type ReactNode, useId } from "react";
import type { Option } from "./option";
import { cx } from "./tone";

interface CheckProps {
  label: ReactNode;
  checked: boolean;
  onCheckedChange: (checked: boolean) => void;
  disabled?: boolean;
  className?: string;
}

export function Checkbox({ label, checked, onCheckedChange, disabled, className }: CheckProps) {
  const id = useId();
  return (
    <div className={cx("flex min-h-6 items-center gap-2 text-md", className)}>
      <RadixCheckbox.Root id={id} checked={checked} disabled={disabled ?? false} onCheckedChange={(next) => onCheckedChange(next === true)} className="grid size-4.5 shrink-0 place-items-center rounded-sm border border-line-control bg-surface data-[state=checked]:border-accent data-[state=checked]:bg-accent disabled:opacity-45">
        <RadixCheckbox.Indicator>
          <Check size={13} strokeWidth={3} aria-hidden className="text-accent-ink" />
        </RadixCheckbox.Indicator>
      </RadixCheckbox.Root>
      <label htmlFor={id}>{label}</label>
    </div>
  );
}

export function Switch({ label, checked, onCheckedChange, disabled, className }: CheckProps) {
  const id = useId();
  return (
    <div className={cx("flex min-h-6 items-center gap-2 text-md", className)}>
      <RadixSwitch.Root id={id} checked={checked} disabled={disabled ?? false} onCheckedChange={onCheckedChange} className="h-5 w-9 shrink-0 rounded-full border border-line-control bg-sunken transition-colors data-[state=checked]:border-accent data-[state=checked]:bg-accent disabled:opacity-45">
        <RadixSwitch.Thumb className="block size-3.5 translate-x-0.5 rounded-full bg-ink-3 transition-transform data-[state=checked]:translate-x-4.5 data-[state=checked]:bg-accent-ink rtl:data-[state=checked]:-translate-x-4.5" />
      </RadixSwitch.Root>
      <label htmlFor={id}>{label}</label>
    </div>
  );
}

interface GroupProps {
  value: string;
  onValueChange: (value: string) => void;
  label: string;
  className?: string;
}

export function RadioGroup({ value, onValueChange, label, options, className }: GroupProps & { options: readonly Option[] }) {
  const id = useId();
  return (
    <RadixRadio.Root value={value} onValueChange={onValueChange} aria-label={label} className={cx("grid gap-1.5", className)}>
      {options.map((one) => (
        <div key={one.value} className="flex min-h-6 items-start gap-2 text-md">
          <RadixRadio.Item id={`${id}-${one.value}`} value={one.value} disabled={one.disabled ?? false} className="mt-0.5 grid size-4.5 shrink-0 place-items-center rounded-full border border-line-control bg-surface data-[state=checked]:border-accent disabled:opacity-45">
            <RadixRadio.Indicator className="size-2 rounded-full bg-accent" />
          </RadixRadio.Item>
          <label htmlFor={`${id}-${one.value}`} className="grid">
            {one.label}
            {one.description && <span className="text-sm text-ink-3">{one.description}</span>}
          </label>
        </div>
      ))}
    </RadixRadio.Root>
  );
}
