import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Hand, PhoneOutgoing, X } from "lucide-react";
import { Badge, Button, IconButton, PhoneNumber, RelativeTime, type Tone, Tooltip, formatDateTime, toast, undoable, useNow, useZone } from "@/design";
import { useT } from "@/i18n";
import { useCan, useMe } from "@/api";
import { isDialling, useCallLive } from "@/live";
import { useNames } from "../inbox/data";
import { canDial } from "../calls/call-words";
import { problemText } from "../calls/problem-text";
import { type Callback, worklistApi } from "./api";
import { VoicemailOf } from "./voicemail-row";

const WHY: Readonly<Record<Callback["why"], Tone>> = { asked: "ring", voicemail: "wait", missed: "bad", abandoned: "neutral" };
const STATE: Readonly<Record<Callback["state"], Tone>> = { open: "wait", done: "live", closed: "neutral", unreached: "bad" };

/** What is done with a row, and undone again. */
function useActs(row: Callback) {
  const t = useT();
  const queries = useQueryClient();
  const settled = () => void queries.invalidateQueries({ queryKey: ["worklist"] });
  const failed = (error: unknown) => toast({ title: t("worklist.not-done"), description: problemText(error), tone: "bad" });
  const act = useMutation({
    mutationFn: (what: "take" | "release" | "reopen" | "close") => (what === "close" ? worklistApi.close(row.id, "") : worklistApi[what](row.id)),
    onError: failed,
    onSettled: settled,
  });
  const call = useMutation({
    mutationFn: async () => {
      await worklistApi.take(row.id);
      const { callNumber } = await import("../calls/call-number");
      await callNumber(row.number, row.id);
    },
    onError: failed,
    onSettled: settled,
  });
  const undo = (what: "release" | "reopen") => () => act.mutate(what);
  return {
    busy: act.isPending || call.isPending,
    call: () => call.mutate(),
    take: () => act.mutate("take", { onSuccess: () => void undoable({ title: t("worklist.taken"), undo: undo("release") }) }),
    release: () => act.mutate("release"),
    close: () => act.mutate("close", { onSuccess: () => void undoable({ title: t("worklist.closed"), undo: undo("reopen") }) }),
    reopen: () => act.mutate("reopen"),
  };
}

/** The router calls them by itself as soon as somebody is free: the row says so, and leads to that call. */
function InLine({ call_id, since }: { call_id: string; since: string }) {
  const t = useT();
  const zone = useZone();
  const now = useNow();
  const call = useCallLive(call_id);
  // The list may be read a moment after the call is over.
  if (call && (call.state === "ended" || call.answered_at !== null)) return null;
  const dialled = call !== undefined && isDialling(call);
  const of = zone ? { zone } : {};
  const isToday = formatDateTime(since, { ...of, dateStyle: "short" }) === formatDateTime(now, { ...of, dateStyle: "short" });
  return (
    <Tooltip content={t("worklist.in-line.about")}>
      <Link to="/calls/$callId" params={{ callId: call_id }} data-in-line={call_id} className="inline-flex min-h-6 items-center rounded-full">
        <Badge tone={dialled ? "ring" : "live"} dot>
          {dialled ? t("worklist.in-line.now") : t("worklist.in-line", { at: formatDateTime(since, { ...of, ...(isToday ? {} : { dateStyle: "medium" as const }), timeStyle: "short" }) })}
        </Badge>
      </Link>
    </Tooltip>
  );
}

export function CallbackRow({ row }: { row: Callback }) {
  const t = useT();
  const names = useNames();
  const mayAct = useCan("calls:control");
  const mayDial = useCan("calls:dial") && canDial(row.number);
  const self = useMe();
  const me = self?.user.id;
  const acts = useActs(row);
  const open = row.state === "open";
  const theirs = row.taken_by !== null && row.taken_by !== me;
  // Who sees all may put back and close what a colleague has.
  const mayEnd = !theirs || self?.reach === "all";
  return (
    <li className="border-b border-line px-4 py-2.5 [contain-intrinsic-size:auto_64px] [content-visibility:auto]" data-callback={row.id} data-state={row.state}>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5">
        <div className="min-w-0 flex-[1_1_16rem]">
          <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
            {row.contact_name && row.contact_name !== row.number && <bdi className="truncate font-semibold">{row.contact_name}</bdi>}
            <span className="font-medium">
              <PhoneNumber value={row.number} />
            </span>
            <Badge tone={WHY[row.why]}>{t(`worklist.why.${row.why}`)}</Badge>
            {open && row.in_line && <InLine {...row.in_line} />}
            {!open && <Badge tone={STATE[row.state]}>{t(`worklist.state.${row.state}`)}</Badge>}
          </p>
          <p className="mt-0.5 flex flex-wrap items-center gap-x-1.5 text-sm text-ink-2">
            <Link to="/calls/$callId" params={{ callId: row.call_id }} className="inline-flex min-h-6 min-w-6 items-center underline decoration-line underline-offset-4 hover:decoration-ink">
              <RelativeTime at={row.last_in_at} />
            </Link>
            {row.calls > 1 && <span>· {t("worklist.called", { n: row.calls })}</span>}
            {row.attempts > 0 && <span>· {t("worklist.attempts", { n: row.attempts })}</span>}
            {names.queue(row.queue_id) && <span>· {names.queue(row.queue_id)}</span>}
            {open && row.taken_by && <span className="font-medium text-ink">· {theirs ? t("worklist.taken-by", { name: row.taken_by_name ?? t("worklist.somebody") }) : t("worklist.taken-by-you")}</span>}
            {!open && row.ended_by_name && <span>· {row.ended_by_name}</span>}
            {!open && row.ended_at && (
              <span>
                · <RelativeTime at={row.ended_at} />
              </span>
            )}
            {row.note && <span className="break-words">· {row.note}</span>}
          </p>
        </div>
        {mayAct && (
          <div className="flex flex-wrap items-center gap-1.5">
            {open ? (
              <>
                {mayDial && !theirs && (
                  <Button size="sm" variant="primary" disabled={acts.busy} icon={<PhoneOutgoing size={14} aria-hidden />} onClick={acts.call}>
                    {t("worklist.call")}
                  </Button>
                )}
                {row.taken_by === null ? (
                  <Button size="sm" disabled={acts.busy} icon={<Hand size={14} aria-hidden />} onClick={acts.take}>
                    {t("worklist.take")}
                  </Button>
                ) : (
                  mayEnd && (
                    <Button size="sm" disabled={acts.busy} onClick={acts.release}>
                      {t("worklist.release")}
                    </Button>
                  )
                )}
                <IconButton label={t("worklist.close")} size="sm" variant="ghost" disabled={acts.busy || !mayEnd} onClick={acts.close}>
                  <X size={15} aria-hidden />
                </IconButton>
              </>
            ) : (
              <Button size="sm" disabled={acts.busy} onClick={acts.reopen}>
                {t("worklist.reopen")}
              </Button>
            )}
          </div>
        )}
      </div>
      {open && row.voicemail_id && (
        <div className="mt-2">
          <VoicemailOf id={row.voicemail_id} />
        </div>
      )}
    </li>
  );
}
