import { PhoneOutgoing } from "lucide-react";
import { type KeyboardEvent, useId, useMemo, useState } from "react";
import { useMe } from "@/api";
import { Avatar, Badge, Button, Dialog, Input, cx, grouped, toast } from "@/design";
import { useT } from "@/i18n";
import { useAgents, useQueueLive, useQueues } from "@/live";
import { ACTIVITY_TONES } from "../shared/activity";
import { type Kind, ask, bringIn, handOn } from "./ask";
import { talkers } from "./talk";
import { type AnyTarget, numberTarget, targets } from "./targets";
import { useTalk } from "./use-talk";

export type What = "transfer" | "conference";
const NOBODY: readonly string[] = [];
const HANDED = { agent: "incall.transfer.handed-on", queue: "incall.transfer.handed-to-queue", number: "incall.transfer.handed-to-number" } as const;
const to = ({ kind, id }: AnyTarget) => (kind === "agent" ? { agent_id: id } : kind === "queue" ? { queue_id: id } : { number: id });

/** To whom: searched by name, chosen by arrows or a click; what cannot be rung says why. */
export function PickDialog({ callId, what, onClose }: { callId: string; what: What | undefined; onClose: () => void }) {
  const t = useT();
  // It keeps its words on its way out.
  const [last, setLast] = useState<What>("transfer");
  if (what && what !== last) setLast(what);
  return (
    <Dialog open={what !== undefined} onOpenChange={(open) => !open && onClose()} title={t(`incall.pick-title.${last}`)} description={t(`incall.pick-text.${last}`)}>
      <Pick callId={callId} what={last} onClose={onClose} />
    </Dialog>
  );
}

function Pick({ callId, what, onClose }: { callId: string; what: What; onClose: () => void }) {
  const t = useT();
  const list = useId();
  const self = useMe()?.user.id ?? "";
  const agents = useAgents();
  const queues = useQueues();
  const { talk, call } = useTalk(callId);
  const [search, setSearch] = useState("");
  const [chosenId, setChosenId] = useState("");
  const [busy, setBusy] = useState<Kind | "join">();
  const inCall = useMemo(() => (call ? talkers(call, talk) : NOBODY), [call, talk]);
  const found = useMemo(() => {
    const inside = targets(agents, what === "transfer" ? queues : [], self, inCall, search);
    const outside = what === "transfer" ? numberTarget(search) : undefined;
    return outside ? [...inside, outside] : inside;
  }, [agents, queues, what, self, inCall, search]);
  // By its name, not by its place: people come and go while one looks.
  const chosen = found.find((one) => one.id === chosenId) ?? found[0];
  const blocked = chosen === undefined || (chosen.kind === "agent" && chosen.obstacle !== undefined);
  const move = (by: number) => {
    const at = chosen ? found.indexOf(chosen) : -1;
    setChosenId(found[Math.max(0, Math.min(found.length - 1, at + by))]?.id ?? "");
  };
  const go = async (how: Kind | "join") => {
    if (!chosen || blocked || busy) return;
    setBusy(how);
    const done = await ask(how === "join" ? bringIn(callId, chosen.id) : handOn(callId, how, to(chosen)));
    setBusy(undefined);
    if (!done) return;
    if (how === "blind") toast({ title: t(HANDED[chosen.kind], { name: chosen.name }), tone: "good" });
    onClose();
  };
  // What Enter does is what the first button says.
  const first = what === "conference" ? "join" : chosen?.kind === "queue" ? "blind" : "attended";
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter") {
      event.preventDefault();
      void go(event.ctrlKey || event.metaKey ? (what === "conference" ? "join" : "blind") : first);
    }
  };
  return (
    <div className="grid gap-3">
      <Input
        role="combobox"
        aria-expanded
        aria-controls={list}
        aria-autocomplete="list"
        aria-activedescendant={chosen && `${list}-${chosen.id}`}
        aria-label={what === "transfer" ? t("incall.pick.search") : t("incall.pick.search-agents")}
        placeholder={what === "transfer" ? t("incall.pick.search") : t("incall.pick.search-agents")}
        autoComplete="off"
        value={search}
        onChange={(event) => {
          setSearch(event.target.value);
          setChosenId("");
        }}
        onKeyDown={onKeyDown}
      />
      <div role="listbox" id={list} aria-label={t(`incall.pick-title.${what}`)} className="grid max-h-72 content-start gap-0.5 overflow-auto">
        {found.map((one) => (
          <Target key={one.id} id={`${list}-${one.id}`} target={one} chosen={one === chosen} onChoose={() => setChosenId(one.id)} />
        ))}
        {found.length === 0 && <p className="px-2 py-1.5 text-md text-ink-3">{t("common.nothing-found")}</p>}
      </div>
      <div className="flex flex-wrap justify-end gap-2">
        {what === "conference" ? (
          <Button variant="primary" disabled={blocked} busy={busy === "join"} onClick={() => void go("join")}>
            {t("incall.conference.go")}
          </Button>
        ) : (
          <>
            <Button variant={first === "blind" ? "primary" : "secondary"} disabled={blocked} busy={busy === "blind"} onClick={() => void go("blind")}>
              {t("incall.transfer.blind")}
            </Button>
            <Button variant={first === "attended" ? "primary" : "secondary"} disabled={blocked} busy={busy === "attended"} onClick={() => void go("attended")}>
              {t("incall.transfer.attended")}
            </Button>
          </>
        )}
      </div>
    </div>
  );
}

