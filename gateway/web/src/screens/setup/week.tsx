import { Copy, Plus, Trash2 } from "lucide-react";
import { Button, IconButton, Input, Switch } from "@/design";
import { currentLanguage, useT } from "@/i18n";
import type { Day } from "./draft";
import { PRESETS, USUAL, presetOf, presetWeek, toWeekdays } from "./hours";

export function dayName(day: number): string {
  // 1 January 2024 was a Monday.
  return new Intl.DateTimeFormat(currentLanguage(), { weekday: "long", timeZone: "UTC" }).format(new Date(Date.UTC(2024, 0, day)));
}

/** When a week is open, day by day. `errors` by `day-1` to `day-7`. */
export function WeekEditor({ week, onChange, errors }: { week: readonly Day[]; onChange: (week: readonly Day[]) => void; errors: Readonly<Record<string, string>> }) {
  const t = useT();
  const setDay = (day: number, spans: Day["spans"]) => onChange(week.map((one) => (one.day === day ? { day, spans } : one)));
  const copy = (from: Day) => onChange(toWeekdays(week, from));
  return (
    <>
      <div role="group" aria-label={t("setup.hours.presets")} className="flex flex-wrap gap-2">
          {PRESETS.map((preset) => (
            <Button key={preset} size="sm" aria-pressed={presetOf(week) === preset} className="aria-pressed:border-accent aria-pressed:bg-accent-soft" onClick={() => onChange(presetWeek(preset))}>
              {t(`setup.preset.${preset}`)}
            </Button>
          ))}
        </div>
        <ul className="divide-y divide-line rounded-md border border-line">
          {week.map((one) => (
            <li key={one.day} className="flex flex-wrap items-center gap-x-4 gap-y-2 px-3 py-2">
              <Switch className="w-40 capitalize" label={dayName(one.day)} checked={one.spans.length > 0} onCheckedChange={(open) => setDay(one.day, open ? USUAL : [])} />
              <div className="grid flex-1 gap-1.5 max-sm:basis-full">
                {one.spans.length === 0 && <span className="text-md text-ink-3">{t("setup.hours.closed")}</span>}
                {one.spans.map((span, index) => {
                  const set = (part: Partial<typeof span>) => setDay(one.day, one.spans.map((other, at) => (at === index ? { ...other, ...part } : other)));
                  return (
                    // Spans have nothing but their place.
                    <div key={index} className="flex flex-wrap items-center gap-x-1.5 gap-y-1">
                      <Input type="time" className="w-[7.6rem] px-2" aria-label={t("setup.hours.open", { day: dayName(one.day) })} value={span.open} onChange={(event) => set({ open: event.target.value })} />
                      <span aria-hidden>–</span>
                      <Input type="time" className="w-[7.6rem] px-2" aria-label={t("setup.hours.close", { day: dayName(one.day) })} value={span.close === "24:00" ? "00:00" : span.close} onChange={(event) => set({ close: event.target.value === "00:00" ? "24:00" : event.target.value })} />
                      {one.spans.length > 1 && (
                        <IconButton label={t("setup.hours.remove")} size="sm" onClick={() => setDay(one.day, one.spans.filter((_, at) => at !== index))}>
                          <Trash2 size={14} aria-hidden />
                        </IconButton>
                      )}
                    </div>
                  );
                })}
                {errors[`day-${String(one.day)}`] && (
                  <p role="alert" className="text-sm text-bad">
                    {errors[`day-${String(one.day)}`]}
                  </p>
                )}
              </div>
              {one.spans.length > 0 && (
                <div className="flex gap-1">
                  <IconButton label={t("setup.hours.more", { day: dayName(one.day) })} size="sm" onClick={() => setDay(one.day, [...one.spans, { open: one.spans.at(-1)?.close ?? "14:00", close: "22:00" }])}>
                    <Plus size={14} aria-hidden />
                  </IconButton>
                  <IconButton label={t("setup.hours.copy", { day: dayName(one.day) })} size="sm" onClick={() => copy(one)}>
                    <Copy size={14} aria-hidden />
                  </IconButton>
                </div>
              )}
            </li>
          ))}
        </ul>
    </>
  );
}
