import { CircleStop, Mic } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { Button, Duration, toast } from "@/design";
import { t as text, useT } from "@/i18n";
import { PlayButton } from "./play-button";

/** Records by the microphone; what was said is heard before it is used. */
export function Recorder({ onUse }: { onUse: (recorded: Blob) => void }) {
  const t = useT();
  const [since, setSince] = useState<number>();
  const [heard, setHeard] = useState<Blob>();
  const recorder = useRef<MediaRecorder>(undefined);
  const letGo = () => {
    for (const track of recorder.current?.stream.getTracks() ?? []) track.stop();
    recorder.current = undefined;
  };
  useEffect(
    () => () => {
      if (recorder.current) recorder.current.onstop = null;
      if (recorder.current?.state === "recording") recorder.current.stop();
      letGo();
    },
    [],
  );
  const begin = async () => {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      const made = new MediaRecorder(stream);
      const parts: Blob[] = [];
      made.ondataavailable = ({ data }) => parts.push(data);
      made.onstop = () => {
        setHeard(new Blob(parts, { type: made.mimeType }));
        setSince(undefined);
        letGo();
      };
      recorder.current = made;
      made.start();
      setHeard(undefined);
      setSince(Date.now());
    } catch {
      letGo();
      toast({ title: text("sounds.record-refused"), description: text("sounds.record-refused-text"), tone: "bad" });
    }
  };
  return (
    <div className="grid gap-2">
      <p className="text-sm text-ink-3">{t("sounds.record-hint")}</p>
      <div className="flex flex-wrap items-center gap-2">
        {since === undefined ? (
          <Button icon={<Mic size={15} aria-hidden />} onClick={() => void begin()}>
            {t(heard ? "sounds.record-again" : "sounds.record")}
          </Button>
        ) : (
          <>
            <span aria-hidden className="size-2 animate-pulse rounded-full bg-bad" />
            <Duration since={since} className="font-medium" />
            <Button variant="danger" icon={<CircleStop size={15} aria-hidden />} onClick={() => recorder.current?.stop()}>
              {t("sounds.record-stop")}
            </Button>
          </>
        )}
        {heard && since === undefined && (
          <>
            <PlayButton blob={heard} name={t("sounds.heard")} />
            <Button variant="primary" onClick={() => onUse(heard)}>
              {t("sounds.record-use")}
            </Button>
          </>
        )}
      </div>
    </div>
  );
}
