import { Undo2 } from "lucide-react";
import { useMemo, useState } from "react";
import { Button, Combobox, ConfirmDialog, Field } from "@/design";
import { useT } from "@/i18n";
import { languageOptions } from "../sounds/languages";
import type { Places } from "./data";
import { begunWith, spoken } from "./edit";
import { inOrder } from "./layout";
import type { Editor } from "./use-editor";
import { refName } from "./words";

/** What is the whole flow's. */
export function FlowForm({ editor, places, readOnly, published, hasDraft, onDiscard }: { editor: Editor; places: Places; readOnly: boolean; published: number | undefined; hasDraft: boolean; onDiscard: () => Promise<void> }) {
  const t = useT();
  const { definition } = editor;
  const [asking, setAsking] = useState(false);
  const steps = useMemo(() => inOrder(definition).map((one, at) => ({ value: one.id, label: t("flows.to-step", { n: at + 1, step: refName(one, places) }) })), [definition, places, t]);
  return (
    <fieldset disabled={readOnly} aria-label={t("flows.panel.flow")} className="grid min-w-0 gap-4">
      <p className="text-md text-ink-2">{t("flows.flow-help")}</p>
      {steps.length > 0 && (
        <Field label={t("flows.flow-start")}>
          <Combobox value={definition.start} onValueChange={(start) => editor.change((now) => begunWith(now, start))} options={steps} />
        </Field>
      )}
      <Field label={t("flows.flow-language")} hint={t("flows.flow-language-hint")}>
        <Combobox value={definition.language} onValueChange={(language) => editor.change((now) => spoken(now, language))} options={languageOptions(definition.language)} />
      </Field>
      {!readOnly && hasDraft && published !== undefined && (
        <div className="border-t border-line pt-3">
          <Button size="sm" icon={<Undo2 size={14} aria-hidden />} onClick={() => setAsking(true)}>
            {t("flows.discard-draft")}
          </Button>
          <ConfirmDialog open={asking} onOpenChange={setAsking} title={t("flows.discard-title")} description={t("flows.discard-text", { n: published })} confirm={t("flows.discard-draft")} onConfirm={onDiscard} />
        </div>
      )}
    </fieldset>
  );
}
