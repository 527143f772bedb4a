import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Problem, api, body } from "@/api";
import { Badge, Banner, Button, Duration, Field, Input, Select, Sheet, toast } from "@/design";
import { useT } from "@/i18n";
import { type LiveAgent, live } from "@/live";
import { problemText } from "../calls/problem-text";
import { ACTIVITY_TONES } from "../shared/activity";
import { SkillLevels, type TypedLevel } from "../shared/skill-levels";

const STATES = ["available", "paused", "offline"] as const;
type State = (typeof STATES)[number];

/** What a manager may say of an agent: what they do, and what they can do. */
export function Manage({ agent, onClose }: { agent: LiveAgent; onClose: () => void }) {
  const t = useT();
  return (
    <Sheet
      open
      title={agent.name}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
    >
      <div className="grid gap-5">
        <p className="flex flex-wrap items-center gap-2 text-md">
          <span className="text-ink-2">{t("work.agent.now")}</span>
          <Badge tone={ACTIVITY_TONES[agent.activity]} dot>
            {t(`people.state.${agent.activity}`)}
          </Badge>
          {agent.activity === "paused" && agent.reason && <span className="min-w-0 truncate">{agent.reason === "missed" ? t("phone.missed.title") : agent.reason}</span>}
          <Duration since={agent.since} className="text-ink-2" />
        </p>
        <StateForm agent={agent} />
        <Extension key={agent.extension} agent={agent} />
        <Chats key={agent.chat_capacity} agent={agent} />
        <Skills key={JSON.stringify(agent.skills)} agent={agent} />
      </div>
    </Sheet>
  );
}

function StateForm({ agent }: { agent: LiveAgent }) {
  const t = useT();
  const [state, setState] = useState<State>(agent.state);
  const [reason, setReason] = useState("");
  const set = useMutation({
    mutationFn: () => body(api.PUT("/api/v1/agents/{id}/state", { params: { path: { id: agent.id } }, body: { state, ...(reason.trim() ? { reason: reason.trim() } : {}) } })),
    onSuccess: () => {
      setReason("");
      toast({ title: t("work.agent.set-done", { name: agent.name, state: t(`people.state.${state}`) }), tone: "good" });
    },
    onError: (error) => toast({ title: t("work.agent.not-set"), description: problemText(error), tone: "bad" }),
  });
  return (
    <form
      aria-label={t("work.agent.state")}
      className="grid gap-3 border-t border-line pt-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (!set.isPending) set.mutate();
      }}
    >
      <h3 className="font-semibold">{t("work.agent.state")}</h3>
      <p className="text-sm text-ink-2">{t("work.agent.state-about")}</p>
      <Field label={t("people.agents.state")}>
        <Select value={state} onValueChange={(next) => setState(STATES.find((one) => one === next) ?? "available")} options={STATES.map((one) => ({ value: one, label: t(`people.state.${one}`) }))} />
      </Field>
      {state !== "available" && (
        <Field label={t("work.agent.reason")} hint={t("work.agent.reason-hint", { name: agent.name })} error={set.error instanceof Problem ? set.error.fields.reason : undefined}>
          <Input maxLength={200} list="pause-reasons" value={reason} onChange={(event) => setReason(event.target.value)} />
        </Field>
      )}
      <datalist id="pause-reasons">
        {(["break", "lunch", "meeting", "paperwork"] as const).map((one) => (
          <option key={one} value={t(`people.pause.${one}`)} />
        ))}
      </datalist>
      <div>
        <Button type="submit" variant="primary" busy={set.isPending}>
          {t("work.agent.set")}
        </Button>
      </div>
    </form>
  );
}

/** 2 to 6 digits, of nobody else; the server knows who has which. */
const EXTENSION = /^\d{2,6}$/;

