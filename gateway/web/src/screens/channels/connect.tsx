import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Problem, newKey } from "@/api";
import { Banner, Button, Dialog, Field, Input, RadioGroup, Select } from "@/design";
import { type TextKey, useT } from "@/i18n";
import { useQueues } from "@/live";
import { problemText } from "../calls/problem-text";
import { type ChannelAccount, KINDS, type Kind, channelsApi } from "./api";
import { Check } from "./check";
import { NONE } from "./draft";
import { typedSettings, wanting } from "./fields";
import { ProviderFields } from "./provider-fields";
import { WebhookAddress } from "./webhook-address";
import { kindText } from "./words";

/** How many things have to be done at the provider before there is something to type here. */
const STEPS: Readonly<Record<Kind, number>> = { whatsapp: 5, telegram: 3, twilio: 2 };

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
  const make = useMutation({
    mutationFn: () =>
      channelsApi.create({
        type: kind,
        name: name.trim() || kindText(kind),
        settings: { ...typedSettings(kind, values), ...(kind === "whatsapp" ? { verify_token: verifyToken } : {}) },
        queue_id: queue === NONE ? null : queue,
      }),
    onSettled: () => queries.invalidateQueries({ queryKey: ["channels"] }),
  });
  const errors = make.error instanceof Problem ? make.error.fields : {};
  const made = make.data;
  const ready = wanting(kind, values).length === 0;
  const back = (
    <Button
      onClick={() => {
        make.reset();
        setChosen(false);
      }}
    >
      {t("channels.connect.back")}
    </Button>
  );
  const footer: ReactNode = made ? (
    <Button variant="primary" onClick={() => onClose(made)}>
      {t("channels.connect.done")}
    </Button>
  ) : chosen ? (
    <>
      {back}
      <Button type="submit" form="connect" variant="primary" busy={make.isPending} disabled={!ready}>
        {t("channels.connect.make")}
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
      title={made ? t("channels.connect.made", { name: made.name }) : chosen ? t("channels.connect.title", { kind: kindText(kind) }) : t("channels.connect")}
      footer={footer}
    >
      {made ? (
        <div className="grid gap-4">
          <WebhookAddress account={made} />
          <Check account={made} />
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
          {make.error && Object.keys(errors).length === 0 && (
            <Banner tone="bad" className="rounded-md">
              {problemText(make.error)}
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
