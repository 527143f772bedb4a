import { Phone, Search } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import { useId, useMemo, useState } from "react";
import { Kbd, cx, useReturnedFocus } from "@/design";
import { useT } from "@/i18n";
import { phone } from "@/phone";
import { useCommands } from "./commands";

interface Choice {
  id: string;
  title: string;
  group: string;
  shortcut?: string | undefined;
  run: () => void;
  dial?: boolean;
}

/** Digits as people type them; at least two, or it is a word with a number in it. */
export function numberIn(text: string): string | undefined {
  const digits = text.replace(/[\s().-]/g, "");
  return /^\+?[\d*#]{2,20}$/.test(digits) ? digits : undefined;
}

/** All words somewhere in it; those that begin with the first word come first. */
export function match<T extends { title: string; keywords?: string | undefined }>(all: readonly T[], text: string): T[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = all.filter((one) => words.every((word) => `${one.title} ${one.keywords ?? ""}`.toLowerCase().includes(word)));
  const first = words[0];
  if (!first) return found;
  return found.sort((a, b) => Number(b.title.toLowerCase().startsWith(first)) - Number(a.title.toLowerCase().startsWith(first)));
}

export function Palette({ open, onOpenChange }: { open: boolean; onOpenChange: (open: boolean) => void }) {
  const { onOpenAutoFocus, onCloseAutoFocus } = useReturnedFocus();
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 bg-shade" />
        <Radix.Content aria-describedby={undefined} onOpenAutoFocus={onOpenAutoFocus} onCloseAutoFocus={onCloseAutoFocus} className="fixed inset-x-3 top-[12vh] z-50 mx-auto flex max-h-[60vh] max-w-xl flex-col overflow-hidden rounded-lg border border-line bg-raised shadow-over outline-none">
          <List onDone={() => onOpenChange(false)} />
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

function List({ onDone }: { onDone: () => void }) {
  const t = useT();
  const id = useId();
  const commands = useCommands();
  const [text, setText] = useState("");
  const [active, setActive] = useState(0);
  const choices = useMemo(() => {
    const named: Choice[] = match(commands.filter((one) => !one.hidden), text).map((one) => ({ id: one.id, title: one.title, group: one.group ?? t("common.palette.group"), shortcut: one.shortcut, run: one.run }));
    const number = numberIn(text);
    // What fails is told by the phone's own bar.
    if (number) named.unshift({ id: "dial", title: t("common.palette.dial", { number }), group: t("common.palette.group"), run: () => void phone.dial(number).catch(() => undefined), dial: true });
    return named.slice(0, 60);
  }, [commands, text, t]);
  const run = (choice: Choice | undefined) => {
    if (!choice) return;
    onDone();
    choice.run();
  };
  return (
    <>
      <Radix.Title className="sr-only">{t("common.palette.title")}</Radix.Title>
      <div className="flex items-center gap-2.5 border-b border-line px-4">
        <Search size={16} aria-hidden className="text-ink-3" />
        <input
          role="combobox"
          aria-expanded
          aria-controls={`${id}-list`}
          aria-activedescendant={choices[active] ? `${id}-${String(active)}` : undefined}
          aria-label={t("common.palette.placeholder")}
          placeholder={t("common.palette.placeholder")}
          autoComplete="off"
          spellCheck={false}
          className="h-12 flex-1 bg-transparent text-lg outline-none placeholder:text-ink-3"
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setActive(0);
          }}
          onKeyDown={(event) => {
            if (event.key === "ArrowDown" || event.key === "ArrowUp") {
              event.preventDefault();
              const step = event.key === "ArrowDown" ? 1 : -1;
              setActive((now) => (choices.length === 0 ? 0 : (now + step + choices.length) % choices.length));
            } else if (event.key === "Enter") {
              event.preventDefault();
              run(choices[active]);
            }
          }}
        />
        <Kbd keys="escape" />
      </div>
      <div role="listbox" id={`${id}-list`} aria-label={t("common.palette.title")} className="min-h-0 flex-1 overflow-auto p-1.5">
        {choices.map((choice, index) => (
          <div
            key={choice.id}
            id={`${id}-${String(index)}`}
            role="option"
            aria-selected={index === active}
            ref={(element) => {
              if (index === active) element?.scrollIntoView({ block: "nearest" });
            }}
            onPointerMove={() => setActive(index)}
            onPointerDown={(event) => {
              event.preventDefault();
              run(choice);
            }}
            className={cx("flex min-h-9 cursor-default items-center gap-3 rounded-md px-2.5 text-md", index === active && "bg-accent-soft")}
          >
            {choice.dial && <Phone size={15} aria-hidden className="text-live" />}
            <span className="flex-1 truncate">{choice.title}</span>
            <span className="text-sm text-ink-3">{choice.group}</span>
            {choice.shortcut && <Kbd keys={choice.shortcut} />}
          </div>
        ))}
      </div>
      {choices.length === 0 && <p className="px-4 pb-4 text-md text-ink-2">{t("common.palette.empty")}</p>}
    </>
  );
}
