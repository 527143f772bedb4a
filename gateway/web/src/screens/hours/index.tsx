import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { ChevronRight, Clock, Plus } from "lucide-react";
import { useCan } from "@/api";
import { Button, Card, EmptyState, ErrorState, PageHeader, Skeleton } from "@/design";
import { useT } from "@/i18n";
import { useOpeningTold, useSchedules } from "./data";
import { NEW, ScheduleEditor } from "./editor";
import { CloseEverything, EverythingClosed } from "./emergency";
import type { Schedule } from "./model";
import { OpenBadge, OverrideButtons, OverrideLine } from "./now";
import { UsedBy } from "./used-by";
import { weekOf } from "./week";
import { weekText } from "./words";

/** When the company is open, by which calls are led. */
export default function Hours() {
  const search: Record<string, unknown> = useSearch({ strict: false });
  const list = useSchedules();
  useOpeningTold(list.data);
  const wanted = typeof search.schedule === "string" ? search.schedule : undefined;
  return wanted === undefined ? <List /> : <ScheduleEditor key={wanted} id={wanted} />;
}

function List() {
  const t = useT();
  const navigate = useNavigate();
  const mayManage = useCan("telephony:manage");
  const list = useSchedules();
  const schedules = [...(list.data ?? [])].sort((a, b) => a.name.localeCompare(b.name));
  const add = (
    <Button variant="primary" icon={<Plus size={15} aria-hidden />} onClick={() => void navigate({ to: "/settings/hours", search: { schedule: NEW } as never })}>
      {t("hours.add")}
    </Button>
  );
  return (
    <div className="flex min-h-full flex-col">
      <PageHeader
        title={t("common.nav.hours")}
        description={t("hours.about")}
        actions={
          mayManage &&
          schedules.length > 0 && (
            <>
              <CloseEverything schedules={schedules} />
              {add}
            </>
          )
        }
      />
      <EverythingClosed schedules={schedules} mayManage={mayManage} />
      <div className="grid w-full max-w-4xl gap-3 p-5 max-sm:p-3">
        {list.isError && !list.data ? (
          <ErrorState error={list.error} onRetry={() => void list.refetch()} />
        ) : list.isPending ? (
          <div aria-busy="true">
            <Skeleton lines={5} />
          </div>
        ) : schedules.length === 0 ? (
          <Card>
            <EmptyState icon={<Clock size={30} />} title={t("hours.none")} text={t("hours.none-text")} action={mayManage ? add : undefined} />
          </Card>
        ) : (
          <ul aria-label={t("common.nav.hours")} className="divide-y divide-line rounded-lg border border-line bg-surface">
            {schedules.map((one) => (
              <Row key={one.id} schedule={one} mayManage={mayManage} />
            ))}
          </ul>
        )}
      </div>
    </div>
  );
}

function Row({ schedule, mayManage }: { schedule: Schedule; mayManage: boolean }) {
  return (
    <li className="flex items-start gap-3 px-4 py-3" data-schedule={schedule.id}>
      <Clock size={17} aria-hidden className="mt-1 shrink-0 text-ink-3 max-sm:hidden" />
      <div className="grid min-w-0 flex-1 gap-1">
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <h2 className="min-w-0 font-medium break-words">
            <Link to="/settings/hours" search={{ schedule: schedule.id } as never} className="hover:underline">
              {schedule.name}
            </Link>
          </h2>
          <OpenBadge schedule={schedule} />
        </div>
        <OverrideLine schedule={schedule} />
        <p className="num text-md break-words text-ink-2">{weekText(weekOf(schedule.week))}</p>
        <p className="text-sm text-ink-3">{schedule.time_zone.replaceAll("_", " ")}</p>
        <UsedBy users={schedule.used_by} />
        {mayManage && (
          <div className="mt-1">
            <OverrideButtons schedule={schedule} />
          </div>
        )}
      </div>
      <ChevronRight size={16} aria-hidden className="mt-1 shrink-0 text-ink-3 rtl:rotate-180" />
    </li>
  );
}
