import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { ArrowLeft, PhoneOff } from "lucide-react";
import { Suspense, lazy, useCallback, useMemo, useState } from "react";
import { api, body, useCan } from "@/api";
import { Button, ConfirmDialog, Duration, ErrorState, PhoneNumber, RelativeTime, Skeleton, grouped, toast } from "@/design";
import { loadArea, useT } from "@/i18n";
import { type JournalEvent, type LiveCall, useAgents, useCallLive, useCallTimeline, useEvents, useQueues } from "@/live";
import { CallBack } from "../calls/call-back";
import { MarkCaller } from "../dialing/mark-caller";
import { otherSide } from "../calls/call-words";
import { DirectionMark, StateBadge } from "../calls/columns";
import { problemText } from "../calls/problem-text";
import { lastListSearch } from "../calls/use-filters";
import type { Player } from "./audio";
import { InCall } from "../in-call/card";
import { Dispositions } from "./dispositions";
import { Facts } from "./facts";
import { merged } from "./merged";
import { Notes } from "./notes";
import { Parties } from "./parties";
import { RecordingCard, useRecording } from "./recording";
import { TimelineList } from "./timeline-list";
import { type Entry, type Names, onRecording, timeline } from "./timeline";

/** For who may supervise: the others need neither it nor its words. */
const Supervise = lazy(async () => {
  const [, screen] = await Promise.all([loadArea("board"), import("../supervise/on-call")]);
  return screen;
});

const Trace = lazy(async () => {
  const [, { Trace: part }] = await Promise.all([loadArea("trace"), import("./trace")]);
  return { default: part };
});

const NO_EVENTS: readonly JournalEvent[] = [];

/** A number inside a sentence keeps its own direction (Unicode's first strong isolate). */
const isolated = (number: string) => `\u2068${grouped(number)}\u2069`;

/** The call as it is stored, read anew whenever the journal tells of it. */
function useCall(id: string) {
  const queries = useQueryClient();
  const key = ["call", id];
  useEvents(["call.*", "recording.started"], (event) => {
    if (event.subject.id === id || event.data.call_id === id) void queries.invalidateQueries({ queryKey: key });
  });
  return useQuery({ queryKey: key, queryFn: ({ signal }) => body(api.GET("/api/v1/calls/{id}", { params: { path: { id } }, signal })) });
}

/** Names instead of ids, in sentences. */
function useNames(): Names {
  const agents = useAgents();
  const queues = useQueues();
  return useMemo(() => {
    const agentNames = new Map(agents.map((one) => [one.id, one.name]));
    const queueNames = new Map(queues.map((one) => [one.id, one.name]));
    return { agent: (id) => agentNames.get(id), queue: (id) => queueNames.get(id), number: isolated };
  }, [agents, queues]);
}

/** A call: who, how long, what happened, what was said. */
export default function CallScreen() {
  const t = useT();
  const { callId = "" } = useParams({ strict: false });
  const { data: stored, error, refetch } = useCall(callId);
  const live = useCallLive(callId);
  const { events = NO_EVENTS, error: eventsError, ...told } = useEventsOf(callId);
  const names = useNames();
  const [player, setPlayer] = useState<Player>();
  const call = stored && merged(stored, live);
  const entries = useMemo(() => (call ? timeline(events, call.started_at, names) : []), [events, call?.started_at, names]); // eslint-disable-line react-hooks/exhaustive-deps
  const text = useCallback((entry: Entry) => t(entry.text, entry.values), [t]);
  const mayHear = useCan("recordings:read");
  const { data: recording } = useRecording(mayHear ? (call?.recording_id ?? null) : null);
  const place = (entry: Entry) => (recording?.state === "ready" && player ? onRecording(entry, recording.started_at, recording.duration_ms ?? 0) : undefined);
  const seek = (ms: number) => player?.seek(ms);

  if (error && !stored) {
    return (
      <div className="p-4">
        <Back />
        <ErrorState error={error} onRetry={() => void refetch()} />
      </div>
    );
  }
  if (!stored || !call) return <Loading />;
  const agent = call.agent_id ? names.agent(call.agent_id) : undefined;
  const queue = call.queue_id ? names.queue(call.queue_id) : undefined;
  return (
    <article className="mx-auto grid max-w-[1240px] grid-cols-1 gap-4 p-4" aria-label={t("call.call.title", { number: otherSide(call) })} data-call={call.state}>
      <Header call={call} agent={agent} queue={queue} />
      <div className="grid grid-cols-1 items-start gap-4 lg:grid-cols-[minmax(0,1fr)_320px]">
        <div className="grid min-w-0 grid-cols-1 gap-4">
          <InCall id={call.id} />
          <RecordingCard call={call} timeline={entries} text={text} onPlayer={setPlayer} />
          {call.direction === "inbound" && (
            <Suspense fallback={null}>
              <Trace id={call.id} />
            </Suspense>
          )}
          <TimelineList entries={told.loaded ? entries : undefined} error={eventsError} place={place} onSeek={seek} running={call.state !== "ended"} />
        </div>
        <div className="grid min-w-0 grid-cols-1 items-start gap-4 sm:max-lg:grid-cols-2">
          <Facts call={stored} live={call} queue={queue} agent={agent} events={events} />
          <Dispositions call={stored} agentName={names.agent} />
          <Notes call={stored} name={names.agent} />
          <Parties call={stored} running={call.state !== "ended"} agentName={names.agent} customer={otherSide(call)} />
        </div>
      </div>
    </article>
  );
}

