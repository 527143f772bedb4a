import { useEffect, useRef, useState } from "react";
import { Banner, Button, grouped, toast } from "@/design";
import { useT } from "@/i18n";
import { usePhone, usePhoneActions } from "./core";
import { attempt } from "./problems";

const ASKED = "trunkline.notifications.asked";

/** What the phone says without being asked: a missed call, a title that rings, the question about notifications. Draws at most a banner. */
export function PhoneNotices() {
  useMissedToast();
  useRingingTitle();
  return <AskForNotifications />;
}

function useMissedToast(): void {
  const t = useT();
  const { missed } = usePhone();
  const phone = usePhoneActions();
  const known = useRef<ReadonlySet<string>>(undefined);
  useEffect(() => {
    const before = known.current;
    known.current = new Set(missed.map((one) => one.id));
    // What was missed before this page was opened is in the list, and no news.
    if (!before) return;
    for (const one of missed) {
      if (before.has(one.id)) continue;
      const who = one.peerName ?? grouped(one.peer);
      toast({
        title: t("phone.missed.toast", { who }),
        ...(one.queue ? { description: one.queue } : {}),
        action: { label: t("phone.missed.call-back-short"), run: () => void attempt(phone.dial(one.peer)) },
        duration: 15_000,
      });
    }
  }, [missed, phone, t]);
}

/** The tab's title is all that is seen of a page in the background. */
function useRingingTitle(): void {
  const t = useT();
  const { calls } = usePhone();
  const ringing = calls.find((call) => call.state === "incoming");
  const talking = calls.find((call) => call.state === "active");
  const prefix = ringing ? `${t("phone.title.ringing", { who: ringing.peerName ?? ringing.peer })} · ` : talking ? `● ${talking.peerName ?? talking.peer} · ` : "";
  useEffect(() => {
    if (!prefix) return;
    const put = () => {
      if (!document.title.startsWith(prefix)) document.title = prefix + document.title;
    };
    put();
    // Another screen sets a title of its own.
    const element = document.querySelector("title");
    const observer = new MutationObserver(put);
    if (element) observer.observe(element, { childList: true });
    return () => {
      observer.disconnect();
      document.title = document.title.replace(prefix, "");
    };
  }, [prefix]);
}

/** Asked once, when the phone has become ready: a question at the first glance is refused unread. */
export function AskForNotifications() {
  const t = useT();
  const { registration, here, audio } = usePhone();
  const phone = usePhoneActions();
  const [asked, setAsked] = useState(() => localStorage.getItem(ASKED) !== null);
  const done = () => {
    localStorage.setItem(ASKED, "1");
    setAsked(true);
  };
  if (asked || !here || registration.state !== "ready" || audio.notifications !== "default") return null;
  return (
    <Banner
      tone="accent"
      onDismiss={done}
      action={
        <Button
          size="sm"
          variant="primary"
          onClick={() => {
            done();
            void attempt(phone.askForNotifications());
          }}
        >
          {t("phone.notifications.ask")}
        </Button>
      }
    >
      {t("phone.notifications.why")}
    </Banner>
  );
}
