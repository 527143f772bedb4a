import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useQuery } from "@tanstack/react-query";
import { PhoneOutgoing, Sparkles, UserCog, Users } from "lucide-react";
import { Suspense, lazy, useMemo, useState } from "react";
import { useCan, useMe } from "@/api";
import { Avatar, Badge, Button, type Column, DataTable, Duration, EmptyState, IconButton, Input, PageHeader, cx } from "@/design";
import { loadArea, useT } from "@/i18n";
import { type Activity, type LiveAgent, type LiveCall, useAgents, useLiveReady, useQueues, useRunningCalls } from "@/live";
import { ACTIVITIES, ACTIVITY_TONES } from "../shared/activity";
import { CallLink } from "../calls/call-back";
import { otherSide } from "../calls/call-words";
import { obstacle } from "../in-call/targets";
import { skillsQuery } from "../shared/skills";
import { found } from "./found";
import { Manage } from "./manage";
import { SkillsSheet } from "./skills-sheet";

/** For who may supervise: the others need neither it nor its words. */
const Supervise = lazy(async () => {
  const [, { SuperviseMenu }] = await Promise.all([loadArea("board"), import("../supervise/controls")]);
  return { default: SuperviseMenu };
});

const NOBODY: readonly string[] = [];

interface Row {
  agent: LiveAgent;
  call: LiveCall | undefined;
  queues: readonly string[];
}

/** Everybody who takes calls, at a glance. */
export default function Agents() {
  const t = useT();
  const navigate = useNavigate();
  const search: Record<string, unknown> = useSearch({ strict: false });
  const chosen = ACTIVITIES.find((one) => one === search.state);
  const queue = typeof search.queue === "string" ? search.queue : undefined;
  const agents = useAgents();
  const queues = useQueues();
  const calls = useRunningCalls();
  const ready = useLiveReady();
  const all = useMemo(() => {
    const byId = new Map(calls.map((call) => [call.id, call]));
    const rows: Row[] = agents.map((agent) => ({
      agent,
      call: agent.call_id ? byId.get(agent.call_id) : undefined,
      queues: queues.filter((one) => one.agent_ids.includes(agent.id)).map((one) => one.id),
    }));
    return rows
      .filter((row) => queue === undefined || row.queues.includes(queue))
      .sort((a, b) => ACTIVITIES.indexOf(a.agent.activity) - ACTIVITIES.indexOf(b.agent.activity) || a.agent.name.localeCompare(b.agent.name));
  }, [agents, calls, queues, queue]);
  const [typed, setTyped] = useState("");
  const rows = useMemo(() => all.filter((row) => (!chosen || row.agent.activity === chosen) && found(row.agent, typed)), [all, chosen, typed]);
  const self = useMe()?.user.id;
  const mayDial = useCan("calls:dial");
  const mayManage = useCan("agents:manage");
  const maySupervise = useCan("calls:supervise");
  const maySkills = useCan("queues:manage");
  const [managed, setManaged] = useState<string>();
  const [skills, setSkills] = useState(false);
  const { data: known } = useQuery(skillsQuery);
  const skillNames = useMemo(() => new Map(known?.items.map((one) => [one.id, one.name])), [known]);
  const chosenAgent = agents.find((one) => one.id === managed);
  const names = useMemo(() => new Map(queues.map((one) => [one.id, one.name])), [queues]);
  const go = (state: Activity | undefined) => void navigate({ to: "/agents", search: { ...(state ? { state } : {}), ...(queue ? { queue } : {}) } as never, replace: true });

  const columns = useMemo<Column<Row>[]>(
    () => [
      { id: "agent", header: t("people.agents.agent"), width: "minmax(180px, 1.4fr)", cell: ({ agent }) => <Person agent={agent} /> },
      {
        id: "extension",
        header: t("work.extension"),
        width: 104,
        cell: ({ agent }) => (
          <span className="flex items-center gap-1.5">
            <span className="num min-w-10 text-ink-2">{agent.extension ?? "–"}</span>
            {mayDial && agent.id !== self && <CallColleague agent={agent} />}
          </span>
        ),
      },
      { id: "state", header: t("people.agents.state"), width: "minmax(140px, 1fr)", cell: ({ agent }) => <What agent={agent} /> },
      { id: "since", header: t("people.agents.since"), width: 90, numeric: true, cell: (row) => <Duration since={row.agent.since} /> },
      { id: "call", header: t("people.agents.call"), width: "minmax(150px, 1fr)", cell: ({ call }) => (call ? <Talking call={call} queue={call.queue_id ? names.get(call.queue_id) : undefined} /> : <span className="text-ink-3">–</span>) },
      { id: "skills", header: t("work.skills"), width: "minmax(120px, 1fr)", hideBelow: "lg", cell: ({ agent }) => <span className="truncate text-ink-2">{agent.skills.flatMap(({ skill_id, level }) => (skillNames.has(skill_id) ? `${skillNames.get(skill_id) ?? ""} ${String(level)}` : [])).join(", ") || "–"}</span> },
      { id: "queues", header: t("people.agents.queues"), width: "minmax(120px, 1fr)", hideBelow: "md", cell: (row) => <span className="truncate text-ink-2">{row.queues.map((id) => names.get(id)).join(", ") || "–"}</span> },
      ...(maySupervise
        ? [
            {
              id: "supervise",
              header: "",
              width: 32,
              align: "end" as const,
              cell: ({ call }: Row) =>
                call && (
                  <Suspense fallback={null}>
                    <Supervise call={call} />
                  </Suspense>
                ),
            },
          ]
        : []),
      ...(mayManage
        ? [
            {
              id: "manage",
              header: "",
              width: 44,
              align: "end" as const,
              cell: ({ agent }: Row) => (
                <IconButton label={t("work.agent.manage", { name: agent.name })} onClick={() => setManaged(agent.id)}>
                  <UserCog size={16} aria-hidden />
                </IconButton>
              ),
            },
          ]
        : []),
    ],
    [t, names, skillNames, self, mayDial, mayManage, maySupervise],
  );
  return (
    <div className="flex h-full flex-col">
      <PageHeader
        title={t("common.nav.agents")}
        actions={
          maySkills && (
            <Button icon={<Sparkles size={15} aria-hidden />} onClick={() => setSkills(true)}>
              {t("work.skills.manage")}
            </Button>
          )
        }
        {...(queue && names.has(queue) ? { description: names.get(queue) } : {})}
        tabs={
          <div className="grid gap-2 pb-3">
            <ul aria-label={t("people.agents.sums")} className="flex gap-2 overflow-x-auto">
              {ACTIVITIES.map((activity) => (
                <li key={activity}>
                  <Sum activity={activity} count={all.filter((row) => row.agent.activity === activity).length} pressed={chosen === activity} onPress={() => go(chosen === activity ? undefined : activity)} />
                </li>
              ))}
            </ul>
            <Input type="search" aria-label={t("work.agents.search")} placeholder={t("work.agents.search")} autoComplete="off" className="w-full sm:max-w-72" value={typed} onChange={(event) => setTyped(event.target.value)} />
          </div>
        }
      />
      <div className="min-h-0 flex-1">
        <DataTable
          label={t("common.nav.agents")}
          columns={columns}
          rows={rows}
          rowKey={(row) => row.agent.id}
          loading={!ready}
          rowTone={(row) => ACTIVITY_TONES[row.agent.activity]}
          empty={<EmptyState icon={<Users size={32} />} title={chosen || typed ? t("people.agents.none-such") : t("people.agents.none")} text={chosen || typed ? undefined : t("people.agents.none-text")} />}
        />
      </div>
      {chosenAgent && <Manage agent={chosenAgent} onClose={() => setManaged(undefined)} />}
      {skills && <SkillsSheet onClose={() => setSkills(false)} />}
    </div>
  );
}

