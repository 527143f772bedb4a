import { Copy, Trash2, X } from "lucide-react";
import { useEffect, useRef } from "react";
import { Button, IconButton } from "@/design";
import { useT } from "@/i18n";
import type { Places } from "./data";
import { begunWith } from "./edit";
import { FaultList } from "./fault-list";
import { FlowForm } from "./flow-form";
import { NodeForm } from "./form/node-form";
import type { Definition, Flow, Step, Type } from "./model";
import { PastPanel } from "./past-panel";
import { TryPanel } from "./try-panel";
import type { Editor } from "./use-editor";
import type { LocalFault } from "./validate";
import { VersionsPanel } from "./versions-panel";

/** What is beside the drawing. */
export type Panel = "step" | "flow" | "faults" | "try" | "past" | "versions";

interface Props {
  panel: Panel;
  flow: Flow;
  editor: Editor;
  /** What is drawn: the draft, or an old version. */
  drawn: Definition;
  places: Places;
  faults: readonly LocalFault[];
  readOnly: boolean;
  mayManage: boolean;
  wanted: { readonly node: string; readonly field: string; readonly at: number } | undefined;
  hasDraft: boolean;
  version: number | undefined;
  call: string | undefined;
  number: string | undefined;
  flush: () => Promise<boolean>;
  /** None where it is always there. */
  onClose?: () => void;
  onVersion: (version: number | undefined) => void;
  onFault: (fault: LocalFault) => void;
  onSteps: (steps: readonly Step[] | undefined) => void;
  onGo: (node: string) => void;
  onAddAfter: (node: string, exit: string, type: Type) => void;
  onDuplicate: () => void;
  onRemove: () => void;
  onDiscard: () => Promise<void>;
  onRestored: () => Promise<void>;
}

export function SidePanel(props: Props) {
  const t = useT();
  const { panel, onClose } = props;
  const root = useRef<HTMLElement>(null);
  const chosen = props.editor.chosen?.id;
  useEffect(() => {
    const element = root.current;
    if (!element) return;
    const back = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      // Escape is first for what is open.
      if (event.key !== "Escape" || target.getAttribute("aria-expanded") === "true" || target.hasAttribute("aria-activedescendant")) return;
      event.preventDefault();
      onClose?.();
      const place = chosen === undefined ? undefined : document.querySelector<HTMLElement>(`[data-node="${CSS.escape(chosen)}"] > button, [data-step="${CSS.escape(chosen)}"] [data-open]`);
      place?.focus();
    };
    element.addEventListener("keydown", back);
    return () => element.removeEventListener("keydown", back);
  }, [chosen, onClose]);
  const titles: Readonly<Record<Panel, string>> = { step: t("flows.panel.step"), flow: t("flows.panel.flow"), faults: t("flows.faults"), try: t("flows.try"), past: t("flows.past"), versions: t("flows.versions") };
  return (
    <aside ref={root} aria-label={titles[panel]} data-panel={panel} className={`flex min-h-0 flex-col border-line bg-surface ${onClose ? "absolute inset-y-0 end-0 z-20 w-full max-w-[400px] border-s shadow-over max-sm:max-w-none" : "border-s"}`}>
      {onClose && (
        <div className="flex items-center justify-between border-b border-line px-3 py-1.5">
          <span className="text-md font-semibold">{titles[panel]}</span>
          <IconButton label={t("flows.panel.close")} size="sm" onClick={onClose}>
            <X size={15} aria-hidden />
          </IconButton>
        </div>
      )}
      <div className="min-h-0 flex-1 overflow-y-auto p-4">
        <Inside {...props} />
      </div>
    </aside>
  );
}

function Inside(props: Props) {
  const t = useT();
  const { panel, flow, editor, drawn, places, faults, readOnly, mayManage, version, flush } = props;
  const current = flow.published?.version;
  switch (panel) {
    case "faults":
      return <FaultList faults={faults} places={places} definition={editor.definition} onGo={props.onFault} />;
    case "try":
      return <TryPanel flow={flow.id} definition={editor.definition} places={places} number={props.number} onPath={props.onSteps} onGo={props.onGo} />;
    case "past":
      return <PastPanel flow={flow.id} call={props.call} definition={editor.definition} places={places} flush={flush} hasDraft={props.hasDraft} version={current} onPath={props.onSteps} onGo={props.onGo} />;
    case "versions":
      return <VersionsPanel flow={flow.id} current={current} shown={version} now={editor.definition} readOnly={!mayManage} onShow={props.onVersion} onRestored={props.onRestored} />;
    case "flow":
      return <FlowForm editor={editor} places={places} readOnly={readOnly} published={current} hasDraft={props.hasDraft} onDiscard={props.onDiscard} />;
    case "step": {
      if (editor.selection.size > 1) {
        return (
          <div className="grid gap-3">
            <h2 className="text-lg font-semibold">{t("flows.chosen", { n: editor.selection.size })}</h2>
            <p className="text-md text-ink-2">{t("flows.many-help")}</p>
            {!readOnly && (
              <div className="flex flex-wrap gap-2">
                <Button icon={<Copy size={14} aria-hidden />} onClick={props.onDuplicate}>
                  {t("flows.duplicate")}
                </Button>
                <Button className="text-bad" icon={<Trash2 size={14} aria-hidden />} onClick={props.onRemove}>
                  {t("flows.remove")}
                </Button>
              </div>
            )}
          </div>
        );
      }
      const node = editor.selection.size === 1 ? drawn.nodes.find((one) => editor.selection.has(one.id)) : undefined;
      if (!node) return <FlowForm editor={editor} places={places} readOnly={readOnly} published={current} hasDraft={props.hasDraft} onDiscard={props.onDiscard} />;
      return (
        <NodeForm
          key={node.id}
          node={node}
          flow={flow.id}
          editor={editor}
          places={places}
          faults={faults.filter((fault) => fault.node === node.id)}
          readOnly={readOnly}
          wanted={props.wanted}
          onAddAfter={(exit, type) => props.onAddAfter(node.id, exit, type)}
          onDuplicate={props.onDuplicate}
          onRemove={props.onRemove}
          onStart={() => editor.change((now) => begunWith(now, node.id))}
        />
      );
    }
  }
}
