import { useState } from "react";
import { Button, Dialog, Field, Input, RadioGroup, Select } from "@/design";
import { t as text, useT } from "@/i18n";
import { instantOf, isDate, localOf } from "./dates";
import type { OpenState, Schedule } from "./model";
import { endOfDay, useOverride } from "./override";
import { clockText, timeOf } from "./week";
import { momentText } from "./words";

const UNTIL = ["day", "hour", "ended", "moment"] as const;
type Until = (typeof UNTIL)[number];
const HOUR_MS = 3_600_000;

/** Closed or open beside the hours: until when, and why. */
export function OverrideDialog({ schedule, onClose }: { schedule: Schedule; onClose: () => void }) {
  const t = useT();
  const { override, time_zone: zone } = schedule;
  const [begun] = useState(() => Date.now());
  const ends = override?.until ? Date.parse(override.until) : undefined;
  const [state, setState] = useState<OpenState>(override?.state ?? (schedule.open_now ? "closed" : "open"));
  const [until, setUntil] = useState<Until>(override ? (ends === undefined ? "ended" : "moment") : "day");
  const local = localOf(ends ?? endOfDay(begun, zone), zone);
  const [date, setDate] = useState(local.date);
  const [time, setTime] = useState(clockText(local.minute));
  const [note, setNote] = useState(override?.note ?? "");
  const say = useOverride(schedule);
  const minute = timeOf(time);
  const moment = isDate(date) && minute !== undefined ? instantOf(date, minute, zone) : undefined;
  const wrong = until === "moment" ? (moment === undefined ? text("hours.override.moment-wrong") : moment <= begun ? text("hours.override.moment-past") : undefined) : undefined;
  const at: Record<Until, number | undefined> = { day: endOfDay(begun, zone), hour: begun + HOUR_MS, ended: undefined, moment };
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={t("hours.override.title", { name: schedule.name })}
      description={t("hours.override.about")}
      footer={
        <Button type="submit" form="override" variant="primary" busy={say.pending} disabled={wrong !== undefined}>
          {t("common.save")}
        </Button>
      }
    >
      <form
        id="override"
        noValidate
        className="grid gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          const end = at[until];
          if (!wrong && !say.pending) say.say({ state, until: end === undefined ? null : new Date(end).toISOString(), note: note.trim() === "" ? null : note.trim() }, onClose);
        }}
      >
        <RadioGroup
          label={t("hours.override.state")}
          value={state}
          onValueChange={(next) => setState(next === "open" ? "open" : "closed")}
          options={(["closed", "open"] as const).map((one) => ({ value: one, label: t(`hours.override.${one}`) }))}
        />
        <Field label={t("hours.override.until")} hint={t("hours.override.zone", { zone: zone.replaceAll("_", " ") })}>
          <Select
            value={until}
            onValueChange={(next) => setUntil(UNTIL.find((one) => one === next) ?? "day")}
            options={UNTIL.map((one) => ({ value: one, label: one === "day" || one === "hour" ? t(`hours.override.until-${one}`, { when: momentText(at[one] ?? begun, zone, begun, true) }) : t(`hours.override.until-${one}`) }))}
          />
        </Field>
        {until === "moment" && (
          <div className="flex flex-wrap gap-3">
            <Field label={t("hours.override.date")} error={wrong}>
              <Input type="date" className="w-40" value={date} onChange={(event) => setDate(event.target.value)} />
            </Field>
            <Field label={t("hours.override.time")}>
              <Input type="time" className="w-28" value={time} onChange={(event) => setTime(event.target.value)} />
            </Field>
          </div>
        )}
        <Field label={t("hours.override.note")} hint={t("hours.override.note-hint")}>
          <Input maxLength={200} value={note} onChange={(event) => setNote(event.target.value)} />
        </Field>
      </form>
    </Dialog>
  );
}
