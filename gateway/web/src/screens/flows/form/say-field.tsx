import { ArrowUp, AudioLines, Hash, MessageSquareText, Music, Plus, Trash2 } from "lucide-react";
import { type ReactElement, useId, useState } from "react";
import { Button, Combobox, IconButton, Menu } from "@/design";
import { useT } from "@/i18n";
import { PlayButton } from "../../sounds/play-button";
import { SoundDialog } from "../../sounds/sound-dialog";
import type { Say, SayPart } from "../model";
import { MOST, type LocalFault } from "../validate";
import { BUILTINS, builtinName, faultText } from "../words";
import { useForm } from "./context";
import { TemplateField } from "./template-field";

type Kind = "text" | "sound_id" | "digits" | "builtin";
const KINDS: readonly Kind[] = ["text", "sound_id", "digits", "builtin"];

const kindOf = (part: SayPart): Kind => KINDS.find((kind) => kind in part) ?? "text";
function newPart(kind: Kind): SayPart {
  switch (kind) {
    case "text":
      return { text: "" };
    case "sound_id":
      return { sound_id: "" };
    case "digits":
      return { digits: "" };
    case "builtin":
      return { builtin: "vm-goodbye" };
  }
}

/** What callers hear, part after part. */
export function SayField({ field, label, hint, say, onChange }: { field: string; label: string; hint?: string; say: Say; onChange: (say: Say, field: string) => void }) {
  const t = useT();
  const id = useId();
  const { faults } = useForm();
  const own = faults.find((one) => one.field === field);
  const set = (at: number, part: SayPart) =>
    onChange(
      say.map((one, index) => (index === at ? part : one)),
      `${field}.${String(at)}`,
    );
  return (
    <div role="group" aria-labelledby={id} className="grid gap-2" data-field={field}>
      <div>
        <p id={id} className="text-sm font-medium text-ink-2">
          {label}
        </p>
        {hint && <p className="text-sm text-ink-3">{hint}</p>}
      </div>
      {say.length > 0 && (
        <ol className="grid gap-2">
          {say.map((part, at) => (
            // Parts have no name of their own; they are moved one by one.
            <li key={`${String(at)} ${kindOf(part)}`} data-field={`${field}.${String(at)}`} className="rounded-md border border-line bg-bg p-2">
              <Part
                part={part}
                number={at + 1}
                fault={faults.find((one) => one.field === `${field}.${String(at)}` || one.field?.startsWith(`${field}.${String(at)}.`))}
                onChange={(next) => set(at, next)}
                onEarlier={at > 0 ? () => onChange([...say.slice(0, at - 1), part, ...say.slice(at - 1, at), ...say.slice(at + 1)], "") : undefined}
                onRemove={() =>
                  onChange(
                    say.filter((_, index) => index !== at),
                    "",
                  )
                }
              />
            </li>
          ))}
        </ol>
      )}
      {own && <p className="text-sm text-bad">{faultText(own)}</p>}
      <div>
        <Menu
          label={t("flows.part.add")}
          align="start"
          trigger={
            <Button size="sm" icon={<Plus size={14} aria-hidden />} disabled={say.length >= MOST.parts} aria-label={`${t("flows.part.add")}: ${label}`}>
              {t("flows.part.add")}
            </Button>
          }
          items={KINDS.map((kind) => ({ label: t(`flows.part.${kind}`), icon: ICON[kind], onSelect: () => onChange([...say, newPart(kind)], "") }))}
        />
      </div>
    </div>
  );
}

const ICON: Readonly<Record<Kind, ReactElement>> = {
  text: <MessageSquareText size={14} aria-hidden />,
  sound_id: <AudioLines size={14} aria-hidden />,
  digits: <Hash size={14} aria-hidden />,
  builtin: <Music size={14} aria-hidden />,
};

interface PartProps {
  part: SayPart;
  number: number;
  fault: LocalFault | undefined;
  onChange: (part: SayPart) => void;
  onEarlier: (() => void) | undefined;
  onRemove: () => void;
}

function Part({ part, number, fault, onChange, onEarlier, onRemove }: PartProps) {
  const t = useT();
  const id = useId();
  const kind = kindOf(part);
  const wired = { "aria-label": `${t(`flows.part.${kind}`)}, ${t("flows.part", { n: number })}`, "aria-describedby": fault ? id : undefined, "aria-invalid": fault ? true : undefined };
  return (
    <div className="grid gap-1.5">
      <div className="flex items-center gap-1.5 text-sm font-medium text-ink-2">
        <span className="text-ink-3">{ICON[kind]}</span>
        <span className="flex-1">{t(`flows.part.${kind}`)}</span>
        {onEarlier && (
          <IconButton label={t("flows.part.earlier", { n: number })} size="sm" onClick={onEarlier}>
            <ArrowUp size={14} aria-hidden />
          </IconButton>
        )}
        <IconButton label={t("flows.part.remove", { n: number })} size="sm" onClick={onRemove}>
          <Trash2 size={14} aria-hidden />
        </IconButton>
      </div>
      {"text" in part ? (
        <>
          <TemplateField {...wired} rows={3} maxLength={MOST.text} value={part.text} onChange={(text) => onChange({ text })} />
          <p className="text-xs text-ink-3">{t("flows.part.text-hint")}</p>
        </>
      ) : "digits" in part ? (
        <>
          <TemplateField {...wired} maxLength={MOST.text} value={part.digits} onChange={(digits) => onChange({ digits })} />
          <p className="text-xs text-ink-3">{t("flows.part.text-hint")}</p>
        </>
      ) : "builtin" in part ? (
        <Combobox
          {...wired}
          value={part.builtin}
          onValueChange={(builtin) => onChange({ builtin })}
          options={[...BUILTINS, ...((BUILTINS as readonly string[]).includes(part.builtin) ? [] : [part.builtin])].map((name) => ({ value: name, label: builtinName(name) }))}
        />
      ) : (
        <SoundChoice wired={wired} value={part.sound_id} onChange={(sound_id) => onChange({ sound_id })} />
      )}
      {fault && (
        <p id={id} className="text-sm text-bad">
          {faultText(fault)}
        </p>
      )}
    </div>
  );
}

/** One of the company's sounds, heard before it is chosen, or made on the spot. */
function SoundChoice({ wired, value, onChange }: { wired: { "aria-label": string; "aria-describedby": string | undefined; "aria-invalid": boolean | undefined }; value: string; onChange: (id: string) => void }) {
  const t = useT();
  const { places, definition } = useForm();
  const [making, setMaking] = useState(false);
  const sound = places.sounds.find((one) => one.id === value);
  const file = sound?.files.find((one) => one.language === definition.language) ?? sound?.files[0];
  return (
    <div className="flex flex-wrap items-center gap-1.5">
      <div className="min-w-0 flex-1 basis-40">
        <Combobox {...wired} value={value || undefined} placeholder={t("flows.part.choose-sound")} onValueChange={onChange} options={places.sounds.map((one) => ({ value: one.id, label: one.name }))} />
      </div>
      {sound && file && <PlayButton id={sound.id} language={file.language} name={sound.name} />}
      <Button size="md" icon={<Plus size={14} aria-hidden />} onClick={() => setMaking(true)}>
        {t("flows.part.new-sound")}
      </Button>
      {making && (
        <SoundDialog
          language={definition.language}
          onClose={(made) => {
            setMaking(false);
            if (made) onChange(made.id);
          }}
        />
      )}
    </div>
  );
}
