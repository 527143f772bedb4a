import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { ListOrdered, MonitorUp, PhoneOutgoing, SlidersHorizontal, X } from "lucide-react";
import { type ReactNode, useEffect, useRef } from "react";
import { useCan } from "@/api";
import { Button, Card, Duration, EmptyState, PageHeader, PhoneNumber, SOLID, Skeleton, announce, cx, useNow } from "@/design";
import { useT } from "@/i18n";
import { type Queue, type QueueLive, isCallBack, useLiveReady, useQueueLive, useQueues } from "@/live";
import { TestCallButton } from "../test-call";
import { ACTIVITIES, ACTIVITY_TONES } from "../shared/activity";
import { Wallboard } from "./wallboard";
import { urgency } from "./urgency";
import { CallLink } from "../calls/call-back";
import { otherSide } from "../calls/call-words";

/** How many are shown on a card; the list of calls has the rest. */
const SHOWN = 5;

/** Who waits, for how long, and who could answer: queue by queue. */
export default function Queues() {
  const t = useT();
  const navigate = useNavigate();
  const search: Record<string, unknown> = useSearch({ strict: false });
  const queues = useQueues();
  const ready = useLiveReady();
  const wall = search.wall === 1 || search.wall === "1" || search.wall === true;
  const show = (on: boolean) => void navigate({ to: "/queues", search: (on ? { wall: 1 } : {}) as never });
  if (wall) {
    return (
      <div className="fixed inset-0 z-30 flex flex-col bg-bg">
        <div className="flex items-center gap-3 px-6 py-3">
          <h1 className="flex-1 text-xl font-semibold">{t("common.nav.queues")}</h1>
          <FullScreen />
          <Button icon={<X size={15} aria-hidden />} onClick={() => show(false)}>
            {t("people.wall.leave")}
          </Button>
        </div>
        <Wallboard queues={queues} />
      </div>
    );
  }
  return (
    <div className="flex min-h-full flex-col">
      <PageHeader
        title={t("common.nav.queues")}
        actions={
          <>
            <TestCallButton />
            <Button icon={<MonitorUp size={15} aria-hidden />} onClick={() => show(true)}>
              {t("people.wall.show")}
            </Button>
          </>
        }
      />
      {!ready ? (
        <div aria-busy="true" className="grid grid-cols-[repeat(auto-fill,minmax(300px,1fr))] gap-4 p-5">
          <Skeleton height={220} />
          <Skeleton height={220} />
        </div>
      ) : queues.length === 0 ? (
        <EmptyState icon={<ListOrdered size={32} />} title={t("people.queues.none")} text={t("people.queues.none-text")} />
      ) : (
        <ul className="grid grid-cols-[repeat(auto-fill,minmax(min(320px,100%),1fr))] gap-4 p-5 max-sm:p-3">
          {queues.map((queue) => (
            <li key={queue.id}>
              <QueueCard queue={queue} />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function QueueCard({ queue }: { queue: Queue }) {
  const t = useT();
  const mayManage = useCan("queues:manage");
  const live = useQueueLive(queue.id);
  const now = useNow();
  useWaitingAnnounced(queue, live);
  const waiting = live?.waiting ?? [];
  const longest = live?.longest_waiting_since ?? null;
  const tone = urgency(longest === null ? undefined : now - Date.parse(longest));
  return (
    <Card className="flex h-full flex-col gap-3">
      <div className="flex items-baseline gap-2">
        <h2 className="flex-1 truncate text-lg font-semibold">{queue.name}</h2>
        {mayManage && (
          <Link to="/queues/$queueId" params={{ queueId: queue.id }} aria-label={t("work.queue.rules-of", { queue: queue.name })} title={t("work.queue.rules")} className="grid size-7 shrink-0 place-items-center self-center rounded-md text-ink-2 hover:bg-sunken hover:text-ink">
            <SlidersHorizontal size={15} aria-hidden />
          </Link>
        )}
        <p className="num text-sm text-ink-3">
          {queue.numbers[0] ? <PhoneNumber value={queue.numbers[0]} /> : null}
          {queue.numbers[0] && " · "}
          {queue.extension}
        </p>
      </div>
      <dl className="grid grid-cols-3 gap-2">
        <Figure term={t("people.queues.waiting")} tone={waiting.length > 0 ? tone : undefined} value={waiting.length} />
        <Figure term={t("people.queues.longest")} tone={tone} value={longest ? <Duration since={longest} /> : "–"} />
        <Figure term={t("people.queues.talking")} value={live?.active ?? 0} />
      </dl>
      <Members live={live} />
      {waiting.length > 0 && (
        <ol aria-label={t("people.queues.next")} className="grid gap-0.5">
          {waiting.slice(0, SHOWN).map((call, index) => (
            <li key={call.id} className="flex items-center gap-2 rounded-md px-1.5 py-1 text-md hover:bg-sunken">
              <span className="num w-5 text-ink-3">{index + 1}</span>
              <Link to="/calls/$callId" params={{ callId: call.id }} className="min-w-0 flex-1 truncate hover:underline">
                <CallLink number={otherSide(call)} />
              </Link>
              {call.state === "queued" && isCallBack(call) && (
                <span title={t("calls.state.call-back")} className="shrink-0 text-wait">
                  <PhoneOutgoing size={14} aria-hidden />
                  <span className="sr-only">{t("calls.state.call-back")}</span>
                </span>
              )}
              {call.state === "ringing" && <span className="text-sm text-ring">{t("people.state.ringing")}</span>}
              <Duration since={call.queued_at ?? call.started_at} className="w-12 text-end" />
            </li>
          ))}
          {waiting.length > SHOWN && <li className="px-1.5 text-sm text-ink-3">{t("people.queues.more", { n: waiting.length - SHOWN })}</li>}
        </ol>
      )}
      {waiting.length === 0 && <p className="text-md text-ink-3">{t("people.queues.nobody")}</p>}
      {live && live.agents.available === 0 && waiting.length > live.ringing && <p className="rounded-md bg-ring-soft px-2.5 py-1.5 text-md text-ink">{t("people.queues.nobody-free")}</p>}
    </Card>
  );
}

function Figure({ term, value, tone }: { term: string; value: ReactNode; tone?: "ring" | "bad" | undefined }) {
  return (
    <div className={cx("rounded-md px-2.5 py-2", tone === "bad" ? "bg-bad-soft" : tone === "ring" ? "bg-ring-soft" : "bg-sunken")}>
      <dt className="truncate text-sm text-ink-2">{term}</dt>
      <dd className={cx("num text-xl font-semibold", tone === "bad" ? "text-bad" : tone === "ring" ? "text-ring" : "text-ink")}>{value}</dd>
    </div>
  );
}

/** What the members do, as a bar and in figures. */
function Members({ live }: { live: QueueLive | undefined }) {
  const t = useT();
  if (!live) return null;
  const counts = ACTIVITIES.map((activity) => [activity, live.agents[activity]] as const).filter(([, count]) => count > 0);
  return (
    <div>
      <div aria-hidden className="flex h-1.5 gap-0.5 overflow-hidden rounded-full bg-sunken">
        {counts.map(([activity, count]) => (
          <span key={activity} className={SOLID[ACTIVITY_TONES[activity]]} style={{ flexGrow: count }} />
        ))}
      </div>
      <p className="mt-1.5 flex flex-wrap gap-x-3 text-sm text-ink-2">
        {counts.length === 0 && t("people.queues.no-members")}
        {counts.map(([activity, count]) => (
          <span key={activity} className="inline-flex items-center gap-1">
            <span aria-hidden className={cx("size-1.5 rounded-full", SOLID[ACTIVITY_TONES[activity]])} />
            <span className="num">{count}</span> {t(`people.state.${activity}`)}
          </span>
        ))}
      </p>
    </div>
  );
}

/** The first caller that waits is news; each further one would only be noise. */
function useWaitingAnnounced(queue: Queue, live: QueueLive | undefined): void {
  const t = useT();
  const before = useRef<number>(undefined);
  const count = live?.waiting.length;
  useEffect(() => {
    if (count !== undefined && before.current === 0 && count > 0) announce(t("people.queues.announce", { queue: queue.name }));
    before.current = count;
  }, [count, queue.name, t]);
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
