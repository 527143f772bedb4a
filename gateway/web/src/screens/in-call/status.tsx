import { Headphones, Phone, TriangleAlert, User, X } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useCan, useMe } from "@/api";
import { Badge, Button, Duration, IconButton, announce, grouped } from "@/design";
import { useT } from "@/i18n";
import { isCallBack, isDialling, useAgents, useQueues } from "@/live";
import { type Step, ask, take } from "./ask";
import { type Consult, type Failure, isNumber, talkers } from "./talk";
import { useTalk } from "./use-talk";
import { consultText, failureText, watcherText } from "./words";

export function useAgentName(): (id: string | undefined) => string {
  const t = useT();
  const agents = useAgents();
  const queues = useQueues();
  // A number keeps its own direction inside a sentence (Unicode's first strong isolate).
  return (id) => agents.find((one) => one.id === id)?.name ?? queues.find((one) => one.id === id)?.name ?? (id !== undefined && isNumber(id) ? `\u2068${grouped(id)}\u2069` : t("incall.somebody"));
}

/** What is going on in the call, in lines beneath its buttons: nothing as long as two people talk. */
export function CallStatus({ callId }: { callId: string }) {
  const t = useT();
  const self = useMe()?.user.id ?? "";
  const name = useAgentName();
  const { talk, call } = useTalk(callId);
  const [dismissed, setDismissed] = useState("");
  const { consult, joining, handover, watchers, outside, left } = talk;
  const failure = talk.failure?.id === dismissed ? undefined : talk.failure;
  useTold(failure && failureText(failure, name(failure.agent), self, call?.agent_id ?? undefined), consult?.answered ? consultText(consult, self, name) : "", watchers.map((one) => watcherText(one.mode, name(one.agent))).join(". "));
  if (!call || call.state === "ended") return null;
  const inIt = talkers(call, talk).filter((one) => one !== consult?.to);
  const gone = left.filter((one) => one !== self && !inIt.includes(one));
  return (
    <>
      {isDialling(call) ? (
        <Line ring data-dialling={call.to}>
          {t("incall.dialling", { number: name(call.to) })}
        </Line>
      ) : (
        isCallBack(call) && (
          <Line ring data-call-back={call.to}>
            {t("incall.call-back", { number: name(call.to) })} <Duration since={call.queued_at} />
          </Line>
        )
      )}
      {consult && <Consulting callId={callId} consult={consult} self={self} name={name} />}
      {joining && (
        <Line ring data-joining={joining.agent}>
          {t("incall.conference.rings", { name: name(joining.agent) })} <Duration since={joining.since} />
        </Line>
      )}
      {handover && handover.agent !== self && (
        <Line ring data-handover={handover.agent}>
          {handover.back ? t("incall.back.rings", { name: name(handover.agent) }) : t("incall.transfer.rings", { name: name(handover.agent) })} <Duration since={handover.since} />
        </Line>
      )}
      {(inIt.length > 1 || gone.length > 0 || outside !== undefined) && (
        <Line data-in-call={inIt.length}>
          <span className="text-ink-2">{t("incall.who")}</span>
          {inIt.map((one) => (
            <span key={one} className="inline-flex items-center gap-1 font-medium">
              <User size={13} aria-hidden />
              {one === self ? t("incall.you") : name(one)}
              {talk.muted.includes(one) && <Badge tone="bad">{t("phone.state.muted")}</Badge>}
              {talk.held[one] !== undefined && <Badge tone="hold">{t("phone.state.held")}</Badge>}
            </span>
          ))}
          {outside !== undefined && (
            <span className="inline-flex items-center gap-1 font-medium" data-outside={outside}>
              <Phone size={13} aria-hidden />
              {name(outside)}
            </span>
          )}
          {gone.map((one) => (
            <span key={one} className="text-ink-3">
              {t("incall.left", { name: name(one) })}
            </span>
          ))}
        </Line>
      )}
      {watchers.map((one) => (
        <Line key={one.agent} data-watcher={one.mode}>
          <Headphones size={14} aria-hidden className="text-hold" />
          {one.agent === self ? t("incall.watch.you") : watcherText(one.mode, name(one.agent))} <Duration since={one.since} />
        </Line>
      ))}
      {failure && <Failed failure={failure} text={failureText(failure, name(failure.agent), self, call.agent_id ?? undefined)} onDismiss={() => setDismissed(failure.id)} />}
    </>
  );
}

