import { Plus } from "lucide-react";
import { useMemo } from "react";
import { Combobox, Field, IconButton } from "@/design";
import { useT } from "@/i18n";
import { inOrder } from "../layout";
import type { Target } from "../model";
import { PalettePopover } from "../palette";
import { refName } from "../words";
import { useFault, useForm } from "./context";

const NOWHERE = "-";

/** Where a way out leads: a step that is there, or a new one. */
export function ExitField({ exit, label, to }: { exit: string; label: string; to: Target }) {
  const t = useT();
  const { node, definition, places, connect, addAfter } = useForm();
  const error = useFault(exit);
  const options = useMemo(
    () => [
      { value: NOWHERE, label: t("flows.nowhere") },
      ...inOrder(definition).map((one, at) => ({ value: one.id, label: t("flows.to-step", { n: at + 1, step: refName(one, places) }), disabled: one.id === node && definition.nodes.length === 1 })),
    ],
    [t, definition, places, node],
  );
  const gone = to !== null && !definition.nodes.some((one) => one.id === to);
  return (
    <div data-field={exit} className="flex items-start gap-1.5">
      <Field label={label} error={error} className="min-w-0 flex-1">
        <Combobox value={to === null ? NOWHERE : to} onValueChange={(next) => connect(exit, next === NOWHERE ? null : next)} options={gone ? [...options, { value: to, label: t("flows.gone-step") }] : options} />
      </Field>
      {/* Beside the field, whatever stands above and beneath it. */}
      <div className="pt-[22px]">
        <PalettePopover
          label={t("flows.new-after", { exit: label })}
          onAdd={(type) => addAfter(exit, type)}
          trigger={
            <IconButton label={t("flows.new-after", { exit: label })} variant="secondary">
              <Plus size={15} aria-hidden />
            </IconButton>
          }
        />
      </div>
    </div>
  );
}
