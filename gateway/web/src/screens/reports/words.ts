/** How figures are written. */
import type { components } from "@/api";
import { clock, formatDateTime } from "@/design";
import { currentLanguage } from "@/i18n";
import type { Interval } from "./period";

export type Report = components["schemas"]["Report"];
export type Row = components["schemas"]["ReportRow"];

export const NOTHING = "–";

export function whole(value: number): string {
  return value.toLocaleString(currentLanguage());
}

/** `83.3 %`, or a dash where there is nothing to divide by. */
export function share(value: number | null | undefined): string {
  return value === null || value === undefined ? NOTHING : value.toLocaleString(currentLanguage(), { style: "percent", maximumFractionDigits: 1 });
}

/** Minutes and seconds. */
export function span(ms: number | null | undefined): string {
  return ms === null || ms === undefined ? NOTHING : clock(ms);
}

/** What a stretch of time is called: its hour, its day, its days. `to` is no longer part of it. */
export function stretch(row: Pick<Row, "from" | "to">, interval: Interval, zone: string): string {
  const last = new Date(Date.parse(row.to) - 1);
  switch (interval) {
    case "quarter":
    case "hour":
      return formatDateTime(row.from, { zone, weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
    case "day":
      return formatDateTime(row.from, { zone, weekday: "short", day: "numeric", month: "short", year: "numeric" });
    case "month":
      return formatDateTime(row.from, { zone, month: "long", year: "numeric" });
    case "week":
    case "total": {
      const day = (at: string | Date) => formatDateTime(at, { zone, day: "numeric", month: "short", year: "numeric" });
      return day(row.from) === day(last) ? day(row.from) : `${day(row.from)} – ${day(last)}`;
    }
  }
}

/** The same in as few letters as a chart has room for. */
export function mark(row: Pick<Row, "from">, interval: Interval, zone: string): string {
  switch (interval) {
    case "quarter":
    case "hour":
      return formatDateTime(row.from, { zone, hour: "2-digit", minute: "2-digit" });
    case "month":
      return formatDateTime(row.from, { zone, month: "short" });
    default:
      return formatDateTime(row.from, { zone, day: "numeric", month: "short" });
  }
}

export function hasCalls(report: Report): boolean {
  return report.items.some(({ figures }) => figures.offered > 0 || figures.contacts > 0 || figures.available_ms + figures.on_contact_ms + figures.wrapping_up_ms + figures.paused_ms + figures.unreachable_ms > 0);
}
