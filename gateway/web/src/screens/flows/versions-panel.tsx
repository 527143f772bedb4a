import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { RotateCcw } from "lucide-react";
import { useMemo, useState } from "react";
import { Badge, Button, ConfirmDialog, ErrorState, RelativeTime, Skeleton, toast } from "@/design";
import { t as text, useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { flowsApi } from "./api";
import { versionQuery, versionsQuery } from "./data";
import { type Difference, difference, isSame } from "./diff";
import type { Definition } from "./model";
import { fieldName, nodeName } from "./words";

interface Props {
  flow: string;
  /** In use now. */
  current: number | undefined;
  shown: number | undefined;
  /** What an old one is compared with. */
  now: Definition;
  readOnly: boolean;
  onShow: (version: number | undefined) => void;
  onRestored: () => Promise<void>;
}

/** What was published when, by whom and why; each to be looked at, and gone back to. */
export function VersionsPanel({ flow, current, shown, now, readOnly, onShow, onRestored }: Props) {
  const t = useT();
  const list = useQuery(versionsQuery(flow));
  const looked = useQuery({ ...versionQuery(flow, shown ?? 0), enabled: shown !== undefined });
  const what = useMemo(() => (looked.data && shown !== undefined ? difference(looked.data.definition, now) : undefined), [looked.data, shown, now]);
  const items = [...(list.data?.items ?? [])].sort((a, b) => b.version - a.version);
  if (list.isError) return <ErrorState error={list.error} onRetry={() => void list.refetch()} />;
  return (
    <div className="grid gap-3">
      <h2 className="text-lg font-semibold">{t("flows.versions")}</h2>
      {list.isPending ? (
        <Skeleton lines={4} />
      ) : items.length === 0 ? (
        <p className="text-ink-2">{t("flows.versions-none")}</p>
      ) : (
        <ol aria-label={t("flows.versions")} className="grid gap-2">
          {items.map((one) => (
            <li key={one.version} data-version={one.version} className={`grid gap-1.5 rounded-md border p-2.5 ${one.version === shown ? "border-accent" : "border-line"}`}>
              <div className="flex flex-wrap items-center gap-2">
                <button type="button" className="rounded-sm font-medium hover:underline" aria-label={t("flows.version-open", { n: one.version })} aria-pressed={one.version === shown} onClick={() => onShow(one.version === shown ? undefined : one.version)}>
                  {t("flows.version", { n: one.version })}
                </button>
                {one.version === current && <Badge tone="live">{t("flows.version-current")}</Badge>}
                <span className="text-sm text-ink-3">
                  <RelativeTime at={one.at} /> {one.by_name && t("flows.version-by", { name: one.by_name })}
                </span>
              </div>
              {one.note && <p className="text-md [overflow-wrap:anywhere] text-ink-2">{one.note}</p>}
              {one.version === shown && (
                <>
                  {looked.isError ? (
                    <ErrorState error={looked.error} />
                  ) : what ? (
                    <section aria-label={t("flows.diff")} className="border-t border-line pt-2">
                      <h3 className="text-sm font-semibold">{t("flows.diff")}</h3>
                      <Differences what={what} words="diff" />
                    </section>
                  ) : (
                    <Skeleton lines={2} />
                  )}
                  {!readOnly && one.version !== current && <Restore flow={flow} version={one.version} onRestored={onRestored} />}
                </>
              )}
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}

function Restore({ flow, version, onRestored }: { flow: string; version: number; onRestored: () => Promise<void> }) {
  const t = useT();
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const restore = useMutation({
    mutationFn: () => flowsApi.restore(flow, version),
    onSuccess: async (now) => {
      toast({ title: text("flows.restored", { n: now.published?.version ?? version }), tone: "good" });
      await onRestored();
    },
    onError: (error) => toast({ title: text("flows.not-restored"), description: problemText(error), tone: "bad" }),
    onSettled: () => queries.invalidateQueries({ queryKey: versionsQuery(flow).queryKey }),
  });
  return (
    <div>
      <Button size="sm" icon={<RotateCcw size={14} aria-hidden />} onClick={() => setAsking(true)}>
        {t("flows.restore")}
      </Button>
      <ConfirmDialog
        open={asking}
        onOpenChange={setAsking}
        tone="primary"
        title={t("flows.restore-title", { n: version })}
        description={t("flows.restore-text")}
        confirm={t("flows.restore")}
        onConfirm={async () => {
          await restore.mutateAsync().catch(() => undefined);
        }}
      />
    </div>
  );
}

/** In words: what came, what went, what is otherwise. */
export function Differences({ what, words }: { what: Difference; words: "diff" | "diff-publish" }) {
  const t = useT();
  if (isSame(what)) return <p className="text-md text-ink-2">{t("flows.diff-none")}</p>;
  const groups = [
    ["added", what.added.map((node) => nodeName(node))],
    ["removed", what.removed.map((node) => nodeName(node))],
    ["changed", what.changed.map(({ after, fields }) => t("flows.diff-fields", { step: nodeName(after), fields: [...new Set(fields.map(fieldName))].join(", ") }))],
  ] as const;
  return (
    <div className="grid gap-1.5 text-md">
      <dl className="grid gap-1.5">
        {groups.map(
          ([group, names]) =>
            names.length > 0 && (
              <div key={group} data-diff={group}>
                <dt className="text-sm text-ink-3">{t(words === "diff" ? `flows.diff.${group}` : `flows.diff-publish.${group}`)}</dt>
                {names.map((name, at) => (
                  <dd key={`${name} ${String(at)}`} className="[overflow-wrap:anywhere]">
                    {name}
                  </dd>
                ))}
              </div>
            ),
        )}
      </dl>
      {what.start && <p className="text-ink-2">{t("flows.diff.start")}</p>}
      {what.language && <p className="text-ink-2">{t("flows.diff.language")}</p>}
    </div>
  );
}
