/** What is said beside the hours: one schedule closed or opened at once, or all of them. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { toast, undoable } from "@/design";
import { t } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { schedulesApi } from "./api";
import { SCHEDULES } from "./data";
import { addDays, endOf, localOf } from "./dates";
import type { OpenState, Override, Schedule, WriteOverride } from "./model";
import { momentText } from "./words";

const SOON_MS = 2 * 3_600_000;

/** The end of today by the schedule's clock; of tomorrow where today is all but over. */
export function endOfDay(now: number, zone: string): number {
  const { date } = localOf(now, zone);
  const end = endOf(date, zone);
  return end - now < SOON_MS ? endOf(addDays(date, 1), zone) : end;
}

const written = ({ state, until, note }: Override): WriteOverride => ({ state, until, note });

/** As it was before somebody said otherwise. */
async function putBack({ id, override }: Pick<Schedule, "id" | "override">): Promise<void> {
  await (override && (override.until === null || Date.parse(override.until) > Date.now()) ? schedulesApi.override(id, written(override)) : schedulesApi.endOverride(id));
}

function useRefresh() {
  const queries = useQueryClient();
  return () => Promise.all([queries.invalidateQueries({ queryKey: SCHEDULES }), queries.invalidateQueries({ queryKey: ["numbers"] })]);
}

const failed = (error: Error) => void toast({ title: t("hours.not-changed"), description: problemText(error), tone: "bad" });

export function useOverride(schedule: Schedule) {
  const refresh = useRefresh();
  const back = useMutation({ mutationFn: (before: Schedule) => putBack(before), onError: failed, onSettled: refresh });
  const say = useMutation({
    mutationFn: ({ override }: { override: WriteOverride; before: Schedule }) => schedulesApi.override(schedule.id, override),
    onSuccess: (_, { override, before }) => {
      const when = override.until ? momentText(Date.parse(override.until), schedule.time_zone, Date.now(), true) : undefined;
      undoable({ title: t(when ? `hours.said.${override.state}-until` : `hours.said.${override.state}`, { name: schedule.name, when: when ?? "" }), undo: () => back.mutate(before) });
    },
    onError: failed,
    onSettled: refresh,
  });
  const end = useMutation({
    mutationFn: (_: Schedule) => schedulesApi.endOverride(schedule.id),
    onSuccess: (_, before) => void undoable({ title: t("hours.said.ended", { name: schedule.name }), undo: () => back.mutate(before) }),
    onError: failed,
    onSettled: refresh,
  });
  return {
    pending: say.isPending || end.isPending || back.isPending,
    /** In one click: until the end of the day. */
    now: (state: OpenState) => say.mutate({ override: { state, until: new Date(endOfDay(Date.now(), schedule.time_zone)).toISOString(), note: null }, before: schedule }),
    say: (override: WriteOverride, onSuccess: () => void) => say.mutate({ override, before: schedule }, { onSuccess }),
    end: () => end.mutate(schedule),
  };
}

/** Everything closed at once, and as it was before: what was said of single ones comes back. */
export function useEmergency() {
  const refresh = useRefresh();
  const back = useMutation({
    mutationFn: async (before: readonly Schedule[]) => {
      await schedulesApi.endAllOverrides();
      for (const one of before) if (one.override) await putBack(one);
    },
    onSuccess: () => void toast({ title: t("hours.all.back"), tone: "good" }),
    onError: failed,
    onSettled: refresh,
  });
  const close = useMutation({
    mutationFn: ({ note }: { note: string; before: readonly Schedule[] }) => schedulesApi.overrideAll({ state: "closed", until: null, note: note.trim() === "" ? null : note.trim() }),
    onSuccess: (_, { before }) => void undoable({ title: t("hours.all.closed"), description: t("hours.all.closed-text"), undo: () => back.mutate(before), within: 15_000 }),
    onError: failed,
    onSettled: refresh,
  });
  const open = useMutation({ mutationFn: () => schedulesApi.endAllOverrides(), onSuccess: () => void toast({ title: t("hours.all.opened"), tone: "good" }), onError: failed, onSettled: refresh });
  return { close, open };
}

/** Whether all that there are were closed by one word, until somebody ends it. */
export function allClosed(schedules: readonly Pick<Schedule, "override">[]): boolean {
  return schedules.length > 1 && schedules.every(({ override }) => override?.state === "closed" && override.until === null);
}
