import { useQuery, useQueryClient } from "@tanstack/react-query";
import { CircleDot, EarOff, MicOff } from "lucide-react";
import { type components, Problem, api, body, useCan } from "@/api";
import { Banner, Card, ErrorState, Skeleton } from "@/design";
import { useT } from "@/i18n";
import { type LiveCall, useEvents } from "@/live";
import type { Player as AudioPlayer } from "./audio";
import { clock } from "./clock";
import { Player } from "./player";
import { type Entry, onRecording } from "./timeline";
import type { GapBand, Mark } from "./waveform";

export type Recording = components["schemas"]["Recording"];

/** What is known of a recording, read anew when the journal says that it changed. */
export function useRecording(id: string | null) {
  const queries = useQueryClient();
  useEvents(["recording.*"], (event) => {
    if (event.subject.id === id) void queries.invalidateQueries({ queryKey: ["recording", id] });
  });
  return useQuery({
    queryKey: ["recording", id],
    enabled: id !== null,
    queryFn: ({ signal }) => body(api.GET("/api/v1/recordings/{id}", { params: { path: { id: id ?? "" } }, signal })),
  });
}

const REASONS = ["outage", "paused", "no_agent_audio", "no_customer_audio", "disk_too_slow", "gateway_restart"] as const;

/** The recording of a call in whichever state it is. */
export function RecordingCard({ call, timeline, text, onPlayer }: { call: LiveCall; timeline: readonly Entry[]; text: (entry: Entry) => string; onPlayer: (player: AudioPlayer | undefined) => void }) {
  const t = useT();
  const may = useCan("recordings:read");
  const { data: recording, error, refetch } = useRecording(may ? call.recording_id : null);
  if (!may) return <Nothing icon={<EarOff size={16} aria-hidden />} title={t("call.recording.forbidden")} />;
  if (call.recording_id === null) {
    if (call.state !== "ended") return <Nothing icon={<MicOff size={16} aria-hidden />} title={t("call.recording.not-yet")} />;
    return <Nothing icon={<MicOff size={16} aria-hidden />} title={call.answered_at ? t("call.recording.absent") : t("call.recording.unanswered")} />;
  }
  if (error) {
    if (error instanceof Problem && error.status === 404) return <Nothing icon={<EarOff size={16} aria-hidden />} title={t("call.recording.forbidden")} />;
    return (
      <Frame>
        <ErrorState error={error} onRetry={() => void refetch()} />
      </Frame>
    );
  }
  if (!recording) {
    return (
      <Frame>
        <Skeleton height={140} />
      </Frame>
    );
  }
  if (recording.state === "recording") {
    return (
      <Frame state="recording">
        <p className="flex items-center gap-2">
          <CircleDot size={16} aria-hidden className="animate-pulse text-bad" />
          {call.state === "ended" ? t("call.recording.finishing") : t("call.recording.running")}
        </p>
      </Frame>
    );
  }
  if (recording.state !== "ready") {
    return (
      <Frame state="failed">
        <Banner tone="bad">
          {t("call.recording.failed")} {recording.error}
        </Banner>
      </Frame>
    );
  }
  const durationMs = recording.duration_ms ?? 0;
  const marks: Mark[] = timeline.flatMap((entry) => {
    const ms = onRecording(entry, recording.started_at, durationMs);
    return ms === undefined || entry.kind.startsWith("recording.") ? [] : [{ id: entry.id, ms, label: text(entry), tone: entry.tone }];
  });
  const gaps: GapBand[] = recording.gaps.map((gap) => {
    const reason = REASONS.find((known) => known === gap.reason);
    return { from_ms: gap.from_ms, to_ms: gap.to_ms, label: reason ? t(`call.gap.${reason}`) : gap.reason };
  });
  return (
    <Frame state="ready">
      <Player recording={recording} marks={marks} gaps={gaps} onPlayer={onPlayer} />
      {(gaps.length > 0 || recording.lost_packets > 0) && (
        <ul className="mt-3 grid gap-1 border-t border-line pt-3 text-sm text-ink-2">
          {gaps.map((gap) => (
            <li key={`${String(gap.from_ms)}-${gap.label}`}>
              <span dir="ltr" className="num inline-block">
                {clock(gap.from_ms)}–{clock(gap.to_ms)}
              </span>{" "}
              {gap.label}
            </li>
          ))}
          {recording.lost_packets > 0 && <li>{t("call.recording.lost", { n: recording.lost_packets })}</li>}
        </ul>
      )}
    </Frame>
  );
}

function Frame({ children, state }: { children: React.ReactNode; state?: string }) {
  const t = useT();
  return (
    <Card>
      <section aria-label={t("call.recording.title")} data-recording={state}>
        <h2 className="mb-3 text-sm font-semibold">{t("call.recording.title")}</h2>
        {children}
      </section>
    </Card>
  );
}

function Nothing({ icon, title }: { icon: React.ReactNode; title: string }) {
  return (
    <Frame state="none">
      <p className="flex items-center gap-2 text-ink-2">
        {icon}
        {title}
      </p>
    </Frame>
  );
}
