/** What asks for more than a press: to whom, until when, which label, which macro. Opened by keys, the palette, the thread's head and the bar of a choice. */
import { useQueryClient } from "@tanstack/react-query";
import { Check, Plus } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useId, useMemo, useState } from "react";
import { useCan } from "@/api";
import { Button, Dialog, Field, Input, cx, formatDateTime, useZone } from "@/design";
import { useT } from "@/i18n";
import { carryOut, deeds, failed, runMacro } from "./actions";
import { type Colour, inboxApi } from "./api";
import { localInput, snoozeTimes } from "./compose-core";
import { useLabels, useMacros, useNames } from "./data";
import { inbox } from "./store";
import { LABEL_TONE, priorityText } from "./words";

export type Asked = "assign" | "label" | "snooze" | "macro" | "priority";

interface Props {
  what: Asked | undefined;
  ids: readonly string[];
  self: string;
  onClose: () => void;
  /** Something was done that takes the conversations out of the list. */
  onGone: () => void;
}

export function Dialogs({ what, ids, self, onClose, onGone }: Props) {
  const t = useT();
  const titles: Record<Asked, string> = { assign: t("inbox.assign"), label: t("inbox.label"), snooze: t("inbox.snooze"), macro: t("inbox.macro"), priority: t("inbox.priority") };
  return (
    <Dialog open={what !== undefined} onOpenChange={(open) => !open && onClose()} title={what ? titles[what] : ""} size="sm">
      {what === "assign" && <Assign ids={ids} self={self} onDone={onClose} />}
      {what === "label" && <Labels ids={ids} />}
      {what === "snooze" && (
        <Snooze
          ids={ids}
         
          onDone={() => {
            onClose();
            onGone();
          }}
        />
      )}
      {what === "macro" && <Macros ids={ids} onDone={onClose} />}
      {what === "priority" && <Priority ids={ids} onDone={onClose} />}
    </Dialog>
  );
}

interface Choice {
  readonly id: string;
  readonly label: string;
  readonly hint?: string;
  readonly icon?: ReactNode;
  readonly chosen?: boolean;
  readonly run: () => void;
}

/** A list that is filtered by typing; arrows and Enter choose. */
function Choose({ label, choices, onEmpty }: { label: string; choices: readonly Choice[]; onEmpty?: (word: string) => ReactNode }) {
  const t = useT();
  const id = useId();
  const [word, setWord] = useState("");
  const [active, setActive] = useState(0);
  const found = useMemo(() => {
    const words = word.toLowerCase().split(/\s+/).filter(Boolean);
    return choices.filter((one) => words.every((part) => `${one.label} ${one.hint ?? ""}`.toLowerCase().includes(part)));
  }, [choices, word]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setActive((now) => Math.max(0, Math.min(found.length - 1, now + (event.key === "ArrowDown" ? 1 : -1))));
    } else if (event.key === "Enter") {
      event.preventDefault();
      found[active]?.run();
    }
  };
  return (
    <div className="grid gap-2">
      <Input
        role="combobox"
        aria-label={label}
        aria-expanded
        aria-controls={`${id}-list`}
        aria-activedescendant={found[active] ? `${id}-${String(active)}` : undefined}
        autoComplete="off"
        placeholder={label}
        value={word}
        onChange={(event) => {
          setWord(event.target.value);
          setActive(0);
        }}
        onKeyDown={onKeyDown}
      />
      <div role="listbox" id={`${id}-list`} aria-label={label} className="max-h-72 overflow-auto">
        {found.map((one, index) => (
          <div
            key={one.id}
            id={`${id}-${String(index)}`}
            role="option"
            aria-selected={one.chosen ?? index === active}
            onPointerMove={() => setActive(index)}
            onPointerDown={(event) => {
              event.preventDefault();
              one.run();
            }}
            className={cx("flex min-h-9 cursor-default items-center gap-2 rounded-md px-2.5 text-md", index === active && "bg-accent-soft")}
          >
            {one.icon}
            <span className="min-w-0 flex-1 truncate">{one.label}</span>
            {one.hint && <span className="text-sm text-ink-2">{one.hint}</span>}
            {one.chosen && <Check size={15} aria-hidden />}
          </div>
        ))}
      </div>
      {found.length === 0 && (onEmpty?.(word) ?? <p className="text-md text-ink-3">{t("common.nothing-found")}</p>)}
    </div>
  );
}

