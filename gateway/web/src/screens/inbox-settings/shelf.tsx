import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Pencil, Plus, Trash2 } from "lucide-react";
import { type ReactNode, useState } from "react";
import { Problem, useCan, useMe } from "@/api";
import { Banner, Button, Card, ConfirmDialog, Dialog, EmptyState, ErrorState, IconButton, Skeleton, Tag, toast } from "@/design";
import { t as text, useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import type { Shelf, Stored } from "./api";

type What = "labels" | "canned" | "macros" | "sla" | "views";

interface Props<T extends Stored, W> {
  what: What;
  shelf: Shelf<T, W>;
  icon: ReactNode;
  /** May be one person's own: whoever writes conversations makes those. */
  personal?: boolean;
  nameOf: (one: T) => string;
  sort?: (a: T, b: T) => number;
  row: (one: T) => ReactNode;
  form: (one: T | undefined, onClose: () => void, mayShare: boolean) => ReactNode;
}

/** A list of things that are made, changed whole, and removed. */
export function ShelfList<T extends Stored, W>({ what, shelf, icon, personal, nameOf, sort, row, form }: Props<T, W>) {
  const t = useT();
  const queries = useQueryClient();
  const self = useMe()?.user.id;
  const mayShare = useCan("inbox_tools:manage");
  const mayWrite = useCan("conversations:write");
  const mayMake = mayShare || (personal === true && mayWrite);
  const list = useQuery({ queryKey: shelf.queryKey, queryFn: ({ signal }) => shelf.list(signal), refetchOnMount: "always" });
  const [editing, setEditing] = useState<T | "new">();
  const [removing, setRemoving] = useState<T>();
  const remove = useMutation({
    mutationFn: (one: T) => shelf.remove(one),
    onSuccess: (_, one) => toast({ title: text("inboxtools.removed", { name: nameOf(one) }), tone: "good" }),
    onError: (error) => toast({ title: text("inboxtools.not-removed"), description: problemText(error), tone: "bad" }),
    onSettled: () => queries.invalidateQueries({ queryKey: shelf.queryKey }),
  });
  const mine = (one: T) => one.user_id !== null && one.user_id !== undefined && one.user_id === self;
  const add = (
    <Button variant="primary" icon={<Plus size={15} aria-hidden />} onClick={() => setEditing("new")}>
      {t(`inboxtools.add.${what}`)}
    </Button>
  );
  const items = sort ? [...(list.data?.items ?? [])].sort(sort) : (list.data?.items ?? []);
  return (
    <section aria-label={t(`inboxtools.tab.${what}`)} className="grid gap-3">
      <div className="flex flex-wrap items-center gap-3">
        <p className="min-w-60 flex-1 text-md text-ink-2">{t(`inboxtools.about.${what}`)}</p>
        {mayMake && items.length > 0 && add}
      </div>
      {list.isError ? (
        <ErrorState error={list.error} onRetry={() => void list.refetch()} />
      ) : list.isPending ? (
        <div aria-busy="true">
          <Skeleton lines={5} />
        </div>
      ) : items.length === 0 ? (
        <Card>
          <EmptyState icon={icon} title={t(`inboxtools.none.${what}`)} text={t(`inboxtools.teach.${what}`)} action={mayMake ? add : undefined} />
        </Card>
      ) : (
        <ul className="divide-y divide-line rounded-lg border border-line bg-surface">
          {items.map((one) => (
            <li key={one.id} className="flex items-start gap-3 px-4 py-2.5">
              <div className="min-w-0 flex-1 self-center">{row(one)}</div>
              {mine(one) && <Tag className="mt-0.5">{t("inboxtools.mine")}</Tag>}
              {(mine(one) ? mayWrite : mayShare) && (
                <div className="flex">
                  <IconButton label={t("inboxtools.edit", { name: nameOf(one) })} onClick={() => setEditing(one)}>
                    <Pencil size={16} aria-hidden />
                  </IconButton>
                  <IconButton label={t("inboxtools.remove", { name: nameOf(one) })} onClick={() => setRemoving(one)}>
                    <Trash2 size={16} aria-hidden />
                  </IconButton>
                </div>
              )}
            </li>
          ))}
        </ul>
      )}
      {editing !== undefined && form(editing === "new" ? undefined : editing, () => setEditing(undefined), mayShare)}
      <ConfirmDialog
        open={removing !== undefined}
        onOpenChange={(open) => {
          if (!open) setRemoving(undefined);
        }}
        title={t("inboxtools.remove", { name: removing ? nameOf(removing) : "" })}
        description={t(`inboxtools.lost.${what}`)}
        confirm={t("inboxtools.remove-confirm")}
        onConfirm={async () => {
          if (removing) await remove.mutateAsync(removing).catch(() => undefined);
        }}
      />
    </section>
  );
}

/** Writes one of them whole; `errors` by the server's names of fields. */
export function usePut<T extends Stored, W>(shelf: Shelf<T, W>, before: T | undefined, onClose: () => void) {
  const queries = useQueryClient();
  const put = useMutation({
    mutationFn: (wanted: W) => shelf.put(before, wanted),
    onSuccess: () => {
      toast({ title: text("inboxtools.saved"), tone: "good" });
      onClose();
    },
    onSettled: () => queries.invalidateQueries({ queryKey: shelf.queryKey }),
  });
  const { error } = put;
  const errors: Readonly<Record<string, string>> = error instanceof Problem ? error.fields : {};
  return { put, error, errors };
}

interface FormProps {
  title: string;
  onClose: () => void;
  put: { isPending: boolean };
  error: Error | null;
  /** Some of what is wrong stands beside its field. */
  shown: boolean;
  ready: boolean;
  onSubmit: () => void;
  children: ReactNode;
  size?: "md" | "lg";
}

export function FormDialog({ title, onClose, put, error, shown, ready, onSubmit, children, size = "md" }: FormProps) {
  const t = useT();
  return (
    <Dialog
      open
      size={size}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={title}
      footer={
        <Button type="submit" form="shelf" variant="primary" busy={put.isPending} disabled={!ready}>
          {t("common.save")}
        </Button>
      }
    >
      <form
        id="shelf"
        className="grid gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          if (ready && !put.isPending) onSubmit();
        }}
      >
        {children}
        {error && !shown && (
          <Banner tone="bad" className="rounded-md">
            <div role="alert">{error instanceof Problem && error.status === 412 ? t("inboxtools.changed-meanwhile") : problemText(error)}</div>
          </Banner>
        )}
      </form>
    </Dialog>
  );
}
