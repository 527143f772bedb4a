import { useMutation, useQueryClient } from "@tanstack/react-query";
import { FileUp } from "lucide-react";
import { useRef, useState } from "react";
import { Problem } from "@/api";
import { Banner, Button, Dialog, Field, Tag, Textarea, toast } from "@/design";
import { t as text, useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { trunksApi } from "./api";
import { TRUNKS } from "./data";
import type { ImportNote, Imported, Proposal } from "./model";

/** Bytes. */
const LARGEST = 1_000_000;

/** Trunks out of the configuration of an Asterisk that is there already: read first, made only then. */
export function ImportTrunks({ onClose }: { onClose: () => void }) {
  const t = useT();
  const queries = useQueryClient();
  const [config, setConfig] = useState("");
  const [file, setFile] = useState<string>();
  const [tooLarge, setTooLarge] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const read = useMutation({ mutationFn: () => trunksApi.read(config, false) });
  const apply = useMutation({
    mutationFn: () => trunksApi.read(config, true),
    onSuccess: async (answer) => {
      toast({ title: text("trunks.import.done", { n: answer.created.length }), tone: "good" });
      await queries.invalidateQueries({ queryKey: TRUNKS });
      onClose();
    },
    onError: () => void queries.invalidateQueries({ queryKey: TRUNKS }),
  });
  const found = read.data;
  /** Those that have a problem are not made. */
  const good = found?.trunks.filter((one) => one.problem === null).length ?? 0;
  const error = apply.error ?? read.error;
  const said = error instanceof Problem ? (error.fields.text ?? problemText(error)) : error ? problemText(error) : undefined;
  const change = (next: string, from?: string) => {
    setConfig(next);
    setFile(from);
    setTooLarge(false);
    read.reset();
    apply.reset();
  };
  const choose = async (chosen: File | undefined) => {
    if (!chosen) return;
    if (chosen.size > LARGEST) return setTooLarge(true);
    change(await chosen.text(), chosen.name);
  };
  return (
    <Dialog
      open
      size="lg"
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={t("trunks.import.title")}
      description={t("trunks.import.about")}
      footer={
        found ? (
          <>
            <Button onClick={() => read.reset()}>{t("trunks.import.back")}</Button>
            <Button variant="primary" busy={apply.isPending} disabled={good === 0} onClick={() => apply.mutate()}>
              {t("trunks.import.apply", { n: good })}
            </Button>
          </>
        ) : (
          <Button variant="primary" busy={read.isPending} disabled={config.trim() === "" || tooLarge} onClick={() => read.mutate()}>
            {t("trunks.import.read")}
          </Button>
        )
      }
    >
      <div className="grid gap-4">
        {said && (
          <Banner tone="bad" className="rounded-md">
            <div role="alert">{said}</div>
          </Banner>
        )}
        {found ? (
          <Found found={found} />
        ) : (
          <>
            <div className="flex flex-wrap items-center gap-3">
              <input ref={input} type="file" accept=".conf,text/plain" className="sr-only" tabIndex={-1} aria-label={t("trunks.import.file")} onChange={(event) => void choose(event.target.files?.[0])} />
              <Button icon={<FileUp size={15} aria-hidden />} onClick={() => input.current?.click()}>
                {t("trunks.import.file")}
              </Button>
              {file && <span className="text-md break-all text-ink-2">{file}</span>}
            </div>
            <Field label={t("trunks.import.paste")} hint={t("trunks.import.paste-hint")} error={tooLarge ? t("trunks.import.large") : undefined}>
              <Textarea dir="ltr" rows={12} className="font-mono text-sm" spellCheck={false} placeholder={"[provider]\ntype = endpoint\n…"} value={config} onChange={(event) => change(event.target.value)} />
            </Field>
          </>
        )}
      </div>
    </Dialog>
  );
}

function Found({ found }: { found: Imported }) {
  const t = useT();
  return (
    // What does not fit is scrolled to, by keys too.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div role="region" aria-label={t("trunks.import.found")} tabIndex={0} className="grid gap-4 outline-offset-4">
      {found.trunks.length === 0 ? (
        <Banner tone="ring" className="rounded-md">
          {t("trunks.import.none")}
        </Banner>
      ) : (
        <ul aria-label={t("trunks.import.proposals")} className="grid gap-3">
          {found.trunks.map((one, at) => (
            // Names may be alike.
            <Proposed key={`${one.name} ${String(at)}`} proposal={one} />
          ))}
        </ul>
      )}
      {found.not_understood.length > 0 && (
        <section aria-label={t("trunks.import.not-understood")} className="grid gap-2">
          <h3 className="text-md font-semibold">{t("trunks.import.not-understood")}</h3>
          <p className="text-sm text-ink-2">{t("trunks.import.not-understood-about")}</p>
          <Notes notes={found.not_understood} />
        </section>
      )}
    </div>
  );
}

function Proposed({ proposal: { name, settings, has_password, lines, notes, problem } }: { proposal: Proposal }) {
  const t = useT();
  return (
    <li className="grid gap-1.5 rounded-md border border-line p-3">
      <div className="flex flex-wrap items-center gap-2">
        <h3 className="font-medium break-words">{name}</h3>
        <Tag>{t(`trunks.kind-short.${settings.kind}`)}</Tag>
        {lines[0] !== undefined && <span className="num text-sm text-ink-3">{t("trunks.import.line", { line: lines.join(", ") })}</span>}
      </div>
      <p className="text-md break-words text-ink-2">
        <bdi dir="ltr" className="font-mono text-sm">
          {[settings.host, settings.username, settings.transport.toUpperCase(), settings.codecs.join(", "), settings.sources.join(", ")].filter(Boolean).join(" · ")}
        </bdi>
      </p>
      {settings.kind === "registration" && <p className="text-sm text-ink-2">{t(has_password ? "trunks.import.password" : "trunks.import.no-password")}</p>}
      {problem && (
        <p className="text-md text-bad" data-problem={problem.field}>
          {t("trunks.import.problem", { field: problem.field, message: problem.message })}
        </p>
      )}
      {notes.length > 0 && <Notes notes={notes} />}
    </li>
  );
}

/** Lines of the file, each with what is to be said of it. */
function Notes({ notes }: { notes: readonly ImportNote[] }) {
  const t = useT();
  return (
    <ul className="grid gap-1.5">
      {notes.map((one, at) => (
        // A line may be spoken of twice.
        <li key={`${String(one.line)} ${String(at)}`} data-line={one.line} className="text-sm">
          <span className="num text-ink-3">{t("trunks.import.line", { line: String(one.line) })}</span> <code className="font-mono break-all">{one.text}</code>
          <p className="text-ink-2">{one.message}</p>
        </li>
      ))}
    </ul>
  );
}
