import { type ChangeEvent, type KeyboardEvent, type Ref, type SyntheticEvent, useId, useImperativeHandle, useRef, useState } from "react";
import { Input, Textarea, announce, cx } from "@/design";
import { type TextKey, useT } from "@/i18n";
import { GIVEN, type Given, completed, typedAt } from "../template";
import { useForm } from "./context";

interface Props {
  value: string;
  onChange: (value: string) => void;
  rows?: number;
  maxLength?: number;
  placeholder?: string;
  /** What is typed is a variable itself, without braces. */
  bare?: boolean;
  id?: string;
  "aria-label"?: string;
  "aria-describedby"?: string;
  "aria-invalid"?: boolean;
  ref?: Ref<HTMLElement>;
}

const MOST = 8;

/** A text that may hold variables: they are offered from the second brace on. */
export function TemplateField({ value, onChange, rows, bare = false, ref, ...rest }: Props) {
  const t = useT();
  const { variables } = useForm();
  const list = useId();
  const field = useRef<HTMLInputElement | HTMLTextAreaElement>(null);
  useImperativeHandle(ref, () => field.current as HTMLElement);
  const [typed, setTyped] = useState<string>();
  const [active, setActive] = useState(0);
  const found = typed === undefined ? [] : [...variables.filter((name) => name.startsWith(typed)), ...variables.filter((name) => !name.startsWith(typed) && name.includes(typed))].slice(0, MOST);
  const open = found.length > 0 && !(bare && found.length === 1 && found[0] === value);

  const offer = (element: HTMLInputElement | HTMLTextAreaElement) => {
    const cursor = element.selectionStart ?? element.value.length;
    const now = bare ? element.value.slice(0, cursor).toLowerCase() : typedAt(element.value, cursor)?.typed;
    if (now !== undefined && typed === undefined) {
      const n = variables.filter((name) => name.includes(now)).length;
      if (n > 0) announce(t("flows.variables-n", { n: Math.min(n, MOST) }));
    }
    setTyped(now);
    setActive(0);
  };
  const take = (name: string | undefined) => {
    const element = field.current;
    if (name === undefined || !element) return;
    const next = bare ? { text: name, cursor: name.length } : completed(element.value, element.selectionStart ?? element.value.length, name);
    onChange(next.text);
    setTyped(undefined);
    requestAnimationFrame(() => {
      element.focus();
      element.setSelectionRange(next.cursor, next.cursor);
    });
  };
  const common = {
    ...rest,
    value,
    "aria-autocomplete": "list" as const,
    "aria-controls": open ? list : undefined,
    "aria-activedescendant": open ? `${list}-${String(active)}` : undefined,
    autoComplete: "off",
    spellCheck: !bare,
    onChange: (event: ChangeEvent<HTMLInputElement | HTMLTextAreaElement>) => {
      onChange(event.target.value);
      offer(event.target);
    },
    onBlur: () => setTyped(undefined),
    onClick: (event: SyntheticEvent<HTMLInputElement | HTMLTextAreaElement>) => bare && offer(event.currentTarget),
    onKeyDown: (event: KeyboardEvent) => {
      if (!open) return;
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        setActive((now) => (now + (event.key === "ArrowDown" ? 1 : found.length - 1)) % found.length);
      } else if (event.key === "Enter" || event.key === "Tab") {
        event.preventDefault();
        take(found[active]);
      } else if (event.key === "Escape") {
        event.preventDefault();
        event.stopPropagation();
        setTyped(undefined);
      }
    },
  };
  return (
    <div className="relative">
      {rows === undefined ? <Input {...common} ref={field as Ref<HTMLInputElement>} /> : <Textarea {...common} rows={rows} ref={field as Ref<HTMLTextAreaElement>} />}
      {open && (
        <div role="listbox" id={list} aria-label={t("flows.variables")} className="absolute inset-x-0 top-full z-30 mt-1 max-h-60 overflow-y-auto rounded-md border border-line bg-raised p-1 shadow-over">
          {found.map((name, at) => (
            <div
              key={name}
              id={`${list}-${String(at)}`}
              role="option"
              aria-selected={at === active}
              className={cx("grid cursor-default rounded-sm px-2 py-1", at === active && "bg-accent-soft")}
              onPointerDown={(event) => {
                event.preventDefault();
                take(name);
              }}
            >
              <span className="font-mono text-sm">{name}</span>
              <span className="text-xs text-ink-3">{GIVEN.includes(name as Given) ? t(`flows.variable.${name.replace(".", "_")}` as TextKey) : t("flows.variable.own")}</span>
            </div>
          ))}
        </div>
      )}
    </div>
  );
}
