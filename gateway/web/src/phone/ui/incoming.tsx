import { Phone, PhoneOff } from "lucide-react";
import { useEffect } from "react";
import { useCommand } from "@/app/commands";
import { Button, Duration, PhoneNumber, announce } from "@/design";
import { useT } from "@/i18n";
import type { PhoneCall } from "../api";
import { phone, usePhone } from "../core";
import { attempt } from "./problems";

/** A call that rings: over everything, on every screen, without taking the keyboard from whoever is typing. */
export function IncomingCall() {
  const { calls } = usePhone();
  const ringing = calls.filter((call) => call.state === "incoming");
  if (ringing.length === 0) return null;
  return (
    <div className="fixed end-4 top-16 z-50 grid w-[min(22rem,calc(100vw-1.5rem))] gap-2 max-sm:inset-x-3 max-sm:end-auto">
      {ringing.map((call, index) => (
        <Ringing key={call.id} call={call} first={index === 0} />
      ))}
    </div>
  );
}

function Ringing({ call, first }: { call: PhoneCall; first: boolean }) {
  const t = useT();
  const { calls } = usePhone();
  const talking = calls.some((one) => one.state === "active" && !one.held);
  const name = call.peerName && call.peerName !== call.peer ? call.peerName : undefined;
  const who = name ?? call.peer;
  const answer = () => void attempt(phone.answer(call.id));
  const decline = () => void attempt(phone.hangUp(call.id));
  const group = t("phone.group");
  useCommand({ id: `answer-${call.id}`, title: t("phone.answer"), group, shortcut: "ctrl+shift+a", run: answer, when: first });
  useCommand({ id: `decline-${call.id}`, title: t("phone.decline"), group, shortcut: "ctrl+shift+x", run: decline, when: first });
  useEffect(() => {
    announce(call.queue ? t("phone.ringing-queue", { who, queue: call.queue }) : t("phone.ringing", { who }), "assertive");
  }, [who, call.queue, t]);
  return (
    <section aria-label={t("phone.ringing", { who })} data-incoming={call.id} className="rounded-lg border-2 border-ring bg-raised p-4 shadow-over">
      <div className="flex items-center gap-3">
        <span aria-hidden className="relative grid size-10 shrink-0 place-items-center rounded-full bg-ring-soft text-ring">
          <span className="absolute inset-0 animate-ping rounded-full bg-ring-soft motion-reduce:hidden" />
          <Phone size={20} className="relative" />
        </span>
        <div className="min-w-0 flex-1">
          <p className="truncate text-lg font-semibold">{name ?? <PhoneNumber value={call.peer} />}</p>
          <p className="truncate text-md text-ink-2">
            {name && <PhoneNumber value={call.peer} />}
            {name && call.queue && " · "}
            {call.queue}
          </p>
        </div>
        <Duration since={call.startedAt} className="text-lg text-ring" />
      </div>
      <div className="mt-3 grid grid-cols-2 gap-2">
        <Button variant="danger" size="lg" icon={<PhoneOff size={17} aria-hidden />} shortcut="ctrl+shift+x" onClick={decline}>
          {t("phone.decline")}
        </Button>
        <Button variant="answer" size="lg" icon={<Phone size={17} aria-hidden />} shortcut="ctrl+shift+a" onClick={answer}>
          {talking ? t("phone.hold-and-answer") : t("phone.answer")}
        </Button>
      </div>
    </section>
  );
}
