import { CircleAlert, CircleCheck, LoaderCircle, MonitorSmartphone, WifiOff } from "lucide-react";
import { useEffect, useRef } from "react";
import { Button, Popover, announce, useNow } from "@/design";
import { useT } from "@/i18n";
import type { PhoneState } from "../api";
import { usePhone, usePhoneActions } from "./core";
import { blockedText, blockedTitle, useAttempt } from "./problems";

/** How this browser stands as a phone, in a word; in a sentence for whoever asks. */
export function PhoneStatus() {
  const t = useT();
  const { registration, here } = usePhone();
  const phone = usePhoneActions();
  const now = useNow();
  const [busy, run] = useAttempt();
  useToldRegistration(registration);
  if (registration.state === "off") return null;
  if (registration.state === "blocked" && registration.reason === "no-agent") return null;
  if (!here && registration.state !== "blocked") {
    return (
      <Popover
        label={t("phone.elsewhere.title")}
        align="start"
        className="w-72"
        trigger={
          <Button variant="ghost" icon={<MonitorSmartphone size={15} aria-hidden />}>
            <span className="max-md:sr-only">{t("phone.elsewhere.title")}</span>
          </Button>
        }
      >
        <p className="mb-3 text-md text-ink-2">{t("phone.elsewhere.text")}</p>
        <Button variant="primary" busy={busy} onClick={() => void run(() => phone.takeOver())}>
          {t("phone.elsewhere.take-over")}
        </Button>
      </Popover>
    );
  }
  switch (registration.state) {
    case "ready":
      return (
        <p className="flex items-center gap-1.5 text-md text-ink-2" data-registration="ready">
          <CircleCheck size={15} aria-hidden className="text-live" />
          <span className="max-md:sr-only">{t("phone.registration.ready")}</span>
        </p>
      );
    case "connecting":
      return (
        <p className="flex items-center gap-1.5 text-md text-ink-2" data-registration="connecting">
          <LoaderCircle size={15} aria-hidden className="animate-spin" />
          <span className="max-md:sr-only">{t("phone.registration.connecting")}</span>
        </p>
      );
    case "lost":
      return (
        <p className="flex items-center gap-1.5 text-md text-bad" data-registration="lost">
          <WifiOff size={15} aria-hidden />
          <span className="num">
            {t(`phone.lost.${registration.reason}`)}
            {registration.retryAt > now && ` · ${t("live.retry", { n: Math.ceil((registration.retryAt - now) / 1000) })}`}
          </span>
        </p>
      );
    case "blocked":
      return (
        <Popover
          label={blockedTitle(registration.reason)}
          align="start"
          className="w-80"
          trigger={
            <Button icon={<CircleAlert size={15} aria-hidden className="text-bad" />} data-registration="blocked">
              {blockedTitle(registration.reason)}
            </Button>
          }
        >
          <p className="mb-1 font-medium">{blockedTitle(registration.reason)}</p>
          <p className="mb-3 text-md text-ink-2">{blockedText(registration.reason)}</p>
          {registration.reason.startsWith("microphone") && (
            <Button variant="primary" busy={busy} onClick={() => void run(() => phone.retryMicrophone())}>
              {t("common.retry")}
            </Button>
          )}
        </Popover>
      );
  }
}

/** A phone that goes away while nobody looks is told of, and so is its coming back. */
function useToldRegistration(registration: PhoneState["registration"]): void {
  const t = useT();
  const before = useRef(registration.state);
  useEffect(() => {
    const was = before.current;
    if (registration.state === was) return;
    if (registration.state === "lost") announce(t(`phone.lost.${registration.reason}`), "assertive");
    else if (registration.state === "blocked" && registration.reason !== "no-agent") announce(blockedTitle(registration.reason), "assertive");
    else if (registration.state === "ready") announce(t("phone.registration.ready"));
    // On its way back it is still away.
    if (registration.state !== "connecting") before.current = registration.state;
  }, [registration, t]);
}
