import { Check, ChevronDown } from "lucide-react";
import { Checkbox as RadixCheckbox, Popover as RadixPopover, RadioGroup as RadixRadio, Select as RadixSelect, Switch as RadixSwitch, ToggleGroup } from "radix-ui";
import { type ReactNode, useId, useMemo, useRef, useState } from "react";
import { useT } from "@/i18n";
import { control } from "./field";
import { cx } from "./tone";

export interface Option {
  value: string;
  label: string;
  description?: string;
  disabled?: boolean;
}

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
const ITEM = "flex cursor-default items-center gap-2 rounded-sm px-2 py-1.5 text-md outline-none select-none data-[disabled]:opacity-45 data-[highlighted]:bg-accent-soft data-[highlighted]:text-ink";

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

/** A select that is filtered by typing (WAI-ARIA's combobox with a listbox). */
export function Combobox({ value, onValueChange, options, placeholder, disabled, className, ...rest }: SelectProps) {
  const t = useT();
  const list = useId();
  const [open, setOpen] = useState(false);
  const [text, setText] = useState<string>();
  const [active, setActive] = useState(0);
  const box = useRef<HTMLDivElement>(null);
  const chosen = options.find((one) => one.value === value);
  const found = useMemo(() => {
    const words = (text ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    return options.filter((one) => words.every((word) => `${one.label} ${one.value}`.toLowerCase().includes(word))).slice(0, 100);
  }, [options, text]);
  const choose = (one: Option | undefined) => {
    if (!one || one.disabled) return;
    onValueChange(one.value);
    setText(undefined);
    setOpen(false);
  };
  return (
    <RadixPopover.Root open={open} onOpenChange={setOpen}>
      <RadixPopover.Anchor asChild>
        <input
          {...rest}
          role="combobox"
          aria-expanded={open}
          aria-controls={list}
          aria-autocomplete="list"
          aria-activedescendant={open && found[active] ? `${list}-${String(active)}` : undefined}
          autoComplete="off"
          disabled={disabled}
          placeholder={placeholder}
          value={text ?? chosen?.label ?? ""}
          className={control(className)}
          onFocus={(event) => event.target.select()}
          onClick={() => setOpen(true)}
          onChange={(event) => {
            setText(event.target.value);
            setActive(0);
            setOpen(true);
          }}
          onBlur={(event) => {
            if (box.current?.contains(event.relatedTarget)) return;
            setText(undefined);
            setOpen(false);
          }}
          onKeyDown={(event) => {
            if (event.key === "ArrowDown" || event.key === "ArrowUp") {
              event.preventDefault();
              setOpen(true);
              setActive((now) => Math.max(0, Math.min(found.length - 1, now + (event.key === "ArrowDown" ? 1 : -1))));
            } else if (event.key === "Enter" && open) {
              event.preventDefault();
              choose(found[active]);
            } else if (event.key === "Escape" && open) {
              event.stopPropagation();
              setText(undefined);
              setOpen(false);
            }
          }}
        />
      </RadixPopover.Anchor>
      <RadixPopover.Portal>
        <RadixPopover.Content
          ref={box}
          sideOffset={4}
          collisionPadding={8}
          onOpenAutoFocus={(event) => event.preventDefault()}
          className="z-50 max-h-64 w-(--radix-popover-trigger-width) overflow-auto rounded-md border border-line bg-raised p-1 shadow-over"
        >
          <div role="listbox" id={list} aria-label={rest["aria-label"] ?? t("common.choices")}>
            {found.map((one, index) => (
              <div
                key={one.value}
                id={`${list}-${String(index)}`}
                role="option"
                aria-selected={one.value === value}
                aria-disabled={one.disabled}
                data-highlighted={index === active ? "" : undefined}
                ref={(element) => {
                  if (index === active) element?.scrollIntoView({ block: "nearest" });
                }}
                className={ITEM}
                onPointerDown={(event) => {
                  event.preventDefault();
                  choose(one);
                }}
              >
                <span className="flex-1">{one.label}</span>
                {one.value === value && <Check size={14} aria-hidden />}
              </div>
            ))}
          </div>
          {found.length === 0 && <p className="px-2 py-1.5 text-md text-ink-3">{t("common.nothing-found")}</p>}
        </RadixPopover.Content>
      </RadixPopover.Portal>
    </RadixPopover.Root>
  );
}

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
      <RadixCheckbox.Root id={id} checked={checked} disabled={disabled ?? false} onCheckedChange={(next) => onCheckedChange(next === true)} className="grid size-4.5 place-items-center rounded-sm border border-line-control bg-surface data-[state=checked]:border-accent data-[state=checked]:bg-accent disabled:opacity-45">
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
      <RadixSwitch.Root id={id} checked={checked} disabled={disabled ?? false} onCheckedChange={onCheckedChange} className="h-5 w-9 rounded-full border border-line-control bg-sunken transition-colors data-[state=checked]:border-accent data-[state=checked]:bg-accent disabled:opacity-45">
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

export function SegmentedControl({ value, onValueChange, label, options, className }: GroupProps & { options: readonly { value: string; label: string; icon?: ReactNode }[] }) {
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
