import { Tag as TagIcon } from "lucide-react";
import { useState } from "react";
import { Field, Input, Select, cx } from "@/design";
import { useT } from "@/i18n";
import { type Colour } from "../inbox/api";
import { LABEL_TONE } from "../inbox/words";
import { type InboxLabel, labels } from "./api";
import { FormDialog, ShelfList, usePut } from "./shelf";

const COLOURS = Object.keys(LABEL_TONE) as readonly Colour[];

export function Labels() {
  return (
    <ShelfList
      what="labels"
      shelf={labels}
      icon={<TagIcon size={30} />}
      nameOf={(one) => one.name}
      row={(one) => <Shown name={one.name} colour={one.colour} />}
      form={(one, onClose) => <LabelForm label={one} onClose={onClose} />}
    />
  );
}

/** As the inbox shows it. */
function Shown({ name, colour }: { name: string; colour: Colour }) {
  return <span className={cx("inline-block max-w-full truncate rounded-sm px-1.5 text-md", LABEL_TONE[colour])}>{name || "\u2026"}</span>;
}

function LabelForm({ label, onClose }: { label: InboxLabel | undefined; onClose: () => void }) {
  const t = useT();
  const [name, setName] = useState(label?.name ?? "");
  const [colour, setColour] = useState<Colour>(label?.colour ?? "grey");
  const { put, error, errors } = usePut(labels, label, onClose);
  return (
    <FormDialog
      title={label ? t("inboxtools.edit", { name: label.name }) : t("inboxtools.add.labels")}
      onClose={onClose}
      put={put}
      error={error}
      shown={errors.name !== undefined || errors.colour !== undefined}
      ready={name.trim() !== ""}
      onSubmit={() => put.mutate({ name: name.trim(), colour })}
    >
      <Field label={t("inboxtools.name")} error={errors.name}>
        <Input maxLength={60} value={name} onChange={(event) => setName(event.target.value)} />
      </Field>
      <Field label={t("inboxtools.colour")} error={errors.colour}>
        <Select value={colour} onValueChange={(next) => setColour(COLOURS.find((one) => one === next) ?? "grey")} options={COLOURS.map((one) => ({ value: one, label: t(`inboxtools.colour.${one}`) }))} />
      </Field>
      <p className="flex items-center gap-2 text-sm text-ink-3">
        {t("inboxtools.preview")} <Shown name={name} colour={colour} />
      </p>
    </FormDialog>
  );
}
