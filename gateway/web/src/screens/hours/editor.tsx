import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { ArrowLeft, RefreshCw, Trash2 } from "lucide-react";
import { type ReactNode, useEffect, useId, useMemo, useRef, useState } from "react";
import { Problem, useCan, useMe } from "@/api";
import { Banner, Button, Card, Combobox, ConfirmDialog, EmptyState, ErrorState, Field, Input, PageHeader, Skeleton, toast, undoable, useNow } from "@/design";
import { t as text, useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { strayFaults, useFirstWrong } from "../channels/wrong";
import { presetWeek } from "../setup/hours";
import { zones } from "../shared/zones";
import { schedulesApi } from "./api";
import { SCHEDULES, useSchedules } from "./data";
import { localOf } from "./dates";
import { type HoursDraft, LONGEST_NAME, bodyOf, changesOf, draftOf, rulesOf } from "./draft";
import type { Schedule } from "./model";
import { OpenBadge, OverrideButtons, OverrideLine } from "./now";
import { nextChange, stateAt, turnNotes } from "./rules";
import { Specials } from "./specials";
import { UsedBy, unused } from "./used-by";
import { clockText, stretchesOf } from "./week";
import { WeekEditor } from "./week-editor";
import { dateText, standingText } from "./words";

/** In the address, for one that is not made yet. */
export const NEW = "new";

const office = () => presetWeek("office").map(({ spans }) => stretchesOf(spans.map(({ open, close }) => ({ from: open, to: close }))));

/** One schedule: its week, its special days, and how it stands now. */
export function ScheduleEditor({ id }: { id: string }) {
  const t = useT();
  const me = useMe();
  const mayManage = useCan("telephony:manage");
  const list = useSchedules();
  const schedule = list.data?.find((one) => one.id === id);
  const back = (
    <Link to="/settings/hours" search={{} as never} className="inline-flex min-h-6 items-center gap-1 text-md text-accent hover:underline">
      <ArrowLeft size={14} aria-hidden className="rtl:rotate-180" />
      {t("common.nav.hours")}
    </Link>
  );
  if (list.isError && !list.data) return <ErrorState error={list.error} onRetry={() => void list.refetch()} />;
  if (!me || list.isPending) {
    return (
      <div aria-busy="true" className="p-5">
        <Skeleton lines={8} />
      </div>
    );
  }
  if (id === NEW && mayManage) return <Editor schedule={undefined} zone={me.tenant.time_zone} mayManage back={back} />;
  if (!schedule) return <EmptyState title={t("hours.gone")} text={t("hours.gone-text")} action={back} />;
  return <Editor schedule={schedule} zone={schedule.time_zone} mayManage={mayManage} back={back} />;
}

function Section({ title, about, children }: { title: string; about?: string; children: ReactNode }) {
  const id = useId();
  return (
    <Card>
      <section aria-labelledby={id} className="grid gap-3">
        <div>
          <h2 id={id} className="text-lg font-semibold">
            {title}
          </h2>
          {about && <p className="text-md text-ink-2">{about}</p>}
        </div>
        {children}
      </section>
    </Card>
  );
}

interface EditorProps {
  schedule: Schedule | undefined;
  zone: string;
  mayManage: boolean;
  back: ReactNode;
}

const settingsOf = (schedule: Schedule): string => JSON.stringify(bodyOf(draftOf(schedule)));

function Editor({ schedule, zone, mayManage, back }: EditorProps) {
  const t = useT();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [base, setBase] = useState(schedule);
  const [draft, setDraft] = useState<HoursDraft>(() => (schedule ? draftOf(schedule) : { name: "", zone, week: office(), special: [] }));
  const [typing, setTyping] = useState<Readonly<Record<string, "typing" | "wrong">>>({});
  const [tried, setTried] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const change = (part: Partial<HoursDraft>) => setDraft((now) => ({ ...now, ...part }));
  const changes = base ? changesOf(draftOf(base), draft) : bodyOf(draft);
  const dirty = !base || Object.keys(changes).length > 0;
  const begin = (from: Schedule) => {
    setBase(from);
    setDraft(draftOf(from));
    setTyping({});
  };
  const save = useMutation({
    mutationFn: () => (base ? schedulesApi.change(base, changes) : schedulesApi.create(bodyOf(draft))),
    onSuccess: async (saved) => {
      toast({ title: text("hours.saved", { name: draft.name.trim() }), tone: "good" });
      await queries.invalidateQueries({ queryKey: SCHEDULES });
      const now = queries.getQueryData<readonly Schedule[]>(SCHEDULES)?.find((one) => one.id === base?.id);
      if (base) begin(now ?? { ...base, ...changes });
      else await navigate({ to: "/settings/hours", search: { schedule: saved.id } as never, replace: true });
    },
    onError: () => void queries.invalidateQueries({ queryKey: SCHEDULES }),
  });
  // Somebody else's change: what was not touched here follows it, what was is kept and asked about.
  const other = schedule !== undefined && base !== undefined && !save.isPending && settingsOf(schedule) !== settingsOf(base);
  if (other && !dirty) begin(schedule);
  else if (schedule && base && schedule !== base && !other && !save.isPending) setBase(schedule);
  const conflict = other && dirty;
  useFirstWrong("hours", save.error);
  const errors = save.error instanceof Problem ? save.error.fields : {};
  const taken = save.error instanceof Problem && save.error.code === "name-taken";
  const stray = strayFaults(save.error, ["name", "time_zone"]);
  const wanting = draft.name.trim() === "";
  const wrong = Object.values(typing).includes("wrong");
  const submit = () => {
    setTried(true);
    if (wanting) form.current?.querySelector<HTMLElement>("input")?.focus();
    else if (!wrong && dirty && !conflict && !save.isPending) save.mutate();
  };
  const known = zones();
  const all = known.includes(draft.zone) ? known : [draft.zone, ...known];
  const today = useToday(draft.zone);
  return (
    <form
      ref={form}
      id="hours"
      noValidate
      className="flex min-h-full flex-col"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <PageHeader title={base?.name ?? t("hours.add")} description={back} actions={schedule && <OpenBadge schedule={schedule} />} />
      <div className="grid w-full max-w-5xl flex-1 grid-cols-1 content-start gap-4 p-5 max-sm:p-3">
        {schedule && (
          <Section title={t("hours.now")}>
            <OverrideLine schedule={schedule} />
            {mayManage && <OverrideButtons schedule={schedule} />}
            <UsedBy users={schedule.used_by} />
          </Section>
        )}
        <Section title={t("hours.general")}>
          <div className="grid gap-3 sm:grid-cols-2">
            <Field label={t("hours.name")} hint={t("hours.name-hint")} error={taken ? t("hours.name-taken") : errors.name ?? (tried && wanting ? t("hours.name-wanting") : undefined)}>
              <Input maxLength={LONGEST_NAME} disabled={!mayManage} value={draft.name} onChange={(event) => change({ name: event.target.value })} />
            </Field>
            <Field label={t("setup.zone")} hint={t("hours.zone-hint")} error={errors.time_zone}>
              <Combobox value={draft.zone} disabled={!mayManage} onValueChange={(next) => change({ zone: next })} options={all.map((one) => ({ value: one, label: one.replaceAll("_", " ") }))} />
            </Field>
          </div>
        </Section>
        <Section title={t("hours.week")} about={t("hours.week.about")}>
          <WeekEditor
            week={draft.week}
            disabled={!mayManage}
            onChange={(week) => change({ week })}
            onTyping={(day, state) =>
              setTyping((known) => Object.fromEntries([...Object.entries(known).filter(([one]) => one !== String(day)), ...(state ? [[String(day), state] as const] : [])]))
            }
          />
          <Turns draft={draft} today={today} />
        </Section>
        <Section title={t("hours.special")} about={t("hours.special.about")}>
          <Specials draft={draft} today={today} disabled={!mayManage} onChange={(special) => change({ special })} />
        </Section>
        {schedule && mayManage && <Remove schedule={schedule} />}
      </div>
      {mayManage && (
        <div className="sticky bottom-0 border-t border-line bg-surface">
          <div className="flex max-w-5xl flex-wrap items-center justify-end gap-2 px-5 py-3 max-sm:px-3">
            <div className="min-w-0 flex-1 max-sm:basis-full">
              {conflict ? (
                <Banner tone="ring" className="rounded-md">
                  <span className="flex flex-wrap items-center gap-2">
                    {t("hours.changed-meanwhile")}
                    <Button size="sm" icon={<RefreshCw size={14} aria-hidden />} onClick={() => begin(schedule)}>
                      {t("hours.load-anew")}
                    </Button>
                  </span>
                </Banner>
              ) : save.error && !taken && (stray.length > 0 || Object.keys(errors).length === 0) ? (
                <Banner tone="bad" className="rounded-md">
                  <div role="alert">{stray.length > 0 ? stray.join(" · ") : problemText(save.error)}</div>
                </Banner>
              ) : wrong ? (
                <p className="text-md text-bad">{t("hours.wrong-day")}</p>
              ) : (
                <Preview draft={draft} schedule={schedule} />
              )}
            </div>
            <Button disabled={!base || (!dirty && Object.keys(typing).length === 0)} onClick={() => base && begin(base)}>
              {t("hours.discard")}
            </Button>
            <Button type="submit" variant="primary" busy={save.isPending} disabled={(!dirty && Object.keys(typing).length === 0) || conflict}>
              {t("common.save")}
            </Button>
          </div>
        </div>
      )}
    </form>
  );
}

/** Looked at once a minute: a calendar of a year is not drawn each second. */
function useToday(zone: string): string {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 60_000);
    return () => clearInterval(timer);
  }, []);
  return localOf(now, zone).date;
}

