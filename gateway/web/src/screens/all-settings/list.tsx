import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Lock, LockOpen, RotateCcw, Search } from "lucide-react";
import { useState } from "react";
import { type Change, type Level, type Setting, changeSetting } from "@/api/settings";
import { Badge, Button, Card, Combobox, EmptyState, IconButton, Input, Select, Switch, toast } from "@/design";
import { useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { zones } from "../shared/zones";
import { aboutOf, groupText, matches, sourceAt, titleOf, valueAt, valueText } from "./words";

interface Props {
  settings: readonly Setting[];
  /** Where changes are made. */
  level: Level;
  /** Whether they may be. */
  mayChange: boolean;
  /** What is read anew after a change. */
  queryKey: readonly string[];
}

/** The registry: every setting, with what it is here, where that comes from, and who binds whom. */
export function SettingList({ settings, level, mayChange, queryKey }: Props) {
  const t = useT();
  const [search, setSearch] = useState("");
  const found = settings.filter((one) => matches(one, search.trim()));
  const groups = [...new Set(found.map((one) => one.group))];
  return (
    <div className="grid gap-4">
      <div className="relative max-w-sm">
        <Search size={15} aria-hidden className="absolute start-2.5 top-1/2 -translate-y-1/2 text-ink-3" />
        <Input type="search" aria-label={t("company.settings.search")} placeholder={t("company.settings.search")} className="ps-8" value={search} onChange={(event) => setSearch(event.target.value)} />
      </div>
      <p role="status" className="sr-only">
        {t("company.settings.found", { n: found.length })}
      </p>
      {found.length === 0 && (
        <Card>
          <EmptyState icon={<Search size={30} />} title={t("common.nothing-found")} text={t("company.settings.none-text")} />
        </Card>
      )}
      {groups.map((group) => (
        <section key={group} aria-labelledby={`group-${group}`}>
          <h2 id={`group-${group}`} className="mb-2 text-lg font-semibold">
            {groupText(group)}
          </h2>
          <ul className="divide-y divide-line rounded-lg border border-line bg-surface">
            {found
              .filter((one) => one.group === group)
              .map((one) => (
                <Row key={one.key} setting={one} level={level} mayChange={mayChange} queryKey={queryKey} />
              ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

function Row({ setting, level, mayChange, queryKey }: Omit<Props, "settings"> & { setting: Setting }) {
  const t = useT();
  const queries = useQueryClient();
  const own = setting.said.find((said) => said.level === level);
  const belongs = setting.levels.includes(level);
  const open = setting.open_levels.includes(level);
  const value = valueAt(setting, level);
  const source = sourceAt(setting, level);
  const change = useMutation({
    mutationFn: (wanted: Change) => changeSetting(level, setting.key, wanted),
    onError: (error) => toast({ title: t("company.settings.not-changed"), description: problemText(error), tone: "bad" }),
    onSettled: () => queries.invalidateQueries({ queryKey }),
  });
  const set = (next: Setting["value"]) => change.mutate({ value: next, ...(own ? { lock: own.lock } : {}) });
  const binds = level === "platform" || level === "tenant";
  return (
    <li className="grid gap-x-6 gap-y-2 px-4 py-3 sm:grid-cols-[minmax(0,1fr)_minmax(0,16rem)]">
      <div className="min-w-0">
        <div className="flex flex-wrap items-center gap-2">
          <h3 className="font-medium">{titleOf(setting)}</h3>
          <Badge tone={source === "default" ? "neutral" : "accent"}>{t(`company.source.${source}`)}</Badge>
          <LockMark setting={setting} />
        </div>
        <p className="text-sm text-ink-2">{aboutOf(setting)}</p>
        <p className="font-mono text-xs text-ink-3">{setting.key}</p>
        {setting.recommended !== null && setting.recommended !== undefined && (level === "user" || level === "session") && (
          <p className="mt-1 flex flex-wrap items-center gap-2 text-sm text-ink-2">
            {t("company.settings.recommended", { value: valueText(setting, setting.recommended) })}
            <Button size="sm" onClick={() => change.mutate(undefined)}>
              {t("company.settings.take")}
            </Button>
          </p>
        )}
      </div>
      <div className="grid content-start gap-2">
        <div className="flex items-start gap-1">
          <div className="min-w-0 flex-1">
            {belongs && mayChange ? <Control setting={setting} value={value} disabled={!open || change.isPending} onChange={set} /> : <p className="py-1.5 text-md">{valueText(setting, value)}</p>}
          </div>
          {own && mayChange && (
            <IconButton label={t("company.settings.reset", { name: titleOf(setting) })} onClick={() => change.mutate(undefined)}>
              <RotateCcw size={15} aria-hidden />
            </IconButton>
          )}
        </div>
        {!belongs && <p className="text-sm text-ink-3">{t("company.settings.elsewhere", { level: t(`company.source.${setting.levels.at(-1) ?? "platform"}`) })}</p>}
        {binds && belongs && mayChange && open && (
          <Select
            aria-label={t("company.lock.of", { name: titleOf(setting) })}
            disabled={change.isPending}
            value={own?.lock ?? "none"}
            onValueChange={(lock) => change.mutate({ value, lock: lock === "soft" || lock === "hard" ? lock : "none" })}
            options={(["none", "soft", "hard"] as const).map((lock) => ({ value: lock, label: t(`company.lock.${lock}`) }))}
          />
        )}
      </div>
    </li>
  );
}

/** Who binds those below, and how. */
function LockMark({ setting: { lock, locked_by } }: { setting: Setting }) {
  const t = useT();
  if (lock === "none" || !locked_by) return null;
  return (
    <Badge tone={lock === "hard" ? "hold" : "neutral"}>
      <span className="inline-flex items-center gap-1">
        {lock === "hard" ? <Lock size={12} aria-hidden /> : <LockOpen size={12} aria-hidden />}
        {t(`company.lock.${lock}-by`, { level: t(`company.source.${locked_by}`) })}
      </span>
    </Badge>
  );
}

function Control({ setting, value, disabled, onChange }: { setting: Setting; value: Setting["value"]; disabled: boolean; onChange: (value: Setting["value"]) => void }) {
  const t = useT();
  const label = titleOf(setting);
  switch (setting.kind.type) {
    case "switch":
      return (
        <Switch
          label={
            <>
              <span className="sr-only">{label}: </span>
              {valueText(setting, value)}
            </>
          }
          checked={value === true}
          disabled={disabled}
          onCheckedChange={onChange}
        />
      );
    case "number":
      return <NumberControl key={String(value)} setting={setting} value={Number(value)} disabled={disabled} onChange={onChange} min={setting.kind.min} max={setting.kind.max} unit={t(`company.unit.${setting.kind.unit}`)} />;
    case "choice":
      return <Select aria-label={label} value={String(value)} disabled={disabled} onValueChange={onChange} options={setting.kind.words.map((word) => ({ value: word, label: valueText(setting, word) }))} />;
    case "time_zone":
      return <Combobox aria-label={label} value={String(value)} disabled={disabled} onValueChange={onChange} options={zones().map((zone) => ({ value: zone, label: zone.replaceAll("_", " ") }))} />;
  }
}

function NumberControl({ setting, value, disabled, onChange, min, max, unit }: { setting: Setting; value: number; disabled: boolean; onChange: (value: number) => void; min: number; max: number; unit: string }) {
  const t = useT();
  const [text, setText] = useState(String(value));
  const number = Number(text);
  const fits = text.trim() !== "" && Number.isInteger(number) && number >= min && number <= max;
  return (
    <form
      className="flex flex-wrap items-center gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        if (fits && number !== value) onChange(number);
      }}
    >
      <Input type="number" aria-label={titleOf(setting)} aria-invalid={!fits} min={min} max={max} disabled={disabled} className="w-24" value={text} onChange={(event) => setText(event.target.value)} />
      <span className="text-md text-ink-2">{unit}</span>
      {number !== value && (
        <Button type="submit" size="sm" disabled={!fits || disabled}>
          {t("common.save")}
        </Button>
      )}
    </form>
  );
}
