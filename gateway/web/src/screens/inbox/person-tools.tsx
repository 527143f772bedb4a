/** What can be changed of a person by hand: the name, what they are known by, and that two are one. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Pencil, Plus, Users, X } from "lucide-react";
import { type ReactNode, useState } from "react";
import { Problem } from "@/api";
import { Button, ConfirmDialog, Dialog, Field, IconButton, Input, Select, undoable } from "@/design";
import { type TextKey, useT } from "@/i18n";
import { failed } from "./actions";
import { type Contact, type ContactItem, type Identity, inboxApi } from "./api";
import { tidy } from "./words";

const LONGEST_NAME = 200;

function useAgain(): () => void {
  const queries = useQueryClient();
  return () => void queries.invalidateQueries({ queryKey: ["inbox"] });
}

function Form({ title, text, open, onOpenChange, busy, can, confirm, onSubmit, children }: { title: string; text: string; open: boolean; onOpenChange: (open: boolean) => void; busy: boolean; can: boolean; confirm: string; onSubmit: () => void; children: ReactNode }) {
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={title}
      description={text}
      size="sm"
      footer={
        <Button type="submit" form="person-tool" variant="primary" busy={busy} disabled={!can}>
          {confirm}
        </Button>
      }
    >
      <form
        id="person-tool"
        className="grid gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          if (can && !busy) onSubmit();
        }}
      >
        {children}
      </form>
    </Dialog>
  );
}

/** Asks, shows what the server has against it by its field, and says whether it was done. */
function useAsking(onDone: () => void) {
  const again = useAgain();
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<Readonly<Record<string, string>>>({});
  const run = async (ask: () => Promise<void>) => {
    setBusy(true);
    setWrong({});
    try {
      await ask();
      again();
      onDone();
    } catch (error) {
      if (error instanceof Problem && Object.keys(error.fields).length > 0) setWrong(error.fields);
      else if (error instanceof Problem && error.status === 409) setWrong({ value: error.message });
      else failed(error);
    }
    setBusy(false);
  };
  return { busy, wrong, run };
}

/** A name that stays, whatever providers call them. */
export function Rename({ contact }: { contact: Contact }) {
  const t = useT();
  const [open, setOpen] = useState(false);
  return (
    <>
      <IconButton label={t("inbox.rename")} size="sm" onClick={() => setOpen(true)}>
        <Pencil size={13} aria-hidden />
      </IconButton>
      {open && <RenameForm contact={contact} onClose={() => setOpen(false)} />}
    </>
  );
}

function RenameForm({ contact, onClose }: { contact: Contact; onClose: () => void }) {
  const t = useT();
  const again = useAgain();
  const [name, setName] = useState(contact.name);
  const { busy, wrong, run } = useAsking(onClose);
  const save = () =>
    run(async () => {
      await inboxApi.rename(contact.id, name.trim());
      undoable({ title: t("inbox.renamed", { name: tidy(name) }), undo: () => void inboxApi.rename(contact.id, contact.name).then(again, failed) });
    });
  return (
    <Form title={t("inbox.rename")} text={t("inbox.rename.text")} open onOpenChange={onClose} busy={busy} can={name.trim() !== "" && name.trim() !== contact.name} confirm={t("common.save")} onSubmit={() => void save()}>
      <Field label={t("inbox.name")} error={wrong.name} required>
        <Input value={name} maxLength={LONGEST_NAME} dir="auto" onChange={(event) => setName(event.target.value)} />
      </Field>
    </Form>
  );
}

const KINDS = ["phone", "email", "username"] as const;
type Kind = (typeof KINDS)[number];
const KIND_TEXT: Readonly<Record<Kind, TextKey>> = { phone: "inbox.identity.phone", email: "inbox.identity.email", username: "inbox.identity.username" };

export function AddIdentity({ contact }: { contact: Contact }) {
  const t = useT();
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button size="sm" variant="ghost" icon={<Plus size={14} aria-hidden />} onClick={() => setOpen(true)}>
        {t("inbox.identity.add")}
      </Button>
      {open && <AddForm contact={contact} onClose={() => setOpen(false)} />}
    </>
  );
}

