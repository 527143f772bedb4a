import { MessageSquareText } from "lucide-react";
import { useRef, useState } from "react";
import { Checkbox, Field, Input, Textarea } from "@/design";
import { useT } from "@/i18n";
import { type CannedReply, canned } from "./api";
import { FormDialog, ShelfList, usePut } from "./shelf";
import { Variables } from "./variables";

export function Canned() {
  return (
    <ShelfList
      what="canned"
      shelf={canned}
      icon={<MessageSquareText size={30} />}
      personal
      nameOf={(one) => `/${one.shortcut}`}
      row={(one) => (
        <>
          <h3 className="font-mono text-md font-medium">/{one.shortcut}</h3>
          <p className="line-clamp-3 text-md break-words whitespace-pre-line text-ink-2">{one.text}</p>
        </>
      )}
      form={(one, onClose, mayShare) => <CannedForm reply={one} onClose={onClose} mayShare={mayShare} />}
    />
  );
}

/** The composer knows these too. */
const HERE = ["company.name"];

function CannedForm({ reply, onClose, mayShare }: { reply: CannedReply | undefined; onClose: () => void; mayShare: boolean }) {
  const t = useT();
  const [shortcut, setShortcut] = useState(reply?.shortcut ?? "");
  const [words, setWords] = useState(reply?.text ?? "");
  const [personal, setPersonal] = useState(reply ? Boolean(reply.user_id) : !mayShare);
  const area = useRef<HTMLTextAreaElement>(null);
  const { put, error, errors } = usePut(canned, reply, onClose);
  const short = shortcut.trim().replace(/^\/+/, "");
  const odd = short !== "" && !/^[\p{L}\p{N}_-]+$/u.test(short);
  return (
    <FormDialog
      title={reply ? t("inboxtools.edit", { name: `/${reply.shortcut}` }) : t("inboxtools.add.canned")}
      onClose={onClose}
      put={put}
      error={error}
      shown={errors.shortcut !== undefined || errors.text !== undefined}
      ready={short !== "" && !odd && words.trim() !== ""}
      onSubmit={() => put.mutate({ shortcut: short, text: words.trim(), personal })}
    >
      <Field label={t("inboxtools.shortcut")} hint={t("inboxtools.shortcut-hint")} error={odd ? t("inboxtools.shortcut-odd") : errors.shortcut} className="max-w-xs">
        <Input maxLength={41} autoCapitalize="off" spellCheck={false} value={shortcut} onChange={(event) => setShortcut(event.target.value)} />
      </Field>
      <Field label={t("inboxtools.text")} error={errors.text}>
        <Textarea ref={area} rows={6} maxLength={4096} value={words} onChange={(event) => setWords(event.target.value)} />
      </Field>
      <Variables area={area} text={words} also={HERE} onChange={setWords} />
      <Personal checked={personal} onChange={setPersonal} mayShare={mayShare} />
    </FormDialog>
  );
}

/** For oneself alone; who may not share makes no others. */
export function Personal({ checked, onChange, mayShare }: { checked: boolean; onChange: (checked: boolean) => void; mayShare: boolean }) {
  const t = useT();
  return <Checkbox label={t("inboxtools.personal")} checked={checked} disabled={!mayShare} onCheckedChange={onChange} />;
}