function Assign({ ids, self, onDone }: { ids: readonly string[]; self: string; onDone: () => void }) {
  const t = useT();
  const { agents, queues, teams, agent } = useNames();
  const to = (assignee: Parameters<typeof deeds.assign>[0], name: string) => () => {
    onDone();
    void carryOut(deeds.assign(assignee, name), ids);
  };
  const me = agent(self);
  const choices: Choice[] = [
    ...(me ? [{ id: "me", label: t("inbox.assign.me"), hint: me, run: to({ agent_id: self }, me) }] : []),
    { id: "nobody", label: t("inbox.assign.nobody"), run: to({}, t("inbox.assign.nobody")) },
    ...agents.filter((one) => one.id !== self).map((one) => ({ id: one.id, label: one.name, hint: t("inbox.assign.agent"), run: to({ agent_id: one.id }, one.name) })),
    ...teams.map((one) => ({ id: one.id, label: one.name, hint: t("inbox.assign.team"), run: to({ team_id: one.id }, one.name) })),
    ...queues.map((one) => ({ id: one.id, label: one.name, hint: t("inbox.assign.queue"), run: to({ queue_id: one.id }, one.name) })),
  ];
  return <Choose label={t("inbox.assign.find")} choices={choices} />;
}

const COLOURS: readonly Colour[] = ["teal", "green", "blue", "purple", "pink", "red", "orange", "yellow", "grey"];

function Labels({ ids }: { ids: readonly string[] }) {
  const t = useT();
  const labels = useLabels();
  const queries = useQueryClient();
  const may = useCan("inbox_tools:manage");
  const [, redraw] = useState(0);
  const lines = ids.flatMap((id) => inbox.core.row(id)?.line ?? []);
  const put = (id: string, on: boolean) => {
    void carryOut(deeds.label(id, on), ids, { quiet: ids.length === 1 }).then(() => redraw((n) => n + 1));
    redraw((n) => n + 1);
  };
  const add = async (name: string) => {
    try {
      const label = await inboxApi.addLabel(name, COLOURS[labels.length % COLOURS.length] ?? "grey");
      await queries.invalidateQueries({ queryKey: ["inbox", "labels"] });
      put(label.id, true);
    } catch (error) {
      failed(error);
    }
  };
  const choices = labels.map((label) => {
    const chosen = lines.length > 0 && lines.every((line) => line.label_ids.includes(label.id));
    return { id: label.id, label: label.name, chosen, icon: <span aria-hidden className={cx("size-3 rounded-full border border-current", LABEL_TONE[label.colour])} />, run: () => put(label.id, !chosen) };
  });
  return (
    <Choose
      label={t("inbox.label.find")}
      choices={choices}
      onEmpty={(word) =>
        may && word.trim() !== "" ? (
          <Button icon={<Plus size={14} aria-hidden />} onClick={() => void add(word.trim())}>
            {t("inbox.label.add", { name: word.trim() })}
          </Button>
        ) : (
          <p className="text-md text-ink-3">{t("inbox.label.none")}</p>
        )
      }
    />
  );
}

function Snooze({ ids, onDone }: { ids: readonly string[]; onDone: () => void }) {
  const t = useT();
  const zone = useZone();
  const [now] = useState(() => new Date());
  const [own, setOwn] = useState("");
  const until = (at: Date) => {
    onDone();
    void carryOut(deeds.snooze(at.toISOString()), ids);
  };
  const choices = snoozeTimes(now).map(({ key, at }) => ({ id: key, label: t(`inbox.snooze.${key}`), hint: formatDateTime(at, { weekday: "short", hour: "2-digit", minute: "2-digit", ...(zone ? { zone } : {}) }), run: () => until(at) }));
  const chosen = own ? new Date(own) : undefined;
  return (
    <div className="grid gap-3">
      <Choose label={t("inbox.snooze.when")} choices={choices} />
      <div className="flex items-end gap-2 border-t border-line pt-3">
        <Field label={t("inbox.snooze.own")} className="flex-1">
          <Input type="datetime-local" min={localInput(now)} value={own} onChange={(event) => setOwn(event.target.value)} />
        </Field>
        <Button variant="primary" disabled={!chosen || chosen <= now} onClick={() => chosen && until(chosen)}>
          {t("inbox.snooze")}
        </Button>
      </div>
    </div>
  );
}

function Macros({ ids, onDone }: { ids: readonly string[]; onDone: () => void }) {
  const t = useT();
  const macros = useMacros();
  const choices = macros.map((one) => ({
    id: one.id,
    label: one.name,
    run: () => {
      onDone();
      void runMacro(one.id, ids, one.name);
    },
  }));
  return <Choose label={t("inbox.macro.find")} choices={choices} onEmpty={() => <p className="text-md text-ink-3">{macros.length === 0 ? t("inbox.macro.none") : t("common.nothing-found")}</p>} />;
}

function Priority({ ids, onDone }: { ids: readonly string[]; onDone: () => void }) {
  const t = useT();
  const current = ids.length === 1 ? inbox.core.row(ids[0] ?? "")?.line.priority : undefined;
  const choices = [4, 3, 2, 1, 0].map((priority) => ({
    id: String(priority),
    label: priorityText(priority),
    chosen: priority === current,
    run: () => {
      onDone();
      void carryOut(deeds.priority(priority), ids);
    },
  }));
  return <Choose label={t("inbox.priority")} choices={choices} />;
}
