import { memo, useMemo } from "react";
import { type Point, curve, linesOf } from "./layout";
import type { Definition } from "./model";

interface Props {
  definition: Definition;
  selection: ReadonlySet<string>;
  path?: { readonly ways: ReadonlySet<string> } | undefined;
  /** One that is being drawn. */
  way?: { readonly from: Point; readonly to: Point };
}

/** The ways between nodes. What they say is in the nodes and in the list: to a screen reader they are nothing. */
export const Lines = memo(function Lines({ definition, selection, path, way }: Props) {
  const lines = useMemo(() => linesOf(definition), [definition]);
  const loud = (line: (typeof lines)[number]) => (path ? path.ways.has(`${line.from} ${line.to}`) : selection.has(line.from) || selection.has(line.to));
  return (
    <svg aria-hidden className="pointer-events-none absolute top-0 left-0 overflow-visible" width={1} height={1}>
      <defs>
        {(["line", "loud"] as const).map((name) => (
          <marker key={name} id={`arrow-${name}`} viewBox="0 0 8 8" refX={7} refY={4} markerUnits="userSpaceOnUse" markerWidth={11} markerHeight={11} orient="auto-start-reverse">
            <path d="M0 0 L8 4 L0 8 Z" fill={name === "line" ? "var(--line-control)" : "var(--accent)"} />
          </marker>
        ))}
      </defs>
      {[...lines]
        .sort((a, b) => Number(loud(a)) - Number(loud(b)))
        .map((line) => {
          const on = loud(line);
          return (
            <path
              key={`${line.from} ${line.exit}`}
              data-line={`${line.from} ${line.exit}`}
              d={line.path}
              fill="none"
              stroke={on ? "var(--accent)" : "var(--line-control)"}
              strokeWidth={on ? 2.5 : 1.5}
              strokeDasharray={line.back ? "6 4" : undefined}
              opacity={path && !on ? 0.35 : 1}
              markerEnd={`url(#arrow-${on ? "loud" : "line"})`}
            />
          );
        })}
      {way && <path d={curve(way.from, way.to)} fill="none" stroke="var(--accent)" strokeWidth={2.5} strokeDasharray="3 5" strokeLinecap="round" />}
    </svg>
  );
});
