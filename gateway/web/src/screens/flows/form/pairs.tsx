import { Plus, Trash2 } from "lucide-react";
import { useId, useState } from "react";
import { Button, IconButton, Input } from "@/design";
import { useT } from "@/i18n";
import { faultText } from "../words";
import { useForm } from "./context";
import { TemplateField } from "./template-field";

interface Props {
  field: string;
  label: string;
  hint?: string;
  add: string;
  nameLabel: string;
  valueLabel: string;
  value: Readonly<Record<string, string>>;
  most: number;
  /** Variables may stand in the values. */
  template?: boolean;
  onChange: (value: Readonly<Record<string, string>>, field: string) => void;
}

const pairs = (value: Readonly<Record<string, string>>): readonly (readonly [string, string])[] => Object.entries(value);

/** Names and what belongs to them. While two have the same name, or one has none, they are only here. */
export function Pairs({ field, label, hint, add, nameLabel, valueLabel, value, most, template = false, onChange }: Props) {
  const t = useT();
  const id = useId();
  const { faults } = useForm();
  const [rows, setRows] = useState(() => pairs(value));
  const [from, setFrom] = useState(value);
  // Changed elsewhere: taken back, or read anew.
  if (value !== from) {
    setFrom(value);
    if (JSON.stringify(Object.fromEntries(rows.filter(([name]) => name !== ""))) !== JSON.stringify(value)) setRows(pairs(value));
  }
  const set = (next: readonly (readonly [string, string])[], part: string) => {
    setRows(next);
    onChange(Object.fromEntries(next.filter(([name]) => name !== "")), part);
  };
  return (
    <div role="group" aria-labelledby={id} data-field={field} className="grid gap-2">
      <div>
        <p id={id} className="text-sm font-medium text-ink-2">
          {label}
        </p>
        {hint && <p className="text-sm text-ink-3">{hint}</p>}
      </div>
      {rows.map(([name, held], at) => {
        const fault = faults.find((one) => one.field === `${field}.${name}`);
        const change = (next: readonly [string, string]) =>
          set(
            rows.map((row, index) => (index === at ? next : row)),
            `${field}.${String(at)}`,
          );
        return (
          // Rows have no name of their own while it is being typed.
          <div key={String(at)} data-field={`${field}.${name}`} className="grid gap-1">
            <div className="grid grid-cols-[minmax(0,2fr)_minmax(0,3fr)_auto] items-center gap-1.5">
              <Input aria-label={`${nameLabel} ${String(at + 1)}`} placeholder={nameLabel} value={name} spellCheck={false} aria-invalid={fault ? true : undefined} onChange={(event) => change([event.target.value, held])} />
              {template ? (
                <TemplateField aria-label={`${valueLabel} ${String(at + 1)}`} placeholder={valueLabel} value={held} onChange={(text) => change([name, text])} />
              ) : (
                <Input aria-label={`${valueLabel} ${String(at + 1)}`} placeholder={valueLabel} value={held} spellCheck={false} aria-invalid={fault ? true : undefined} onChange={(event) => change([name, event.target.value])} />
              )}
              <IconButton
                label={t("flows.field.pair-remove", { name: name || String(at + 1) })}
                size="sm"
                onClick={() =>
                  set(
                    rows.filter((_, index) => index !== at),
                    "",
                  )
                }
              >
                <Trash2 size={14} aria-hidden />
              </IconButton>
            </div>
            {fault && <p className="text-sm text-bad">{faultText(fault)}</p>}
          </div>
        );
      })}
      <div>
        <Button size="sm" icon={<Plus size={14} aria-hidden />} disabled={rows.length >= most} onClick={() => setRows([...rows, ["", ""]])}>
          {add}
        </Button>
      </div>
    </div>
  );
}
