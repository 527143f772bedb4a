import { LoaderCircle, Play } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { Button, IconButton, clock, toast } from "@/design";
import { useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { useFetched } from "../inbox/files";

const RATES = [1, 1.5, 2] as const;

/** A message that a caller left: fetched when somebody wants to hear it. */
export function VoicemailPlayer({ id, state, lengthMs }: { id: string; state: string; lengthMs: number }) {
  const t = useT();
  const [wanted, setWanted] = useState(false);
  const [rate, setRate] = useState<number>(1);
  const { url, error } = useFetched(`/voicemails/${id}/audio`, wanted && state === "ready");
  const player = useRef<HTMLAudioElement>(null);
  useEffect(() => {
    if (url) void player.current?.play().catch(() => undefined);
  }, [url]);
  useEffect(() => {
    if (error) toast({ title: t("worklist.voicemail.not-heard"), description: problemText(error), tone: "bad" });
  }, [error, t]);
  if (state !== "ready") {
    return (
      <p className="flex items-center gap-2 rounded-md bg-sunken px-2.5 py-2 text-sm text-ink-2" data-voicemail={state}>
        {state === "fetching" && <LoaderCircle size={15} aria-hidden className="animate-spin" />}
        {t(state === "fetching" ? "worklist.voicemail.fetching" : state === "expired" ? "worklist.voicemail.expired" : "worklist.voicemail.lost")}
      </p>
    );
  }
  return (
    <div className="flex w-80 max-w-full items-center gap-2 rounded-md bg-sunken p-2" data-voicemail={state}>
      {url ? (
        <>
          {/* Voices of customers have no captions. */}
          {/* eslint-disable-next-line jsx-a11y/media-has-caption */}
          <audio ref={player} src={url} controls className="h-8 min-w-0 flex-1" aria-label={t("worklist.voicemail.sound")} />
          <Button
            size="sm"
            variant="ghost"
            aria-label={t("worklist.voicemail.rate", { rate: String(rate) })}
            onClick={() => {
              const next = RATES[(RATES.findIndex((one) => one === rate) + 1) % RATES.length] ?? 1;
              setRate(next);
              if (player.current) player.current.playbackRate = next;
            }}
          >
            {String(rate)}×
          </Button>
        </>
      ) : (
        <>
          <IconButton label={t("worklist.voicemail.play")} variant="secondary" onClick={() => setWanted(true)}>
            {wanted && !error ? <LoaderCircle size={15} aria-hidden className="animate-spin" /> : <Play size={15} aria-hidden />}
          </IconButton>
          <span className="flex-1 text-sm text-ink-2">{t("worklist.voicemail.sound")}</span>
          <span className="num text-xs text-ink-3">{clock(lengthMs)}</span>
        </>
      )}
    </div>
  );
}
