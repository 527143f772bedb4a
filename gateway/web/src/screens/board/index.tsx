import { useNavigate, useSearch } from "@tanstack/react-router";
import { Bell, MonitorUp, X } from "lucide-react";
import { type CSSProperties, type ReactNode, useCallback, useMemo, useState } from "react";
import { useCan, useMe } from "@/api";
import { Banner, Button, ErrorState, IconButton, PageHeader, Skeleton, cx, formatDateTime } from "@/design";
import { useT } from "@/i18n";
import { type LiveCall, type Queue, live, useAgent, useLiveReady, useQueues } from "@/live";
import { Manage } from "../agents/manage";
import { problemText } from "../calls/problem-text";
import { ACTIVITIES } from "../shared/activity";
import { SupervisedCalls } from "../supervise/controls";
import { NoticeDialog } from "../supervise/notice";
import { Agents } from "./agents";
import { Calls } from "./calls";
import { feed, useBoardState, useCalm, useFeed } from "./feed";
import { Queues } from "./queues";
import { Tiles } from "./tiles";
import { Wall } from "./wall";

/** What goes on now and how the day has gone: queues, agents, calls, moving with the stream. */
export default function BoardScreen() {
  const t = useT();
  const navigate = useNavigate();
  const search: Record<string, unknown> = useSearch({ strict: false });
  const queues = useQueues();
  const ready = useLiveReady();
  const zone = useMe()?.tenant.time_zone;
  const mayCount = useCan("reports:read");
  const me = useMe() !== undefined;
  useFeed(ready && me, zone, mayCount);
  const { loaded, counts, error } = useBoardState();
  const wall = search.wall === 1 || search.wall === "1" || search.wall === true;
  const chosen = queues.find((one) => one.id === search.queue);
  const go = useCallback(
    (to: { queue?: string | undefined; wall?: boolean }) => void navigate({ to: "/board", search: { ...(to.queue ? { queue: to.queue } : {}), ...(to.wall ? { wall: 1 } : {}) } as never, replace: true }),
    [navigate],
  );
  const shownQueues = useMemo(() => (chosen ? [chosen] : queues), [chosen, queues]);
  const failed = error !== undefined && !loaded;
  if (wall) {
    return (
      <div className="fixed inset-0 z-30 flex flex-col overflow-auto bg-bg">
        <div className="flex flex-wrap items-center gap-3 px-6 py-3 max-sm:px-3">
          <h1 className="min-w-0 flex-1 truncate text-xl font-semibold">{chosen ? t("board.title-of", { queue: chosen.name }) : t("people.board")}</h1>
          <FullScreen />
          <Button icon={<X size={15} aria-hidden />} onClick={() => go({ queue: chosen?.id })}>
            {t("people.wall.leave")}
          </Button>
        </div>
        {failed ? <ErrorState error={error} onRetry={() => feed.reload()} /> : loaded ? <Wall queues={shownQueues} queue={chosen?.id} counts={counts} /> : <Loading />}
      </div>
    );
  }
  return (
    <div className="flex min-h-full flex-col">
      <SupervisedCalls />
      <PageHeader
        title={t("people.board")}
        description={loaded && counts ? <Today zone={zone} /> : undefined}
        actions={
          <>
            <Notice queue={chosen?.id} />
            <IconButton label={t("people.wall.show")} variant="secondary" onClick={() => go({ queue: chosen?.id, wall: true })}>
              <MonitorUp size={15} aria-hidden />
            </IconButton>
          </>
        }
        tabs={queues.length > 1 && <Chips queues={queues} chosen={chosen} onChoose={(queue) => go({ queue })} />}
      />
      {error !== undefined && loaded && (
        <Banner
          tone="ring"
          action={
            <Button size="sm" onClick={() => feed.reload()}>
              {t("common.retry")}
            </Button>
          }
        >
          {t("board.stale")} {problemText(error)}
        </Banner>
      )}
      {failed ? (
        <ErrorState error={error} onRetry={() => feed.reload()} />
      ) : !loaded ? (
        <Loading />
      ) : (
        <div className="grid min-w-0 flex-1 grid-cols-1 content-start gap-4 p-5 max-sm:p-3">
          <Tiles queue={chosen?.id} counts={counts} />
          {!counts && <p className="text-sm text-ink-2">{t("board.no-figures")}</p>}
          <Part title={t("common.nav.queues")} about={t("board.queues.about")}>
            <Queues queues={shownQueues} loading={!ready} counts={counts} onChoose={(queue) => go({ queue: queue.id === chosen?.id ? undefined : queue.id })} />
          </Part>
          <div className="grid min-w-0 gap-4" style={SIDE_BY_SIDE}>
            <AgentsPart queue={chosen} />
            <CallsPart queue={chosen} queues={queues} />
          </div>
        </div>
      )}
    </div>
  );
}

/** Up to when the day's figures are: they are the day's so far. */
function Today({ zone }: { zone: string | undefined }) {
  const t = useT();
  const day = feed.board.figures?.day;
  return <>{t("board.day", { from: formatDateTime((day?.from ?? 0) * 15 * 60 * 1000, { ...(zone ? { zone } : {}), weekday: "long", day: "numeric", month: "long" }), zone: zone ?? "UTC" })}</>;
}

