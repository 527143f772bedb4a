import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Voicemail } from "lucide-react";
import { api, body } from "@/api";
import { Badge, Duration, Skeleton, cx } from "@/design";
import { useT } from "@/i18n";
import { type LiveCall, awaitsOther, useCallLive, useEvents } from "@/live";
import { useQueryClient } from "@tanstack/react-query";
import { CallBack } from "../calls/call-back";
import { otherSide, talked } from "../calls/call-words";
import { DirectionMark, StateBadge, StretchTime } from "../calls/columns";
import { InCall } from "../in-call/card";
import type { Message } from "./api";
import { useNames } from "./data";
import { clockTime } from "./words";

/** A call in the thread of whoever it was with: with its controls while it runs, and the way to its recording afterwards. */
export function CallCard({ message, zone }: { message: Message; zone: string | undefined }) {
  const t = useT();
  const id = message.call_id ?? "";
  const running = useCallLive(id);
  const queries = useQueryClient();
  useEvents(["call.ended", "recording.ready"], (event) => {
    if (event.subject.id === id || event.data.call_id === id) void queries.invalidateQueries({ queryKey: ["call", id] });
  });
  const live = running !== undefined && running.state !== "ended";
  const { data, error } = useQuery({
    queryKey: ["call", id],
    enabled: id !== "" && !live,
    queryFn: ({ signal }) => body(api.GET("/api/v1/calls/{id}", { params: { path: { id } }, signal })),
  });
  // What the line says of itself, where the call is not to be seen: it may be another's.
  if (!live && (error || id === "")) return <p className="text-center text-sm text-ink-3">{message.text || t("inbox.kind.call")}</p>;
  const call = live ? running : (data ?? running);
  return (
    <section aria-label={t("inbox.kind.call")} data-call-card={call?.state ?? "loading"} className={cx("rounded-lg border bg-surface p-3 shadow-card", live ? "border-live" : "border-line")}>
      {call ? <Facts call={call} zone={zone} live={live} voicemail={message.content.voicemail === true || message.content.voicemail_id !== undefined} /> : <Skeleton lines={2} />}
      {live && (
        <div className="mt-2">
          <InCall id={id} />
        </div>
      )}
    </section>
  );
}

type Shown = Pick<LiveCall, "id" | "direction" | "from" | "to" | "state"> & { queue_id?: string | null; agent_id?: string | null; answered_at?: string | null; ended_at?: string | null; end_reason?: LiveCall["end_reason"]; held_since?: string | null; recording_id?: string | null; started_at: string; queued_at?: string | null };

function Facts({ call, zone, live, voicemail }: { call: Shown; zone: string | undefined; live: boolean; voicemail: boolean }) {
  const t = useT();
  const names = useNames();
  const { id, direction, from, to, state } = call;
  const answered_at = call.answered_at ?? null;
  const told = { id, direction, from, to, state, answered_at, held_since: call.held_since ?? null, end_reason: call.end_reason ?? null, ended_at: call.ended_at ?? null } as LiveCall;
  // Nobody is on the line before an agent has picked up.
  const toCall = state === "queued" && awaitsOther(told);
  const stretch = talked(told);
  const who = names.agent(call.agent_id) ?? names.queue(call.queue_id);
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1 text-md">
      <DirectionMark direction={direction} />
      <span className="font-semibold">{live && !toCall ? t("inbox.call.running") : t("inbox.kind.call")}</span>
      <StateBadge call={told} />
      {stretch && (live ? <Duration since={answered_at} className="font-semibold" /> : <StretchTime stretch={stretch} />)}
      {voicemail && (
        <Badge tone="wait">
          <Voicemail size={12} aria-hidden />
          {t("inbox.call.voicemail")}
        </Badge>
      )}
      {who && <span className="text-sm text-ink-2">{who}</span>}
      <span className="flex-1" />
      <time dateTime={call.started_at} className="num text-sm text-ink-3">
        {clockTime(call.started_at, zone)}
      </time>
      {!live && !answered_at && direction === "inbound" && <CallBack number={otherSide(told)} />}
      <Link to="/calls/$callId" params={{ callId: id }} className="text-sm font-medium text-accent underline underline-offset-2">
        {call.recording_id && !live ? t("inbox.call.hear") : t("inbox.call.open")}
      </Link>
    </div>
  );
}
