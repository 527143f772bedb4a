import { Headphones, Headset, Mic, PhoneIncoming, PhoneOff } from "lucide-react";
import { type ReactElement, useState } from "react";
import { useCan, useMe } from "@/api";
import { Badge, Button, ConfirmDialog, IconButton, Menu, type MenuItem, SegmentedControl, grouped, toast } from "@/design";
import { type TextKey, useT } from "@/i18n";
import { type LiveCall, useAgents, useCallLive } from "@/live";
import { otherSide } from "../calls/call-words";
import { problemText } from "../calls/problem-text";
import { BROWSER, usePhones } from "./phones";
import { MODES, type Mode, stopSupervising, supervise, takeOver } from "./requests";
import { useMode, useSupervisions } from "./supervisions";

const ICONS: Record<Mode, ReactElement> = { listen: <Headphones size={15} aria-hidden />, whisper: <Headset size={15} aria-hidden />, barge: <Mic size={15} aria-hidden /> };

/** Whether one may be in this call beside those who talk: not in one's own, and not before somebody has answered. */
export function canSupervise(call: Pick<LiveCall, "state" | "agent_id">, me: string | undefined): boolean {
  return call.state === "active" && call.agent_id !== null && call.agent_id !== me;
}

/** What can be asked of a call, and that it was refused. */
function useActions(call: Pick<LiveCall, "id">, phone: string | undefined) {
  const t = useT();
  const [busy, setBusy] = useState(false);
  const run = async (what: () => Promise<void>, failed: TextKey) => {
    setBusy(true);
    try {
      await what();
      return true;
    } catch (error) {
      toast({ title: t(failed), description: problemText(error), tone: "bad" });
      return false;
    } finally {
      setBusy(false);
    }
  };
  return {
    busy,
    async join(mode: Mode, isIn: boolean) {
      const done = await run(() => supervise(call.id, mode, phone), "board.supervise.failed");
      if (done && !isIn) toast({ title: t("board.supervise.rings"), tone: "good" });
    },
    stop: () => run(() => stopSupervising(call.id), "board.supervise.not-stopped"),
    take: () => run(() => takeOver(call.id), "board.take-over.failed"),
  };
}

/** Everything a supervisor may do with a call, in one menu. */
export function SuperviseMenu({ call, labelled }: { call: LiveCall; labelled?: boolean }) {
  const t = useT();
  const me = useMe()?.user.id;
  const may = useCan("calls:supervise");
  useSupervisions(may ? me : undefined);
  const mode = useMode(call.id, me);
  const { desks, browser, phone, choose } = usePhones();
  const { busy, join, stop, take } = useActions(call, phone);
  const [asking, setAsking] = useState(false);
  if (!may || !canSupervise(call, me)) return null;
  const name = t("board.supervise.call", { number: grouped(otherSide(call)) });
  const phones: MenuItem[] = [
    ...(browser ? [{ label: t("board.phone.browser"), checked: phone === BROWSER, onSelect: () => choose(BROWSER) }] : []),
    ...desks.map((desk) => ({ label: t("board.phone.desk", { name: desk.name }), checked: phone === desk.id, onSelect: () => choose(desk.id) })),
  ];
  const items: (MenuItem | "separator")[] = [
    ...MODES.map((one) => ({ label: t(`board.supervise.${one}`), icon: ICONS[one], onSelect: () => void join(one, mode !== undefined), ...(mode ? { checked: mode === one } : {}) })),
    "separator",
    { label: t("board.take-over"), icon: <PhoneIncoming size={15} aria-hidden />, onSelect: () => setAsking(true) },
    ...(mode ? [{ label: t("board.supervise.stop"), icon: <PhoneOff size={15} aria-hidden />, onSelect: () => void stop() }] : []),
    ...(!mode && phones.length > 1 ? ["separator" as const, ...phones] : []),
  ];
  const trigger = labelled ? (
    <Button icon={<Headphones size={15} aria-hidden />} busy={busy}>
      {t("board.supervise")}
    </Button>
  ) : (
    <IconButton label={name} size="sm" pressed={mode !== undefined} aria-busy={busy || undefined}>
      <Headphones size={16} aria-hidden />
    </IconButton>
  );
  return (
    <>
      <Menu label={name} trigger={trigger} items={items} />
      <TakeOver call={call} open={asking} onOpenChange={setAsking} onTake={take} />
    </>
  );
}

function TakeOver({ call, open, onOpenChange, onTake }: { call: LiveCall; open: boolean; onOpenChange: (open: boolean) => void; onTake: () => Promise<unknown> }) {
  const t = useT();
  const agents = useAgents();
  const agent = agents.find((one) => one.id === call.agent_id)?.name ?? t("calls.side.agent");
  return <ConfirmDialog open={open} onOpenChange={onOpenChange} title={t("board.take-over.ask")} description={t("board.take-over.text", { agent })} confirm={t("board.take-over")} tone="primary" onConfirm={async () => void (await onTake())} />;
}

/** The calls that one is in as a supervisor, each with its controls: on top of the screen, never hunted for. */
export function SupervisedCalls() {
  const me = useMe()?.user.id;
  const may = useCan("calls:supervise");
  const all = useSupervisions(may ? me : undefined);
  if (!may || me === undefined) return null;
  return [...all].flatMap(([call, by]) => {
    const mode = by.get(me);
    return mode ? [<SupervisedCall key={call} id={call} mode={mode} />] : [];
  });
}

/** The bar of one call, where one is in it. */
export function SupervisedCall({ id, mode }: { id: string; mode: Mode }) {
  const call = useCallLive(id);
  return call && call.state !== "ended" ? <Bar call={call} mode={mode} /> : null;
}

function Bar({ call, mode }: { call: LiveCall; mode: Mode }) {
  const t = useT();
  const agents = useAgents();
  // Nothing rings anew while one is in it.
  const { busy, join, stop, take } = useActions(call, undefined);
  const [asking, setAsking] = useState(false);
  const agent = agents.find((one) => one.id === call.agent_id)?.name ?? t("calls.side.agent");
  return (
    <section aria-label={t("board.supervise.bar")} data-supervising={mode} className="flex flex-wrap items-center gap-x-3 gap-y-2 border-b border-accent-line bg-accent-soft px-5 py-2 max-sm:px-3">
      <Badge tone="accent" dot>
        {t(`board.supervise.now.${mode}`)}
      </Badge>
      <p className="min-w-0 flex-1 basis-40 truncate">
        {t("board.supervise.with", { agent, number: `\u2068${grouped(otherSide(call))}\u2069` })}
      </p>
      <SegmentedControl label={t("board.supervise.how")} value={mode} onValueChange={(next) => void join(MODES.find((one) => one === next) ?? mode, true)} options={MODES.map((one) => ({ value: one, label: t(`board.supervise.${one}`), icon: ICONS[one] }))} />
      <Button size="sm" icon={<PhoneIncoming size={14} aria-hidden />} onClick={() => setAsking(true)}>
        {t("board.take-over")}
      </Button>
      <Button size="sm" icon={<PhoneOff size={13} aria-hidden />} busy={busy} onClick={() => void stop()}>
        {t("board.supervise.stop")}
      </Button>
      <TakeOver call={call} open={asking} onOpenChange={setAsking} onTake={take} />
    </section>
  );
}
