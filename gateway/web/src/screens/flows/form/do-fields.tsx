/** The fields of each kind of step. */
import { ArrowUp, Plus, Trash2 } from "lucide-react";
import type { ReactNode } from "react";
import { Button, Combobox, Field, IconButton, Input, RadioGroup, Select } from "@/design";
import { useT } from "@/i18n";
import { type Case, type Do, type DoOf, HANG_UP_REASONS, type HangUpReason, type Is, KEYS, type Key, type Say, exitsOf } from "../model";
import { MOST, RANGES } from "../validate";
import { exitName } from "../words";
import { useFault, useForm } from "./context";
import { ExitField } from "./exit-field";
import { Figure } from "./figure";
import { LanguageField } from "./language-field";
import { Pairs } from "./pairs";
import { SayField } from "./say-field";
import { TemplateField } from "./template-field";

interface Props<D> {
  what: D;
  set: (part: Partial<D>, field: string) => void;
}

/** All of them for one step. */
export function DoFields({ what }: { what: Do }) {
  const { change } = useForm();
  const set = (part: object, field: string) => change({ ...what, ...part } as Do, field);
  switch (what.type) {
    case "play":
      return <Play what={what} set={set} />;
    case "menu":
      return <MenuFields what={what} set={set} />;
    case "gather":
      return <Gather what={what} set={set} />;
    case "hours":
      return <Hours what={what} set={set} />;
    case "language":
      return <LanguageField field="language" value={what.language} onChange={(language) => set({ language }, "language")} />;
    case "http":
      return <Http what={what} set={set} />;
    case "set":
      return <SetFields what={what} set={set} />;
    case "branch":
      return <Branch what={what} set={set} />;
    case "recording":
      return <Recording what={what} set={set} />;
    case "queue":
      return <Queue what={what} set={set} />;
    case "dial":
      return <Dial what={what} set={set} />;
    case "voicemail":
      return <VoicemailFields what={what} set={set} />;
    case "callback":
      return <Callback what={what} set={set} />;
    case "flow":
      return <Flow what={what} set={set} />;
    case "hang_up":
      return <HangUp what={what} set={set} />;
  }
}

/** The ways out that have no field of their own beside what they are about. */
export function Exits({ what }: { what: Do }) {
  const t = useT();
  const exits = exitsOf(what).filter(({ id }) => !id.startsWith("keys.") && !id.startsWith("cases."));
  if (exits.length === 0) return exitsOf(what).length === 0 ? <p className="text-sm text-ink-3">{t("flows.ends-here")}</p> : null;
  return (
    <section aria-label={t("flows.exits")} className="grid gap-3 border-t border-line pt-3">
      {exits.map(({ id, to }) => (
        <ExitField key={id} exit={id} label={exitName(what, id)} to={to} />
      ))}
    </section>
  );
}

const Two = ({ children }: { children: ReactNode }) => <div className="grid grid-cols-2 items-start gap-3">{children}</div>;

function Play({ what, set }: Props<DoOf<"play">>) {
  const t = useT();
  return <SayField field="say" label={t("flows.field.say")} say={what.say} onChange={(say, field) => set({ say }, field)} />;
}

interface AskingProps {
  what: DoOf<"menu"> | DoOf<"gather">;
  set: (part: { timeout_seconds?: number; tries?: number; wrong?: Say }, field: string) => void;
  wrong: string;
}

function Asking({ what, set, wrong }: AskingProps) {
  const t = useT();
  const { min, max } = RANGES.timeout_seconds;
  return (
    <>
      <Two>
        <Figure field="timeout_seconds" range="timeout_seconds" label={t("flows.field.timeout_seconds")} hint={t("flows.field.timeout-hint", { min, max })} value={what.timeout_seconds} onChange={(timeout_seconds) => set({ timeout_seconds }, "timeout_seconds")} />
        <Figure field="tries" range="tries" label={t("flows.field.tries")} value={what.tries} onChange={(tries) => set({ tries }, "tries")} />
      </Two>
      <SayField field="wrong" label={wrong} hint={t("flows.field.wrong-hint")} say={what.wrong} onChange={(next, field) => set({ wrong: next }, field)} />
    </>
  );
}

