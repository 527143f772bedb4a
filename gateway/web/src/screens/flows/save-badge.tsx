import { CircleAlert, CircleCheck, CloudUpload, Pencil } from "lucide-react";
import { Button } from "@/design";
import { useT } from "@/i18n";
import type { SaveState } from "./saving";

/** How it stands with the draft, where one always looks. */
export function SaveBadge({ state, hasDraft, published, onSave }: { state: SaveState; hasDraft: boolean; published: boolean; onSave: () => void }) {
  const t = useT();
  const text =
    state.state === "saved"
      ? t(hasDraft ? "flows.save.saved" : published ? "flows.save.as-published" : "flows.save.unchanged")
      : state.state === "failed"
        ? t(state.again ? "flows.save.failed-again" : "flows.save.failed")
        : t(`flows.save.${state.state === "conflict" ? "failed" : state.state}`);
  const bad = state.state === "failed" || state.state === "conflict";
  const Icon = bad ? CircleAlert : state.state === "saved" ? CircleCheck : state.state === "saving" ? CloudUpload : Pencil;
  return (
    <span className="inline-flex items-center gap-1.5 text-sm">
      <span role="status" data-save={state.state} className={`inline-flex items-center gap-1.5 ${bad ? "font-medium text-bad" : "text-ink-2"}`}>
        <Icon size={14} aria-hidden />
        {text}
      </span>
      {state.state === "failed" && (
        <Button size="sm" onClick={onSave}>
          {t("flows.save.now")}
        </Button>
      )}
    </span>
  );
}
