import { Phone, PhoneOff, PhoneOutgoing } from "lucide-react";
import { Suspense, lazy, useEffect, useRef } from "react";
import { createPortal } from "react-dom";
import { useCommand } from "@/app/commands";
import { Badge, Button, Duration, Kbd, PhoneNumber, announce } from "@/design";
import { loadArea, useT } from "@/i18n";
import { type LiveCall, isCallBack, useCallLive } from "@/live";
import type { PhoneCall } from "../api";
import { usePhone, usePhoneActions } from "./core";
import { useKeptFocus } from "./focus";
import { useAttempt } from "./problems";

const RingNote = lazy(async () => {
  const [{ RingNote }] = await Promise.all([import("@/screens/in-call/bar"), loadArea("incall")]);
  return { default: RingNote };
});

const ANSWER = "ctrl+shift+a";
const DECLINE = "ctrl+shift+x";

/** A call that rings: over everything, on every screen, without taking the keyboard from whoever is typing. */
export function IncomingCall() {
  const { calls } = usePhone();
  const ringing = calls.filter((call) => call.state === "incoming");
  return ringing.length === 0 ? null : createPortal(<Over ringing={ringing} />, document.body);
}

function Over({ ringing }: { ringing: readonly PhoneCall[] }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = box.current;
    // A press here is none outside of an open dialog: whoever answers loses nothing of what they were filling in.
    const keep = (event: Event) => event.stopPropagation();
    element?.addEventListener("pointerdown", keep);
    return () => element?.removeEventListener("pointerdown", keep);
  }, []);
  return (
    // With `aria-live` an open dialog hides it from nobody; `off`, because what is to be said is announced.
    <div ref={box} aria-live="off" className="pointer-events-auto fixed end-4 top-16 z-[60] grid max-h-[calc(100vh-5rem)] w-[min(23rem,calc(100vw-1.5rem))] gap-2 overflow-auto max-sm:inset-x-3 max-sm:top-3 max-sm:w-auto">
      {ringing.map((call, index) => (
        <RingCard key={call.id} call={call} first={index === 0} />
      ))}
    </div>
  );
}

/** `told`: what the journal says of it, where it is not the live one. */
export function RingCard({ call, first, told }: { call: PhoneCall; first: boolean; told?: LiveCall }) {
  const t = useT();
  const { calls } = usePhone();
  const phone = usePhoneActions();
  const [answering, tryAnswer] = useAttempt();
  const [declining, tryDecline] = useAttempt();
  const box = useKeptFocus<HTMLElement>();
  const talking = calls.some((one) => one.state === "active" && !one.held);
  const known = useCallLive(call.callId ?? "");
  const live = told ?? known;
  // Whom the router has in line: they are dialled by whoever answers.
  const back = live && isCallBack(live) ? live : undefined;
  const number = back?.to ?? call.peer;
  const name = call.peerName && call.peerName !== call.peer && call.peer === number ? call.peerName : undefined;
  const who = name ?? number;
  const answer = () => {
    if (!answering) void tryAnswer(() => phone.answer(call.id));
  };
  const decline = () => {
    if (!declining) void tryDecline(() => phone.hangUp(call.id));
  };
  const group = t("phone.group");
  const isBack = back !== undefined;
  const answerLabel = isBack ? t(talking ? "phone.call-back.hold-and-call" : "phone.call-back.answer") : t(talking ? "phone.hold-and-answer" : "phone.answer");
  useCommand({ id: `answer-${call.id}`, title: isBack ? t("phone.call-back.answer") : t("phone.answer"), group, shortcut: ANSWER, run: answer, when: first });
  useCommand({ id: `decline-${call.id}`, title: t("phone.decline"), group, shortcut: DECLINE, run: decline, when: first });
  useEffect(() => {
    announce(isBack ? t("phone.call-back.announce", { who }) : call.queue ? t("phone.ringing-queue", { who, queue: call.queue }) : t("phone.ringing", { who }), "assertive");
  }, [who, call.queue, isBack, t]);
  return (
    <section ref={box} aria-label={isBack ? t("phone.call-back.to", { who }) : t("phone.ringing", { who })} data-incoming={call.id} data-call-back={back?.id} className="rounded-lg border-2 border-ring bg-raised p-4 shadow-over">
      <div className="flex items-center gap-3">
        <span aria-hidden className="relative grid size-11 shrink-0 place-items-center rounded-full bg-ring-soft text-ring">
          <span className="absolute inset-0 animate-ping rounded-full bg-ring-soft motion-reduce:hidden" />
          {isBack ? <PhoneOutgoing size={20} className="relative" /> : <Phone size={20} className="relative" />}
        </span>
        <div className="min-w-0 flex-1">
          {isBack && <Badge tone="ring">{t("phone.call-back.title")}</Badge>}
          <p className="truncate text-lg font-semibold" title={name}>
            <bdi>{name ?? <PhoneNumber value={number} />}</bdi>
          </p>
          {name && (
            <p className="truncate text-md text-ink-2">
              <PhoneNumber value={number} />
            </p>
          )}
          <p className="truncate text-md text-ink-2" title={call.queue}>
            {call.queue ? t("phone.for-queue", { queue: call.queue }) : t("phone.direct")}
          </p>
        </div>
        <div className="text-end">
          <span className="sr-only">{t("phone.ringing-for")}</span>
          <Duration since={call.startedAt} className="text-lg font-semibold text-ring" />
        </div>
      </div>
      {back && <WhatFor call={back} />}
      {call.callId && (
        <Suspense fallback={null}>
          <RingNote callId={call.callId} />
        </Suspense>
      )}
      <div className="mt-3.5 flex flex-wrap-reverse gap-2">
        <Choice variant="danger" busy={declining} icon={<PhoneOff size={17} aria-hidden />} keys={first ? DECLINE : undefined} onClick={decline}>
          {t("phone.decline")}
        </Choice>
        <Choice variant="answer" busy={answering} icon={isBack ? <PhoneOutgoing size={17} aria-hidden /> : <Phone size={17} aria-hidden />} keys={first ? ANSWER : undefined} onClick={answer}>
          {answerLabel}
        </Choice>
      </div>
    </section>
  );
}

/** Nobody is to say hello to nobody: what happens when it is answered, and how long they have been in line. */
function WhatFor({ call }: { call: LiveCall }) {
  const t = useT();
  return (
    <div className="mt-2 grid gap-0.5 rounded-md bg-ring-soft px-2 py-1 text-md">
      <p className="font-medium">{t("phone.call-back.text")}</p>
      <p className="text-ink-2">
        {t("phone.call-back.in-line")} <Duration since={call.queued_at} />
      </p>
    </div>
  );
}

function Choice({ keys, children, ...rest }: { keys: string | undefined; variant: "danger" | "answer"; busy: boolean; icon: React.ReactElement; onClick: () => void; children: string }) {
  return (
    <div className="grid flex-auto content-start gap-1 text-center">
      <Button size="lg" aria-keyshortcuts={keys ? "Control+Shift+" + keys.slice(-1).toUpperCase() : undefined} {...rest} className="w-full">
        {children}
      </Button>
      {keys && (
        <span aria-hidden className="max-sm:hidden">
          <Kbd keys={keys} />
        </span>
      )}
    </div>
  );
}
