import { useState } from "react";
import { Field, Input } from "@/design";
import { useT } from "@/i18n";
import { RANGES, type Range } from "../validate";
import { useFault } from "./context";

/** A whole number within its limits; what is typed stays as it is typed. */
export function Figure({ field, range, label, hint, value, onChange }: { field: string; range: Range; label: string; hint?: string; value: number; onChange: (value: number) => void }) {
  const t = useT();
  const { min, max } = RANGES[range];
  const error = useFault(field);
  const [typed, setTyped] = useState<string>();
  return (
    <div data-field={field}>
      <Field label={label} error={error} hint={hint ?? t("flows.field.range-hint", { min, max })}>
        <Input
          type="number"
          inputMode="numeric"
          min={min}
          max={max}
          className="w-28"
          value={typed ?? (Number.isFinite(value) ? String(value) : "")}
          onChange={(event) => {
            setTyped(event.target.value);
            // Nothing is no number: the server is told nought, which is refused beside the field.
            onChange(event.target.value.trim() === "" ? (min > 0 ? 0 : min - 1) : Number(event.target.value));
          }}
          onBlur={() => setTyped(undefined)}
        />
      </Field>
    </div>
  );
}
