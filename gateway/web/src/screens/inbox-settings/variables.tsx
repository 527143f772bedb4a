import type { RefObject } from "react";
import { Button } from "@/design";
import { type TextKey, useT } from "@/i18n";

/** What the server fills in (`gateway/src/inbox_tools/steps.rs`). */
export const VARIABLES = ["contact.name", "contact.first_name", "agent.name", "agent.first_name"] as const;

/** Variables that nothing fills in: a customer would read them as they stand. */
export function unknownVariables(text: string, also: readonly string[] = []): readonly string[] {
  const names = [...text.matchAll(/\{\{([^{}]*)\}\}/g)].map((found) => (found[1] ?? "").trim());
  return [...new Set(names)].filter((name) => ![...VARIABLES, ...also].includes(name));
}

/** Puts a variable where the cursor is. */
export function insert(text: string, at: { start: number; end: number }, variable: string): { text: string; cursor: number } {
  const written = `{{${variable}}}`;
  return { text: text.slice(0, at.start) + written + text.slice(at.end), cursor: at.start + written.length };
}

/** Each with what it stands for; a click writes it into the text. */
export function Variables({ area, text, also, onChange }: { area: RefObject<HTMLTextAreaElement | null>; text: string; also?: readonly string[]; onChange: (text: string) => void }) {
  const t = useT();
  const unknown = unknownVariables(text, also);
  return (
    <div role="group" aria-label={t("inboxtools.variables")} className="flex flex-wrap items-center gap-1.5">
      {unknown.length > 0 && (
        <p role="status" className="basis-full rounded-md bg-ring-soft px-2.5 py-1.5 text-sm text-ink" data-unknown-variable>
          {t("inboxtools.variables.unknown", { names: unknown.map((name) => `{{${name}}}`).join(", ") })}
        </p>
      )}
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
