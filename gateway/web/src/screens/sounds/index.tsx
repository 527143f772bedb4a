import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { AudioLines, Pencil, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { Problem, useCan } from "@/api";
import { Button, Card, ConfirmDialog, Duration, EmptyState, ErrorState, IconButton, PageHeader, Skeleton, Tag, toast } from "@/design";
import { currentLanguage, t as text, useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { MANAGE } from "../flows/may";
import { type Sound, soundsApi, soundsQuery } from "./api";
import { languageName } from "./languages";
import { PlayButton } from "./play-button";
import { SoundDialog } from "./sound-dialog";

/** What flows play, in each language. */
export default function Sounds() {
  const t = useT();
  const queries = useQueryClient();
  const may = useCan(MANAGE);
  const list = useQuery(soundsQuery);
  const [editing, setEditing] = useState<Sound | "new">();
  const [removing, setRemoving] = useState<Sound>();
  const remove = useMutation({
    mutationFn: (one: Sound) => soundsApi.remove(one.id),
    onSuccess: (_, one) => toast({ title: text("sounds.removed", { name: one.name }), tone: "good" }),
    onError: (error) => toast({ title: text("sounds.not-removed"), description: error instanceof Problem && error.status === 409 ? text("sounds.in-use") : problemText(error), tone: "bad" }),
    onSettled: () => queries.invalidateQueries({ queryKey: soundsQuery.queryKey }),
  });
  const make = (
    <Button variant="primary" icon={<Plus size={15} aria-hidden />} onClick={() => setEditing("new")}>
      {t("sounds.make")}
    </Button>
  );
  const items = [...(list.data?.items ?? [])].sort((a, b) => a.name.localeCompare(b.name));
  return (
    <div className="flex min-h-full flex-col">
      <PageHeader title={t("sounds.title")} description={t("sounds.about")} actions={may && make} />
      <div className="grid w-full max-w-4xl gap-3 p-5 max-sm:p-3">
        {list.isPending ? (
          <div aria-busy="true">
            <Skeleton lines={4} />
          </div>
        ) : list.isError ? (
          <ErrorState error={list.error} onRetry={() => void list.refetch()} />
        ) : items.length === 0 ? (
          <Card>
            <EmptyState icon={<AudioLines size={30} />} title={t("sounds.none")} text={t("sounds.none-text")} action={may ? make : undefined} />
          </Card>
        ) : (
          <ul aria-label={t("sounds.title")} className="divide-y divide-line rounded-lg border border-line bg-surface">
            {items.map((one) => (
              <Row key={one.id} sound={one} may={may} onEdit={() => setEditing(one)} onRemove={() => setRemoving(one)} />
            ))}
          </ul>
        )}
      </div>
      {editing !== undefined && <SoundDialog {...(editing === "new" ? {} : { sound: editing })} language={currentLanguage()} onClose={() => setEditing(undefined)} />}
      <ConfirmDialog
        open={removing !== undefined}
        onOpenChange={(open) => {
          if (!open) setRemoving(undefined);
        }}
        title={t("sounds.remove-title", { name: removing?.name ?? "" })}
        description={t("sounds.remove-text")}
        confirm={t("sounds.remove-confirm")}
        onConfirm={async () => {
          if (removing) await remove.mutateAsync(removing).catch(() => undefined);
        }}
      />
    </div>
  );
}

function Row({ sound, may, onEdit, onRemove }: { sound: Sound; may: boolean; onEdit: () => void; onRemove: () => void }) {
  const t = useT();
  const [first] = sound.files;
  const used = [...sound.used_by.flows, ...sound.used_by.queues];
  return (
    <li data-sound={sound.id} className="flex items-start gap-3 px-4 py-2.5">
      {first ? <PlayButton id={sound.id} language={first.language} name={sound.name} /> : <span className="size-8" />}
      <div className="min-w-0 flex-1">
        <h2 className="font-medium [overflow-wrap:anywhere]">{sound.name}</h2>
        <p className="flex flex-wrap items-center gap-1.5 text-sm text-ink-3">
          {sound.files.length === 0
            ? t("sounds.files-none")
            : sound.files.map((file) => (
                <Tag key={file.language}>
                  {languageName(file.language)}&nbsp;
                  <Duration ms={file.seconds * 1000} />
                </Tag>
              ))}
          <span title={used.length > 0 ? t("sounds.used-by", { names: used.map((one) => one.name).join(", ") }) : undefined}>{used.length > 0 ? t("sounds.used", { n: used.length }) : t("sounds.used-none")}</span>
        </p>
      </div>
      {may && (
        <div className="flex">
          <IconButton label={t("sounds.edit", { name: sound.name })} onClick={onEdit}>
            <Pencil size={16} aria-hidden />
          </IconButton>
          <IconButton label={t("sounds.remove", { name: sound.name })} onClick={onRemove}>
            <Trash2 size={16} aria-hidden />
          </IconButton>
        </div>
      )}
    </li>
  );
}
