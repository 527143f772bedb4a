import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Problem } from "@/api";
import { onceOpened } from "@/app/once-opened";
import { Button, Dialog, Field, Input, Select, Textarea, toast } from "@/design";
import { useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { type NewMessage, type TemplateToSend, inboxApi } from "./api";
import { segmentsOf } from "./compose-core";
import { useAccounts } from "./data";
import { inbox } from "./store";
import { tidy } from "./words";

const TemplatesDialog = onceOpened(async () => (await import("./templates")).TemplatesDialog);

/** Channels that a conversation can be begun on: a bot of Telegram's cannot write first. */
const BEGINS = new Set(["whatsapp", "twilio"]);

/** Writes to somebody first. */
export function NewConversation({ open, onOpenChange, onBegun }: { open: boolean; onOpenChange: (open: boolean) => void; onBegun: (id: string) => void }) {
  const t = useT();
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={t("inbox.new")} description={t("inbox.new.text")}>
      <Form
        onBegun={(id) => {
          onOpenChange(false);
          onBegun(id);
        }}
      />
    </Dialog>
  );
}

function Form({ onBegun }: { onBegun: (id: string) => void }) {
  const t = useT();
  const accounts = useAccounts().filter((one) => one.enabled && BEGINS.has(one.type));
  const [account, setAccount] = useState<string>();
  const [to, setTo] = useState("");
  const [contact, setContact] = useState<{ id: string; name: string }>();
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const [problems, setProblems] = useState<Readonly<Record<string, string>>>({});
  const [templates, setTemplates] = useState(false);
  const chosen = accounts.find((one) => one.id === (account ?? accounts[0]?.id));
  const word = to.trim();
  const { data } = useQuery({ queryKey: ["inbox", "contacts", word], enabled: word.length >= 2 && !contact, queryFn: ({ signal }) => inboxApi.contacts(word, signal) });
  const people = (data?.items ?? []).flatMap((one) => one.identities.filter((identity) => identity.type === "phone").map((identity) => ({ id: one.id, name: tidy(one.name), number: identity.value })));
  const begin = async (message: NewMessage) => {
    if (!chosen || busy) return;
    setBusy(true);
    setProblems({});
    try {
      const conversation = await inboxApi.begin({ channel_account_id: chosen.id, to: word, message, ...(contact ? { contact_id: contact.id } : {}) });
      inbox.take(conversation);
      onBegun(conversation.id);
    } catch (error) {
      setBusy(false);
      if (error instanceof Problem && error.code === "window-closed") setTemplates(true);
      else if (error instanceof Problem && Object.keys(error.fields).length > 0) setProblems(error.fields);
      else toast({ title: t("inbox.failed"), description: problemText(error), tone: "bad" });
    }
  };
  const whatsapp = chosen?.type === "whatsapp";
  const { segments, left, encoding } = segmentsOf(text);
  if (accounts.length === 0) return <p className="text-md text-ink-2">{t("inbox.new.none")}</p>;
  return (
    <form
      className="grid gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        if (whatsapp) setTemplates(true);
        else void begin({ text: text.trim() });
      }}
    >
      <Field label={t("inbox.new.account")} error={problems.channel_account_id}>
        <Select value={chosen?.id} onValueChange={setAccount} options={accounts.map((one) => ({ value: one.id, label: one.name }))} />
      </Field>
      <Field label={t("inbox.new.to")} error={problems.to} hint={t("inbox.new.to-hint")} required>
        <Input
          value={to}
          autoComplete="off"
          inputMode="tel"
          onChange={(event) => {
            setTo(event.target.value);
            setContact(undefined);
          }}
        />
      </Field>
      {people.length > 0 && (
        <ul className="grid max-h-40 overflow-auto rounded-md border border-line" aria-label={t("inbox.new.found")}>
          {people.map((one) => (
            <li key={`${one.id}${one.number}`}>
              <button
                type="button"
                className="flex min-h-9 w-full items-center gap-3 px-2.5 text-start text-md hover:bg-sunken"
                onClick={() => {
                  setTo(one.number);
                  setContact({ id: one.id, name: one.name });
                }}
              >
                <bdi className="min-w-0 flex-1 truncate font-medium">{one.name}</bdi>
                <span className="num text-sm text-ink-2">{one.number}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      {whatsapp ? (
        <p className="text-md text-ink-2">{t("inbox.new.template")}</p>
      ) : (
        <Field label={t("inbox.new.message")} error={problems["message.text"] ?? problems.message} hint={text ? t("inbox.sms.count", { left: String(left), n: segments, encoding }) : undefined} required>
          <Textarea value={text} dir="auto" onChange={(event) => setText(event.target.value)} />
        </Field>
      )}
      <Button type="submit" variant="primary" className="justify-self-end" busy={busy} disabled={word === "" || (!whatsapp && text.trim() === "")}>
        {whatsapp ? t("inbox.template.pick") : t("inbox.send")}
      </Button>
      {chosen && whatsapp && (
        <TemplatesDialog
          open={templates}
          onOpenChange={setTemplates}
          account={chosen.id}
          contactName={contact?.name ?? ""}
          onSend={(template: TemplateToSend) => {
            setTemplates(false);
            void begin({ template });
          }}
        />
      )}
    </form>
  );
}
