import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus, X } from "lucide-react";
import { type FormEvent, type KeyboardEvent, useCallback, useId, useRef, useState } from "react";
import { api, body, newKey, useCan, useMe } from "@/api";
import type { components } from "@/api";
import { Banner, Button, Card, Field, IconButton, Input, RelativeTime, Textarea } from "@/design";
import { useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { callTagsQuery } from "../shared/call-tags";

type Call = components["schemas"]["Call"];
type Note = Call["notes"][number];

/** The server's own limits. */
const LONGEST_NOTE = 2_000;
const LONGEST_TAG = 40;

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

/** What the server answered is shown at once; the call's events bring it to everybody else. */
function useKnown(id: string): (change: (call: Call) => Partial<Call>) => void {
  const queries = useQueryClient();
  return useCallback((change) => queries.setQueryData<Call>(["call", id], (call) => call && { ...call, ...change(call) }), [queries, id]);
}

const withNote = (notes: readonly Note[], note: Note): Note[] => (notes.some((one) => one.id === note.id) ? [...notes] : [...notes, note]);

function Written({ call, may, name }: { call: Call; may: boolean; name: (id: string) => string | undefined }) {
  const t = useT();
  const me = useMe();
  const known = useKnown(call.id);
  const remove = useMutation({
    mutationFn: async (note: string) => body(api.DELETE("/api/v1/calls/{id}/notes/{note_id}", { params: { path: { id: call.id, note_id: note } } })),
    onSuccess: (_, note) => known(({ notes }) => ({ notes: notes.filter((one) => one.id !== note) })),
  });
  return (
    <>
      {remove.isError && <Banner tone="bad">{problemText(remove.error)}</Banner>}
      {call.notes.length > 0 && (
        <ul className="grid gap-2">
          {call.notes.map((note) => (
            <li key={note.id} className="flex items-start gap-2" data-note={note.id}>
              <div className="min-w-0 flex-1">
                <p className="text-md whitespace-pre-line [overflow-wrap:anywhere]" dir="auto">
                  {note.text}
                </p>
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
      )}
    </>
  );
}

function Write({ id }: { id: string }) {
  const t = useT();
  const known = useKnown(id);
  const [text, setText] = useState("");
  // The same words sent again are the same note, until they have come.
  const key = useRef<{ text: string; key: string }>(undefined);
  const write = useMutation({
    mutationFn: async (words: string) => {
      if (key.current?.text !== words) key.current = { text: words, key: newKey() };
      return body(api.POST("/api/v1/calls/{id}/notes", { params: { path: { id }, header: { "Idempotency-Key": key.current.key } }, body: { text: words } }));
    },
    onSuccess: (note) => {
      key.current = undefined;
      setText("");
      known(({ notes }) => ({ notes: withNote(notes, note) }));
    },
  });
  const send = () => {
    if (text.trim() !== "" && !write.isPending) write.mutate(text);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    send();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    send();
  };
  return (
    <form onSubmit={submit} className="grid gap-2">
      {write.isError && <Banner tone="bad">{problemText(write.error)}</Banner>}
      <Field label={t("work.notes.write")}>
        <Textarea value={text} maxLength={LONGEST_NOTE} rows={2} dir="auto" onKeyDown={onKeyDown} onChange={(event) => setText(event.target.value)} />
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
  const known = useKnown(call.id);
  const list = useId();
  const input = useRef<HTMLInputElement>(null);
  const [tag, setTag] = useState("");
  const { data: used } = useQuery({ ...callTagsQuery, enabled: may });
  const put = useMutation({
    mutationFn: async (tags: string[]) => body(api.PUT("/api/v1/calls/{id}/tags", { params: { path: { id: call.id } }, body: { tags } })),
    onSuccess: ({ tags }) => {
      known(() => ({ tags }));
      void queries.invalidateQueries({ queryKey: callTagsQuery.queryKey });
    },
  });
  const add = (event: FormEvent) => {
    event.preventDefault();
    if (tag.trim() !== "" && !put.isPending) put.mutate([...call.tags, tag], { onSuccess: () => setTag("") });
  };
  const remove = (one: string) => {
    put.mutate(
      call.tags.filter((other) => other !== one),
      // Its button goes with it.
      { onSuccess: () => input.current?.focus() },
    );
  };
  return (
    <>
      {put.isError && <Banner tone="bad">{problemText(put.error)}</Banner>}
      {call.tags.length > 0 && (
        <ul aria-label={t("work.tags.title")} className="flex flex-wrap gap-1.5">
          {call.tags.map((one) => (
            <li key={one} className={`inline-flex items-center gap-1 rounded-full bg-sunken ps-2.5 text-sm [overflow-wrap:anywhere] ${may ? "pe-1" : "py-0.5 pe-2.5"}`} data-tag={one}>
              <bdi>{one}</bdi>
              {may && (
                <IconButton label={t("work.tags.remove", { tag: one })} size="sm" variant="ghost" disabled={put.isPending} onClick={() => remove(one)}>
                  <X size={12} aria-hidden />
                </IconButton>
              )}
            </li>
          ))}
        </ul>
      )}
      {may && (
        <form onSubmit={add} className="flex items-end gap-2">
          <Field label={t("work.tags.new")} className="min-w-0 flex-1">
            <Input ref={input} value={tag} maxLength={LONGEST_TAG} list={list} autoComplete="off" onChange={(event) => setTag(event.target.value)} />
          </Field>
          <datalist id={list}>
            {used?.items.filter((one) => !call.tags.includes(one.tag)).map((one) => (
              <option key={one.tag} value={one.tag} />
            ))}
          </datalist>
          <IconButton label={t("work.tags.add")} type="submit" disabled={tag.trim() === "" || put.isPending}>
            <Plus size={15} aria-hidden />
          </IconButton>
        </form>
      )}
    </>
  );
}
