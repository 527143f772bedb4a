import { useQuery } from "@tanstack/react-query";
import { Plus, Trash2 } from "lucide-react";
import { Button, Checkbox, Combobox, Field, IconButton, Input, Select, Textarea } from "@/design";
import { useCan } from "@/api";
import { useT } from "@/i18n";
import { useQueues } from "@/live";
import { soundsQuery } from "../sounds/api";
import { languageOptions } from "../sounds/languages";
import { CALLBACK, KEYS, type KeyDraft, NUMBER, type SayDraft, VOICEMAIL } from "./draft";
import { Figure, type PartProps, Section } from "./sections";

/** What callers hear while they wait, what they can do about it, and the messages that they leave. */
export function Waiting(props: PartProps & { self: string }) {
  const t = useT();
  const { draft, change, errors } = props;
  return (
    <Section title={t("routing.waiting")} about={t("routing.waiting.about")}>
      <Said label={t("routing.notice")} none={t("routing.say.nothing")} say={draft.notice} language={draft.noticeLanguage} error={errors["recording_notice-say"]} onChange={(notice) => change({ notice })} onLanguage={(noticeLanguage) => change({ noticeLanguage })} />
      <Music {...props} />
      <Figure {...props} field="while_waiting-every_seconds" />
      <div className="grid gap-2">
        <Checkbox label={t("routing.waiting.position")} checked={draft.position} onCheckedChange={(position) => change({ position })} />
        <Checkbox label={t("routing.waiting.expected")} checked={draft.expectedWait} onCheckedChange={(expectedWait) => change({ expectedWait })} />
      </div>
      <Said label={t("routing.waiting.say")} none={t("routing.say.nothing")} say={draft.hint} language={draft.hintLanguage} error={errors["while_waiting-say"]} onChange={(hint) => change({ hint })} onLanguage={(hintLanguage) => change({ hintLanguage })} />
      <Keys {...props} />
      <div className="grid gap-3 border-t border-line pt-4">
        <h3 className="font-medium">{t("routing.voicemail")}</h3>
        <p className="text-md text-ink-2">{t("routing.voicemail.about")}</p>
        <Said label={t("routing.voicemail.greeting")} none={t("routing.say.usual")} say={draft.greeting} language={draft.greetingLanguage} error={errors["voicemail-greeting"]} onChange={(greeting) => change({ greeting })} onLanguage={(greetingLanguage) => change({ greetingLanguage })} />
        <Figure {...props} field="voicemail-max_seconds" />
      </div>
    </Section>
  );
}

const HOUSE = "house";

/** What plays, over and over: the music of the house, or a sound. */
function Music({ draft, change, errors }: PartProps) {
  const t = useT();
  const may = useCan("telephony:read");
  const { data } = useQuery({ ...soundsQuery, enabled: may });
  const options = [{ value: HOUSE, label: t("routing.waiting.music.house") }, ...(data?.items ?? []).map(({ id, name }) => ({ value: id, label: name }))];
  const chosen = draft.music || HOUSE;
  // Somebody else may know the sound, and it stays.
  if (options.every(({ value }) => value !== chosen)) options.push({ value: chosen, label: t("routing.say.sound") });
  return (
    <Field label={t("routing.waiting.music")} hint={t("routing.waiting.music.about")} error={errors["while_waiting-music"]} className="max-w-xs">
      <Combobox value={chosen} onValueChange={(music) => change({ music: music === HOUSE ? "" : music })} options={options} />
    </Field>
  );
}

interface SaidProps {
  label: string;
  none: string;
  say: SayDraft;
  language: string;
  error: string | undefined;
  onChange: (say: SayDraft) => void;
  onLanguage: (language: string) => void;
}