function MenuFields({ what, set }: Props<DoOf<"menu">>) {
  const t = useT();
  const error = useFault("keys");
  const used = KEYS.filter((key) => key in what.keys);
  const free = KEYS.filter((key) => !(key in what.keys));
  return (
    <>
      <SayField field="say" label={t("flows.field.say")} say={what.say} onChange={(say, field) => set({ say }, field)} />
      <section aria-label={t("flows.field.keys")} data-field="keys" className="grid gap-3 border-t border-line pt-3">
        <h3 className="text-sm font-semibold">{t("flows.field.keys")}</h3>
        {used.map((key) => (
          <div key={key} className="flex items-start gap-1.5">
            <div className="min-w-0 flex-1">
              <ExitField exit={`keys.${key}`} label={t("flows.exit.key", { key })} to={what.keys[key] ?? null} />
            </div>
            <div className="pt-6">
              <IconButton label={t("flows.field.remove-key", { key })} size="sm" onClick={() => set({ keys: Object.fromEntries(Object.entries(what.keys).filter(([one]) => one !== key)) }, "")}>
                <Trash2 size={14} aria-hidden />
              </IconButton>
            </div>
          </div>
        ))}
        {error && <p className="text-sm text-bad">{error}</p>}
        {free.length > 0 && (
          <div role="group" aria-label={t("flows.field.add-key")} className="flex flex-wrap items-center gap-1">
            <span className="text-sm text-ink-3">{t("flows.field.add-key")}</span>
            {free.map((key) => (
              <Button key={key} size="sm" className="num min-w-7 px-0" aria-label={`${t("flows.field.add-key")}: ${key}`} onClick={() => set({ keys: { ...what.keys, [key]: null } }, "")}>
                {key}
              </Button>
            ))}
          </div>
        )}
      </section>
      <Asking what={what} set={set} wrong={t("flows.field.wrong")} />
    </>
  );
}

function VariableField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const t = useT();
  const error = useFault("variable");
  return (
    <div data-field="variable">
      <Field label={t("flows.field.variable")} error={error} hint={t("flows.field.variable-hint", { example: `{{${value || "…"}}}` })}>
        <Input maxLength={40} spellCheck={false} autoComplete="off" className="font-mono" value={value} onChange={(event) => onChange(event.target.value)} />
      </Field>
    </div>
  );
}

const NO_KEY = "none";

function Gather({ what, set }: Props<DoOf<"gather">>) {
  const t = useT();
  return (
    <>
      <SayField field="say" label={t("flows.field.say")} say={what.say} onChange={(say, field) => set({ say }, field)} />
      <VariableField value={what.variable} onChange={(variable) => set({ variable }, "variable")} />
      <Two>
        <Figure field="min" range="min" label={t("flows.field.min")} value={what.min} onChange={(min) => set({ min }, "min")} />
        <Figure field="max" range="max" label={t("flows.field.max")} value={what.max} onChange={(max) => set({ max }, "max")} />
      </Two>
      <div data-field="terminator">
        <Field label={t("flows.field.terminator")} error={useFault("terminator")}>
          <Select
            value={what.terminator ?? NO_KEY}
            onValueChange={(key) => set({ terminator: key === "#" || key === "*" ? key : null }, "terminator")}
            options={[
              { value: "#", label: "#" },
              { value: "*", label: "*" },
              { value: NO_KEY, label: t("flows.field.terminator-none") },
            ]}
          />
        </Field>
      </div>
      <Asking what={what} set={set} wrong={t("flows.field.wrong-digits")} />
    </>
  );
}

function Hours({ what, set }: Props<DoOf<"hours">>) {
  const t = useT();
  const { places } = useForm();
  const now = (open: boolean | undefined) => (open === undefined ? "" : ` · ${t(open ? "flows.field.open-now" : "flows.field.closed-now")}`);
  return (
    <div data-field="schedule_id">
      <Field label={t("flows.field.schedule_id")} error={useFault("schedule_id")} hint={t("flows.field.schedule-hint")}>
        <Combobox value={what.schedule_id || undefined} onValueChange={(schedule_id) => set({ schedule_id }, "")} options={places.schedules.map((one) => ({ value: one.id, label: one.name + now(one.open_now) }))} />
      </Field>
    </div>
  );
}

