import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Pencil, Trash2 } from "lucide-react";
import { useState } from "react";
import { Problem, api, body } from "@/api";
import type { components } from "@/api";
import { Button, ConfirmDialog, ErrorState, Field, IconButton, Input, Sheet, Skeleton, toast } from "@/design";
import { useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { skillsQuery } from "../shared/skills";

type Skill = components["schemas"]["Skill"];

const wrong = (error: Error | null): string | undefined => (error ? (error instanceof Problem ? (error.fields.name ?? problemText(error)) : problemText(error)) : undefined);

/** The company's skills: made, renamed, removed. */
export function SkillsSheet({ onClose }: { onClose: () => void }) {
  const t = useT();
  const queries = useQueryClient();
  const list = useQuery(skillsQuery);
  const [name, setName] = useState("");
  const [renaming, setRenaming] = useState<string>();
  const [removing, setRemoving] = useState<Skill>();
  const settled = () => queries.invalidateQueries({ queryKey: skillsQuery.queryKey });
  const make = useMutation({ mutationFn: () => body(api.POST("/api/v1/skills", { body: { name: name.trim() } })), onSuccess: () => setName(""), onSettled: settled });
  const remove = useMutation({
    mutationFn: (id: string) => body(api.DELETE("/api/v1/skills/{id}", { params: { path: { id } } })),
    onError: (error) => toast({ title: t("work.skills.not-removed"), description: problemText(error), tone: "bad" }),
    onSettled: settled,
  });
  return (
    <Sheet
      open
      title={t("work.skills")}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
    >
      <div className="grid gap-4">
        <p className="text-md text-ink-2">{t("work.skills.about")}</p>
        <form
          className="flex items-end gap-2"
          onSubmit={(event) => {
            event.preventDefault();
            if (name.trim() && !make.isPending) make.mutate();
          }}
        >
          <Field label={t("work.skills.name")} error={wrong(make.error)} className="min-w-0 flex-1">
            <Input maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
          </Field>
          <Button type="submit" variant="primary" busy={make.isPending} disabled={name.trim() === ""} className={make.error ? "self-center" : ""}>
            {t("work.skills.make")}
          </Button>
        </form>
        {list.isError ? (
          <ErrorState error={list.error} onRetry={() => void list.refetch()} />
        ) : list.isPending ? (
          <div aria-busy="true">
            <Skeleton lines={3} />
          </div>
        ) : list.data.items.length === 0 ? (
          <p className="text-md text-ink-3">{t("work.skills.none-at-all")}</p>
        ) : (
          <ul className="divide-y divide-line">
            {list.data.items.map((skill) =>
              renaming === skill.id ? (
                <Rename key={skill.id} skill={skill} onDone={() => setRenaming(undefined)} />
              ) : (
                <li key={skill.id} className="flex items-center gap-1 py-1.5">
                  <span className="min-w-0 flex-1 truncate">{skill.name}</span>
                  <IconButton label={t("work.skills.rename", { skill: skill.name })} onClick={() => setRenaming(skill.id)}>
                    <Pencil size={15} aria-hidden />
                  </IconButton>
                  <IconButton label={t("work.skills.delete", { skill: skill.name })} onClick={() => setRemoving(skill)}>
                    <Trash2 size={15} aria-hidden />
                  </IconButton>
                </li>
              ),
            )}
          </ul>
        )}
      </div>
      <ConfirmDialog
        open={removing !== undefined}
        onOpenChange={() => setRemoving(undefined)}
        title={t("work.skills.delete", { skill: removing?.name ?? "" })}
        description={t("work.skills.delete-text")}
        confirm={t("work.skills.delete-do")}
        onConfirm={async () => {
          if (removing) await remove.mutateAsync(removing.id).catch(() => undefined);
        }}
      />
    </Sheet>
  );
}

function Rename({ skill, onDone }: { skill: Skill; onDone: () => void }) {
  const t = useT();
  const queries = useQueryClient();
  const [name, setName] = useState(skill.name);
  const rename = useMutation({
    mutationFn: () => body(api.PATCH("/api/v1/skills/{id}", { params: { path: { id: skill.id } }, body: { name: name.trim() } })),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: skillsQuery.queryKey });
      onDone();
    },
  });
  return (
    <li className="py-1.5">
      <form
        className="flex items-end gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim() && !rename.isPending) rename.mutate();
        }}
      >
        <Field label={t("work.skills.rename", { skill: skill.name })} error={wrong(rename.error)} className="min-w-0 flex-1">
          <Input maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
        </Field>
        <Button type="submit" variant="primary" busy={rename.isPending} disabled={name.trim() === ""}>
          {t("common.save")}
        </Button>
        <Button onClick={onDone}>{t("common.cancel")}</Button>
      </form>
    </li>
  );
}
