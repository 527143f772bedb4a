import { FileUp } from "lucide-react";
import { useMemo, useRef, useState } from "react";
import { Badge, Banner, Button, Checkbox, Dialog, Field, Textarea } from "@/design";
import { useT } from "@/i18n";
import { standing } from "./draft";
import { LONGEST, readCalendar } from "./ics";
import type { Special } from "./rules";
import { datesText } from "./words";

interface Props {
  special: readonly Special[];
  today: string;
  onClose: () => void;
  onTake: (days: readonly Special[]) => void;
}

/** Public holidays out of a calendar file: shown first, taken only then, closed all day. */
export function ImportCalendar({ special, today, onClose, onTake }: Props) {
  const t = useT();
  const [pasted, setPasted] = useState("");
  const [file, setFile] = useState<string>();
  const [tooLong, setTooLong] = useState(false);
  const [without, setWithout] = useState<ReadonlySet<string>>(new Set());
  const input = useRef<HTMLInputElement>(null);
  const calendar = useMemo(() => readCalendar(pasted, today), [pasted, today]);
  const rows = calendar.days.map((day) => ({ day, key: `${day.from} ${day.to} ${day.name}`, standing: standing(day, special) }));
  const taken = rows.filter((row) => row.standing === "new" && !without.has(row.key));
  const read = pasted.trim() !== "";
  const choose = async (chosen: File | undefined) => {
    if (!chosen) return;
    setTooLong(chosen.size > LONGEST);
    if (chosen.size > LONGEST) return;
    setFile(chosen.name);
    setPasted(await chosen.text());
    setWithout(new Set());
  };
  return (
    <Dialog
      open
      size="lg"
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={t("hours.import")}
      description={t("hours.import.about")}
      footer={
        <Button variant="primary" disabled={taken.length === 0} onClick={() => onTake(taken.map(({ day }) => ({ name: day.name || t("hours.import.unnamed"), from: day.from, to: day.to, stretches: [] })))}>
          {t("hours.import.take", { n: taken.length })}
        </Button>
      }
    >
      <div className="grid gap-4">
        <div className="flex flex-wrap items-center gap-3">
          <input ref={input} type="file" accept=".ics,text/calendar" className="sr-only" tabIndex={-1} aria-label={t("hours.import.file")} onChange={(event) => void choose(event.target.files?.[0])} />
          <Button icon={<FileUp size={15} aria-hidden />} onClick={() => input.current?.click()}>
            {t("hours.import.file")}
          </Button>
          {file && <span className="text-md break-all text-ink-2">{file}</span>}
        </div>
        <Field label={t("hours.import.paste")} error={tooLong ? t("hours.import.long") : read && !calendar.sound ? t("hours.import.none") : undefined}>
          <Textarea
            rows={4}
            className="font-mono text-sm"
            spellCheck={false}
            placeholder="BEGIN:VCALENDAR"
            value={pasted}
            onChange={(event) => {
              setFile(undefined);
              setTooLong(false);
              setPasted(event.target.value);
              setWithout(new Set());
            }}
          />
        </Field>
        {read && calendar.sound && rows.length === 0 && <Banner tone="ring">{t("hours.import.nothing")}</Banner>}
        {rows.length > 0 && (
          <section aria-label={t("hours.import.found")} className="grid gap-2">
            <h3 className="text-md font-semibold">{t("hours.import.days", { n: rows.length })}</h3>
            <ul className="divide-y divide-line rounded-md border border-line">
              {rows.map((row) => (
                <li key={row.key} className="flex flex-wrap items-center gap-x-3 gap-y-0.5 px-3 py-1.5">
                  <Checkbox
                    className="min-w-0 flex-1 basis-52"
                    label={row.day.name || t("hours.import.unnamed")}
                    checked={row.standing === "new" && !without.has(row.key)}
                    disabled={row.standing !== "new"}
                    onCheckedChange={(on) => {
                      const next = new Set(without);
                      if (on) next.delete(row.key);
                      else next.add(row.key);
                      setWithout(next);
                    }}
                  />
                  <span className="num text-sm text-ink-2">{datesText(row.day.from, row.day.to)}</span>
                  {row.standing !== "new" && <Badge tone={row.standing === "clash" ? "ring" : "neutral"}>{t(`hours.import.${row.standing}`)}</Badge>}
                </li>
              ))}
            </ul>
          </section>
        )}
        {calendar.left.length > 0 && (
          <details>
            <summary className="cursor-pointer text-sm text-ink-2">{t("hours.import.left", { n: calendar.left.length })}</summary>
            <ul className="mt-2 grid gap-1 text-sm text-ink-2">
              {calendar.left.map((one) => (
                <li key={one.line}>
                  {t("hours.import.line", { line: String(one.line), name: one.name || t("hours.import.unnamed") })} {t(`hours.import.why-${one.why}`)}
                </li>
              ))}
            </ul>
          </details>
        )}
      </div>
    </Dialog>
  );
}