function Said({ label, none, say, language, error, onChange, onLanguage }: SaidProps) {
  const t = useT();
  const may = useCan("telephony:read");
  const { data } = useQuery({ ...soundsQuery, enabled: may && say.kind === "sound" });
  const kinds = [{ value: "none", label: none }, { value: "text", label: t("routing.say.text") }, { value: "sound", label: t("routing.say.sound") }];
  if (say.kind === "other") kinds.push({ value: "other", label: t("routing.say.several") });
  return (
    <div className="grid gap-3">
      <Field label={label} className="max-w-xs">
        <Select value={say.kind} onValueChange={(kind) => onChange({ ...say, kind: kind as SayDraft["kind"] })} options={kinds} />
      </Field>
      {say.kind === "text" && (
        <div className="grid grid-cols-1 items-start gap-4 sm:grid-cols-[1fr_14rem]">
          <Field label={t("routing.say.words", { of: label })} error={error}>
            <Textarea rows={2} maxLength={2000} value={say.text} onChange={(event) => onChange({ ...say, text: event.target.value })} />
          </Field>
          <Field label={t("routing.say.language", { of: label })}>
            <Combobox value={language} onValueChange={onLanguage} options={languageOptions(language)} />
          </Field>
        </div>
      )}
      {say.kind === "sound" && (
        <Field label={t("routing.say.which", { of: label })} error={error} className="max-w-xs">
          <Combobox value={say.sound} onValueChange={(sound) => onChange({ ...say, sound })} options={(data?.items ?? []).map(({ id, name }) => ({ value: id, label: name }))} />
        </Field>
      )}
    </div>
  );
}

function Keys({ draft, change, errors, self }: PartProps & { self: string }) {
  const t = useT();
  const queues = useQueues().filter((one) => one.id !== self);
  const set = (index: number, part: Partial<KeyDraft>) => change({ keys: draft.keys.map((one, at) => (at === index ? { ...one, ...part } : one)) });
  const unused = KEYS.find((key) => draft.keys.every((one) => one.key !== key));
  const options = (to: string) => {
    const all = [{ value: VOICEMAIL, label: t("routing.to.voicemail") }, { value: CALLBACK, label: t("routing.to.callback") }, { value: NUMBER, label: t("routing.to.number") }, ...queues.map((one) => ({ value: one.id, label: t("routing.to.queue", { queue: one.name }) }))];
    return all.some(({ value }) => value === to) ? all : [...all, { value: to, label: t("routing.to.unknown") }];
  };
  return (
    <div role="group" aria-label={t("routing.keys")} className="grid gap-2">
      <p className="text-sm font-medium text-ink-2">{t("routing.keys")}</p>
      <p className="text-sm text-ink-3">{t("routing.keys.about")}</p>
      {draft.keys.map((one, index) => (
        // They have nothing but their place while they are being chosen.
        <div key={index} className="flex flex-wrap items-end gap-2">
          <Field label={t("routing.keys.key")} className="w-20">
            <Select value={one.key} onValueChange={(key) => set(index, { key })} options={KEYS.map((key) => ({ value: key, label: key }))} />
          </Field>
          <Field label={t("routing.keys.to", { key: one.key })} className="min-w-40 flex-1">
            <Select value={one.to} onValueChange={(to) => set(index, { to })} options={options(one.to)} />
          </Field>
          {one.to === NUMBER && (
            <Field label={t("routing.outside")} className="min-w-40 flex-1">
              <Input type="tel" autoComplete="off" dir="ltr" placeholder="+390612345678" maxLength={64} value={one.outside} onChange={(event) => set(index, { outside: event.target.value })} />
            </Field>
          )}
          <IconButton label={t("routing.keys.remove", { key: one.key })} onClick={() => change({ keys: draft.keys.filter((_, at) => at !== index) })}>
            <Trash2 size={15} aria-hidden />
          </IconButton>
        </div>
      ))}
      {errors["while_waiting-keys"] && (
        <p role="alert" className="text-sm text-bad">
          {errors["while_waiting-keys"]}
        </p>
      )}
      <div>
        <Button size="sm" icon={<Plus size={14} aria-hidden />} disabled={unused === undefined} onClick={() => unused && change({ keys: [...draft.keys, { key: unused, to: VOICEMAIL, outside: "" }] })}>
          {t("routing.keys.add")}
        </Button>
      </div>
    </div>
  );
}
