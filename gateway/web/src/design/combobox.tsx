import { Check } from "lucide-react";
import { Popover as RadixPopover } from "radix-ui";
import { useId, useMemo, useRef, useState } from "react";
import { useT } from "@/i18n";
import { control } from "./field";
import { ITEM, type Option } from "./option";
import type { SelectProps } from "./select";

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
                data-disabled={one.disabled ? "" : undefined}
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
