import { Search, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useShortcut } from "@/app/commands";
import { IconButton, Input } from "@/design";
import { useT } from "@/i18n";

/** Long enough for the next letter, too short to be waited for. */
const PAUSE_MS = 300;

/** Looks for people, words and numbers. `/` leads to it, Escape empties it. */
export function SearchBox({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const t = useT();
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(value);
  const [shown, setShown] = useState(value);
  // A change from elsewhere (another view, the back button) is taken over.
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
    { title: t("inbox.search"), group: t("common.nav.inbox") },
  );
  return (
    <div className="relative" role="search">
      <Search size={14} aria-hidden className="absolute start-2.5 top-1/2 -translate-y-1/2 text-ink-3" />
      <Input
        ref={input}
        type="search"
        aria-label={t("inbox.search")}
        placeholder={t("inbox.search")}
        value={text}
        className="w-full ps-8 pe-8 [&::-webkit-search-cancel-button]:hidden"
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          event.stopPropagation();
          if (text === "") input.current?.blur();
          setText("");
        }}
      />
      {text !== "" && (
        <IconButton label={t("inbox.search.clear")} size="sm" className="absolute end-0.5 top-0.5" onClick={() => setText("")}>
          <X size={13} aria-hidden />
        </IconButton>
      )}
    </div>
  );
}
