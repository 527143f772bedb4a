import { Combobox, Field, Switch } from "@/design";
import { useT } from "@/i18n";
import { WeekEditor } from "../setup/week";
import { type Opening, wrongDays } from "./opening";
import { zones } from "./zones";

interface Props {
  value: Opening;
  onChange: (value: Opening) => void;
  /** What the switch for day and night says. */
  always: string;
  /** Said of a day that ends before it begins. */
  wrong: string;
  error?: string | undefined;
}

/** When somebody is there. */
export function OpeningFields({ value, onChange, always, wrong, error }: Props) {
  const t = useT();
  const known = zones();
  const all = known.includes(value.timeZone) ? known : [value.timeZone, ...known];
  const errors = Object.fromEntries(wrongDays(value).map((day) => [day, wrong]));
  return (
    <div className="grid gap-3">
      <Switch label={always} checked={value.always} onCheckedChange={(next) => onChange({ ...value, always: next })} />
      {!value.always && (
        <>
          <Field label={t("setup.zone")} error={error} className="max-w-xs">
            <Combobox value={value.timeZone} onValueChange={(timeZone) => onChange({ ...value, timeZone })} options={all.map((zone) => ({ value: zone, label: zone.replaceAll("_", " ") }))} />
          </Field>
          <WeekEditor week={value.week} onChange={(week) => onChange({ ...value, week })} errors={errors} />
        </>
      )}
    </div>
  );
}
