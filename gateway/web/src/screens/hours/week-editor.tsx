import { Copy } from "lucide-react";
import { useState } from "react";
import { Button, Checkbox, IconButton, Input, Popover, announce } from "@/design";
import { t as text, useT } from "@/i18n";
import { PRESETS, presetOf, presetWeek } from "../setup/hours";
import { DayBar } from "./day-bar";
import { type Stretches, type Typed, type Week, clockText, copied, dayText, openingsOf, readDay, stretchesOf, withDay } from "./week";
import { dayName } from "./words";

interface Props {
  week: Week;
  disabled: boolean;
  onChange: (week: Week) => void;
  /** Something is being typed that is not taken yet, or cannot be. */
  onTyping: (day: number, state: "typing" | "wrong" | undefined) => void;
}

const presetOfWeek = (week: Week) => presetOf(week.map((stretches, at) => ({ day: at + 1, spans: openingsOf(stretches).map(({ from, to }) => ({ open: from, close: to })) })));
const HOURS = [0, 6, 12, 18, 24];
const ROW = "flex flex-wrap items-start gap-x-3 gap-y-1";
/** A bar that is narrower cannot be drawn over. */
const NARROWEST = { minWidth: 190 };

/** When a week is open: drawn over bars or typed, a day copied to others. */
export function WeekEditor({ week, disabled, onChange, onTyping }: Props) {
  const t = useT();
  const preset = presetOfWeek(week);
  return (
    <div className="grid gap-3">
      {!disabled && (
        <div role="group" aria-label={t("setup.hours.presets")} className="flex flex-wrap gap-2">
          {PRESETS.map((one) => (
            <Button
              key={one}
              size="sm"
              aria-pressed={preset === one}
              className="aria-pressed:border-accent aria-pressed:bg-accent-soft"
              onClick={() => onChange(presetWeek(one).map(({ spans }) => stretchesOf(spans.map(({ open, close }) => ({ from: open, to: close })))))}
            >
              {t(`setup.preset.${one}`)}
            </Button>
          ))}
        </div>
      )}
      <div>
        {/* Of the same widths as the days below, so that it breaks as they do. */}
        <div aria-hidden className={ROW}>
          <span className="w-28" />
          <div className="relative h-5 flex-1 text-xs text-ink-3" style={NARROWEST}>
            {HOURS.map((hour) => (
              <span key={hour} className="num absolute" style={{ left: `${String((hour / 24) * 100)}%`, transform: `translateX(${hour === 0 ? "0" : hour === 24 ? "-100%" : "-50%"})` }}>
                {clockText(hour * 60)}
              </span>
            ))}
          </div>
          <span className="w-60" />
          <span style={{ width: 32 }} />
        </div>
        <ul className="grid gap-2">
          {week.map((stretches, day) => (
            <Day
              // A day has nothing but its place.
              key={day}
              day={day}
              stretches={stretches}
              week={week}
              disabled={disabled}
              onDay={(next, over) => onChange(withDay(week, day, next, over))}
              onCopy={(to) => {
                onChange(copied(week, day, to));
                announce(text("hours.week.copied", { day: dayName(day) }));
              }}
              onTyping={(state) => onTyping(day, state)}
            />
          ))}
        </ul>
      </div>
      {!disabled && <p className="text-sm text-ink-3">{t("hours.week.how")}</p>}
    </div>
  );
}

export function typedFault(typed: Typed): string | undefined {
  return typed.fault === undefined ? undefined : text(`hours.fault.${typed.fault}`, { at: typed.at });
}

interface DayProps {
  day: number;
  stretches: Stretches;
  week: Week;
  disabled: boolean;
  onDay: (stretches: Stretches, over?: { from: number; to: number }) => void;
  onCopy: (to: readonly number[]) => void;
  onTyping: (state: "typing" | "wrong" | undefined) => void;
}

function Day({ day, stretches, disabled, onDay, onCopy, onTyping }: DayProps) {
  const t = useT();
  const name = dayName(day);
  return (
    <li data-day={day + 1} className={ROW}>
      <span className="w-28 py-1 text-md font-medium capitalize">{name}</span>
      <div className="flex-1" style={NARROWEST}>
        <DayBar stretches={stretches} disabled={disabled} onChange={(next) => onDay(next)} />
      </div>
      <div className="w-60">
        <HoursInput key={dayText(stretches)} label={t("hours.week.day", { day: name })} stretches={stretches} disabled={disabled} placeholder={t("hours.closed")} onTaken={onDay} onTyping={onTyping} />
      </div>
      <div className="size-8">{!disabled && <CopyDay day={day} onCopy={onCopy} />}</div>
    </li>
  );
}

interface HoursInputProps {
  label: string;
  stretches: Stretches;
  disabled?: boolean;
  placeholder: string;
  onTaken: (stretches: Stretches, over?: { from: number; to: number }) => void;
  onTyping: (state: "typing" | "wrong" | undefined) => void;
}

/** Hours as somebody types them: taken when the field is left, or with Enter. */
function HoursInput({ label, stretches, disabled, placeholder, onTaken, onTyping }: HoursInputProps) {
  const [typed, setTyped] = useState<string>();
  const [fault, setFault] = useState<string>();
  const take = () => {
    if (typed === undefined) return;
    const read = readDay(typed);
    setFault(typedFault(read));
    if (read.fault !== undefined) return onTyping("wrong");
    setTyped(undefined);
    onTyping(undefined);
    onTaken(read.stretches, read.over);
  };
  return (
    <div className="grid gap-1">
      <Input
        aria-label={label}
        aria-invalid={fault ? true : undefined}
        className="num"
        placeholder={placeholder}
        disabled={disabled}
        autoComplete="off"
        spellCheck={false}
        value={typed ?? dayText(stretches)}
        onChange={(event) => {
          setTyped(event.target.value);
          setFault(undefined);
          onTyping("typing");
        }}
        onBlur={take}
        onKeyDown={(event) => {
          if (event.key !== "Enter") return;
          event.preventDefault();
          take();
        }}
      />
      {fault && (
        <p role="alert" className="text-sm text-bad">
          {fault}
        </p>
      )}
    </div>
  );
}

const DAYS = [0, 1, 2, 3, 4, 5, 6];

function CopyDay({ day, onCopy }: { day: number; onCopy: (to: readonly number[]) => void }) {
  const t = useT();
  const [open, setOpen] = useState(false);
  const [to, setTo] = useState<readonly number[]>([]);
  const others = DAYS.filter((one) => one !== day);
  return (
    <Popover
      label={t("hours.week.copy", { day: dayName(day) })}
      align="end"
      open={open}
      onOpenChange={(next) => {
        setOpen(next);
        // What one mostly wants: the other working days.
        if (next) setTo(day < 5 ? others.filter((one) => one < 5) : others.filter((one) => one >= 5));
      }}
      trigger={
        <IconButton label={t("hours.week.copy", { day: dayName(day) })}>
          <Copy size={15} aria-hidden />
        </IconButton>
      }
    >
      <div className="grid gap-2">
        <p className="text-sm font-medium">{t("hours.week.copy-to")}</p>
        {others.map((one) => (
          <Checkbox key={one} className="capitalize" label={dayName(one)} checked={to.includes(one)} onCheckedChange={(on) => setTo(on ? [...to, one] : to.filter((other) => other !== one))} />
        ))}
        <Button
          variant="primary"
          size="sm"
          disabled={to.length === 0}
          onClick={() => {
            onCopy(to);
            setOpen(false);
          }}
        >
          {t("hours.week.copy-do")}
        </Button>
      </div>
    </Popover>
  );
}
