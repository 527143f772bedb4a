import { ArrowDownLeft, ArrowLeftRight, ArrowUpRight, AudioLines } from "lucide-react";
import { memo, useMemo, useSyncExternalStore } from "react";
import { Badge, type Column, Duration, PhoneNumber, RelativeTime } from "@/design";
import { type t as translate, useT } from "@/i18n";
import { type LiveCall, useAgents, useQueues } from "@/live";
import { CallBack } from "./call-back";
import { type Stretch, otherSide, standing, talked, waited } from "./call-words";

const ARROWS = { inbound: ArrowDownLeft, outbound: ArrowUpRight, internal: ArrowLeftRight } as const;

/** An arrow with words for those who do not see it. */
export function DirectionMark({ direction }: { direction: LiveCall["direction"] }) {
  const t = useT();
  const Arrow = ARROWS[direction];
  return (
    <span role="img" aria-label={t(`calls.direction.${direction}`)} title={t(`calls.direction.${direction}`)} className="inline-flex shrink-0 text-ink-3">
      <Arrow size={15} aria-hidden />
    </span>
  );
}

export const StateBadge = memo(function StateBadge({ call }: { call: Pick<LiveCall, "state" | "direction" | "answered_at" | "held_since" | "end_reason"> }) {
  const t = useT();
  const { tone, text, because } = standing(call);
  return (
    <span title={because && t(because)} className="inline-flex max-w-full min-w-0 items-center gap-2">
      <Badge tone={tone} dot={call.state !== "ended"} className="min-w-0">
        <span className="truncate">{t(text)}</span>
      </Badge>
    </span>
  );
});

export function StretchTime({ stretch }: { stretch: Stretch }) {
  if (!stretch) return <span className="text-ink-3">–</span>;
  return "ms" in stretch ? <Duration ms={stretch.ms} /> : <Duration since={stretch.since} tick />;
}

/** A window in which the table has no room for columns: each call is a card. */
const CARDS = "(max-width: 700px)";

function subscribeToWidth(listener: () => void): () => void {
  const query = matchMedia(CARDS);
  query.addEventListener("change", listener);
  return () => query.removeEventListener("change", listener);
}

type NameOf = (id: string | null) => string | undefined;

/** The columns, with names instead of ids. */
export function useColumns(): Column<LiveCall>[] {
  const t = useT();
  const agents = useAgents();
  const queues = useQueues();
  const cards = useSyncExternalStore(subscribeToWidth, () => matchMedia(CARDS).matches);
  return useMemo(() => {
    const names = new Map([...agents, ...queues].map((one) => [one.id, one.name]));
    const nameOf: NameOf = (id) => (id === null ? undefined : names.get(id));
    return cards ? [card(t, nameOf)] : columns(t, nameOf);
  }, [t, agents, queues, cards]);
}

// A table that is scrolled draws all its cells with every row that comes in: these only when their call has changed.

const Party = memo(function Party({ call }: { call: LiveCall }) {
  return (
    <span className="flex min-w-0 items-center gap-2">
      <DirectionMark direction={call.direction} />
      <span className="truncate font-medium">
        <PhoneNumber value={otherSide(call)} />
      </span>
      {call.direction === "internal" && (
        <span className="truncate text-ink-3">
          → <PhoneNumber value={call.to} />
        </span>
      )}
    </span>
  );
});

const Started = memo(RelativeTime);
const Waited = memo(({ call }: { call: LiveCall }) => <StretchTime stretch={waited(call)} />);
const Talked = memo(({ call }: { call: LiveCall }) => <StretchTime stretch={talked(call)} />);
const More = memo(function More({ call }: { call: LiveCall }) {
  return (
    <span className="inline-flex h-7 items-center justify-end gap-2 align-middle">
      {call.recording_id && <RecordedMark />}
      {call.state === "ended" ? <CallBack number={otherSide(call)} /> : <span className="w-7" />}
    </span>
  );
});

function RecordedMark() {
  const t = useT();
  return (
    <span role="img" aria-label={t("calls.recorded")} title={t("calls.recorded")} className="inline-flex shrink-0 text-ink-2">
      <AudioLines size={15} aria-hidden />
    </span>
  );
}

/** Those who are asked, which may be several at once. */
function names(nameOf: NameOf, ids: readonly string[]): string | undefined {
  return ids.flatMap((id) => nameOf(id) ?? []).join(", ") || undefined;
}

/** All of a call in two lines. */
function card(t: typeof translate, nameOf: NameOf): Column<LiveCall> {
  return {
    id: "call",
    header: t("calls.column.party"),
    cell: (call) => {
      const where = [nameOf(call.queue_id), nameOf(call.agent_id) ?? names(nameOf, call.ringing_agent_ids)].filter(Boolean).join(" · ");
      return (
        <span className="grid gap-1">
          <span className="flex items-center justify-between gap-2">
            <Party call={call} />
            <StateBadge call={call} />
          </span>
          <span className="flex min-w-0 items-center gap-1.5 text-sm font-normal text-ink-2">
            <RelativeTime at={call.started_at} />
            {where && <span className="truncate">· {where}</span>}
            <span className="ms-auto flex shrink-0 items-center gap-1.5">
              {call.recording_id && <RecordedMark />}
              <StretchTime stretch={talked(call) ?? waited(call)} />
            </span>
          </span>
        </span>
      );
    },
  };
}

function columns(t: typeof translate, nameOf: NameOf): Column<LiveCall>[] {
  const dash = <span className="text-ink-3">–</span>;
  return [
    {
      id: "party",
      header: t("calls.column.party"),
      width: "minmax(180px, 1.4fr)",
      cell: (call) => <Party call={call} />,
    },
    { id: "state", header: t("calls.column.state"), width: "minmax(132px, 190px)", cell: (call) => <StateBadge call={call} /> },
    {
      id: "queue",
      header: t("calls.column.queue"),
      width: "minmax(90px, 0.8fr)",
      hideBelow: "md",
      cell: (call) => <span className="block truncate text-ink-2">{nameOf(call.queue_id) ?? dash}</span>,
    },
    {
      id: "agent",
      header: t("calls.column.agent"),
      width: "minmax(110px, 1fr)",
      hideBelow: "sm",
      cell: (call) => {
        const ringing = names(nameOf, call.ringing_agent_ids);
        const name = nameOf(call.agent_id);
        if (ringing) return <span className="block truncate text-ink-2 italic">{t("calls.ringing-agent", { agent: ringing })}</span>;
        return <span className="block truncate">{name ?? dash}</span>;
      },
    },
    { id: "started", header: t("calls.column.started"), width: 112, cell: (call) => <Started at={call.started_at} /> },
    { id: "wait", header: t("calls.column.wait"), width: 72, align: "end", numeric: true, hideBelow: "md", cell: (call) => <Waited call={call} /> },
    { id: "talk", header: t("calls.column.talk"), width: 72, align: "end", numeric: true, cell: (call) => <Talked call={call} /> },
    {
      id: "more",
      header: "",
      width: 64,
      align: "end",
      hideBelow: "sm",
      cell: (call) => <More call={call} />,
    },
  ];
}
