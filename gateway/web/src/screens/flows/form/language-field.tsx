import { useMemo } from "react";
import { Combobox, Field } from "@/design";
import { useT } from "@/i18n";
import { languageOptions } from "../../sounds/languages";
import { useFault } from "./context";

export function LanguageField({ field, value, label, hint, onChange }: { field: string; value: string; label?: string; hint?: string; onChange: (language: string) => void }) {
  const t = useT();
  const error = useFault(field);
  const options = useMemo(() => languageOptions(value), [value]);
  return (
    <div data-field={field}>
      <Field label={label ?? t("flows.field.language")} error={error} hint={hint}>
        <Combobox value={value} onValueChange={onChange} options={options} />
      </Field>
    </div>
  );
}
