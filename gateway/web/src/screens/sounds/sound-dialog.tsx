import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { FileUp, Trash2 } from "lucide-react";
import { useRef, useState } from "react";
import { Problem } from "@/api";
import { Banner, Button, Combobox, Dialog, Duration, Field, IconButton, Input, SegmentedControl, Textarea, toast } from "@/design";
import { t as text, useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { type Sound, soundsApi, soundsQuery } from "./api";
import { languageName, languageOptions } from "./languages";
import { PlayButton } from "./play-button";
import { Recorder } from "./recorder";
import { NoSound, TooLong, telephoneWav } from "./wav";

const WAYS = ["speech", "upload", "record"] as const;
type Way = (typeof WAYS)[number];
const MOST_TEXT = 1000;

interface Props {
  /** None: one is made. */
  sound?: Sound;
  /** What callers are spoken with, most likely. */
  language: string;
  onClose: (sound: Sound | undefined) => void;
}

/** A sound's name, and what is heard in each language. */
export function SoundDialog({ sound: given, language: usual, onClose }: Props) {
  const t = useT();
  const queries = useQueryClient();
  const [made, setMade] = useState<Sound>();
  const list = useQuery(soundsQuery).data?.items;
  const id = given?.id ?? made?.id;
  const sound = list?.find((one) => one.id === id) ?? given ?? made;
  const [name, setName] = useState(given?.name ?? "");
  const put = useMutation({
    mutationFn: () => (id === undefined ? soundsApi.create(name.trim()) : soundsApi.rename(id, name.trim())),
    onSuccess: (now) => {
      if (id === undefined) setMade({ ...now, files: now.files ?? [], used_by: now.used_by ?? { flows: [], queues: [] } });
    },
    onSettled: () => queries.invalidateQueries({ queryKey: soundsQuery.queryKey }),
  });
  const errors = put.error instanceof Problem ? put.error.fields : {};
  const renamed = sound !== undefined && name.trim() !== "" && name.trim() !== sound.name;
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose(sound);
      }}
      title={sound ? sound.name : t("sounds.make")}
      footer={
        sound ? (
          <Button variant="primary" onClick={() => onClose(sound)}>
            {t("sounds.done")}
          </Button>
        ) : (
          <Button type="submit" form="sound-name" variant="primary" busy={put.isPending} disabled={name.trim() === ""}>
            {t("sounds.create")}
          </Button>
        )
      }
    >
      <div className="grid gap-4">
        <form
          id="sound-name"
          className="flex items-end gap-2"
          onSubmit={(event) => {
            event.preventDefault();
            // A step's form may be around it.
            event.stopPropagation();
            if (name.trim() !== "" && !put.isPending) put.mutate();
          }}
        >
          <Field label={t("sounds.name")} hint={sound ? undefined : t("sounds.name-hint")} error={errors.name ?? (put.error ? problemText(put.error) : undefined)} className="flex-1">
            <Input maxLength={80} value={name} onChange={(event) => setName(event.target.value)} />
          </Field>
          {renamed && (
            <Button type="submit" busy={put.isPending}>
              {t("common.save")}
            </Button>
          )}
        </form>
        {sound && <Files sound={sound} />}
        {sound && <NewFile sound={sound} usual={usual} />}
      </div>
    </Dialog>
  );
}

