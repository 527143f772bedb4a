import { CircleStop, Mic, Trash2 } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { Button, Duration, IconButton, toast } from "@/design";
import { useT } from "@/i18n";
import { oggOf } from "./ogg";

/** The first that this browser writes. Messengers take Ogg with Opus as a voice message, which WebM with Opus can become. */
const TYPES = ["audio/ogg;codecs=opus", "audio/webm;codecs=opus", "audio/mp4"] as const;
const ENDINGS: Readonly<Record<string, string>> = { "audio/ogg": "ogg", "audio/mp4": "m4a", "audio/webm": "webm" };

export const canRecord = (): boolean => typeof MediaRecorder !== "undefined" && navigator.mediaDevices !== undefined;

async function voiceOf(recorded: Blob, mime: string): Promise<File> {
  const [plain = "audio/webm"] = mime.split(";");
  const ogg = plain === "audio/webm" ? oggOf(new Uint8Array(await recorded.arrayBuffer()), Math.floor(Math.random() * 2 ** 32)) : undefined;
  return ogg ? new File([ogg], "voice.ogg", { type: "audio/ogg" }) : new File([recorded], `voice.${ENDINGS[plain] ?? "webm"}`, { type: plain });
}

/** Records a voice message; what was said becomes a file of the message, and can be thrown away before. */
export function VoiceButton({ disabled, onRecorded }: { disabled: boolean; onRecorded: (file: File) => void }) {
  const t = useT();
  const [since, setSince] = useState<number>();
  const recorder = useRef<MediaRecorder>(undefined);
  const keeps = useRef(false);
  const letGo = () => {
    for (const track of recorder.current?.stream.getTracks() ?? []) track.stop();
    recorder.current = undefined;
    setSince(undefined);
  };
  useEffect(
    () => () => {
      keeps.current = false;
      if (recorder.current?.state === "recording") recorder.current.stop();
      for (const track of recorder.current?.stream.getTracks() ?? []) track.stop();
    },
    [],
  );
  const begin = async () => {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      const type = TYPES.find((one) => MediaRecorder.isTypeSupported(one));
      const made = new MediaRecorder(stream, type ? { mimeType: type } : {});
      const parts: Blob[] = [];
      made.ondataavailable = ({ data }) => parts.push(data);
      made.onstop = () => {
        if (keeps.current) void voiceOf(new Blob(parts), made.mimeType).then(onRecorded);
        letGo();
      };
      recorder.current = made;
      made.start();
      setSince(Date.now());
    } catch {
      toast({ title: t("inbox.voice.refused"), description: t("inbox.voice.refused-text"), tone: "bad" });
    }
  };
  const end = (keep: boolean) => {
    keeps.current = keep;
    recorder.current?.stop();
  };
  if (!canRecord()) return null;
  if (since === undefined) {
    return (
      <IconButton label={t("inbox.voice.record")} disabled={disabled} onClick={() => void begin()}>
        <Mic size={16} aria-hidden />
      </IconButton>
    );
  }
  return (
    <span className="inline-flex items-center gap-1.5 rounded-full bg-bad-soft ps-3 pe-1" role="group" aria-label={t("inbox.voice.recording")}>
      <span aria-hidden className="size-2 animate-pulse rounded-full bg-bad" />
      <Duration since={since} className="text-sm font-medium" />
      <IconButton label={t("inbox.voice.drop")} size="sm" onClick={() => end(false)}>
        <Trash2 size={14} aria-hidden />
      </IconButton>
      <Button size="sm" icon={<CircleStop size={14} aria-hidden />} onClick={() => end(true)}>
        {t("inbox.voice.stop")}
      </Button>
    </span>
  );
}