/** What callers would find now, by what stands here. */
function Preview({ draft, schedule }: { draft: HoursDraft; schedule: Schedule | undefined }) {
  const t = useT();
  // To the minute: a year is searched for what comes next.
  const minute = Math.floor(useNow() / 60_000) * 60_000;
  const override = schedule?.override ?? null;
  const standing = useMemo(() => {
    const rules = rulesOf(draft, override);
    return standingText(stateAt(rules, minute), nextChange(rules, minute), draft.zone, minute);
  }, [draft, override, minute]);
  return <p className="text-sm text-ink-2">{t("hours.preview", { state: standing.text })}</p>;
}

/** Nights in which clocks are put forward or back in the middle of opening hours. */
function Turns({ draft, today }: { draft: HoursDraft; today: string }) {
  const t = useT();
  const notes = useMemo(() => turnNotes(draft, today), [draft, today]);
  if (notes.length === 0) return null;
  return (
    <ul className="grid gap-1 text-sm text-ring">
      {notes.map((one) => (
        <li key={one.date}>{t(`hours.turn.${one.kind}`, { date: dateText(one.date), from: clockText(one.from), to: clockText(one.to) })}</li>
      ))}
    </ul>
  );
}

function Remove({ schedule }: { schedule: Schedule }) {
  const t = useT();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [asking, setAsking] = useState(false);
  const free = unused(schedule.used_by);
  const again = useMutation({
    mutationFn: () => schedulesApi.create(bodyOf(draftOf(schedule))),
    onError: (error) => toast({ title: text("hours.not-changed"), description: problemText(error), tone: "bad" }),
    onSettled: () => queries.invalidateQueries({ queryKey: SCHEDULES }),
  });
  const remove = useMutation({
    mutationFn: () => schedulesApi.remove(schedule.id),
    onSuccess: async () => {
      undoable({ title: text("hours.removed", { name: schedule.name }), undo: () => again.mutate() });
      await navigate({ to: "/settings/hours", search: {} as never });
    },
    onError: (error) => toast({ title: text("hours.not-removed"), description: error instanceof Problem && error.status === 409 ? text("hours.used") : problemText(error), tone: "bad" }),
    onSettled: () => queries.invalidateQueries({ queryKey: SCHEDULES }),
  });
  return (
    <div className="flex flex-wrap items-center gap-3">
      <Button icon={<Trash2 size={15} aria-hidden />} disabled={!free} onClick={() => setAsking(true)}>
        {t("hours.remove-schedule")}
      </Button>
      {!free && <p className="min-w-0 flex-1 basis-52 text-sm text-ink-3">{t("hours.used")}</p>}
      <ConfirmDialog
        open={asking}
        onOpenChange={setAsking}
        title={t("hours.remove-title", { name: schedule.name })}
        description={t("hours.remove-text")}
        confirm={t("hours.remove-schedule")}
        onConfirm={async () => {
          await remove.mutateAsync().catch(() => undefined);
        }}
      />
    </div>
  );
}
