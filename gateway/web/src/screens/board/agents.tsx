import { Link } from "@tanstack/react-router";
import { UserCog, Users } from "lucide-react";
import { memo, useMemo } from "react";
import { useCan } from "@/api";
import { Avatar, Badge, type Column, DataTable, Duration, EmptyState, IconButton, PhoneNumber } from "@/design";
import { useT } from "@/i18n";
import { type LiveAgent, useCallLive } from "@/live";
import { otherSide } from "../calls/call-words";
import { ACTIVITY_TONES } from "../shared/activity";
import { SuperviseMenu } from "../supervise/controls";

const Person = memo(function Person({ agent }: { agent: LiveAgent }) {
  return (
    <span className="flex min-w-0 items-center gap-2.5">
      <Avatar name={agent.name} size={24} presence={ACTIVITY_TONES[agent.activity]} />
      <span className="truncate font-medium" title={agent.name}>
        {agent.name}
      </span>
    </span>
  );
});

const What = memo(function What({ agent }: { agent: LiveAgent }) {
  const t = useT();
  const reason = agent.activity === "paused" && agent.reason ? (agent.reason === "missed" ? t("phone.missed.title") : agent.reason) : undefined;
  return (
    <span className="flex min-w-0 items-center gap-2">
      <Badge tone={ACTIVITY_TONES[agent.activity]} dot>
        {t(`people.state.${agent.activity}`)}
      </Badge>
      {reason && (
        <span className="truncate text-ink-2" title={reason}>
          {reason}
        </span>
      )}
    </span>
  );
});

const Talking = memo(function Talking({ id }: { id: string | null }) {
  const call = useCallLive(id ?? "");
  if (!call) return <span className="text-ink-3">–</span>;
  return (
    <Link to="/calls/$callId" params={{ callId: call.id }} className="truncate text-accent hover:underline">
      <PhoneNumber value={otherSide(call)} />
    </Link>
  );
});

const Actions = memo(function Actions({ agent, onManage }: { agent: LiveAgent; onManage: ((id: string) => void) | undefined }) {
  const t = useT();
  const call = useCallLive(agent.call_id ?? "");
  return (
    <span className="flex justify-end gap-1">
      {call && <SuperviseMenu call={call} />}
      {onManage && (
        <IconButton label={t("work.agent.manage", { name: agent.name })} size="sm" onClick={() => onManage(agent.id)}>
          <UserCog size={16} aria-hidden />
        </IconButton>
      )}
    </span>
  );
});

/** Who does what, and since when. */
export const Agents = memo(function Agents({ agents, loading, onManage }: { agents: readonly LiveAgent[]; loading: boolean; onManage: (id: string) => void }) {
  const t = useT();
  const mayManage = useCan("agents:manage");
  const columns = useMemo<Column<LiveAgent>[]>(
    () => [
      { id: "agent", header: t("people.agents.agent"), width: "minmax(120px, 1.2fr)", cell: (agent) => <Person agent={agent} /> },
      { id: "state", header: t("people.agents.state"), width: "minmax(120px, 1.2fr)", cell: (agent) => <What agent={agent} /> },
      { id: "call", header: t("people.agents.call"), width: "minmax(110px, 1fr)", cell: (agent) => <Talking id={agent.call_id} /> },
      { id: "since", header: t("people.agents.since"), width: 76, numeric: true, cell: (agent) => <Duration since={agent.since} /> },
      { id: "do", header: "", width: 68, align: "end", cell: (agent) => <Actions agent={agent} onManage={mayManage ? onManage : undefined} /> },
    ],
    [t, mayManage, onManage],
  );
  return <DataTable label={t("common.nav.agents")} columns={columns} rows={agents} rowKey={(agent) => agent.id} loading={loading} rowTone={(agent) => ACTIVITY_TONES[agent.activity]} empty={<EmptyState icon={<Users size={28} />} title={t("people.agents.none-such")} text={t("people.agents.none-text")} />} />;
});
