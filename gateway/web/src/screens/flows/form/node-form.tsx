import { Copy, Play, Trash2 } from "lucide-react";
import { useEffect, useMemo, useRef } from "react";
import { Badge, Banner, Button, Field, Input, SOFT, cx } from "@/design";
import { useT } from "@/i18n";
import type { Places } from "../data";
import { changed, connected, renamed } from "../edit";
import { TypeIcon, toneOf } from "../icons";
import type { FlowNode, Type } from "../model";
import { variablesOf } from "../template";
import type { Editor } from "../use-editor";
import { type LocalFault, MOST } from "../validate";
import { faultText, typeName } from "../words";
import { Form, type FormContext } from "./context";
import { DoFields, Exits } from "./do-fields";

interface Props {
  node: FlowNode;
  flow: string;
  editor: Editor;
  places: Places;
  faults: readonly LocalFault[];
  readOnly: boolean;
  /** The field to go to; another `at` asks again. */
  wanted: { readonly node: string; readonly field: string; readonly at: number } | undefined;
  onAddAfter: (exit: string, type: Type) => void;
  onDuplicate: () => void;
  onRemove: () => void;
  onStart: () => void;
}

/** Everything about one step. */
export function NodeForm({ node, flow, editor, places, faults, readOnly, wanted, onAddAfter, onDuplicate, onRemove, onStart }: Props) {
  const t = useT();
  const root = useRef<HTMLFieldSetElement>(null);
  const { definition } = editor;
  const { id } = node;
  const context = useMemo<FormContext>(
    () => ({
      node: id,
      flow,
      definition,
      places,
      faults,
      variables: variablesOf(definition),
      change: (what, field) => editor.change((now) => changed(now, id, what), field === "" ? "" : `${id} ${field}`),
      connect: (exit, to) => editor.change((now) => connected(now, id, exit, to)),
      addAfter: onAddAfter,
    }),
    [id, flow, definition, places, faults, editor, onAddAfter],
  );
  useEffect(() => {
    if (wanted?.node === id) focusField(root.current, wanted.field);
  }, [wanted, id]);
  const general = faults.filter((one) => one.field === null || one.field === "id" || one.field === "type");
  const start = definition.start === id;
  const nameFault = faults.find((one) => one.field === "name");
  return (
    <Form value={context}>
      <fieldset ref={root} disabled={readOnly} aria-label={t("flows.panel.step")} className="grid min-w-0 gap-4">
        <div className="flex items-start gap-2.5">
          <span className={cx("grid size-9 shrink-0 place-items-center rounded-md", SOFT[toneOf(node.do.type)])}>
            <TypeIcon type={node.do.type} size={18} />
          </span>
          <div className="min-w-0 flex-1">
            <h2 className="text-lg font-semibold">{typeName(node.do.type)}</h2>
            <p className="text-sm text-ink-2">{t(`flows.about.${node.do.type}`)}</p>
          </div>
          {start && <Badge tone="accent">{t("flows.start-short")}</Badge>}
        </div>
        {general.map((fault) => (
          <Banner key={fault.code} tone={fault.severity === "error" ? "bad" : "ring"} className="rounded-md">
            {faultText(fault)}
          </Banner>
        ))}
        <div data-field="name">
          <Field label={t("flows.field.name")} hint={t("flows.field.name-hint")} error={nameFault && faultText(nameFault)}>
            <Input maxLength={MOST.name} placeholder={typeName(node.do.type)} value={node.name} onChange={(event) => editor.change((now) => renamed(now, id, event.target.value), `${id} name`)} />
          </Field>
        </div>
        <DoFields what={node.do} />
        <Exits what={node.do} />
        {!readOnly && (
          <div className="flex flex-wrap gap-2 border-t border-line pt-3">
            {!start && (
              <Button size="sm" icon={<Play size={14} aria-hidden />} onClick={onStart}>
                {t("flows.make-start")}
              </Button>
            )}
            <Button size="sm" icon={<Copy size={14} aria-hidden />} onClick={onDuplicate}>
              {t("flows.duplicate")}
            </Button>
            <Button size="sm" className="text-bad" icon={<Trash2 size={14} aria-hidden />} onClick={onRemove}>
              {t("flows.remove")}
            </Button>
          </div>
        )}
      </fieldset>
    </Form>
  );
}

/** The control of a field, or of the nearest that holds it. */
function focusField(root: HTMLElement | null, field: string): void {
  const parts = field.split(".");
  for (let length = parts.length; length > 0; length -= 1) {
    const place = root?.querySelector<HTMLElement>(`[data-field="${CSS.escape(parts.slice(0, length).join("."))}"]`);
    const control = place?.querySelector<HTMLElement>('input, textarea, [role="combobox"], [role="radio"], button');
    if (!control) continue;
    control.scrollIntoView({ block: "center" });
    control.focus({ preventScroll: true });
    return;
  }
}
