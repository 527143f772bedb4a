import { CircleAlert, CloudOff, Lock, SearchX, X } from "lucide-react";
import type { ReactNode } from "react";
import { Problem } from "@/api";
import { useT } from "@/i18n";
import { Button, IconButton } from "./button";
import { SOFT, type Tone, cx } from "./tone";

/** Where something will be. Its container says `aria-busy`. */
export function Skeleton({ width, height = 14, lines = 1, className }: { width?: number | string; height?: number | string; lines?: number; className?: string }) {
  return (
    <span aria-hidden className={cx("grid gap-2", className)}>
      {Array.from({ length: lines }, (_, line) => (
        <span key={line} className="block animate-pulse rounded-sm bg-sunken" style={{ width: width ?? (line === lines - 1 && lines > 1 ? "60%" : "100%"), height }} />
      ))}
    </span>
  );
}

export function EmptyState({ icon, title, text, action, className }: { icon?: ReactNode; title: string; text?: ReactNode; action?: ReactNode; className?: string }) {
  return (
    <div className={cx("mx-auto grid max-w-md justify-items-center gap-2 px-4 py-12 text-center", className)}>
      {icon && <span aria-hidden className="mb-1 text-ink-3">{icon}</span>}
      <p className="text-lg font-semibold">{title}</p>
      {text && <div className="text-md text-ink-2">{text}</div>}
      {action && <div className="mt-2">{action}</div>}
    </div>
  );
}

/** A part of the panel that did not come: the line, or the server, is away. */
const UNFETCHED = /dynamically imported module|Importing a module script failed|Failed to fetch/i;

/** What went wrong, and what to do. */
export function ErrorState({ error, onRetry, title, className }: { error: unknown; onRetry?: (() => void) | undefined; title?: string; className?: string }) {
  const t = useT();
  const problem = error instanceof Problem ? error : undefined;
  const [Icon, heading, words] =
    problem?.status === 0 || (error instanceof Error && UNFETCHED.test(error.message))
      ? [CloudOff, t("common.error.offline.title"), t("common.error.offline.text")]
      : problem?.status === 403
        ? [Lock, t("common.error.forbidden.title"), t("common.error.forbidden.text")]
        : problem?.status === 404
          ? [SearchX, t("common.error.gone.title"), t("common.error.gone.text")]
          : [CircleAlert, t("common.error.failed.title"), problem ? (problem.status < 500 ? problem.message : t("common.error.failed.text")) : t("common.error.panel.text")];
  const canRetry = onRetry && problem?.status !== 403 && problem?.status !== 404;
  return (
    <EmptyState
      icon={<Icon size={28} />}
      title={title ?? heading}
      text={
        <div role="alert">
          {words}
          {problem?.requestId && <p className="mt-1 text-sm text-ink-3">{t("common.error.request", { id: problem.requestId })}</p>}
        </div>
      }
      action={canRetry ? <Button onClick={onRetry}>{t("common.retry")}</Button> : undefined}
      {...(className ? { className } : {})}
    />
  );
}

export function Banner({ tone, icon, children, action, onDismiss, className }: { tone: Tone; icon?: ReactNode; children: ReactNode; action?: ReactNode; onDismiss?: () => void; className?: string }) {
  const t = useT();
  return (
    <div className={cx("flex items-start gap-2 px-4 py-2 text-md", SOFT[tone], className)}>
      <div className="flex min-w-0 flex-1 flex-wrap items-center gap-x-3 gap-y-1">
        {icon}
        <div className="min-w-0 flex-1 basis-52 text-ink">{children}</div>
        {action}
      </div>
      {onDismiss && (
        <IconButton label={t("common.close")} size="sm" onClick={onDismiss}>
          <X size={14} aria-hidden />
        </IconButton>
      )}
    </div>
  );
}
