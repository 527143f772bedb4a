import { formatDateTime } from "@/design";
import { dayOf } from "./thread-core";

/** A day as people say it. */
export function dayText(at: string, now: number, zone: string | undefined, today: string, yesterday: string): string {
  const day = dayOf(at, zone);
  if (day === dayOf(new Date(now).toISOString(), zone)) return today;
  if (day === dayOf(new Date(now - 86_400_000).toISOString(), zone)) return yesterday;
  const thisYear = day.slice(0, 4) === dayOf(new Date(now).toISOString(), zone).slice(0, 4);
  return formatDateTime(at, { weekday: "long", day: "numeric", month: "long", ...(thisYear ? {} : { year: "numeric" }), ...(zone ? { zone } : {}) });
}
