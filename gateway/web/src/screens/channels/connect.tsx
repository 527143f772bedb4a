import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Problem, newKey } from "@/api";
import { Banner, Button, Dialog, Field, Input, RadioGroup, Select } from "@/design";
import { type TextKey, t as text, useT } from "@/i18n";
import { useQueues } from "@/live";
import { problemText } from "../calls/problem-text";
import { type ChannelAccount, type Checked, KINDS, type Kind, channelsApi } from "./api";
import { Check } from "./check";
import { NONE } from "./draft";
import { FIELDS, faultsOf, typedSettings, wanting } from "./fields";
import { ProviderFields } from "./provider-fields";
import { WebhookAddress } from "./webhook-address";
import { kindText } from "./words";
import { strayFaults, useFirstWrong } from "./wrong";

/** How many things have to be done at the provider before there is something to type here. */
const STEPS: Readonly<Record<Kind, number>> = { whatsapp: 5, telegram: 3, twilio: 2 };

function madeTitle({ name, type }: ChannelAccount, checked: Checked | "pending" | "failed", wrong: boolean): string {
  if (checked === "pending") return text("channels.connect.checking", { name });
  if (wrong) return text("channels.connect.wrong", { name });
  // Telegram is told by us; the others have to be told by whoever connects them.
  if (type === "telegram") return text(typeof checked === "object" && checked.good ? "channels.connect.works" : "channels.connect.kept", { name });
  return text("channels.connect.made", { name });
}

/** Which provider; what to fetch there; where it is to post to. */
export function Connect({ onClose }: { onClose: (made?: ChannelAccount) => void }) {
  const t = useT();
  const queries = useQueryClient();
  const queues = useQueues();
  const [kind, setKind] = useState<Kind>("whatsapp");
  const [chosen, setChosen] = useState(false);
  const [name, setName] = useState("");
  const [queue, setQueue] = useState(NONE);
  const [values, setValues] = useState<Readonly<Record<string, string>>>({});
  // What Meta shows again when it is told of us: no word that somebody could guess.
  const [verifyToken] = useState(newKey);
  const [made, setMade] = useState<ChannelAccount>();
  const [checked, setChecked] = useState<Checked | "pending" | "failed">("pending");
  /** It is made, and what was typed is changed once more. */
  const [mending, setMending] = useState(false);
  const make = useMutation({
    mutationFn: async () => {
      const typed = { name: name.trim() || kindText(kind), settings: typedSettings(kind, values), queue_id: queue === NONE ? null : queue };
      if (!made) return channelsApi.create({ ...typed, type: kind, settings: { ...typed.settings, ...(kind === "whatsapp" ? { verify_token: verifyToken } : {}) } });
      // The check has written what it found meanwhile.
      const now = (await channelsApi.list()).items.find((one) => one.id === made.id);
      return channelsApi.change(now ?? made, typed);
    },
    onSuccess: (account) => {
      setMade(account);
      setChecked("pending");
      setMending(false);
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["channels"] }),
  });
  const found = typeof checked === "object" ? faultsOf(kind, checked.findings) : {};
  const errors: Readonly<Record<string, string>> = make.error instanceof Problem ? make.error.fields : mending && make.isIdle ? found : {};
  const stray = strayFaults(make.error, ["name", "queue_id", ...FIELDS[kind].map((one) => `settings.${one.name}`)]);
  useFirstWrong("connect", make.error);
  const wrong = Object.keys(found).length > 0;
  const shown = made !== undefined && !mending;
  const ready = wanting(kind, values).length === 0;
  const back = (
    <Button
      onClick={() => {
        make.reset();
        if (mending) setMending(false);
        else setChosen(false);
      }}
    >
      {t("channels.connect.back")}
    </Button>
  );
  const mend = () => {
    make.reset();
    setMending(true);
    const [first] = Object.keys(found);
    // Once it is drawn.
    setTimeout(() => document.querySelector<HTMLElement>(first ? '#connect [aria-invalid="true"]' : "#connect input")?.focus());
  };
  const footer: ReactNode = shown ? (
    <>
      {wrong && (
        <Button variant="primary" onClick={mend}>
          {t("channels.connect.mend")}
        </Button>
      )}
      <Button variant={wrong ? "secondary" : "primary"} onClick={() => onClose(made)}>
        {wrong ? t("channels.connect.later") : t("channels.connect.done")}
      </Button>
    </>
  ) : chosen ? (
    <>
      {back}
      <Button type="submit" form="connect" variant="primary" busy={make.isPending} disabled={!ready}>
        {mending ? t("common.save") : t("channels.connect.make")}
      </Button>
    </>
  ) : (
    <Button variant="primary" onClick={() => setChosen(true)}>
      {t("channels.connect.next")}
    </Button>
  );
  return (
    <Dialog
      open
      size="lg"
      onOpenChange={(open) => {
        if (!open) onClose(made);
      }}
      title={shown ? madeTitle(made, checked, wrong) : chosen ? t("channels.connect.title", { kind: kindText(kind) }) : t("channels.connect")}
      footer={footer}
    >
      {shown ? (
        <div className="grid gap-4">
          {!wrong && <WebhookAddress account={made} />}
          <Check key={made.updated_at} account={made} atOnce onChecked={(now) => setChecked(now ?? "failed")} />
        </div>
      ) : chosen ? (
        <form
          id="connect"
          className="grid gap-4"
          onSubmit={(event) => {
            event.preventDefault();
            if (ready && !make.isPending) make.mutate();
          }}
        >
          <section aria-label={t("channels.connect.steps")}>
            <ol className="grid list-decimal gap-1.5 ps-5 text-md text-ink-2">
              {Array.from({ length: STEPS[kind] }, (_, step) => (
                <li key={step}>{t(`channels.steps.${kind}-${String(step + 1)}` as TextKey)}</li>
              ))}
            </ol>
          </section>
          {make.error && (stray.length > 0 || Object.keys(errors).length === 0) && (
            <Banner tone="bad" className="rounded-md">
              {stray.length > 0 ? stray.join(" · ") : problemText(make.error)}
            </Banner>
          )}
          <Field label={t("channels.name")} hint={t("channels.name-hint")} error={errors.name}>
            <Input maxLength={100} value={name} placeholder={kindText(kind)} onChange={(event) => setName(event.target.value)} />
          </Field>
          <ProviderFields kind={kind} values={values} onChange={setValues} errors={errors} />
          <Field label={t("channels.queue")} hint={t("channels.queue-hint")} error={errors.queue_id}>
            <Select value={queue} onValueChange={setQueue} options={[{ value: NONE, label: t("channels.queue-none") }, ...queues.map((one) => ({ value: one.id, label: one.name }))]} />
          </Field>
        </form>
      ) : (
        <RadioGroup
          label={t("channels.connect")}
          value={kind}
          onValueChange={(next) => setKind(KINDS.find((one) => one === next) ?? "whatsapp")}
          options={KINDS.map((one) => ({ value: one, label: kindText(one), description: t(`channels.about.${one}`) }))}
        />
      )}
    </Dialog>
  );
}
