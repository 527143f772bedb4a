import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Button, ErrorState, Field, Input, Skeleton } from "@/design";
import { currentLanguage, useT } from "@/i18n";
import { callTagsQuery } from "../shared/call-tags";
import { tagsFor } from "./tags-for";

/** The company's tags, the most frequent first; fewer of them as one types. */
export default function TagChoice({ chosen, onChoose }: { chosen: string | undefined; onChoose: (tag: string) => void }) {
  const t = useT();
  const [text, setText] = useState("");
  const { data, error, refetch } = useQuery({ ...callTagsQuery, staleTime: 0 });
  const found = tagsFor(data?.items ?? [], text);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const [first] = found;
    // A list that is cut off does not hold every tag: what was typed may be one all the same.
    const wanted = text.trim() === "" ? undefined : (found.find(({ tag }) => tag === text.trim()) ?? first)?.tag ?? text.trim();
    if (wanted) onChoose(wanted);
  };
  return (
    <div className="grid w-60 gap-2 p-1">
      <form onSubmit={submit}>
        <Field label={t("work.tags.find")}>
          <Input value={text} maxLength={40} autoComplete="off" onChange={(event) => setText(event.target.value)} />
        </Field>
      </form>
      {error && !data ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : !data ? (
        <Skeleton lines={3} />
      ) : data.items.length === 0 ? (
        <p className="text-sm text-ink-2">{t("work.tags.none")}</p>
      ) : (
        <ul aria-label={t("work.tags.title")} className="grid max-h-64 gap-0.5 overflow-y-auto">
          {found.map(({ tag, calls }) => (
            <li key={tag}>
              <Button variant={tag === chosen ? "secondary" : "ghost"} aria-pressed={tag === chosen} className="w-full justify-start" onClick={() => onChoose(tag)}>
                <bdi className="min-w-0 flex-1 truncate text-start">{tag}</bdi>
                <span className="num text-sm text-ink-2">{calls.toLocaleString(currentLanguage())}</span>
              </Button>
            </li>
          ))}
          {found.length === 0 && <li className="text-sm text-ink-2">{t("common.nothing-found")}</li>}
        </ul>
      )}
    </div>
  );
}