function Http({ what, set }: Props<DoOf<"http">>) {
  const t = useT();
  const { min, max } = RANGES.deadline_ms;
  const [method, url, body] = [useFault("method"), useFault("url"), useFault("body")];
  return (
    <>
      <div data-field="method">
        <Field label={t("flows.field.method")} error={method}>
          <Select
            value={what.method}
            onValueChange={(method) => set({ method: method === "POST" ? "POST" : "GET" }, "")}
            options={[
              { value: "GET", label: "GET" },
              { value: "POST", label: "POST" },
            ]}
          />
        </Field>
      </div>
      <div data-field="url">
        <Field label={t("flows.field.url")} error={url} hint={t("flows.part.text-hint")}>
          <TemplateField rows={2} maxLength={MOST.url} value={what.url} onChange={(url) => set({ url: url.replace(/\n/g, "") }, "url")} />
        </Field>
      </div>
      <Pairs
        field="headers"
        label={t("flows.field.headers")}
        add={t("flows.field.header-add")}
        nameLabel={t("flows.field.header-name")}
        valueLabel={t("flows.field.header-value")}
        value={what.headers}
        most={MOST.headers}
        template
        onChange={(headers, field) => set({ headers }, field)}
      />
      {what.method === "POST" && (
        <div data-field="body">
          <Field label={t("flows.field.body")} error={body} hint={t("flows.part.text-hint")}>
            <TemplateField rows={4} maxLength={MOST.body} value={what.body ?? ""} onChange={(text) => set({ body: text === "" ? null : text }, "body")} />
          </Field>
        </div>
      )}
      <Figure field="deadline_ms" range="deadline_ms" label={t("flows.field.deadline_ms")} hint={t("flows.field.deadline-hint", { min, max })} value={what.deadline_ms} onChange={(deadline_ms) => set({ deadline_ms }, "deadline_ms")} />
      <Pairs
        field="save"
        label={t("flows.field.save")}
        hint={t("flows.field.save-hint")}
        add={t("flows.field.save-add")}
        nameLabel={t("flows.field.save-name")}
        valueLabel={t("flows.field.save-pointer")}
        value={what.save}
        most={MOST.save}
        onChange={(save, field) => set({ save }, field)}
      />
    </>
  );
}

function SetFields({ what, set }: Props<DoOf<"set">>) {
  const t = useT();
  return (
    <>
      <VariableField value={what.variable} onChange={(variable) => set({ variable }, "variable")} />
      <div data-field="value">
        <Field label={t("flows.field.value")} error={useFault("value")} hint={t("flows.part.text-hint")}>
          <TemplateField maxLength={MOST.value} value={what.value} onChange={(value) => set({ value }, "value")} />
        </Field>
      </div>
    </>
  );
}

const ISES: readonly Is[] = ["equals", "not_equals", "starts_with", "set", "not_set"];

