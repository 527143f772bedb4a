import { CircleAlert, Play, TriangleAlert } from "lucide-react";
import { type KeyboardEvent, memo } from "react";
import { SOFT, cx } from "@/design";
import { useT } from "@/i18n";
import type { Places } from "./data";
import { TypeIcon, toneOf } from "./icons";
import { HEAD, LINE, ROW, WIDTH, heightOf } from "./layout";
import { type FlowNode, exitsOf } from "./model";
import { exitName, nodeName, summary, typeName } from "./words";

/** What became of a node since the version that is shown. */
export type Mark = "removed" | "changed";

interface Props {
  node: FlowNode;
  /** Of each way out, in order: where it leads, in words, and whether that is wrong. As texts: other steps' changes draw this one anew only when they are seen in it. */
  targets: string;
  wrong: string;
  errors: number;
  warnings: number;
  places: Places;
  selected: boolean;
  start: boolean;
  mark: Mark | undefined;
  /** Of a call that is tried: undefined while none is. */
  visited: boolean | undefined;
  readOnly: boolean;
  aimedAt: boolean;
  onOpen: (id: string, field?: string) => void;
  onNudge: (id: string, dx: number, dy: number) => void;
}

const ARROWS: Readonly<Record<string, readonly [number, number]>> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STEP = 20;

/** A node of the drawing: what it is, what it says, and its ways out. */
export const NodeCard = memo(function NodeCard({ node, targets, wrong, errors, warnings, places, selected, start, mark, visited, readOnly, aimedAt, onOpen, onNudge }: Props) {
  const t = useT();
  const { type } = node.do;
  const exits = exitsOf(node.do);
  const [names, faulty] = [targets.split("\n"), wrong.split(" ")];
  const named = node.name.trim() !== "";
  const press = (event: KeyboardEvent) => {
    const way = ARROWS[event.key];
    if (!way || readOnly || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    onNudge(node.id, way[0] * STEP * (event.shiftKey ? 5 : 1), way[1] * STEP * (event.shiftKey ? 5 : 1));
  };
  return (
    <div
      data-node={node.id}
      data-type={type}
      data-visited={visited}
      className={cx(
        "absolute rounded-lg border bg-surface shadow-card",
        selected ? "border-accent ring-2 ring-accent/40" : errors > 0 ? "border-bad" : mark ? "border-ring" : "border-line-strong",
        aimedAt && "hover:border-accent hover:ring-2 hover:ring-accent/40",
        visited === true && !selected && "border-accent",
        visited === false && "opacity-55",
        mark === "removed" && "border-dashed",
      )}
      style={{ left: node.x, top: node.y, width: WIDTH, height: heightOf(node) }}
    >
      <button
        type="button"
        aria-pressed={selected}
        className="flex w-full items-center gap-2 rounded-t-lg px-2.5 text-start"
        style={{ height: HEAD }}
        onKeyDown={press}
        onClick={(event) => {
          // A press by the mouse is the canvas's: it may become a drag.
          if (event.detail === 0) onOpen(node.id, "name");
        }}
      >
        <span className={cx("grid size-7 shrink-0 place-items-center rounded-md", SOFT[toneOf(type)])}>
          <TypeIcon type={type} size={15} />
        </span>
        <span className="grid min-w-0 flex-1 leading-tight">
          <span className="truncate text-md font-semibold">{nodeName(node)}</span>
          {named && (
            <>
              <span className="sr-only">, </span>
              <span className="truncate text-xs text-ink-3">{typeName(type)}</span>
            </>
          )}
        </span>
        {errors + warnings > 0 && <span className="sr-only">, {errors > 0 ? t("flows.faults-n", { n: errors }) : t("flows.warnings-n", { n: warnings })}</span>}
        {start && (
          <span className="inline-flex items-center gap-0.5 rounded-full bg-accent px-1.5 text-xs font-semibold text-accent-ink">
            <Play size={9} aria-hidden fill="currentColor" />
            {t("flows.start-short")}
          </span>
        )}
        {errors > 0 ? <CircleAlert size={16} aria-hidden className="shrink-0 text-bad" /> : warnings > 0 ? <TriangleAlert size={16} aria-hidden className="shrink-0 text-ring" /> : null}
      </button>
      <p className="line-clamp-2 px-2.5 text-sm [overflow-wrap:anywhere] text-ink-2" style={{ maxHeight: LINE, height: LINE, lineHeight: "18px" }}>
        {summary(node.do, places)}
      </p>
      <ul className={cx("mt-2 pt-px", exits.length > 0 && "border-t border-line")}>
        {exits.map(({ id, to }, at) => {
          const label = exitName(node.do, id);
          return (
            <li key={id} className="relative flex items-center gap-2 pr-4 pl-2.5 text-sm" style={{ height: ROW }}>
              <span className={cx("min-w-0 truncate font-medium", faulty.includes(id) ? "text-bad" : "text-ink-2")}>{label}</span>
              <span className="min-w-0 flex-1 truncate text-end text-xs text-ink-3">{names[at]}</span>
              <button
                type="button"
                tabIndex={-1}
                data-outlet={id}
                data-of={node.id}
                disabled={readOnly}
                aria-label={t("flows.exit.connect", { exit: label, step: nodeName(node) })}
                className="absolute -right-3 grid size-6 cursor-crosshair place-items-center rounded-full"
                onClick={(event) => {
                  if (event.detail === 0) onOpen(node.id, id);
                }}
              >
                <span aria-hidden className={cx("size-3 rounded-full border-2", to === null ? "border-bad bg-surface" : "border-accent bg-accent")} />
              </button>
            </li>
          );
        })}
      </ul>
    </div>
  );
});
