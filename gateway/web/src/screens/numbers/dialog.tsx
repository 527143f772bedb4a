import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Problem } from "@/api";
import { Banner, Button, Combobox, Dialog, Field, Input, RadioGroup, Select, grouped, toast } from "@/design";
import { t as text, useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { strayFaults, useFirstWrong } from "../channels/wrong";
import type { Schedule } from "../hours/model";
import { weekOf } from "../hours/week";
import { weekText } from "../hours/words";
import { numbersApi } from "./api";
import type { Targets } from "./data";
import { EMPTY, LONGEST_LABEL, NONE, type NumberDraft, bodyOf, changesOf, draftOf, faultsOf } from "./draft";
import { type InboundNumber, RECORDINGS } from "./model";

interface Props {
  number: InboundNumber | undefined;
  others: readonly string[];
  targets: Targets;
  schedules: readonly Schedule[];
  sites: readonly { id: string; name: string }[];
  onClose: () => void;
}

/** A target that is gone is nothing that could be chosen again. */
function known(choice: string, targets: Targets): string | undefined {
  return targets.options.some((one) => one.value === choice) ? choice : undefined;
}

export function NumberDialog({ number, others, targets, schedules, sites, onClose }: Props) {
  const t = useT();
  const queries = useQueryClient();
  const [before] = useState<NumberDraft>(() => (number ? draftOf(number) : EMPTY));
  const [draft, setDraft] = useState(before);
  const [tried, setTried] = useState(false);
  const change = (part: Partial<NumberDraft>) => setDraft((now) => ({ ...now, ...part }));
  const faults = faultsOf(draft, number ? [] : others);
  const save = useMutation({
    mutationFn: () => (number ? numbersApi.change(number, changesOf(before, draft)) : numbersApi.create(bodyOf(draft))),
    onSuccess: async () => {
      toast({ title: text("numbers.saved", { number: grouped(bodyOf(draft).number) }), tone: "good" });
      await Promise.all([queries.invalidateQueries({ queryKey: ["numbers"] }), queries.invalidateQueries({ queryKey: ["schedules"] })]);
      onClose();
    },
    onError: () => void queries.invalidateQueries({ queryKey: ["numbers"] }),
  });
  useFirstWrong("number", save.error);
  const problem = save.error instanceof Problem ? save.error : undefined;
  const errors: Readonly<Record<string, string>> = problem?.fields ?? {};
  // Or there are too many.
  const taken = problem?.code === "number-taken";
  const stray = strayFaults(save.error, ["number", "label", "target", "schedule_id", "closed_target", "site_id", "recording"]);
  const numberError = taken ? t("numbers.taken") : (errors.number ?? (tried && faults.number ? t(`numbers.fault.${faults.number}`) : undefined));
  const schedule = schedules.find((one) => one.id === draft.schedule);
  const dirty = !number || Object.keys(changesOf(before, draft)).length > 0;
  const name = (choice: string) => targets.options.find((one) => one.value === choice)?.label;
  const to = name(draft.target);
  const closedTo = name(draft.closed);
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={number ? t("numbers.change", { number: grouped(number.number) }) : t("numbers.add")}
      footer={
        <Button type="submit" form="number" variant="primary" busy={save.isPending} disabled={!dirty}>
          {t("common.save")}
        </Button>
      }
    >
      <form
        id="number"
        noValidate
        className="grid gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          setTried(true);
          if (Object.keys(faults).length === 0 && dirty && !save.isPending) save.mutate();
        }}
      >
        {save.error && !taken && (stray.length > 0 || Object.keys(errors).length === 0) && (
          <Banner tone="bad" className="rounded-md">
            <div role="alert">{problem?.status === 412 ? t("numbers.changed-meanwhile") : stray.length > 0 ? stray.join(" · ") : problemText(save.error)}</div>
          </Banner>
        )}
        {!number && (
          <Field label={t("numbers.number")} hint={t("numbers.number-hint")} error={numberError}>
            <Input
              type="tel"
              dir="ltr"
              maxLength={32}
              autoComplete="off"
              className="num"
              value={draft.number}
              onChange={(event) => {
                change({ number: event.target.value });
                // What is being mended is no longer complained of.
                if (save.error) save.reset();
              }}
            />
          </Field>
        )}
        <Field label={t("numbers.label")} hint={t("numbers.label-hint")} error={errors.label}>
          <Input maxLength={LONGEST_LABEL} value={draft.label} onChange={(event) => change({ label: event.target.value })} />
        </Field>
        <Field label={t("numbers.leads-to")} hint={t("numbers.leads-to-hint")} error={errors.target ?? (tried && faults.target ? t("numbers.fault.target") : draft.target !== "" && !known(draft.target, targets) ? t("numbers.to.gone-choose") : undefined)}>
          <Combobox value={known(draft.target, targets)} placeholder={t("numbers.choose")} onValueChange={(target) => change({ target })} options={targets.options} />
        </Field>
        <Field label={t("numbers.hours")} hint={schedule ? weekText(weekOf(schedule.week)) : t("numbers.hours-hint")} error={errors.schedule_id}>
          <Select value={draft.schedule} onValueChange={(next) => change({ schedule: next })} options={[{ value: NONE, label: t("numbers.always") }, ...schedules.map((one) => ({ value: one.id, label: one.name }))]} />
        </Field>
        {draft.schedule !== NONE && (
          <Field label={t("numbers.when-closed")} hint={t("numbers.when-closed-hint")} error={errors.closed_target ?? (!known(draft.closed, targets) ? t("numbers.to.gone-choose") : undefined)}>
            <Combobox value={known(draft.closed, targets)} onValueChange={(closed) => change({ closed })} options={targets.options} />
          </Field>
        )}
        {sites.length > 0 && (
          <Field label={t("numbers.site")} error={errors.site_id}>
            <Select value={draft.site} onValueChange={(site) => change({ site })} options={[{ value: NONE, label: t("numbers.site-none") }, ...sites.map((one) => ({ value: one.id, label: one.name }))]} />
          </Field>
        )}
        <fieldset className="grid gap-1">
          <legend className="mb-1 text-sm font-medium text-ink-2">{t("numbers.recording")}</legend>
          <RadioGroup
            label={t("numbers.recording")}
            value={draft.recording}
            onValueChange={(next) => change({ recording: RECORDINGS.find((one) => one === next) ?? "as_queue" })}
            options={RECORDINGS.map((one) => ({ value: one, label: t(`numbers.recording.${one}`), description: t(`numbers.recording-about.${one}`) }))}
          />
          {errors.recording && <p className="text-sm text-bad">{errors.recording}</p>}
        </fieldset>
        {to && (
          <p className="rounded-md bg-sunken px-3 py-2 text-md" data-summary>
            {schedule ? t("numbers.summary-hours", { to, schedule: schedule.name, closed: closedTo ?? "…" }) : t("numbers.summary", { to })}
          </p>
        )}
      </form>
    </Dialog>
  );
}
