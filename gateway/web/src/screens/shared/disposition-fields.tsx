import { Combobox, Field, RadioGroup, Textarea } from "@/design";
import { useT } from "@/i18n";
import type { useDisposition } from "./disposition";

/** As many as are seen at a glance; of more one is found by typing. */
const AT_A_GLANCE = 8;

/** One of the queue's words for what the call came to, and one's own. */
export function DispositionFields({ form, fault }: { form: ReturnType<typeof useDisposition>; fault?: string | undefined }) {
  const t = useT();
  const { choices, choice, edit, required } = form;
  const options = choices.map(({ code, label }) => ({ value: code, label }));
  return (
    <div className="grid gap-3">
      {options.length > AT_A_GLANCE ? (
        <Field label={t("work.disposition.choose")} required={required} error={fault}>
          <Combobox value={choice.code} onValueChange={(code) => edit({ code })} options={options} />
        </Field>
      ) : (
        <div className="grid gap-1.5">
          <p className="text-sm font-medium text-ink-2">
            {t("work.disposition.choose")}
            {required && <span aria-hidden className="text-bad"> *</span>}
          </p>
          <RadioGroup label={t("work.disposition.choose")} value={choice.code ?? ""} onValueChange={(code) => edit({ code })} options={options} />
          {fault && (
            <p role="alert" className="text-sm text-bad">
              {fault}
            </p>
          )}
        </div>
      )}
      <Field label={t("work.disposition.note")} hint={t("work.disposition.note-hint")}>
        <Textarea rows={2} maxLength={2000} value={choice.note} onChange={(event) => edit({ note: event.target.value })} />
      </Field>
    </div>
  );
}
