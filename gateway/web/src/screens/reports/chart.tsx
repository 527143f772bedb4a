import { type ReactNode, useId, useLayoutEffect, useState } from "react";
import { useT } from "@/i18n";
import { every, pieces, roundUp } from "./scale";
import { type Report, mark, share, stretch, whole } from "./words";

const HEIGHT = 220;
const PAD = { top: 12, end: 44, bottom: 26, start: 44 };
const LINES = 4;
/** A label and the room between it and the next. */
const LABEL = 58;

/**
 * Calls over time as columns (answered, abandoned, the rest), and the service level as a line. Each has a pattern or shape of its own; the table
 * beneath says the same in numbers.
 */
export function Chart({ report }: { report: Report }) {
  const t = useT();
  const hatch = useId();
  const [place, setPlace] = useState<HTMLDivElement | null>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    if (!place) return;
    const observer = new ResizeObserver(() => setWidth(place.clientWidth));
    observer.observe(place);
    return () => observer.disconnect();
  }, [place]);
  const rows = report.items;
  const { interval, time_zone: zone } = report;
  const top = roundUp(Math.max(0, ...rows.map((row) => row.figures.offered)), LINES);
  const inner = { width: Math.max(0, width - PAD.start - PAD.end), height: HEIGHT - PAD.top - PAD.bottom };
  const step = inner.width / Math.max(1, rows.length);
  const bar = Math.max(1, Math.min(40, step * 0.7));
  const y = (calls: number) => PAD.top + inner.height * (1 - calls / top);
  const middle = (index: number) => PAD.start + step * (index + 0.5);
  const level = rows.map((row, index) => {
    const value = row.derived.service_level;
    return value === null || value === undefined ? undefined : { x: middle(index), y: PAD.top + inner.height * (1 - value) };
  });
  const sum = (of: (row: Report["items"][number]) => number) => rows.reduce((all, row) => all + of(row), 0);
  const summary = t("reports.chart.summary", { offered: sum((row) => row.figures.offered), answered: sum((row) => row.figures.answered), abandoned: sum((row) => row.figures.abandoned) });
  const nth = every(rows.length, inner.width, LABEL);
  return (
    <figure className="grid gap-2">
      <figcaption className="flex flex-wrap gap-x-4 gap-y-1 text-sm text-ink-2">
        <Sign label={t("reports.answered")}>
          <rect width="12" height="12" className="fill-accent" />
        </Sign>
        <Sign label={t("reports.abandoned")}>
          <rect width="12" height="12" className="fill-bad-soft" />
          <rect width="12" height="12" fill={`url(#${hatch})`} />
        </Sign>
        <Sign label={t("reports.other")}>
          <rect x="0.5" y="0.5" width="11" height="11" className="fill-sunken stroke-line-control" />
        </Sign>
        <Sign label={t("reports.service-level")}>
          <path d="M0 6h12" className="stroke-wait" strokeWidth="2" />
          <circle cx="6" cy="6" r="3" className="fill-wait" />
        </Sign>
      </figcaption>
      <div ref={setPlace} className="w-full overflow-hidden">
        {width > 0 && (
          <svg role="img" aria-label={summary} width={width} height={HEIGHT} className="block text-ink-3">
            <defs>
              <pattern id={hatch} width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
                <rect width="2" height="5" className="fill-bad" />
              </pattern>
            </defs>
            {Array.from({ length: LINES + 1 }, (_, line) => {
              const at = PAD.top + (inner.height * line) / LINES;
              return (
                <g key={line}>
                  <path d={`M${String(PAD.start)} ${String(at)}h${String(inner.width)}`} className="stroke-line" />
                  <text x={PAD.start - 8} y={at + 4} textAnchor="end" className="num fill-current text-sm">
                    {whole((top * (LINES - line)) / LINES)}
                  </text>
                  <text x={PAD.start + inner.width + 8} y={at + 4} className="num fill-current text-sm">
                    {share((LINES - line) / LINES)}
                  </text>
                </g>
              );
            })}
            {rows.map((row, index) => {
              const { offered, answered, abandoned } = row.figures;
              const x = middle(index) - bar / 2;
              const stack = [
                { calls: answered, from: 0, className: "fill-accent" },
                { calls: abandoned, from: answered, className: "fill-bad-soft" },
                { calls: abandoned, from: answered, fill: `url(#${hatch})` },
                { calls: Math.max(0, offered - answered - abandoned), from: answered + abandoned, className: "fill-sunken stroke-line-control" },
              ];
              return (
                <g key={row.from}>
                  <title>{`${stretch(row, interval, zone)}: ${t("reports.chart.column", { offered, answered, abandoned, level: share(row.derived.service_level) })}`}</title>
                  <rect x={PAD.start + step * index} y={PAD.top} width={step} height={inner.height} className="fill-transparent" />
                  {stack.map((part, place) => part.calls > 0 && <rect key={place} x={x} y={y(part.from + part.calls)} width={bar} height={(inner.height * part.calls) / top} className={part.className} fill={part.fill} />)}
                  {index % nth === 0 && (
                    <text x={middle(index)} y={HEIGHT - 8} textAnchor="middle" className="num fill-current text-sm">
                      {mark(row, interval, zone)}
                    </text>
                  )}
                </g>
              );
            })}
            {pieces(level).map((piece, index) => (
              <path key={index} d={`M${piece.map((point) => `${String(point.x)} ${String(point.y)}`).join("L")}`} className="pointer-events-none fill-none stroke-wait" strokeWidth="2" />
            ))}
            {level.map((point, index) => point && <circle key={index} cx={point.x} cy={point.y} r="3" className="pointer-events-none fill-wait" />)}
          </svg>
        )}
      </div>
    </figure>
  );
}

function Sign({ label, children }: { label: string; children: ReactNode }) {
  return (
    <span className="inline-flex items-center gap-1.5">
      <svg aria-hidden width="12" height="12">
        {children}
      </svg>
      {label}
    </span>
  );
}
