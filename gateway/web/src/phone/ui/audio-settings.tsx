import { Bell, Volume2 } from "lucide-react";
import { useId, useState } from "react";
import { Banner, Button, Field, Meter, Select } from "@/design";
import { useT } from "@/i18n";
import type { AudioDevice } from "../api";
import { useMicrophoneLevel, usePhone, usePhoneActions } from "./core";
import { attempt, blockedText, blockedTitle, useAttempt } from "./problems";

/** What stands for the system's own choice: Radix' select has no empty value. */
const SYSTEM = "system";
/** Louder than a room in which nobody speaks. */
const HEARD = 0.15;

/** Which devices speak, listen and ring; each can be tried. */
export function AudioSettings() {
  const t = useT();
  const { audio, registration } = usePhone();
  const phone = usePhoneActions();
  const [retrying, retry] = useAttempt();
  const [testing, setTesting] = useState(false);
  const [heard, setHeard] = useState(false);
  const level = useMicrophoneLevel(testing);
  if (testing && !heard && level > HEARD) setHeard(true);
  const volume = useId();
  const choices = (devices: readonly AudioDevice[]) => [{ value: SYSTEM, label: t("sound.system") }, ...devices.map((one) => ({ value: one.id, label: one.label }))];
  const given = (value: string) => (value === SYSTEM ? undefined : value);
  const blocked = registration.state === "blocked" ? registration.reason : undefined;
  return (
    <div className="grid max-w-lg grid-cols-[minmax(0,1fr)] gap-5">
      {blocked && blocked !== "no-agent" && (
        <Banner tone="bad" action={blocked.startsWith("microphone") ? <Button busy={retrying} onClick={() => void retry(() => phone.retryMicrophone())}>{t("common.retry")}</Button> : undefined} className="rounded-md">
          <p className="font-medium">{blockedTitle(blocked)}</p>
          <p>{blockedText(blocked)}</p>
        </Banner>
      )}
      <div className="grid gap-2">
        <Field label={t("sound.microphone")} hint={audio.microphones.length === 0 ? t("sound.no-names") : undefined}>
          <Select value={audio.microphone ?? SYSTEM} onValueChange={(value) => void attempt(phone.chooseMicrophone(given(value)))} options={choices(audio.microphones)} />
        </Field>
        <div className="flex items-center gap-3">
          <Button
            size="sm"
            onClick={() => {
              setTesting(!testing);
              setHeard(false);
            }}
          >
            {testing ? t("sound.stop-test") : t("sound.test-microphone")}
          </Button>
          <Meter value={level} label={t("sound.level")} tone={level > 0.95 ? "bad" : "live"} />
        </div>
        <p role="status" className={testing ? "text-sm text-ink-2" : "sr-only"}>
          {testing && (heard ? t("sound.heard") : t("sound.level-hint"))}
        </p>
      </div>
      <div className="grid gap-2">
        <Field label={t("sound.speaker")} hint={audio.canChooseSpeaker ? undefined : t("sound.no-choice")}>
          <Select disabled={!audio.canChooseSpeaker} value={audio.speaker ?? SYSTEM} onValueChange={(value) => void attempt(phone.chooseSpeaker(given(value)))} options={choices(audio.speakers)} />
        </Field>
        <div>
          <Button size="sm" icon={<Volume2 size={14} aria-hidden />} onClick={() => void attempt(phone.testSound("speaker"))}>
            {t("sound.test-speaker")}
          </Button>
        </div>
      </div>
      <div className="grid gap-2">
        <Field label={t("sound.bell")} hint={t("sound.bell-hint")}>
          <Select disabled={!audio.canChooseSpeaker} value={audio.bell ?? SYSTEM} onValueChange={(value) => void attempt(phone.chooseBell(given(value)))} options={choices(audio.speakers)} />
        </Field>
        <div className="flex flex-wrap items-center gap-3">
          <Button size="sm" icon={<Bell size={14} aria-hidden />} onClick={() => void attempt(phone.testSound("bell"))}>
            {t("sound.test-bell")}
          </Button>
          <label htmlFor={volume} className="text-sm text-ink-2">
            {t("sound.volume")}
          </label>
          <input id={volume} type="range" min={0} max={1} step={0.05} value={audio.ringVolume} aria-valuetext={`${String(Math.round(audio.ringVolume * 100))} %`} onChange={(event) => phone.setRingVolume(Number(event.target.value))} className="h-6 min-w-24 flex-1 accent-accent" />
        </div>
      </div>
      <div className="grid gap-2">
        <p className="text-sm font-medium text-ink-2">{t("phone.notifications.title")}</p>
        <p className="text-md text-ink-2">{t(`phone.notifications.${audio.notifications}`)}</p>
        {audio.notifications === "default" && (
          <div>
            <Button size="sm" onClick={() => void attempt(phone.askForNotifications())}>
              {t("phone.notifications.ask")}
            </Button>
          </div>
        )}
      </div>
    </div>
  );
}