function Files({ sound }: { sound: Sound }) {
  const t = useT();
  const queries = useQueryClient();
  const remove = useMutation({
    mutationFn: (language: string) => soundsApi.removeFile(sound.id, language),
    onError: (error) => toast({ title: text("sounds.not-removed"), description: problemText(error), tone: "bad" }),
    onSettled: () => queries.invalidateQueries({ queryKey: soundsQuery.queryKey }),
  });
  return (
    <section aria-label={t("sounds.files")}>
      <h3 className="mb-1 text-sm font-semibold">{t("sounds.files")}</h3>
      {sound.files.length === 0 ? (
        <p className="text-md text-ink-3">{t("sounds.files-none")}</p>
      ) : (
        <ul className="divide-y divide-line rounded-md border border-line">
          {sound.files.map((file) => (
            <li key={file.language} className="flex items-center gap-2 px-2.5 py-1.5">
              <PlayButton id={sound.id} language={file.language} name={languageName(file.language)} size="sm" />
              <div className="min-w-0 flex-1">
                <p className="text-md font-medium">
                  {languageName(file.language)} <span className="text-sm font-normal text-ink-3">· {t(`sounds.source.${file.source}`)}</span>
                </p>
                {file.text && <p className="truncate text-sm text-ink-2">“{file.text}”</p>}
              </div>
              <Duration ms={file.seconds * 1000} className="text-sm text-ink-2" />
              <IconButton label={t("sounds.file-remove", { language: languageName(file.language) })} size="sm" onClick={() => remove.mutate(file.language)}>
                <Trash2 size={14} aria-hidden />
              </IconButton>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function NewFile({ sound, usual }: { sound: Sound; usual: string }) {
  const t = useT();
  const queries = useQueryClient();
  const [language, setLanguage] = useState(usual);
  const [way, setWay] = useState<Way>("speech");
  const [words, setWords] = useState("");
  const [doing, setDoing] = useState<"converting" | "sending">();
  const input = useRef<HTMLInputElement>(null);
  const known = sound.files.find((one) => one.language === language);
  const done = () => toast({ title: text("sounds.saved", { name: sound.name }), tone: "good" });
  const speak = useMutation({
    mutationFn: () => soundsApi.speak(sound.id, language, words.trim()),
    onSuccess: () => {
      setWords("");
      done();
    },
    onSettled: () => queries.invalidateQueries({ queryKey: soundsQuery.queryKey }),
  });
  const upload = useMutation({
    mutationFn: async (file: Blob) => {
      setDoing("converting");
      const wav = await telephoneWav(file);
      setDoing("sending");
      await soundsApi.upload(sound.id, language, wav);
    },
    onSuccess: done,
    onSettled: () => {
      setDoing(undefined);
      return queries.invalidateQueries({ queryKey: soundsQuery.queryKey });
    },
  });
  const failure = upload.error instanceof TooLong ? t("sounds.too-long") : upload.error instanceof NoSound ? t("sounds.no-sound") : upload.error ? problemText(upload.error) : undefined;
  return (
    <section aria-label={t("sounds.way")} className="grid gap-3 border-t border-line pt-3">
      <Field label={t("sounds.language")} hint={known ? t("sounds.replace", { language: languageName(language) }) : undefined}>
        <Combobox value={language} onValueChange={setLanguage} options={languageOptions(usual)} />
      </Field>
      <SegmentedControl
        label={t("sounds.way")}
        value={way}
        onValueChange={(next) => {
          upload.reset();
          setWay(next as Way);
        }}
        options={WAYS.map((one) => ({ value: one, label: t(`sounds.way.${one}`) }))}
        className="w-fit"
      />
      {way === "speech" ? (
        <form
          className="grid gap-2"
          onSubmit={(event) => {
            event.preventDefault();
            event.stopPropagation();
            if (words.trim() !== "" && !speak.isPending) speak.mutate();
          }}
        >
          <Field label={t("sounds.text")} hint={t("sounds.text-hint")} error={speak.error ? problemText(speak.error) : undefined}>
            <Textarea rows={3} maxLength={MOST_TEXT} lang={language} value={words} onChange={(event) => setWords(event.target.value)} />
          </Field>
          <div>
            <Button type="submit" busy={speak.isPending} disabled={words.trim() === ""}>
              {t("sounds.speak")}
            </Button>
          </div>
        </form>
      ) : way === "upload" ? (
        <div className="grid gap-2">
          <p className="text-sm text-ink-3">{t("sounds.upload-hint")}</p>
          <input
            ref={input}
            type="file"
            accept="audio/*"
            className="sr-only"
            tabIndex={-1}
            aria-label={t("sounds.choose-file")}
            onChange={(event) => {
              const file = event.target.files?.[0];
              if (file) upload.mutate(file);
              event.target.value = "";
            }}
          />
          <div>
            <Button icon={<FileUp size={15} aria-hidden />} busy={upload.isPending} onClick={() => input.current?.click()}>
              {t("sounds.choose-file")}
            </Button>
          </div>
        </div>
      ) : (
        <Recorder onUse={(recorded) => upload.mutate(recorded)} />
      )}
      {doing && (
        <p role="status" className="text-sm text-ink-2">
          {t(`sounds.${doing}`)}…
        </p>
      )}
      {failure && way !== "speech" && (
        <Banner tone="bad" className="rounded-md">
          <div role="alert">{failure}</div>
        </Banner>
      )}
    </section>
  );
}
