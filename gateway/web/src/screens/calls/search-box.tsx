import { Search } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useShortcut } from "@/app/commands";
import { Input, Kbd } from "@/design";
import { useT } from "@/i18n";

/** Long enough for the next digit, too short to be waited for. */
const PAUSE_MS = 220;

/** Looks for a number. `/` leads to it, Escape empties it. */
export function SearchBox({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const t = useT();
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(value);
  const [shown, setShown] = useState(value);
  // A change from elsewhere (a cleared chip, the back button) is taken over.
  if (value !== shown) {
    setShown(value);
    setText(value);
  }
  const report = useRef(onChange);
  useEffect(() => {
    report.current = onChange;
  });
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => {
      setShown(text);
      report.current(text);
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text, value]);
  useShortcut(
    "/",
    () => {
      input.current?.focus();
      input.current?.select();
    },
    { title: t("calls.shortcut.search") },
  );
  return (
    <div className="relative min-w-40 flex-1 basis-40 sm:max-w-72">
      <Search size={15} aria-hidden className="pointer-events-none absolute top-1/2 start-2.5 -translate-y-1/2 text-ink-3" />
      <Input
        ref={input}
        type="search"
        inputMode="tel"
        autoComplete="off"
        spellCheck={false}
        dir="auto"
        className="w-full ps-8 pe-9"
        aria-label={t("calls.search")}
        placeholder={t("calls.search-placeholder")}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") {
            if (text) setText("");
            else input.current?.blur();
          } else if (event.key === "Enter") {
            setShown(text);
            onChange(text);
          }
        }}
      />
      {text === "" && (
        <span className="pointer-events-none absolute top-1/2 end-2 -translate-y-1/2 max-sm:hidden">
          <Kbd keys="/" />
        </span>
      )}
    </div>
  );
}
