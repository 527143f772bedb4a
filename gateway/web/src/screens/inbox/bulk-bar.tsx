import { CircleCheck, Clock, ListChecks, MailOpen, Tag, Trash2, UserPlus, X } from "lucide-react";
import { IconButton } from "@/design";
import { useT } from "@/i18n";
import { carryOut, deeds, markRead } from "./actions";
import type { Asked } from "./dialogs";

/** What can be done to all that is chosen. */
export function BulkBar({ ids, onAll, onAsk, onDone }: { ids: readonly string[]; /** There are more to choose. */ onAll: (() => void) | undefined; onAsk: (what: Asked) => void; onDone: () => void }) {
  const t = useT();
  const run = (what: Promise<unknown>) => {
    onDone();
    void what;
  };
  return (
    <div role="toolbar" aria-label={t("inbox.bulk")} data-selected={ids.length} className="flex items-center gap-0.5 border-b border-line bg-accent-soft px-2 py-1">
      <span className="flex-1 px-1 text-md font-medium" role="status">
        {t("inbox.chosen", { n: ids.length })}
      </span>
      {onAll && (
        <IconButton label={t("inbox.choose-all")} shortcut="shift+x" onClick={onAll}>
          <ListChecks size={16} aria-hidden />
        </IconButton>
      )}
      <IconButton label={t("inbox.resolve")} shortcut="e" onClick={() => run(carryOut(deeds.resolve(), ids))}>
        <CircleCheck size={16} aria-hidden />
      </IconButton>
      <IconButton label={t("inbox.snooze")} shortcut="s" onClick={() => onAsk("snooze")}>
        <Clock size={16} aria-hidden />
      </IconButton>
      <IconButton label={t("inbox.assign")} shortcut="a" onClick={() => onAsk("assign")}>
        <UserPlus size={16} aria-hidden />
      </IconButton>
      <IconButton label={t("inbox.label")} shortcut="l" onClick={() => onAsk("label")}>
        <Tag size={16} aria-hidden />
      </IconButton>
      <IconButton label={t("inbox.mark-read")} onClick={() => run(markRead(ids, false))}>
        <MailOpen size={16} aria-hidden />
      </IconButton>
      <IconButton label={t("inbox.spam")} onClick={() => run(carryOut(deeds.spam(true), ids))}>
        <Trash2 size={16} aria-hidden />
      </IconButton>
      <IconButton label={t("inbox.choose-none")} shortcut="escape" onClick={onDone}>
        <X size={16} aria-hidden />
      </IconButton>
    </div>
  );
}
