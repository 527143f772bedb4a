import { Badge, Meter } from "@/design";
import { useT } from "@/i18n";
import { TONES, type Usage, usedText } from "./words";

/** Each limit, and how much of it is used. */
export function Meters({ usage }: { usage: Usage }) {
  const t = useT();
  return (
    <ul className="grid gap-4">
      {usage.items.map((used) => (
        <li key={used.resource} className="grid gap-1">
          <div className="flex flex-wrap items-center gap-x-3">
            <h3 className="flex-1 font-medium">{t(`company.usage.${used.resource}`)}</h3>
            {used.standing !== "fine" && <Badge tone={TONES[used.standing]}>{t(`company.usage.standing.${used.standing}`)}</Badge>}
            <span className="num text-ink-2">{usedText(used)}</span>
          </div>
          {used.limit !== null && used.limit !== undefined && (
            <Meter value={used.limit === 0 ? 1 : Math.min(1, used.used / used.limit)} label={t(`company.usage.${used.resource}`)} tone={TONES[used.standing]} />
          )}
          <p className="text-sm text-ink-3">{t(`company.usage.${used.resource}-about`)}</p>
        </li>
      ))}
    </ul>
  );
}
