import { useQuery } from "@tanstack/react-query";
import { Download, Pause, Play, RotateCcw, Volume2 } from "lucide-react";
import { useEffect, useMemo, useState } from "react";
import { api, body, useCan } from "@/api";
import { useShortcut } from "@/app/commands";
import { Banner, Button, ErrorState, IconButton, Menu, Popover, Switch, toast } from "@/design";
import { useT } from "@/i18n";
import { usePhone } from "@/phone";
import { problemText } from "../calls/problem-text";
import { type Player as AudioPlayer, RATES } from "./audio";
import { clock } from "./clock";
import type { Recording } from "./recording";
import { bucketsFor, silences, total } from "./silence";
import { usePlayer, usePlayerSecond, usePlayerState } from "./use-player";
import { type GapBand, type Mark, Waveform } from "./waveform";

/** A finished recording: seen and heard. `onPlayer` hands the player to the timeline, whose events seek. */
export function Player({ recording, marks, gaps, onPlayer }: { recording: Recording; marks: readonly Mark[]; gaps: readonly GapBand[]; onPlayer: (player: AudioPlayer | undefined) => void }) {
  const t = useT();
  const durationMs = recording.duration_ms ?? 0;
  const player = usePlayer(recording.id, durationMs);
  const { data: peaks, error } = useQuery({
    queryKey: ["waveform", recording.id],
    queryFn: ({ signal }) => body(api.GET("/api/v1/recordings/{id}/waveform", { params: { path: { id: recording.id }, query: { buckets: bucketsFor(durationMs) } }, signal })),
  });
  const segments = useMemo(() => (peaks ? silences(peaks) : []), [peaks]);
  useEffect(() => player.silences(segments), [player, segments]);
  useEffect(() => {
    onPlayer(player);
    return () => onPlayer(undefined);
  }, [player, onPlayer]);
  return (
    <div className="grid gap-3" data-player>
      {error && <Banner tone="wait">{t("call.player.no-waveform")}</Banner>}
      <div className="grid grid-cols-[auto_1fr] items-center gap-x-3">
        <div aria-hidden className="grid gap-5 pt-3 text-xs text-ink-2 max-sm:hidden">
          <span>{t("calls.side.agent")}</span>
          <span>{t("calls.side.customer")}</span>
        </div>
        <div className="min-w-0 max-sm:col-span-full">
          <Waveform player={player} peaks={peaks} durationMs={durationMs} marks={marks} gaps={gaps} />
        </div>
      </div>
      <Controls player={player} recording={recording} durationMs={durationMs} silentMs={total(segments)} />
    </div>
  );
}

function Controls({ player, recording, durationMs, silentMs }: { player: AudioPlayer; recording: Recording; durationMs: number; silentMs: number }) {
  const t = useT();
  const { playing, stalled, rate, skipsSilence, failure } = usePlayerState(player);
  const phoneCalls = usePhone().calls;
  const talking = phoneCalls.some((call) => call.state === "active");
  // Nobody hears a customer through another customer's recording.
  useEffect(() => {
    if (talking) player.pause();
  }, [talking, player]);
  useShortcut("space", () => player.toggle(), { title: t("call.shortcut.play") });
  if (failure !== undefined) {
    return <ErrorState error={failure} title={t("call.player.failed")} onRetry={() => void player.play()} />;
  }
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
      <Button
        variant="primary"
        icon={playing ? <Pause size={15} aria-hidden /> : <Play size={15} aria-hidden />}
        shortcut="space"
        busy={stalled && playing}
        onClick={() => player.toggle()}
        data-playing={playing}
      >
        {playing ? t("call.player.pause") : t("call.player.play")}
      </Button>
      <Time player={player} durationMs={durationMs} />
      <span className="flex-1" />
      <Switch label={silentMs > 0 ? t("call.player.skip-saves", { time: clock(silentMs) }) : t("call.player.skip")} checked={skipsSilence} disabled={silentMs === 0} onCheckedChange={(on) => player.setSkipsSilence(on)} />
      <Menu
        label={t("call.player.rate")}
        trigger={
          <Button variant="ghost" aria-label={t("call.player.rate-now", { rate: rateText(rate) })}>
            <span className="num">{rateText(rate)}</span>
          </Button>
        }
        items={RATES.map((one) => ({ label: rateText(one), checked: one === rate, onSelect: () => player.setRate(one) }))}
      />
      <Volumes player={player} />
      <DownloadButton recording={recording} />
    </div>
  );
}

const rateText = (rate: number) => `${String(rate)}×`;

function Time({ player, durationMs }: { player: AudioPlayer; durationMs: number }) {
  const second = usePlayerSecond(player);
  return (
    <span dir="ltr" className="num flex items-center gap-1 text-sm text-ink-2" data-second={second}>
      <IconReset player={player} shown={second > 0} />
      <span className="font-medium text-ink">{clock(second * 1000)}</span> / {clock(durationMs)}
    </span>
  );
}

function IconReset({ player, shown }: { player: AudioPlayer; shown: boolean }) {
  const t = useT();
  return (
    <IconButton label={t("call.player.restart")} size="sm" variant="ghost" disabled={!shown} onClick={() => player.seek(0)}>
      <RotateCcw size={14} aria-hidden />
    </IconButton>
  );
}

function Volumes({ player }: { player: AudioPlayer }) {
  const t = useT();
  const { volume } = usePlayerState(player);
  return (
    <Popover
      align="end"
      trigger={
        <IconButton label={t("call.player.volume")} variant="ghost">
          <Volume2 size={15} aria-hidden />
        </IconButton>
      }
    >
      <div className="grid w-48 gap-3 p-1">
        {(["agent", "customer"] as const).map((side) => (
          <label key={side} className="grid gap-1 text-sm">
            {t(`calls.side.${side}`)}
            <input type="range" min={0} max={1} step={0.05} value={volume[side]} className="accent-accent" onChange={(event) => player.setVolume(side, Number(event.target.value))} />
          </label>
        ))}
      </div>
    </Popover>
  );
}

/** Saves by a link of its own: the browser streams it to the disk, however long it is. */
function DownloadButton({ recording }: { recording: Recording }) {
  const t = useT();
  const may = useCan("recordings:download");
  const [busy, setBusy] = useState(false);
  if (!may) return null;
  const save = async () => {
    setBusy(true);
    try {
      const { url } = await body(api.POST("/api/v1/recordings/{id}/link", { params: { path: { id: recording.id }, query: { download: true } } }));
      const anchor = document.createElement("a");
      anchor.href = url;
      anchor.download = "";
      anchor.click();
    } catch (error) {
      toast({ title: t("call.player.download-failed"), description: problemText(error), tone: "bad" });
    } finally {
      setBusy(false);
    }
  };
  return (
    <IconButton label={t("call.player.download")} variant="ghost" disabled={busy} onClick={() => void save()}>
      <Download size={15} aria-hidden />
    </IconButton>
  );
}