function Line({ ring, children, ...rest }: { ring?: boolean; children: ReactNode; [data: `data-${string}`]: unknown }) {
  return (
    <p className="flex w-full flex-wrap items-center gap-x-2 gap-y-1 border-t border-line-strong pt-1 text-sm text-ink" {...rest}>
      {ring && <span aria-hidden className="size-2 animate-pulse rounded-full bg-ring motion-reduce:animate-none" />}
      {children}
    </p>
  );
}

function Failed({ failure, text, onDismiss }: { failure: Failure; text: string; onDismiss: () => void }) {
  const t = useT();
  return (
    <p className="flex w-full items-center gap-1.5 border-t border-line-strong pt-1 text-sm text-ink" data-failed={failure.of}>
      <TriangleAlert size={14} aria-hidden className="shrink-0 text-ring" />
      <span className="min-w-0 flex-1">{text}</span>
      <IconButton label={t("common.close")} size="sm" onClick={onDismiss}>
        <X size={13} aria-hidden />
      </IconButton>
    </p>
  );
}

const STEPS: readonly Step[] = ["complete", "swap", "merge", "cancel"];

/** Somebody is asked: who, how it stands, and how it can go on. */
function Consulting({ callId, consult, self, name }: { callId: string; consult: Consult; self: string; name: (id: string | undefined) => string }) {
  const t = useT();
  const may = useCan("calls:control");
  const reach = useMe()?.reach;
  const [busy, setBusy] = useState<Step>();
  const acts = may && (consult.by === self || reach === "all") && consult.to !== self;
  const go = async (step: Step) => {
    setBusy(step);
    await ask(take(callId, step));
    setBusy(undefined);
  };
  return (
    <div role="group" aria-label={t("incall.consult.title")} data-consult={consult.answered ? (consult.with ?? "answered") : "ringing"} className="flex w-full flex-wrap items-center gap-x-2 gap-y-1.5 border-t border-line-strong pt-1 text-sm">
      <Badge tone={consult.answered ? "live" : "ring"} dot>
        {consult.answered ? t("incall.consult.answered") : t("incall.consult.ringing")}
      </Badge>
      <span className="min-w-24 flex-1 basis-40">
        {consultText(consult, self, name)} <Duration since={consult.since} />
      </span>
      {acts && (
        <div className="ms-auto flex flex-wrap gap-1.5 max-sm:w-full">
          {STEPS.filter((step) => consult.answered || step === "complete" || step === "cancel").map((step) => (
            <Button key={step} size="sm" variant={step === "complete" ? "primary" : "secondary"} busy={busy === step} disabled={busy !== undefined && busy !== step} className="max-sm:min-h-11 max-sm:flex-1" onClick={() => void go(step)}>
              {step === "complete" && !consult.answered ? t("incall.consult.blind") : t(`incall.consult.${step}`)}
            </Button>
          ))}
        </div>
      )}
    </div>
  );
}

/** Says what changed to whoever does not watch the screen. */
function useTold(failure: string | undefined, consult: string, watchers: string): void {
  useSaid(failure ?? "", "assertive");
  useSaid(consult, "polite");
  useSaid(watchers, "polite");
}

function useSaid(text: string, how: "polite" | "assertive"): void {
  const before = useRef("");
  useEffect(() => {
    if (text && text !== before.current) announce(text, how);
    before.current = text;
  }, [text, how]);
}
