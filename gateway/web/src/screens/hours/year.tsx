import { ChevronLeft, ChevronRight } from "lucide-react";
import { type KeyboardEvent, useRef, useState } from "react";
import { IconButton, cx } from "@/design";
import { t as text, useT } from "@/i18n";
import { addDays, dateOf, weekdayOf } from "./dates";
import { type Rules, hoursOn } from "./rules";
import { dateText, dayName, hoursText } from "./words";

const MONTHS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
const DAYS = [0, 1, 2, 3, 4, 5, 6];

/** As many months beside each other as there is room for; a day is never too small to be hit. */
const MONTHS_WIDE = { gridTemplateColumns: "repeat(auto-fill, minmax(11.5rem, 1fr))" };
const WEEK_WIDE = { gridTemplateColumns: "repeat(7, minmax(0, 1fr))" };

interface Props {
  rules: Pick<Rules, "week" | "special">;
  today: string;
  year: number;
  onYear: (year: number) => void;
  /** A date was chosen: to make it special, or to change what is. */
  onPick?: ((date: string) => void) | undefined;
}

/** A year at a glance: which days are not as the week says. One tab stop; arrows go by days and weeks, PageUp and PageDown by four weeks. */
export function YearCalendar({ rules, today, year, onYear, onPick }: Props) {
  const t = useT();
  const [wanted, setWanted] = useState<string>();
  const box = useRef<HTMLDivElement>(null);
  const active = wanted?.startsWith(String(year)) ? wanted : today.startsWith(String(year)) ? today : dateOf(year, 1, 1);
  const move = (to: string) => {
    setWanted(to);
    if (!to.startsWith(String(year))) onYear(Number(to.slice(0, 4)));
    // It may have to be drawn first.
    requestAnimationFrame(() => box.current?.querySelector<HTMLElement>(`[data-date="${to}"]`)?.focus());
  };
  const onKeyDown = (event: KeyboardEvent<HTMLButtonElement>) => {
    const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7, PageUp: -28, PageDown: 28 };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    move(addDays(active, step));
  };
  return (
    <div className="grid gap-2">
      <div className="flex items-center gap-1">
        <IconButton label={t("hours.year.before", { year: String(year - 1) })} size="sm" onClick={() => onYear(year - 1)}>
          <ChevronLeft size={16} aria-hidden />
        </IconButton>
        <h3 className="num text-md font-semibold" aria-live="polite">
          {year}
        </h3>
        <IconButton label={t("hours.year.after", { year: String(year + 1) })} size="sm" onClick={() => onYear(year + 1)}>
          <ChevronRight size={16} aria-hidden />
        </IconButton>
        <p className="ms-auto flex flex-wrap justify-end gap-x-4 gap-y-1 text-sm text-ink-2">
          <span className="inline-flex items-center gap-1.5">
            <span aria-hidden className="size-3 rounded-sm border border-bad bg-bad-soft" />
            {t("hours.year.closed")}
          </span>
          <span className="inline-flex items-center gap-1.5">
            <span aria-hidden className="size-3 rounded-full border border-ring bg-ring-soft" />
            {t("hours.year.other")}
          </span>
        </p>
      </div>
      <div ref={box} role="group" aria-label={t("hours.year.title", { year: String(year) })} className="grid gap-4" style={MONTHS_WIDE}>
        {MONTHS.map((month) => (
          <Month key={month} year={year} month={month} rules={rules} today={today} active={active} onKeyDown={onKeyDown} onPick={onPick} onFocus={setWanted} />
        ))}
      </div>
    </div>
  );
}

interface MonthProps extends Pick<Props, "rules" | "today" | "onPick"> {
  year: number;
  month: number;
  active: string;
  onKeyDown: (event: KeyboardEvent<HTMLButtonElement>) => void;
  onFocus: (date: string) => void;
}

function Month({ year, month, rules, today, active, onKeyDown, onPick, onFocus }: MonthProps) {
  const first = dateOf(year, month, 1);
  const length = new Date(Date.UTC(year, month, 0)).getUTCDate();
  return (
    <div>
      <p className="mb-1 text-sm font-medium text-ink-2 capitalize">{dateText(first, { month: "long" })}</p>
      <div className="grid text-center text-xs" style={WEEK_WIDE}>
        {DAYS.map((day) => (
          <span key={day} aria-hidden className="text-ink-3">
            {dayName(day, "narrow")}
          </span>
        ))}
        {Array.from({ length }, (_, at) => addDays(first, at)).map((date, at) => {
          const { stretches, special } = hoursOn(rules, date);
          const closed = stretches.length === 0;
          return (
            <button
              key={date}
              type="button"
              data-date={date}
              data-special={special ? (closed ? "closed" : "other") : undefined}
              tabIndex={date === active ? 0 : -1}
              aria-current={date === today ? "date" : undefined}
              aria-label={text(special ? "hours.year.special" : "hours.year.day", { date: dateText(date, { weekday: "long", day: "numeric", month: "long", year: "numeric" }), hours: hoursText(stretches), name: special?.name ?? "" })}
              title={special ? `${special.name}: ${hoursText(stretches)}` : undefined}
              disabled={!onPick}
              style={at === 0 ? { gridColumnStart: weekdayOf(date) + 1 } : undefined}
              className={cx(
                "num min-h-6",
                onPick && "hover:bg-sunken",
                special && !closed ? "" : "rounded-sm",
                special ? (closed ? "border border-bad bg-bad-soft font-semibold text-bad" : "rounded-full border border-ring bg-ring-soft font-semibold text-ring") : closed ? "text-ink-3" : "font-medium text-ink",
                date === today && "underline",
              )}
              onKeyDown={onKeyDown}
              onFocus={() => onFocus(date)}
              onClick={() => onPick?.(date)}
            >
              {at + 1}
            </button>
          );
        })}
      </div>
    </div>
  );
}
