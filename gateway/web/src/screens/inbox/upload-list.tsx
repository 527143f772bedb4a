import { FileText, X } from "lucide-react";
import { IconButton, Meter, cx } from "@/design";
import { useT } from "@/i18n";
import type { Uploading, Uploads } from "./uploads";
import { sizeText, tidy } from "./words";

/** Files of the message that is being written. */
export function UploadList({ uploads, wrong }: { uploads: Uploads; wrong: (one: Uploading) => string | undefined }) {
  const t = useT();
  if (uploads.items.length === 0) return null;
  return (
    <ul aria-label={t("inbox.files")} className="mt-1.5 flex flex-wrap gap-1.5">
      {uploads.items.map((one) => {
        const error = one.error ?? wrong(one);
        return (
        <li key={one.key} data-upload={error ? "failed" : one.attachment ? "done" : "running"} className={cx("flex w-56 max-w-full items-center gap-2 rounded-md border bg-surface px-2 py-1.5", error ? "border-bad" : "border-line")}>
          <FileText size={16} aria-hidden className="shrink-0 text-ink-3" />
          <div className="min-w-0 flex-1">
            <bdi className="block truncate text-sm">{tidy(one.name)}</bdi>
            {error ? (
              <p className="text-xs text-bad" role="alert">
                {error}
              </p>
            ) : one.attachment ? <p className="text-xs text-ink-3">{sizeText(one.bytes)}</p> : <Meter value={one.part} label={t("inbox.uploading", { name: one.name })} />}
          </div>
          <IconButton label={t("inbox.file.remove", { name: tidy(one.name) })} size="sm" onClick={() => uploads.remove(one.key)}>
            <X size={13} aria-hidden />
          </IconButton>
        </li>
        );
      })}
    </ul>
  );
}