function Branch({ what, set }: Props<DoOf<"branch">>) {
  const t = useT();
  const { faults } = useForm();
  const error = useFault("cases");
  const put = (at: number, part: Partial<Case>, field: string) => set({ cases: what.cases.map((one, index) => (index === at ? { ...one, ...part } : one)) }, field);
  return (
    <section aria-label={t("flows.field.cases")} data-field="cases" className="grid gap-3">
      <div>
        <h3 className="text-sm font-semibold">{t("flows.field.cases")}</h3>
        <p className="text-sm text-ink-3">{t("flows.field.cases-hint")}</p>
      </div>
      <ol className="grid gap-2">
        {what.cases.map((one, at) => {
          const n = at + 1;
          const place = `cases.${String(at)}`;
          const wrong = (field: string) => faults.some((fault) => fault.field === `${place}.${field}`);
          const compares = one.is !== "set" && one.is !== "not_set";
          return (
            // Cases have no name of their own; they are moved one by one.
            <li key={String(at)} data-field={place} className="grid gap-2 rounded-md border border-line bg-bg p-2">
              <div className="flex items-center gap-1">
                <h4 className="flex-1 text-sm font-medium text-ink-2">{t("flows.field.case", { n })}</h4>
                {at > 0 && (
                  <IconButton label={t("flows.field.case-up", { n })} size="sm" onClick={() => set({ cases: [...what.cases.slice(0, at - 1), one, ...what.cases.slice(at - 1, at), ...what.cases.slice(n)] }, "")}>
                    <ArrowUp size={14} aria-hidden />
                  </IconButton>
                )}
                <IconButton label={t("flows.field.case-remove", { n })} size="sm" onClick={() => set({ cases: what.cases.filter((_, index) => index !== at) }, "")}>
                  <Trash2 size={14} aria-hidden />
                </IconButton>
              </div>
              <div data-field={`${place}.variable`}>
                <TemplateField bare aria-label={t("flows.field.case-variable", { n })} aria-invalid={wrong("variable")} maxLength={40} value={one.variable} onChange={(variable) => put(at, { variable }, `${place}.variable`)} />
              </div>
              {wrong("variable") && <p className="text-sm text-bad">{t("flows.why.variable")}</p>}
              <div className="grid grid-cols-2 gap-1.5">
                <Select aria-label={t("flows.field.case-is", { n })} value={one.is} onValueChange={(is) => put(at, { is: is as Is }, "")} options={ISES.map((is) => ({ value: is, label: t(`flows.is.${is}`) }))} />
                {compares && <Input aria-label={t("flows.field.case-value", { n })} maxLength={MOST.value} value={one.value ?? ""} onChange={(event) => put(at, { value: event.target.value }, `${place}.value`)} />}
              </div>
              <ExitField exit={`${place}.next`} label={t("flows.exit.next")} to={one.next} />
            </li>
          );
        })}
      </ol>
      {error && <p className="text-sm text-bad">{error}</p>}
      <div>
        <Button size="sm" icon={<Plus size={14} aria-hidden />} disabled={what.cases.length >= MOST.cases} onClick={() => set({ cases: [...what.cases, { variable: "", is: "equals", value: "", next: null }] }, "")}>
          {t("flows.field.case-add")}
        </Button>
      </div>
    </section>
  );
}

const MODES = ["announce", "ask", "never"] as const;

function Recording({ what, set }: Props<DoOf<"recording">>) {
  const t = useT();
  return (
    <>
      <div data-field="mode">
        <RadioGroup
          label={t("flows.field.mode")}
          value={what.mode}
          onValueChange={(mode) => set({ mode: mode as DoOf<"recording">["mode"], accept: mode === "ask" ? (what.accept ?? "1") : null }, "")}
          options={MODES.map((mode) => ({ value: mode, label: t(`flows.field.mode.${mode}`) }))}
        />
      </div>
      {what.mode !== "never" && <SayField field="say" label={t("flows.field.say")} say={what.say} onChange={(say, field) => set({ say }, field)} />}
      {what.mode === "ask" && <Accept what={what} set={set} />}
    </>
  );
}

function Accept({ what, set }: Props<DoOf<"recording">>) {
  const t = useT();
  return (
    <div data-field="accept">
      <Field label={t("flows.field.accept")} error={useFault("accept")} hint={t("flows.field.accept-hint")}>
        <Select value={what.accept ?? undefined} onValueChange={(accept) => set({ accept: accept as Key }, "")} options={KEYS.map((key) => ({ value: key, label: key }))} />
      </Field>
    </div>
  );
}

function QueueChoice({ label, value, onChange }: { label: string; value: string; onChange: (id: string) => void }) {
  const { places } = useForm();
  return (
    <div data-field="queue_id">
      <Field label={label} error={useFault("queue_id")}>
        <Combobox value={value || undefined} onValueChange={onChange} options={places.queues.map((one) => ({ value: one.id, label: one.name }))} />
      </Field>
    </div>
  );
}

function Queue({ what, set }: Props<DoOf<"queue">>) {
  const t = useT();
  const { min, max } = RANGES.priority;
  return (
    <>
      <QueueChoice label={t("flows.field.queue_id")} value={what.queue_id} onChange={(queue_id) => set({ queue_id }, "")} />
      <Figure field="priority" range="priority" label={t("flows.field.priority")} hint={t("flows.field.priority-hint", { min, max })} value={what.priority} onChange={(priority) => set({ priority }, "priority")} />
    </>
  );
}

