import { CalendarPlus, Pencil, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { Badge, Button, Dialog, Field, IconButton, Input, RadioGroup } from "@/design";
import { t as text, useT } from "@/i18n";
import type { HoursDraft } from "./draft";
import { byDate, specialFaults, withSpecial } from "./draft";
import { ImportCalendar } from "./import";
import { type Special, covers } from "./rules";
import { dayText, readDay } from "./week";
import { typedFault } from "./week-editor";
import { dateText, datesText, hoursText } from "./words";
import { YearCalendar } from "./year";

interface Props {
  draft: HoursDraft;
  today: string;
  disabled: boolean;
  onChange: (special: readonly Special[]) => void;
}

/** Holidays, company days, and whatever else is not as the week says. */
export function Specials({ draft, today, disabled, onChange }: Props) {
  const t = useT();
  const { special } = draft;
  const [year, setYear] = useState(Number(today.slice(0, 4)));
  const [editing, setEditing] = useState<{ day: Special; before?: Special }>();
  const [importing, setImporting] = useState(false);
  const coming = byDate(special).filter((one) => one.to >= today);
  const over = byDate(special).filter((one) => one.to < today);
  const add = (date: string) => setEditing({ day: { name: "", from: date, to: date, stretches: [] } });
  const pick = (date: string) => {
    const found = special.find((one) => covers(one, date));
    if (found) setEditing({ day: found, before: found });
    else add(date);
  };
  const list = (days: readonly Special[]) => (
    <ul className="divide-y divide-line rounded-md border border-line">
      {days.map((one) => (
        <li key={`${one.from} ${one.to} ${one.name}`} className="flex items-start gap-2 px-3 py-1.5" data-special-day={one.from}>
          <div className="min-w-0 flex-1">
            <p className="text-md font-medium break-words">{one.name}</p>
            <p className="num text-sm text-ink-2">
              {datesText(one.from, one.to)} {one.stretches.length > 0 && `· ${hoursText(one.stretches)}`}
            </p>
          </div>
          {one.stretches.length === 0 ? <Badge tone="bad">{t("hours.closed")}</Badge> : <Badge tone="ring">{t("hours.special.other")}</Badge>}
          {!disabled && (
            <div className="flex">
              <IconButton size="sm" label={t("hours.special.change", { name: one.name })} onClick={() => setEditing({ day: one, before: one })}>
                <Pencil size={14} aria-hidden />
              </IconButton>
              <IconButton size="sm" label={t("hours.special.remove", { name: one.name })} onClick={() => onChange(special.filter((other) => other !== one))}>
                <Trash2 size={14} aria-hidden />
              </IconButton>
            </div>
          )}
        </li>
      ))}
    </ul>
  );
  return (
    <div className="grid gap-4">
      {!disabled && (
        <div className="flex flex-wrap gap-2">
          <Button icon={<Plus size={15} aria-hidden />} onClick={() => add(today)}>
            {t("hours.special.add")}
          </Button>
          <Button icon={<CalendarPlus size={15} aria-hidden />} onClick={() => setImporting(true)}>
            {t("hours.import")}
          </Button>
        </div>
      )}
      {coming.length === 0 ? <p className="text-md text-ink-3">{t("hours.special.none")}</p> : list(coming)}
      {over.length > 0 && (
        <details>
          <summary className="cursor-pointer text-sm text-ink-2">{t("hours.special.over", { n: over.length })}</summary>
          <div className="mt-2">{list(over)}</div>
        </details>
      )}
      <YearCalendar rules={draft} today={today} year={year} onYear={setYear} onPick={disabled ? undefined : pick} />
      {editing && (
        <SpecialDialog
          day={editing.day}
          isNew={editing.before === undefined}
          others={special.filter((one) => one !== editing.before)}
          onClose={() => setEditing(undefined)}
          onTake={(day) => {
            onChange(withSpecial(special, day, editing.before));
            setYear(Number(day.from.slice(0, 4)));
            setEditing(undefined);
          }}
          onRemove={() => {
            onChange(special.filter((one) => one !== editing.before));
            setEditing(undefined);
          }}
        />
      )}
      {importing && (
        <ImportCalendar
          special={special}
          today={today}
          onClose={() => setImporting(false)}
          onTake={(days) => {
            onChange(days.reduce((all, one) => withSpecial(all, one), special));
            setImporting(false);
          }}
        />
      )}
    </div>
  );
}

interface DialogProps {
  day: Special;
  isNew: boolean;
  others: readonly Special[];
  onClose: () => void;
  onTake: (day: Special) => void;
  onRemove: () => void;
}

/** What a day begins with when it is opened for other hours. */
const MORNING = "09:00–13:00";

function SpecialDialog({ day, isNew, others, onClose, onTake, onRemove }: DialogProps) {
  const t = useT();
  const [name, setName] = useState(day.name);
  const [from, setFrom] = useState(day.from);
  const [to, setTo] = useState(day.to);
  const [open, setOpen] = useState(day.stretches.length > 0);
  const [hours, setHours] = useState(day.stretches.length > 0 ? dayText(day.stretches) : MORNING);
  const [tried, setTried] = useState(false);
  const read = readDay(open ? hours : "");
  // What goes past midnight would be the next day's, which has its own hours.
  const hoursFault = typedFault(read) ?? (read.fault === undefined && read.over ? text("hours.fault.over") : undefined) ?? (open && read.fault === undefined && read.stretches.length === 0 ? text("hours.fault.none") : undefined);
  const made: Special = { name: name.trim(), from, to, stretches: read.fault === undefined ? read.stretches : [] };
  const faults = specialFaults(made, others);
  const said = (field: "name" | "from" | "to") => {
    const fault = faults[field];
    if (!tried || !fault) return undefined;
    return fault === "conflict" ? text("hours.fault.conflict", { name: faults.clash?.name ?? "", dates: faults.clash ? datesText(faults.clash.from, faults.clash.to) : "" }) : text(`hours.fault.special-${fault}`);
  };
  const take = () => {
    setTried(true);
    if (Object.keys(faults).length === 0 && !hoursFault) onTake(made);
  };
  return (
    <Dialog
      open
      onOpenChange={(next) => {
        if (!next) onClose();
      }}
      title={isNew ? t("hours.special.add") : t("hours.special.change", { name: day.name })}
      footer={
        <>
          {!isNew && (
            <div className="flex-1">
              <Button icon={<Trash2 size={15} aria-hidden />} onClick={onRemove}>
                {t("hours.remove")}
              </Button>
            </div>
          )}
          <Button type="submit" form="special-day" variant="primary">
            {t("hours.special.take")}
          </Button>
        </>
      }
    >
      <form
        id="special-day"
        noValidate
        className="grid gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          // It lies within another form.
          event.stopPropagation();
          take();
        }}
      >
        <Field label={t("hours.special.name")} error={said("name")}>
          <Input maxLength={100} value={name} placeholder={t("hours.special.name-example")} onChange={(event) => setName(event.target.value)} />
        </Field>
        <div className="grid gap-3 sm:grid-cols-2">
          <Field label={t("hours.special.from")} error={said("from")}>
            <Input
              type="date"
              value={from}
              onChange={(event) => {
                const next = event.target.value;
                // One day stays one day.
                if (to === from || to < next) setTo(next);
                setFrom(next);
              }}
            />
          </Field>
          <Field label={t("hours.special.to")} hint={t("hours.special.to-hint")} error={said("to")}>
            <Input type="date" value={to} min={from} onChange={(event) => setTo(event.target.value)} />
          </Field>
        </div>
        <RadioGroup
          label={t("hours.special.what")}
          value={open ? "other" : "closed"}
          onValueChange={(next) => setOpen(next === "other")}
          options={[
            { value: "closed", label: t("hours.special.closed"), description: from && to && from <= to ? t("hours.special.closed-about", { date: dateText(to) }) : "" },
            { value: "other", label: t("hours.special.other") },
          ]}
        />
        {open && (
          <Field label={t("hours.special.hours")} hint={t("hours.special.hours-hint")} error={tried || hours !== MORNING ? hoursFault : undefined}>
            <Input className="num" value={hours} autoComplete="off" spellCheck={false} onChange={(event) => setHours(event.target.value)} />
          </Field>
        )}
      </form>
    </Dialog>
  );
}
