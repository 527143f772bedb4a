import { Clock, Pencil, RotateCcw, Trash2 } from "lucide-react";
import { Problem } from "@/api";
import { Button, cx } from "@/design";
import { useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import type { Leaving, Thread } from "./thread";

/** A message that the server has not taken yet, or did not take. */
export function LeavingView({ leaving, thread, onChange }: { leaving: Leaving; thread: Thread; onChange: () => void }) {
  const t = useT();
  const { message, error, key } = leaving;
  const note = message.private === true;
  // What the server has against it does not pass by trying again.
  const refused = error instanceof Problem && !error.passing;
  const wrong = error instanceof Problem ? Object.entries(error.fields) : [];
  return (
    <div data-leaving={error ? "failed" : "running"} className={cx("grid gap-1", note ? "self-stretch" : "max-w-[min(34rem,82%)] self-end")}>
      <div className={cx("rounded-lg border px-3 py-2 text-md opacity-80", note ? "border-dashed border-ring bg-ring-soft" : "border-accent-line bg-accent-soft")}>
        <p dir="auto" className="break-words whitespace-pre-wrap">
          {message.text ?? (message.template ? t("inbox.template.named", { name: message.template.name }) : t("inbox.quote.file"))}
        </p>
        {!error && (
          <p className="mt-0.5 flex items-center justify-end gap-1 text-xs text-ink-2">
            <Clock size={12} aria-hidden /> {t("inbox.sent.sending")}
          </p>
        )}
      </div>
      {error !== undefined && (
        <div className="rounded-md bg-bad-soft px-2.5 py-1.5 text-sm" role="alert">
          <p>{t("inbox.not-taken", { why: problemText(error) })}</p>
          {wrong.length > 0 && (
            <ul className="list-disc ps-5">
              {wrong.map(([field, why]) => (
                <li key={field} dir="auto" className="break-words">
                  {field === "attachments" ? t("inbox.not-taken.file", { why }) : why}
                </li>
              ))}
            </ul>
          )}
          <div className="mt-1 flex flex-wrap gap-1.5">
            {refused && (
              <Button size="sm" icon={<Pencil size={13} aria-hidden />} onClick={onChange}>
                {t("inbox.not-taken.change")}
              </Button>
            )}
            <Button size="sm" icon={<RotateCcw size={13} aria-hidden />} onClick={() => void thread.send(message, key).catch(() => undefined)}>
              {t("common.retry")}
            </Button>
            <Button size="sm" icon={<Trash2 size={13} aria-hidden />} onClick={() => thread.drop(key)}>
              {t("inbox.discard")}
            </Button>
          </div>
        </div>
      )}
    </div>
  );
}
