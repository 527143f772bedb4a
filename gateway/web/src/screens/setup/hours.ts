/** Weeks to begin with: one click, then changed where a company differs. */
import type { Day } from "./draft";

type Spans = Day["spans"];

export const PRESETS = ["office", "lunch", "shop", "night"] as const;
export type Preset = (typeof PRESETS)[number];

const span = (open: string, close: string) => ({ open, close });

/** What a day that is opened begins with. */
export const USUAL: Spans = [span("09:00", "18:00")];

const SPANS: Record<Preset, (day: number) => Spans> = {
  office: (day) => (day <= 5 ? USUAL : []),
  lunch: (day) => (day <= 5 ? [span("09:00", "13:00"), span("14:00", "18:00")] : []),
  shop: (day) => (day <= 6 ? [span("09:00", "20:00")] : []),
  // Past midnight is the next day's: what opens in the evening closes at its end.
  night: () => [span("00:00", "06:00"), span("18:00", "24:00")],
};

export function presetWeek(preset: Preset): readonly Day[] {
  return Array.from({ length: 7 }, (_, at) => ({ day: at + 1, spans: SPANS[preset](at + 1) }));
}

/** Which of them this week is, to the minute. */
export function presetOf(week: readonly Day[]): Preset | undefined {
  const text = JSON.stringify(week);
  return PRESETS.find((preset) => JSON.stringify(presetWeek(preset)) === text);
}

/** The spans of one day from Monday to Friday; the weekend stays. */
export function toWeekdays(week: readonly Day[], from: Day): readonly Day[] {
  return week.map((one) => (one.day <= 5 ? { day: one.day, spans: from.spans } : one));
}
