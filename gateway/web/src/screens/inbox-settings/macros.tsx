import { ArrowDown, ArrowUp, Plus, Trash2, Zap } from "lucide-react";
import { useRef, useState } from "react";
import { Button, Combobox, Field, IconButton, Input, Menu, Select, Textarea } from "@/design";
import { useT } from "@/i18n";
import { useLabels, useNames } from "../inbox/data";
import { priorityText } from "../inbox/words";
import { type Macro, type Step, macros } from "./api";
import { FormDialog, ShelfList, usePut } from "./shelf";
import { DOES, MOST_STEPS, isWhole, moved, newStep } from "./steps";
import { Variables } from "./variables";

const NOBODY = "nobody";
const PRIORITIES = [0, 1, 2, 3, 4] as const;

export function Macros() {
  const t = useT();
  return (
    <ShelfList
      what="macros"
      shelf={macros}
      icon={<Zap size={30} />}
      nameOf={(one) => one.name}
      row={(one) => (
        <>
          <h3 className="font-medium">{one.name}</h3>
          <p className="text-md break-words text-ink-2">{one.steps.map((step) => t(`inboxtools.do.${step.do}`)).join(" · ")}</p>
        </>
      )}
      form={(one, onClose) => <MacroForm macro={one} onClose={onClose} />}
    />
  );
}

interface Draft {
  readonly key: number;
  readonly step: Step;
}

function MacroForm({ macro, onClose }: { macro: Macro | undefined; onClose: () => void }) {
  const t = useT();
  const [name, setName] = useState(macro?.name ?? "");
  const [drafts, setDrafts] = useState<readonly Draft[]>(() => (macro?.steps ?? []).map((step, key) => ({ key, step })));
  const { put, error, errors } = usePut(macros, macro, onClose);
  const change = (key: number, step: Step) => setDrafts((all) => all.map((one) => (one.key === key ? { key, step } : one)));
  return (
    <FormDialog
      size="lg"
      title={macro ? t("inboxtools.edit", { name: macro.name }) : t("inboxtools.add.macros")}
      onClose={onClose}
      put={put}
      error={error}
      shown={errors.name !== undefined}
      ready={name.trim() !== "" && drafts.length > 0 && drafts.every(({ step }) => isWhole(step))}
      onSubmit={() => put.mutate({ name: name.trim(), steps: drafts.map(({ step }) => step) })}
    >
      <Field label={t("inboxtools.name")} error={errors.name}>
        <Input maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
      </Field>
      <section aria-label={t("inboxtools.steps")} className="grid gap-2">
        <h3 className="text-sm font-medium text-ink-2">{t("inboxtools.steps")}</h3>
        {drafts.length === 0 && <p className="text-md text-ink-3">{t("inboxtools.steps-none")}</p>}
        <ol className="grid gap-2">
          {drafts.map(({ key, step }, at) => (
            <li key={key} className="flex items-start gap-2 rounded-md border border-line p-2.5">
              <div className="grid min-w-0 flex-1 gap-2">
                <h4 className="font-medium">{t(`inboxtools.do.${step.do}`)}</h4>
                <StepFields step={step} onChange={(next) => change(key, next)} />
              </div>
              <IconButton label={t("inboxtools.step-up", { n: at + 1 })} size="sm" disabled={at === 0} onClick={() => setDrafts(moved(drafts, at, -1))}>
                <ArrowUp size={14} aria-hidden />
              </IconButton>
              <IconButton label={t("inboxtools.step-down", { n: at + 1 })} size="sm" disabled={at === drafts.length - 1} onClick={() => setDrafts(moved(drafts, at, 1))}>
                <ArrowDown size={14} aria-hidden />
              </IconButton>
              <IconButton label={t("inboxtools.step-remove", { n: at + 1 })} size="sm" onClick={() => setDrafts(drafts.filter((one) => one.key !== key))}>
                <Trash2 size={14} aria-hidden />
              </IconButton>
            </li>
          ))}
        </ol>
        {drafts.length < MOST_STEPS && (
          <div>
            <Menu
              align="start"
              label={t("inboxtools.step-add")}
              trigger={
                <Button size="sm" icon={<Plus size={14} aria-hidden />}>
                  {t("inboxtools.step-add")}
                </Button>
              }
              items={DOES.map((does) => ({ label: t(`inboxtools.do.${does}`), onSelect: () => setDrafts((all) => [...all, { key: Math.max(0, ...all.map((one) => one.key)) + 1, step: newStep(does) }]) }))}
            />
          </div>
        )}
      </section>
    </FormDialog>
  );
}

function StepFields({ step, onChange }: { step: Step; onChange: (step: Step) => void }) {
  const t = useT();
  const labels = useLabels();
  const names = useNames();
  const area = useRef<HTMLTextAreaElement>(null);
  switch (step.do) {
    case "reply":
    case "note": {
      const set = (text: string) => onChange({ ...step, text });
      return (
        <>
          <Textarea ref={area} aria-label={t("inboxtools.text")} rows={3} maxLength={4096} value={step.text} onChange={(event) => set(event.target.value)} />
          {step.do === "reply" && <Variables area={area} text={step.text} onChange={set} />}
        </>
      );
    }
    case "label":
    case "unlabel":
      return <Select aria-label={t("inboxtools.which-label")} placeholder={t("inboxtools.which-label")} value={step.label_id || undefined} onValueChange={(label_id) => onChange({ ...step, label_id })} options={labels.map((one) => ({ value: one.id, label: one.name }))} />;
    case "assign": {
      const kinds = [
        ["agent", names.agents],
        ["team", names.teams],
        ["queue", names.queues],
      ] as const;
      const value = step.agent_id ? `agent:${step.agent_id}` : step.team_id ? `team:${step.team_id}` : step.queue_id ? `queue:${step.queue_id}` : NOBODY;
      return (
        <Combobox
          aria-label={t("inboxtools.to-whom")}
          value={value}
          onValueChange={(next) => {
            const [kind, id = ""] = next.split(":");
            onChange({ do: "assign", ...(kind === "agent" ? { agent_id: id } : kind === "team" ? { team_id: id } : kind === "queue" ? { queue_id: id } : {}) });
          }}
          options={[{ value: NOBODY, label: t("inboxtools.nobody") }, ...kinds.flatMap(([kind, all]) => all.map((one) => ({ value: `${kind}:${one.id}`, label: `${one.name} · ${t(`inboxtools.a.${kind}`)}` })))]}
        />
      );
    }
    case "priority":
      return <Select aria-label={t("inboxtools.priority")} value={String(step.priority)} onValueChange={(next) => onChange({ ...step, priority: Number(next) })} options={PRIORITIES.map((one) => ({ value: String(one), label: priorityText(one) }))} />;
    case "snooze":
      return (
        <Field label={t("inboxtools.minutes")} className="max-w-40">
          <Input inputMode="numeric" value={Number.isNaN(step.minutes) ? "" : String(step.minutes)} onChange={(event) => onChange({ ...step, minutes: event.target.value.trim() === "" ? NaN : Number(event.target.value) })} />
        </Field>
      );
    case "spam":
      return (
        <Select
          aria-label={t("inboxtools.do.spam")}
          value={String(step.spam)}
          onValueChange={(next) => onChange({ ...step, spam: next === "true" })}
          options={[
            { value: "true", label: t("inboxtools.is-spam") },
            { value: "false", label: t("inboxtools.no-spam") },
          ]}
        />
      );
    default:
      return null;
  }
}