function Sum({ activity, count, pressed, onPress }: { activity: Activity; count: number; pressed: boolean; onPress: () => void }) {
  const t = useT();
  return (
    <button type="button" aria-pressed={pressed} onClick={onPress} className={cx("flex min-w-24 items-baseline gap-2 rounded-md border px-3 py-1.5 text-start", pressed ? "border-accent bg-accent-soft" : "border-line bg-surface hover:bg-sunken")}>
      <span className="num text-xl font-semibold">{count}</span>
      <span className="text-sm whitespace-nowrap text-ink-2">{t(`people.state.${activity}`)}</span>
    </button>
  );
}

/** Rings a colleague; who cannot be rung now says why. */
function CallColleague({ agent }: { agent: LiveAgent }) {
  const t = useT();
  const why = obstacle(agent, NOBODY);
  const label = why ? t("work.agent.call-not", { name: agent.name, why: t(`incall.obstacle.${why}`) }) : t("work.agent.call", { name: agent.name });
  return (
    <IconButton
      label={label}
      size="sm"
      variant="ghost"
      disabled={why !== undefined}
      data-call-agent={agent.id}
      onClick={(event) => {
        event.stopPropagation();
        void import("../calls/call-number").then(({ callAgent }) => callAgent(agent));
      }}
    >
      <PhoneOutgoing size={15} aria-hidden />
    </IconButton>
  );
}

function Person({ agent }: { agent: LiveAgent }) {
  return (
    <span className="flex min-w-0 items-center gap-2.5">
      <Avatar name={agent.name} size={26} presence={ACTIVITY_TONES[agent.activity]} />
      <span className="min-w-0">
        <span className="block truncate font-medium" title={agent.email}>
          {agent.name}
        </span>
      </span>
    </span>
  );
}

function What({ agent }: { agent: LiveAgent }) {
  const t = useT();
  return (
    <span className="flex min-w-0 items-center gap-2">
      <Badge tone={ACTIVITY_TONES[agent.activity]} dot>
        {t(`people.state.${agent.activity}`)}
      </Badge>
      {agent.activity === "paused" && agent.reason && (
        <span className="truncate text-ink-2" title={agent.reason}>
          {agent.reason === "missed" ? t("phone.missed.title") : agent.reason}
        </span>
      )}
    </span>
  );
}

function Talking({ call, queue }: { call: LiveCall; queue: string | undefined }) {
  return (
    <Link to="/calls/$callId" params={{ callId: call.id }} className="truncate text-accent hover:underline">
      <CallLink number={otherSide(call)} />
      {queue && <span className="text-ink-2"> · {queue}</span>}
    </Link>
  );
}
