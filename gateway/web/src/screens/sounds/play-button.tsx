import { CircleStop, Play } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { IconButton, toast } from "@/design";
import { t as text, useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { soundsApi } from "./api";

/** One thing is heard at a time. */
let silence: (() => void) | undefined;

/** Lets a sound be heard: of the server's, or one that is only here yet. */
export function PlayButton({ id, language, name, blob, size = "md" }: { id?: string; language?: string; name: string; blob?: Blob; size?: "sm" | "md" }) {
  const t = useT();
  const [playing, setPlaying] = useState(false);
  const audio = useRef<HTMLAudioElement>(undefined);
  const stop = useRef<() => void>(undefined);
  useEffect(() => () => stop.current?.(), []);
  const play = async () => {
    silence?.();
    setPlaying(true);
    const life = new AbortController();
    const element = new Audio();
    audio.current = element;
    let address = "";
    const end = () => {
      life.abort();
      element.pause();
      if (address) URL.revokeObjectURL(address);
      if (silence === end) silence = undefined;
      setPlaying(false);
    };
    silence = end;
    stop.current = end;
    element.onended = end;
    try {
      address = URL.createObjectURL(blob ?? (await soundsApi.hear(id ?? "", language ?? "", life.signal)));
      if (life.signal.aborted) return end();
      element.src = address;
      await element.play();
    } catch (error) {
      if (!life.signal.aborted) toast({ title: text("sounds.not-played"), description: problemText(error), tone: "bad" });
      end();
    }
  };
  return (
    <IconButton label={t(playing ? "sounds.stop" : "sounds.play", { name })} size={size} pressed={playing} onClick={() => (playing ? stop.current?.() : void play())}>
      {playing ? <CircleStop size={15} aria-hidden /> : <Play size={15} aria-hidden />}
    </IconButton>
  );
}