function useEventsOf(id: string) {
  const { events, error } = useCallTimeline(id);
  return { events, error, loaded: events !== undefined };
}

function Back() {
  const t = useT();
  return (
    <Link to="/calls" search={lastListSearch()} className="inline-flex min-h-6 items-center gap-1 text-sm text-ink-2 hover:text-ink">
      <ArrowLeft size={14} aria-hidden className="rtl:rotate-180" />
      {t("call.call.back")}
    </Link>
  );
}

function Header({ call, agent, queue }: { call: LiveCall; agent: string | undefined; queue: string | undefined }) {
  const t = useT();
  const maySupervise = useCan("calls:supervise");
  const running = call.state !== "ended";
  const parties = [queue, agent].filter(Boolean).join(" · ");
  return (
    <header className="grid grid-cols-1 gap-1">
      <Back />
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <h1 className="flex min-w-0 items-center gap-2 text-xl font-semibold">
          <DirectionMark direction={call.direction} />
          <span className="truncate">
            <PhoneNumber value={otherSide(call)} />
          </span>
        </h1>
        <StateBadge call={call} />
        <span className="num text-lg font-medium" data-duration>
          {running ? <Duration since={call.answered_at ?? call.started_at} tick /> : <Duration ms={Date.parse(call.ended_at ?? call.started_at) - Date.parse(call.started_at)} />}
        </span>
        <span className="flex-1" />
        {!running && <CallBack number={otherSide(call)} label />}
        <MarkCaller number={otherSide(call)} />
        {running && maySupervise && (
          <Suspense fallback={null}>
            <Supervise call={call} />
          </Suspense>
        )}
        {running && <HangUp id={call.id} />}
      </div>
      <p className="flex min-w-0 flex-wrap gap-x-1.5 text-ink-2">
        <span>{t(`calls.direction.${call.direction}`)}</span>
        {parties && <span className="break-words">· {parties}</span>}
        <span>
          · <RelativeTime at={call.started_at} />
        </span>
      </p>
    </header>
  );
}

/** Ends the call for both sides. Not to be undone, so it asks first. */
function HangUp({ id }: { id: string }) {
  const t = useT();
  const may = useCan("calls:control");
  const [asking, setAsking] = useState(false);
  const end = useMutation({
    mutationFn: () => body(api.POST("/api/v1/calls/{id}/hangup", { params: { path: { id } } })),
    onError: (error) => toast({ title: t("call.hang-up.failed"), description: problemText(error), tone: "bad" }),
  });
  if (!may) return null;
  return (
    <>
      <Button variant="danger" icon={<PhoneOff size={15} aria-hidden />} busy={end.isPending} onClick={() => setAsking(true)}>
        {t("call.hang-up.do")}
      </Button>
      <ConfirmDialog open={asking} onOpenChange={setAsking} title={t("call.hang-up.ask")} description={t("call.hang-up.text")} confirm={t("call.hang-up.do")} tone="danger" onConfirm={() => end.mutate()} />
    </>
  );
}

function Loading() {
  return (
    <div className="mx-auto grid max-w-[1240px] gap-4 p-4" aria-busy>
      <Skeleton width={260} height={48} />
      <div className="grid gap-4 lg:grid-cols-[minmax(0,1fr)_320px]">
        <Skeleton height={360} />
        <Skeleton height={280} />
      </div>
    </div>
  );
}