function Extension({ agent }: { agent: LiveAgent }) {
  const t = useT();
  const [text, setText] = useState(agent.extension ?? "");
  const wanted = text.trim();
  const save = useMutation({
    mutationFn: async (extension: string | null) => {
      await body(api.PUT("/api/v1/agents/{id}/extension", { params: { path: { id: agent.id } }, body: { extension } }));
      return extension;
    },
    onSuccess: (extension) => {
      toast({ title: extension === null ? t("work.extension.removed", { name: agent.name }) : t("work.extension.saved", { name: agent.name, extension }), tone: "good" });
      live.store.setAgent(agent.id, { extension });
    },
  });
  const fits = wanted === "" || EXTENSION.test(wanted);
  const error = save.error ? (save.error instanceof Problem && save.error.code === "extension-taken" ? t("work.extension.taken") : save.error instanceof Problem && save.error.fields.extension ? save.error.fields.extension : problemText(save.error)) : undefined;
  return (
    <form
      aria-label={t("work.extension")}
      noValidate
      className="grid gap-3 border-t border-line pt-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (fits && !save.isPending) save.mutate(wanted || null);
      }}
    >
      <Field label={t("work.extension")} hint={t("work.extension.hint")} error={fits ? error : t("work.extension.wrong")}>
        <Input
          inputMode="numeric"
          autoComplete="off"
          maxLength={6}
          className="num w-32"
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            save.reset();
          }}
        />
      </Field>
      <div>
        <Button type="submit" variant="primary" busy={save.isPending} disabled={!fits || wanted === (agent.extension ?? "")}>
          {t("work.extension.save")}
        </Button>
      </div>
    </form>
  );
}

/** As the server has it. */
const MOST_CHATS = 50;

function Chats({ agent }: { agent: LiveAgent }) {
  const t = useT();
  const [text, setText] = useState(String(agent.chat_capacity));
  const wanted = /^\d{1,2}$/.test(text.trim()) ? Number(text) : Number.NaN;
  const fits = wanted >= 0 && wanted <= MOST_CHATS;
  const save = useMutation({
    mutationFn: (chats: number) => body(api.PUT("/api/v1/agents/{id}/chat-capacity", { params: { path: { id: agent.id } }, body: { chat_capacity: chats } })),
    onSuccess: (now) => {
      toast({ title: now.chat_capacity === 0 ? t("work.chats.saved-none", { name: agent.name }) : t("work.chats.saved", { name: agent.name, n: now.chat_capacity }), tone: "good" });
      live.store.setAgent(now.id, { chat_capacity: now.chat_capacity });
    },
  });
  const error = save.error ? (save.error instanceof Problem && save.error.fields.chat_capacity ? save.error.fields.chat_capacity : problemText(save.error)) : undefined;
  return (
    <form
      aria-label={t("work.chats")}
      noValidate
      className="grid gap-3 border-t border-line pt-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (fits && !save.isPending) save.mutate(wanted);
      }}
    >
      <Field label={t("work.chats")} hint={t("work.chats.about", { name: agent.name })} error={fits ? error : t("work.chats.wrong")}>
        <Input
          inputMode="numeric"
          autoComplete="off"
          maxLength={2}
          className="num w-32"
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            save.reset();
          }}
        />
      </Field>
      <div>
        <Button type="submit" variant="primary" busy={save.isPending} disabled={!fits || wanted === agent.chat_capacity}>
          {t("work.chats.save")}
        </Button>
      </div>
    </form>
  );
}

function Skills({ agent }: { agent: LiveAgent }) {
  const t = useT();
  const [value, setValue] = useState<readonly TypedLevel[]>(() => agent.skills.map(({ skill_id, level }) => ({ skill_id, level: String(level) })));
  const save = useMutation({
    mutationFn: () => body(api.PUT("/api/v1/agents/{id}/skills", { params: { path: { id: agent.id } }, body: { skills: value.map(({ skill_id, level }) => ({ skill_id, level: Number(level) })) } })),
    onSuccess: (now) => {
      toast({ title: t("work.skills.saved", { name: agent.name }), tone: "good" });
      live.store.setAgent(now.id, { skills: now.skills });
    },
  });
  const fields = save.error instanceof Problem ? Object.values(save.error.fields) : [];
  const changed = JSON.stringify(value) !== JSON.stringify(agent.skills.map(({ skill_id, level }) => ({ skill_id, level: String(level) })));
  const whole = value.every(({ level }) => /^\d+$/.test(level) && Number(level) >= 1 && Number(level) <= 100);
  return (
    <form
      aria-label={t("work.skills")}
      noValidate
      className="grid gap-3 border-t border-line pt-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (whole && !save.isPending) save.mutate();
      }}
    >
      {save.isError && fields.length === 0 && <Banner tone="bad">{problemText(save.error)}</Banner>}
      <SkillLevels label={t("work.skills")} hint={t("work.skills.level-hint")} value={value} onChange={setValue} error={fields[0] ?? (whole ? undefined : t("work.skills.level-hint"))} />
      <div>
        <Button type="submit" variant="primary" busy={save.isPending} disabled={!changed || !whole}>
          {t("work.skills.save")}
        </Button>
      </div>
    </form>
  );
}
