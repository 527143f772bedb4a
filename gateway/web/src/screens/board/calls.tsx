import { useNavigate } from "@tanstack/react-router";
import { ArrowLeftRight, PhoneCall } from "lucide-react";
import { memo, useMemo, useState } from "react";
import { useCan } from "@/api";
import { Badge, Button, Checkbox, type Column, DataTable, Duration, EmptyState, IconButton, PhoneNumber, grouped } from "@/design";
import { useT } from "@/i18n";
import { type LiveCall, isCallBack, isDialling, useAgent } from "@/live";
import { otherSide, standing } from "../calls/call-words";
import { SuperviseMenu } from "../supervise/controls";
import { MoveDialog, canMove } from "../supervise/move";
import { useSupervisions } from "../supervise/supervisions";
import { Wait } from "./figure";
import { useStay } from "./feed";

const Party = memo(function Party({ call }: { call: LiveCall }) {
  const t = useT();
  return (
    <span className="flex min-w-0 items-center gap-2">
      <span className="truncate font-medium" title={t(`calls.direction.${call.direction}`)}>
        <PhoneNumber value={otherSide(call)} />
      </span>
    </span>
  );
});

const Standing = memo(function Standing({ call }: { call: LiveCall }) {
  const t = useT();
  const { tone, text } = standing(call);
  return (
    <Badge tone={tone} dot className="max-w-full">
      <span className="truncate" title={t(text)}>
        {t(text)}
      </span>
    </Badge>
  );
});

/** Who has it, who is asked; and who else is in it. */
const Who = memo(function Who({ call }: { call: LiveCall }) {
  const t = useT();
  const has = call.state === "active" || isDialling(call);
  const agent = useAgent((has ? call.agent_id : call.ringing_agent_ids[0]) ?? "");
  const supervisors = useSupervisions(undefined).get(call.id);
  const first = supervisors?.entries().next().value;
  const supervisor = useAgent(first?.[0] ?? "");
  return (
    <span className="flex min-w-0 items-center gap-2">
      <span className="truncate">{agent ? (call.state === "ringing" && !has ? t("calls.ringing-agent", { agent: agent.name }) : agent.name) : <span className="text-ink-3">–</span>}</span>
      {first && (
        <span title={supervisor?.name}>
          <Badge tone="accent" dot>
            {t(`board.supervise.now.${first[1]}`)}
          </Badge>
        </span>
      )}
    </span>
  );
});

const HowLong = memo(function HowLong({ call }: { call: LiveCall }) {
  const stay = useStay(call.id);
  if (call.state === "active") return <Duration since={call.answered_at ?? call.started_at} />;
  // Long ago by the measure of those who are on the line: nothing to be alarmed at.
  if (isCallBack(call)) return <Duration since={call.queued_at} />;
  return stay ? <Wait since={stay.waiting_since} level_ms={stay.level_ms} /> : <Duration since={call.queued_at ?? call.started_at} />;
});

const Choose = memo(function Choose({ call, chosen, onChoose }: { call: LiveCall; chosen: boolean; onChoose: (id: string, on: boolean) => void }) {
  const t = useT();
  if (!canMove(call)) return null;
  return <Checkbox label={<span className="sr-only">{t("board.move.choose-call", { number: grouped(otherSide(call)) })}</span>} checked={chosen} onCheckedChange={(on) => onChoose(call.id, on)} />;
});

const Actions = memo(function Actions({ call, onMove }: { call: LiveCall; onMove: ((id: string) => void) | undefined }) {
  const t = useT();
  return (
    <span className="flex justify-end gap-1">
      <SuperviseMenu call={call} />
      {onMove && canMove(call) && (
        <IconButton label={t("board.move.call", { number: grouped(otherSide(call)) })} size="sm" onClick={() => onMove(call.id)}>
          <ArrowLeftRight size={15} aria-hidden />
        </IconButton>
      )}
    </span>
  );
});

/** Running calls: who waits first, the longest on top, then who talks. */
export const Calls = memo(function Calls({ calls, queueNames, loading }: { calls: readonly LiveCall[]; queueNames: ReadonlyMap<string, string>; loading: boolean }) {
  const t = useT();
  const navigate = useNavigate();
  const may = useCan("calls:supervise");
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [moving, setMoving] = useState<readonly string[]>();
  const choose = (id: string, on: boolean) => {
    setChosen((before) => {
      const next = new Set(before);
      if (on) next.add(id);
      else next.delete(id);
      return next;
    });
  };
  // Whoever has been answered, or has gone, is not chosen any more.
  const movable = useMemo(() => calls.filter(canMove), [calls]);
  const marked = useMemo(() => movable.filter((call) => chosen.has(call.id)), [movable, chosen]);
  const toMove = moving && movable.filter((call) => moving.includes(call.id));
  // Their words are longer; without them the room is the others'.
  const wide = useMemo(() => calls.some((call) => call.state === "queued" && isCallBack(call)), [calls]);
  const columns = useMemo<Column<LiveCall>[]>(
    () => [
      ...(may ? [{ id: "choose", header: "", width: 22, cell: (call: LiveCall) => <Choose call={call} chosen={chosen.has(call.id)} onChoose={choose} /> }] : []),
      { id: "state", header: t("calls.column.state"), width: wide ? "minmax(100px, 184px)" : 100, cell: (call) => <Standing call={call} /> },
      { id: "from", header: t("calls.column.party"), width: "minmax(130px, 1.2fr)", cell: (call) => <Party call={call} /> },
      { id: "queue", header: t("calls.column.queue"), width: "minmax(70px, 0.8fr)", cell: (call) => <span className="block truncate text-ink-2">{(call.queue_id && queueNames.get(call.queue_id)) ?? "–"}</span> },
      { id: "agent", header: t("calls.column.agent"), width: "minmax(100px, 1.2fr)", cell: (call) => <Who call={call} /> },
      { id: "long", header: t("people.agents.since"), width: 76, numeric: true, cell: (call) => <HowLong call={call} /> },
      ...(may ? [{ id: "do", header: "", width: 36, align: "end" as const, cell: (call: LiveCall) => <Actions call={call} onMove={(id) => setMoving([id])} /> }] : []),
    ],
    [t, may, chosen, queueNames, wide],
  );
  return (
    <div className="flex h-full min-h-0 flex-col">
      {marked.length > 0 && (
        <div className="flex flex-wrap items-center gap-2 border-b border-line bg-accent-soft px-4 py-1.5" role="toolbar" aria-label={t("board.move.chosen-label")}>
          <span className="num flex-1 text-md">{t("board.move.chosen", { n: marked.length })}</span>
          <Button size="sm" variant="primary" icon={<ArrowLeftRight size={14} aria-hidden />} onClick={() => setMoving(marked.map((call) => call.id))}>
            {t("board.move.open")}
          </Button>
          <Button size="sm" variant="ghost" onClick={() => setChosen(new Set())}>
            {t("board.move.none")}
          </Button>
        </div>
      )}
      <div className="min-h-0 flex-1">
        <DataTable
          label={t("calls.title")}
          columns={columns}
          rows={calls}
          rowKey={(call) => call.id}
          loading={loading}
          onOpen={(call) => void navigate({ to: "/calls/$callId", params: { callId: call.id } })}
          href={(call) => `/calls/${call.id}`}
          empty={<EmptyState icon={<PhoneCall size={28} />} title={t("calls.summary.none")} text={t("board.calls.none")} />}
        />
      </div>
      {toMove && toMove.length > 0 && <MoveDialog calls={toMove} onClose={() => setMoving(undefined)} onMoved={() => setChosen(new Set())} />}
    </div>
  );
});
