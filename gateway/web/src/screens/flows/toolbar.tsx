import { Link } from "@tanstack/react-router";
import { ArrowLeft, CircleAlert, CircleCheck, Ellipsis, History, List, PhoneCall, Redo2, Rocket, Sparkles, TriangleAlert, Undo2, Waypoints } from "lucide-react";
import { Badge, Button, IconButton, Menu, SegmentedControl, Tooltip } from "@/design";
import { useT } from "@/i18n";
import { SaveBadge } from "./save-badge";
import type { SaveState } from "./saving";
import type { Panel } from "./side-panel";
import type { Editor } from "./use-editor";
import type { Look } from "./workspace";

interface Props {
  name: string;
  version: number | undefined;
  state: SaveState;
  hasDraft: boolean;
  look: Look;
  /** None where there is only room for the list. */
  onLook?: (look: Look) => void;
  errors: number;
  warnings: number;
  readOnly: boolean;
  editor: Editor;
  panel: Panel | undefined;
  onPanel: (panel: Panel) => void;
  onSave: () => void;
  onArrange: () => void;
  /** Why it cannot be published now. */
  publishRefused: string | undefined;
  onPublish: () => void;
}

/** What is done with the flow as a whole. */
export function Toolbar({ name, version, state, hasDraft, look, onLook, errors, warnings, readOnly, editor, panel, onPanel, onSave, onArrange, publishRefused, onPublish }: Props) {
  const t = useT();
  const Sign = errors > 0 ? CircleAlert : warnings > 0 ? TriangleAlert : CircleCheck;
  const faults = errors > 0 ? t("flows.faults-n", { n: errors }) : warnings > 0 ? t("flows.warnings-n", { n: warnings }) : t("flows.faults-none");
  const publish = (
    <Button
      variant="primary"
      icon={<Rocket size={14} aria-hidden className="max-sm:hidden" />}
      // Reachable though it does nothing: why is said.
      aria-disabled={publishRefused !== undefined}
      onClick={() => {
        if (publishRefused === undefined) onPublish();
        else if (errors > 0) onPanel("faults");
      }}
    >
      {t("flows.publish")}
    </Button>
  );
  return (
    <header className="border-b border-line bg-surface px-4 py-2 max-sm:px-3">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <div className="flex min-w-0 flex-1 basis-64 items-center gap-2">
          <Link to="/settings/flows" aria-label={t("flows.back")} title={t("flows.back")} className="grid size-8 shrink-0 place-items-center rounded-md text-ink-2 hover:bg-sunken hover:text-ink">
            <ArrowLeft size={17} aria-hidden className="rtl:rotate-180" />
          </Link>
          <div className="min-w-0">
            <div className="flex min-w-0 items-center gap-2">
              <h1 className="truncate text-lg font-semibold">{name}</h1>
              {version === undefined ? <Badge>{t("flows.never-published")}</Badge> : <Badge tone="live">{t("flows.published", { n: version })}</Badge>}
            </div>
            <SaveBadge state={state} hasDraft={hasDraft} published={version !== undefined} onSave={onSave} />
          </div>
        </div>
        <div className="flex flex-wrap items-center gap-1.5 max-sm:gap-1">
          {onLook && (
            <SegmentedControl
              label={t("flows.view")}
              value={look}
              onValueChange={(next) => onLook(next as Look)}
              options={[
                { value: "canvas", label: t("flows.view.canvas"), icon: <Waypoints size={14} aria-hidden /> },
                { value: "list", label: t("flows.view.list"), icon: <List size={14} aria-hidden /> },
              ]}
            />
          )}
          {!readOnly && (
            <>
              <IconButton label={t("flows.undo")} shortcut="ctrl+z" disabled={!editor.canUndo} onClick={editor.undo}>
                <Undo2 size={16} aria-hidden />
              </IconButton>
              <IconButton label={t("flows.redo")} shortcut="ctrl+shift+z" disabled={!editor.canRedo} onClick={editor.redo}>
                <Redo2 size={16} aria-hidden />
              </IconButton>
              {look === "canvas" && (
                <IconButton label={t("flows.arrange")} onClick={onArrange}>
                  <Sparkles size={16} aria-hidden />
                </IconButton>
              )}
            </>
          )}
          <Button aria-pressed={panel === "faults"} icon={<Sign size={15} aria-hidden className={errors > 0 ? "text-bad" : warnings > 0 ? "text-ring" : "text-live"} />} aria-label={`${t("flows.faults")}: ${faults}`} onClick={() => onPanel("faults")}>
            {errors + warnings > 0 ? <span className="num">{errors > 0 ? errors : warnings}</span> : null}
          </Button>
          <Button aria-pressed={panel === "try"} icon={<PhoneCall size={14} aria-hidden className="max-sm:hidden" />} onClick={() => onPanel("try")}>
            {t("flows.try")}
          </Button>
          <Menu
            label={t("flows.more", { name })}
            trigger={
              <IconButton label={t("flows.more", { name })} variant="secondary">
                <Ellipsis size={16} aria-hidden />
              </IconButton>
            }
            items={[
              { label: t("flows.versions"), icon: <History size={14} aria-hidden />, onSelect: () => onPanel("versions") },
              { label: t("flows.past"), icon: <PhoneCall size={14} aria-hidden />, onSelect: () => onPanel("past") },
              { label: t("flows.panel.flow"), icon: <Waypoints size={14} aria-hidden />, onSelect: () => onPanel("flow") },
            ]}
          />
          {!readOnly && (publishRefused === undefined ? publish : <Tooltip content={publishRefused}>{publish}</Tooltip>)}
        </div>
      </div>
    </header>
  );
}
