import { useMutation } from "@tanstack/react-query";
import { ChevronDown, Pencil, PhoneMissed } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { createPortal } from "react-dom";
import { Link } from "@tanstack/react-router";
import { api, body } from "@/api";
import { useCommand } from "@/app/commands";
import { Button, IconButton, PhoneNumber, announce, clock, cx, toast, useNow } from "@/design";
import { useT } from "@/i18n";
import type { LiveAgent } from "@/live";
import { otherSide } from "../calls/call-words";
import { problemText } from "../calls/problem-text";
import { useDisposition } from "../shared/disposition";
import { DispositionFields } from "../shared/disposition-fields";
import { type Wait, waitOf } from "./wait";

/** What a call leaves its agent to do, or that calls were let ring: beside the state on every screen, and in the way of nothing. */
export function After({ agent, onBack }: { agent: LiveAgent; onBack: () => void }) {
  return agent.activity === "wrap_up" ? <WrapUp key={agent.wrap_up?.call_id ?? ""} agent={agent} /> : <Missed onBack={onBack} />;
}

/** Under the bar at the top, behind whatever rings; on a telephone above the navigation. */
function Corner({ label, tone, children }: { label: string; tone: "wait" | "ring"; children: ReactNode }) {
  return createPortal(
    <section aria-label={label} data-after className={cx("fixed end-4 top-16 z-30 grid max-h-[calc(100vh-5rem)] w-[min(22rem,calc(100vw-1.5rem))] gap-3 overflow-auto rounded-lg border-2 bg-raised p-4 shadow-over max-sm:inset-x-3 max-sm:top-auto max-sm:bottom-16 max-sm:max-h-[60vh] max-sm:w-auto", tone === "wait" ? "border-wait" : "border-ring")}>
      {children}
    </section>,
    document.body,
  );
}

function WrapUp({ agent }: { agent: LiveAgent }) {
  const t = useT();
  const now = useNow();
  const form = useDisposition(agent.wrap_up?.call_id, agent.id, agent.wrap_up?.queue_id);
  const [open, setOpen] = useState(true);
  const [refused, setRefused] = useState(false);
  const { call, choices, required, said, choice, save } = form;
  const wait = waitOf(agent, form.works?.routing.wrap_up_seconds, now);
  const missing = required && !said && !choice.changed;
  const loaded = form.works !== undefined;
  useEffect(() => {
    if (loaded) announce(choices.length > 0 ? t("work.wrap.opened") : t("work.wrap.opened-plain"));
  }, [loaded, choices.length, t]);
  const ready = useMutation({
    mutationFn: async () => {
      if (choice.changed) await save.mutateAsync();
      await body(api.PUT("/api/v1/agents/me/state", { body: { state: "available" } }));
    },
    onError: (error) => toast({ title: t("work.wrap.failed"), description: problemText(error), tone: "bad" }),
  });
  const keep = useMutation({
    mutationFn: () => save.mutateAsync(),
    onSuccess: () => toast({ title: t("work.disposition.saved"), tone: "good" }),
    onError: (error) => toast({ title: t("work.wrap.failed"), description: problemText(error), tone: "bad" }),
  });
  const go = () => {
    setRefused(missing);
    setOpen(true);
    if (!missing && !ready.isPending) ready.mutate();
  };
  const overdue = wait?.over === true;
  useCommand({ id: "wrap-up-ready", title: t("work.wrap.ready"), group: t("people.state.group"), shortcut: "s r", run: go });
  return (
    <>
      <button
        type="button"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
        className={cx("inline-flex h-8 items-center gap-1.5 rounded-full px-3 text-md font-medium", overdue ? "bg-bad-soft text-bad" : "bg-wait-soft text-wait")}
      >
        <Pencil size={14} aria-hidden />
        <span className="sr-only">{t("work.wrap.title")}</span>
        <Left wait={wait} short />
      </button>
      {open && (
        <Corner label={t("work.wrap.title")} tone={overdue ? "ring" : "wait"}>
          <div className="flex items-start gap-2">
            <div className="min-w-0 flex-1">
              <h2 className="font-semibold">{t("work.wrap.title")}</h2>
              {call && (
                <Link to="/calls/$callId" params={{ callId: call.id }} className="text-md text-accent hover:underline">
                  <PhoneNumber value={otherSide(call)} />
                </Link>
              )}
            </div>
            <span className={cx("text-md font-semibold", overdue ? "text-bad" : "text-wait")}>
              <Left wait={wait} />
            </span>
            <IconButton label={t("work.wrap.hide")} size="sm" onClick={() => setOpen(false)}>
              <ChevronDown size={15} aria-hidden className="rotate-180" />
            </IconButton>
          </div>
          {choices.length === 0 ? <p className="text-md text-ink-2">{t("work.wrap.none")}</p> : <DispositionFields form={form} fault={missing && refused ? t("work.wrap.required") : undefined} />}
          {overdue && missing && <p className="rounded-md bg-ring-soft px-2.5 py-1.5 text-md">{t("work.wrap.required-over")}</p>}
          <div className="flex flex-wrap justify-end gap-2">
            {choice.changed && !overdue && (
              <Button busy={keep.isPending} onClick={() => keep.mutate()}>
                {t("work.disposition.save")}
              </Button>
            )}
            <Button variant="primary" busy={ready.isPending} shortcut="s r" aria-keyshortcuts="s r" onClick={go}>
              {choice.changed ? t("work.wrap.save-ready") : t("work.wrap.ready")}
            </Button>
          </div>
        </Corner>
      )}
    </>
  );
}

function Left({ wait, short }: { wait: Wait | undefined; short?: boolean }) {
  const t = useT();
  if (!wait) return null;
  const time = clock(wait.ms);
  if (short) return <span className="num">{wait.over ? `+${time}` : time}</span>;
  return <span className="num">{wait.over ? t("work.wrap.over", { time }) : t("work.wrap.left", { time })}</span>;
}

function Missed({ onBack }: { onBack: () => void }) {
  const t = useT();
  const [open, setOpen] = useState(true);
  useEffect(() => {
    announce(`${t("work.missed.title")}. ${t("work.missed.text")}`, "assertive");
  }, [t]);
  if (!open) {
    return (
      <Button variant="primary" onClick={onBack}>
        {t("work.missed.back")}
      </Button>
    );
  }
  return (
    <Corner label={t("work.missed.title")} tone="ring">
      <div className="flex items-center gap-2">
        <PhoneMissed size={17} aria-hidden className="shrink-0 text-ring" />
        <h2 className="flex-1 font-semibold">{t("work.missed.title")}</h2>
        <IconButton label={t("work.wrap.hide")} size="sm" onClick={() => setOpen(false)}>
          <ChevronDown size={15} aria-hidden className="rotate-180" />
        </IconButton>
      </div>
      <p className="text-md text-ink-2">{t("work.missed.text")}</p>
      <div className="flex justify-end">
        <Button variant="primary" onClick={onBack}>
          {t("work.missed.back")}
        </Button>
      </div>
    </Corner>
  );
}