function Target({ id, target, chosen, onChoose }: { id: string; target: AnyTarget; chosen: boolean; onChoose: () => void }) {
  const t = useT();
  const off = target.kind === "agent" && target.obstacle !== undefined;
  return (
    // The field has the keyboard, and tells of the one that is chosen.
    <div
      id={id}
      role="option"
      aria-selected={chosen}
      aria-disabled={off || undefined}
      tabIndex={-1}
      data-target={target.id}
      data-obstacle={target.kind === "agent" ? target.obstacle : undefined}
      ref={(element) => {
        if (chosen) element?.scrollIntoView({ block: "nearest" });
      }}
      onPointerDown={(event) => {
        event.preventDefault();
        onChoose();
      }}
      className={cx("flex min-h-9 cursor-default items-center gap-2.5 rounded-md px-2 py-1 text-md select-none", chosen ? "bg-accent-soft" : "hover:bg-sunken")}
    >
      {target.kind === "number" ? <PhoneOutgoing size={16} aria-hidden className="mx-1.5 text-ink-2" /> : <Avatar name={target.name} size={26} {...(target.kind === "agent" ? { presence: ACTIVITY_TONES[target.agent.activity] } : {})} />}
      <span className={cx("min-w-0 flex-1 truncate font-medium", off && "text-ink-2")} dir={target.kind === "number" ? "ltr" : "auto"}>
        {target.kind === "number" ? grouped(target.name) : target.name}
      </span>
      {target.kind === "number" ? (
        <span className="text-sm text-ink-2">{t("incall.pick.number")}</span>
      ) : target.kind === "queue" ? (
        <QueueState id={target.id} />
      ) : target.obstacle ? (
        <span className="text-sm text-ink-2">{t(`incall.obstacle.${target.obstacle}`)}</span>
      ) : (
        <Badge tone={ACTIVITY_TONES[target.agent.activity]} dot>
          {t(`people.state.${target.agent.activity}`)}
        </Badge>
      )}
    </div>
  );
}

function QueueState({ id }: { id: string }) {
  const t = useT();
  const queue = useQueueLive(id);
  return <span className="num text-sm text-ink-2">{t("incall.pick.queue", { waiting: queue?.waiting.length ?? 0, ready: queue?.agents.available ?? 0 })}</span>;
}