function Notice({ queue }: { queue: string | undefined }) {
  const t = useT();
  const may = useCan("notices:send");
  const [open, setOpen] = useState(false);
  if (!may) return null;
  return (
    <>
      <Button icon={<Bell size={15} aria-hidden />} onClick={() => setOpen(true)}>
        {t("board.notice.open")}
      </Button>
      {open && <NoticeDialog queue={queue} onClose={() => setOpen(false)} />}
    </>
  );
}

function Chips({ queues, chosen, onChoose }: { queues: readonly Queue[]; chosen: Queue | undefined; onChoose: (queue: string | undefined) => void }) {
  const t = useT();
  const look = (on: boolean) => cx("h-8 rounded-full border px-3 text-sm whitespace-nowrap", on ? "border-accent bg-accent-soft font-medium text-ink" : "border-line bg-surface text-ink-2 hover:bg-sunken");
  return (
    <ul aria-label={t("board.queue-choice")} className="flex gap-2 overflow-x-auto pb-3">
      <li>
        <button type="button" aria-pressed={!chosen} className={look(!chosen)} onClick={() => onChoose(undefined)}>
          {t("board.all-queues")}
        </button>
      </li>
      {queues.map((queue) => (
        <li key={queue.id}>
          <button type="button" aria-pressed={chosen?.id === queue.id} className={look(chosen?.id === queue.id)} onClick={() => onChoose(chosen?.id === queue.id ? undefined : queue.id)}>
            {queue.name}
          </button>
        </li>
      ))}
    </ul>
  );
}

function Part({ title, about, style, children }: { title: string; about?: ReactNode; style?: CSSProperties; children: ReactNode }) {
  return (
    <section aria-label={title} className="flex min-w-0 flex-col overflow-hidden rounded-lg border border-line bg-surface" style={style}>
      <div className="flex flex-wrap items-baseline gap-x-3 border-b border-line px-4 py-2.5">
        <h2 className="flex-1 font-semibold">{title}</h2>
        {about && <p className="text-sm text-ink-2">{about}</p>}
      </div>
      <div className="min-h-0 flex-1">{children}</div>
    </section>
  );
}

/** Of a height that leaves both lists in sight: what is longer is scrolled within. */
const LIST = { height: "clamp(280px, 52dvh, 640px)" };

function AgentsPart({ queue }: { queue: Queue | undefined }) {
  const t = useT();
  const ready = useLiveReady();
  const all = useCalm("agents", () => live.store.allAgents());
  const agents = useMemo(() => {
    const members = queue && new Set(queue.agent_ids);
    return all.filter((agent) => !members || members.has(agent.id)).sort((a, b) => ACTIVITIES.indexOf(a.activity) - ACTIVITIES.indexOf(b.activity) || a.name.localeCompare(b.name));
  }, [all, queue]);
  const [managed, setManaged] = useState<string>();
  const agent = useAgent(managed ?? "");
  const present = agents.reduce((sum, one) => sum + (one.activity === "offline" ? 0 : 1), 0);
  return (
    <Part title={t("common.nav.agents")} about={t("board.agents.about", { n: present })} style={LIST}>
      <Agents agents={agents} loading={!ready} onManage={setManaged} />
      {agent && <Manage agent={agent} onClose={() => setManaged(undefined)} />}
    </Part>
  );
}

/** Who waits before who talks, and the longest of each on top. */
function byWait(a: LiveCall, b: LiveCall): number {
  const rank = (call: LiveCall) => (call.state === "active" ? 1 : 0);
  const since = (call: LiveCall) => (call.state === "active" ? (call.answered_at ?? call.started_at) : (call.queued_at ?? call.started_at));
  return rank(a) - rank(b) || since(a).localeCompare(since(b));
}

function CallsPart({ queue, queues }: { queue: Queue | undefined; queues: readonly Queue[] }) {
  const t = useT();
  const ready = useLiveReady();
  const all = useCalm("calls", () => live.store.allCalls());
  const calls = useMemo(() => all.filter((call) => call.state !== "ended" && (!queue || call.queue_id === queue.id)).sort(byWait), [all, queue]);
  const names = useMemo(() => new Map(queues.map((one) => [one.id, one.name])), [queues]);
  const talking = calls.reduce((sum, one) => sum + (one.state === "active" ? 1 : 0), 0);
  return (
    <Part title={t("calls.title")} about={t("board.calls.about", { waiting: calls.length - talking, talking })} style={LIST}>
      <Calls calls={calls} queueNames={names} loading={!ready} />
    </Part>
  );
}

function FullScreen() {
  const t = useT();
  if (!document.fullscreenEnabled) return null;
  return (
    <Button
      icon={<MonitorUp size={15} aria-hidden />}
      onClick={() => {
        if (document.fullscreenElement) void document.exitFullscreen();
        else void document.documentElement.requestFullscreen();
      }}
    >
      {t("people.wall.full")}
    </Button>
  );
}

/** Two lists beside each other where there is room for both. */
const SIDE_BY_SIDE = { gridTemplateColumns: "repeat(auto-fit, minmax(min(520px, 100%), 1fr))" };

function Loading() {
  return (
    <div aria-busy="true" className="grid gap-4 p-5 max-sm:p-3">
      <Skeleton height={96} />
      <Skeleton height={160} />
      <div className="grid gap-4" style={SIDE_BY_SIDE}>
        <Skeleton height={280} />
        <Skeleton height={280} />
      </div>
    </div>
  );
}