function Dial({ what, set }: Props<DoOf<"dial">>) {
  const t = useT();
  const { places } = useForm();
  const { to } = what;
  const kind = to === "last_agent" ? to : "agent_id" in to ? "agent" : "number";
  const none = { agent: { agent_id: "" }, number: { number: "" }, last_agent: "last_agent" } as const;
  const error = useFault("to");
  return (
    <>
      <RadioGroup
        label={t("flows.field.to")}
        value={kind}
        onValueChange={(next) => set({ to: none[next as keyof typeof none] }, "")}
        options={[
          { value: "agent", label: t("flows.field.to-agent") },
          { value: "last_agent", label: t("flows.field.to-last_agent"), description: t("flows.field.to-last_agent-hint") },
          { value: "number", label: t("flows.field.to-number") },
        ]}
      />
      <div data-field="to">
        {to === "last_agent" ? null : "agent_id" in to ? (
          <Field label={t("flows.field.agent")} error={error}>
            <Combobox value={to.agent_id || undefined} onValueChange={(agent_id) => set({ to: { agent_id } }, "")} options={places.agents.map((one) => ({ value: one.id, label: one.name }))} />
          </Field>
        ) : (
          <Field label={t("flows.field.number")} error={error} hint={t("flows.field.number-hint")}>
            <TemplateField maxLength={80} value={to.number} onChange={(number) => set({ to: { number: number.includes("{{") ? number : number.replace(/[\s()./-]/g, "") } }, "to")} />
          </Field>
        )}
      </div>
      <Figure field="ring_seconds" range="ring_seconds" label={t("flows.field.ring_seconds")} value={what.ring_seconds} onChange={(ring_seconds) => set({ ring_seconds }, "ring_seconds")} />
    </>
  );
}

function VoicemailFields({ what, set }: Props<DoOf<"voicemail">>) {
  const t = useT();
  return (
    <>
      <QueueChoice label={t("flows.field.queue-inbox")} value={what.queue_id} onChange={(queue_id) => set({ queue_id }, "")} />
      <SayField field="say" label={t("flows.field.say")} say={what.say} onChange={(say, field) => set({ say }, field)} />
      <Figure field="max_seconds" range="max_seconds" label={t("flows.field.max_seconds")} value={what.max_seconds} onChange={(max_seconds) => set({ max_seconds }, "max_seconds")} />
    </>
  );
}

function Callback({ what, set }: Props<DoOf<"callback">>) {
  const t = useT();
  return (
    <>
      <QueueChoice label={t("flows.field.queue-callback")} value={what.queue_id} onChange={(queue_id) => set({ queue_id }, "")} />
      <SayField field="say" label={t("flows.field.say")} say={what.say} onChange={(say, field) => set({ say }, field)} />
    </>
  );
}

function Flow({ what, set }: Props<DoOf<"flow">>) {
  const t = useT();
  const { places, flow } = useForm();
  return (
    <div data-field="flow_id">
      <Field label={t("flows.field.flow_id")} error={useFault("flow_id")}>
        <Combobox value={what.flow_id || undefined} onValueChange={(flow_id) => set({ flow_id }, "")} options={places.flows.filter((one) => one.id !== flow).map((one) => ({ value: one.id, label: one.name }))} />
      </Field>
    </div>
  );
}

function HangUp({ what, set }: Props<DoOf<"hang_up">>) {
  const t = useT();
  return (
    <>
      <SayField field="say" label={t("flows.field.say")} say={what.say} onChange={(say, field) => set({ say }, field)} />
      <div data-field="reason">
        <Field label={t("flows.field.reason")} error={useFault("reason")}>
          <Select value={what.reason} onValueChange={(reason) => set({ reason: reason as HangUpReason }, "")} options={HANG_UP_REASONS.map((reason) => ({ value: reason, label: t(`flows.field.reason.${reason}`) }))} />
        </Field>
      </div>
    </>
  );
}
