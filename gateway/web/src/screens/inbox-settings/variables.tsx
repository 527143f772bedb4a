import type { RefObject } from "react";
import { Button } from "@/design";
import { type TextKey, useT } from "@/i18n";

/** What the server fills in (`gateway/src/inbox_tools/steps.rs`). */
export const VARIABLES = ["contact.name", "contact.first_name", "agent.name", "agent.first_name"] as const;

/** Puts a variable where the cursor is. */
export function insert(text: string, at: { start: number; end: number }, variable: string): { text: string; cursor: number } {
  const written = `{{${variable}}}`;
  return { text: text.slice(0, at.start) + written + text.slice(at.end), cursor: at.start + written.length };
}

/** Each with what it stands for; a click writes it into the text. */
export function Variables({ area, text, onChange }: { area: RefObject<HTMLTextAreaElement | null>; text: string; onChange: (text: string) => void }) {
  const t = useT();
  return (
    <div role="group" aria-label={t("inboxtools.variables")} className="flex flex-wrap items-center gap-1.5">
      <span className="text-sm text-ink-3">{t("inboxtools.variables")}</span>
      {VARIABLES.map((variable) => (
        <Button
          key={variable}
          size="sm"
          onClick={() => {
            const element = area.current;
            const next = insert(text, { start: element?.selectionStart ?? text.length, end: element?.selectionEnd ?? text.length }, variable);
            onChange(next.text);
            requestAnimationFrame(() => {
              element?.focus();
              element?.setSelectionRange(next.cursor, next.cursor);
            });
          }}
        >
          {t(`inboxtools.variable.${variable.replace(".", "_")}` as TextKey)}
        </Button>
      ))}
    </div>
  );
}