function AddForm({ contact, onClose }: { contact: Contact; onClose: () => void }) {
  const t = useT();
  const again = useAgain();
  const [kind, setKind] = useState<Kind>("phone");
  const [value, setValue] = useState("");
  const { busy, wrong, run } = useAsking(onClose);
  const add = () =>
    run(async () => {
      const known = new Set(contact.identities.map((one) => one.id));
      const made = (await inboxApi.addIdentity(contact.id, kind, value.trim())).identities.find((one) => !known.has(one.id));
      if (made?.id) undoable({ title: t("inbox.identity.added", { value: tidy(made.shown) }), undo: () => void inboxApi.removeIdentity(contact.id, made.id ?? "").then(again, failed) });
    });
  return (
    <Form title={t("inbox.identity.add")} text={t("inbox.identity.add-text")} open onOpenChange={onClose} busy={busy} can={value.trim() !== ""} confirm={t("inbox.identity.add-do")} onSubmit={() => void add()}>
      <Field label={t("inbox.identity.kind")} error={wrong.type}>
        <Select value={kind} onValueChange={(next) => setKind(KINDS.find((one) => one === next) ?? "phone")} options={KINDS.map((one) => ({ value: one, label: t(KIND_TEXT[one]) }))} />
      </Field>
      <Field label={t(KIND_TEXT[kind])} error={wrong.value} required>
        <Input value={value} type={kind === "email" ? "email" : kind === "phone" ? "tel" : "text"} maxLength={256} autoComplete="off" onChange={(event) => setValue(event.target.value)} />
      </Field>
    </Form>
  );
}

/** It stays in the list, struck out: nobody is recognised by it any more. */
export function RemoveIdentity({ contact, identity }: { contact: Contact; identity: Identity }) {
  const t = useT();
  const again = useAgain();
  const [asking, setAsking] = useState(false);
  const { id, shown } = identity;
  if (!id || identity.ended_at) return null;
  const remove = async () => {
    try {
      await inboxApi.removeIdentity(contact.id, id);
      again();
      undoable({ title: t("inbox.identity.removed", { value: tidy(shown) }), undo: () => void inboxApi.addIdentity(contact.id, identity.type, shown).then(again, failed) });
    } catch (error) {
      failed(error);
    }
  };
  return (
    <>
      <IconButton label={t("inbox.identity.remove", { value: tidy(shown) })} size="sm" onClick={() => setAsking(true)}>
        <X size={12} aria-hidden />
      </IconButton>
      <ConfirmDialog open={asking} onOpenChange={setAsking} title={t("inbox.identity.remove", { value: tidy(shown) })} description={t("inbox.identity.remove-text")} confirm={t("inbox.identity.remove-do")} onConfirm={remove} />
    </>
  );
}

export function MergeByHand({ contact }: { contact: Contact }) {
  const t = useT();
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button size="sm" icon={<Users size={14} aria-hidden />} onClick={() => setOpen(true)}>
        {t("inbox.merge.by-hand")}
      </Button>
      {open && <MergeForm contact={contact} onClose={() => setOpen(false)} />}
    </>
  );
}

function MergeForm({ contact, onClose }: { contact: Contact; onClose: () => void }) {
  const t = useT();
  const again = useAgain();
  const [word, setWord] = useState("");
  const [chosen, setChosen] = useState<ContactItem>();
  const [proof, setProof] = useState("");
  const { busy, wrong, run } = useAsking(onClose);
  const wanted = word.trim();
  const { data } = useQuery({ queryKey: ["inbox", "contacts", wanted], enabled: wanted.length >= 2 && !chosen, queryFn: ({ signal }) => inboxApi.contacts(wanted, signal) });
  const found = (data?.items ?? []).filter((one) => !contact.contact_ids.includes(one.id));
  const merge = () =>
    run(async () => {
      if (!chosen) return;
      const { merge_id } = await inboxApi.merge(contact.id, chosen.id, proof.trim());
      undoable({ title: t("inbox.merged"), undo: () => void inboxApi.undoMerge(merge_id).then(again, failed) });
    });
  return (
    <Form title={t("inbox.merge.by-hand")} text={t("inbox.merge.text", { name: tidy(contact.name) })} open onOpenChange={onClose} busy={busy} can={chosen !== undefined} confirm={t("inbox.merge.do")} onSubmit={() => void merge()}>
      <Field label={t("inbox.merge.find")} error={wrong.with ?? wrong.value} required>
        <Input
          value={word}
          autoComplete="off"
          onChange={(event) => {
            setWord(event.target.value);
            setChosen(undefined);
          }}
        />
      </Field>
      {wanted.length >= 2 && !chosen && data && found.length === 0 && <p className="text-sm text-ink-3">{t("common.nothing-found")}</p>}
      {!chosen && found.length > 0 && (
        <ul className="relative grid max-h-48 overflow-auto rounded-md border border-line" aria-label={t("inbox.new.found")}>
          {found.map((one) => (
            <li key={one.id}>
              <button
                type="button"
                className="grid min-h-9 w-full px-2.5 py-1 text-start hover:bg-sunken"
                onClick={() => {
                  setChosen(one);
                  setWord(tidy(one.name));
                }}
              >
                <bdi className="truncate text-md font-medium">{tidy(one.name)}</bdi>
                <span className="truncate text-sm text-ink-2">{one.identities.map((identity) => tidy(identity.shown)).join(" · ")}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      {chosen && (
        <Field label={t("inbox.merge.proof")} error={wrong.proof}>
          <Input value={proof} maxLength={500} onChange={(event) => setProof(event.target.value)} />
        </Field>
      )}
    </Form>
  );
}
