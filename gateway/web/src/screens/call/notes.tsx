import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus, X } from "lucide-react";
import { type FormEvent, useState } from "react";
import { api, body, useCan, useMe } from "@/api";
import type { components } from "@/api";
import { Banner, Button, Card, Field, IconButton, Input, RelativeTime, Textarea } from "@/design";
import { useT } from "@/i18n";
import { problemText } from "../calls/problem-text";

type Call = components["schemas"]["Call"];

/** What people write on a call, and what it can be found by. */
export function Notes({ call, name }: { call: Call; name: (id: string) => string | undefined }) {
  const t = useT();
  const may = useCan("calls:control");
  if (!may && call.notes.length === 0 && call.tags.length === 0) return null;
  return (
    <Card>
      <section aria-label={t("work.notes.title")} className="grid gap-3">
        <h2 className="text-sm font-semibold">{t("work.notes.title")}</h2>
        <Tags call={call} may={may} />
        <Written call={call} may={may} name={name} />
        {may && <Write id={call.id} />}
      </section>
    </Card>
  );
}

function Written({ call, may, name }: { call: Call; may: boolean; name: (id: string) => string | undefined }) {
  const t = useT();
  const me = useMe();
  const remove = useMutation({ mutationFn: async (note: string) => body(api.DELETE("/api/v1/calls/{id}/notes/{note_id}", { params: { path: { id: call.id, note_id: note } } })) });
  if (call.notes.length === 0) return null;
  return (
    <>
      {remove.isError && <Banner tone="bad">{problemText(remove.error)}</Banner>}
      <ul className="grid gap-2">
        {call.notes.map((note) => (
          <li key={note.id} className="flex items-start gap-2">
            <div className="min-w-0 flex-1">
              <p className="text-md whitespace-pre-line [overflow-wrap:anywhere]">{note.text}</p>
              <p className="text-sm text-ink-2">
                {note.user_id === me?.user.id ? t("work.notes.you") : (name(note.user_id) ?? t("work.notes.somebody"))} · <RelativeTime at={note.at} />
              </p>
            </div>
            {may && (note.user_id === me?.user.id || me?.reach === "all") && (
              <IconButton label={t("work.notes.remove")} size="sm" variant="ghost" disabled={remove.isPending} onClick={() => remove.mutate(note.id)}>
                <X size={14} aria-hidden />
              </IconButton>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}

function Write({ id }: { id: string }) {
  const t = useT();
  const [text, setText] = useState("");
  const write = useMutation({
    mutationFn: async () => body(api.POST("/api/v1/calls/{id}/notes", { params: { path: { id } }, body: { text } })),
    onSuccess: () => setText(""),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (text.trim() !== "") write.mutate();
  };
  return (
    <form onSubmit={submit} className="grid gap-2">
      {write.isError && <Banner tone="bad">{problemText(write.error)}</Banner>}
      <Field label={t("work.notes.write")}>
        <Textarea value={text} maxLength={2_000} rows={2} onChange={(event) => setText(event.target.value)} />
      </Field>
      <Button type="submit" busy={write.isPending} disabled={text.trim() === ""}>
        {t("work.notes.save")}
      </Button>
    </form>
  );
}

function Tags({ call, may }: { call: Call; may: boolean }) {
  const t = useT();
  const queries = useQueryClient();
  const [tag, setTag] = useState("");
  const { data: known } = useQuery({ queryKey: ["call-tags"], enabled: may, queryFn: ({ signal }) => body(api.GET("/api/v1/call-tags", { signal })) });
  const put = useMutation({
    mutationFn: async (tags: string[]) => body(api.PUT("/api/v1/calls/{id}/tags", { params: { path: { id: call.id } }, body: { tags } })),
    onSuccess: () => {
      setTag("");
      void queries.invalidateQueries({ queryKey: ["call-tags"] });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (tag.trim() !== "") put.mutate([...call.tags, tag]);
  };
  return (
    <>
      {put.isError && <Banner tone="bad">{problemText(put.error)}</Banner>}
      {call.tags.length > 0 && (
        <ul aria-label={t("work.tags.title")} className="flex flex-wrap gap-1.5">
          {call.tags.map((one) => (
            <li key={one} className="inline-flex items-center gap-1 rounded-full bg-sunken ps-2.5 pe-1 text-sm [overflow-wrap:anywhere]">
              {one}
              {may && (
                <IconButton label={t("work.tags.remove", { tag: one })} size="sm" variant="ghost" disabled={put.isPending} onClick={() => put.mutate(call.tags.filter((other) => other !== one))}>
                  <X size={12} aria-hidden />
                </IconButton>
              )}
            </li>
          ))}
        </ul>
      )}
      {may && (
        <form onSubmit={submit} className="flex items-end gap-2">
          <Field label={t("work.tags.new")} className="flex-1">
            <Input value={tag} maxLength={40} list="call-tags" onChange={(event) => setTag(event.target.value)} />
          </Field>
          <datalist id="call-tags">{known?.items.map((one) => <option key={one.tag} value={one.tag} />)}</datalist>
          <IconButton label={t("work.tags.add")} type="submit" disabled={tag.trim() === "" || put.isPending}>
            <Plus size={15} aria-hidden />
          </IconButton>
        </form>
      )}
    </>
  );
}
