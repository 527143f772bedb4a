import { ArrowRight, CircleAlert, Copy, Ellipsis, Play, Trash2, TriangleAlert } from "lucide-react";
import { useMemo } from "react";
import { Badge, IconButton, Menu, SOFT, cx } from "@/design";
import { useT } from "@/i18n";
import type { Places } from "./data";
import { TypeIcon, toneOf } from "./icons";
import { inOrder } from "./layout";
import { type Definition, type FlowNode, exitsOf } from "./model";
import type { Mark } from "./node-card";
import type { LocalFault } from "./validate";
import { exitName, nodeName, refName, summary, targetName, typeName } from "./words";

interface Props {
  definition: Definition;
  selection: ReadonlySet<string>;
  faults: ReadonlyMap<string, readonly LocalFault[]>;
  places: Places;
  readOnly: boolean;
  marks?: ReadonlyMap<string, Mark>;
  path?: { readonly nodes: readonly string[]; readonly ways: ReadonlySet<string> };
  onOpen: (id: string, field?: string) => void;
  onDuplicate: (id: string) => void;
  onRemove: (id: string) => void;
  onStart: (id: string) => void;
}

const rowId = (id: string) => `step-${id}`;

/** The same flow in words, in the order in which callers come to its steps: all that the drawing says, for who does not see it, or has no room for it. */
export function ListView({ definition, selection, faults, places, readOnly, marks, path, onOpen, onDuplicate, onRemove, onStart }: Props) {
  const t = useT();
  const order = useMemo(() => inOrder(definition), [definition]);
  const numbers = useMemo(() => new Map(order.map((node, at) => [node.id, at + 1])), [order]);
  const go = (to: string) => {
    const row = document.getElementById(rowId(to));
    row?.scrollIntoView({ block: "nearest" });
    row?.querySelector<HTMLElement>("[data-open]")?.focus();
  };
  return (
    <div className="h-full overflow-y-auto p-4 pb-16 max-sm:p-2 max-sm:pb-16">
      <ol aria-label={t("flows.steps")} className="mx-auto grid max-w-3xl gap-2">
        {order.map((node, at) => (
          <Row
            key={`${node.id} ${String(at)}`}
            node={node}
            number={at + 1}
            {...{ definition, places, readOnly, numbers }}
            selected={selection.has(node.id)}
            faults={faults.get(node.id)}
            mark={marks?.get(node.id)}
            visited={path?.nodes.includes(node.id)}
            onOpen={onOpen}
            onDuplicate={() => onDuplicate(node.id)}
            onRemove={() => onRemove(node.id)}
            onStart={() => onStart(node.id)}
            onGo={go}
          />
        ))}
      </ol>
    </div>
  );
}

interface RowProps {
  node: FlowNode;
  number: number;
  definition: Definition;
  places: Places;
  readOnly: boolean;
  numbers: ReadonlyMap<string, number>;
  selected: boolean;
  faults: readonly LocalFault[] | undefined;
  mark: Mark | undefined;
  visited: boolean | undefined;
  onOpen: (id: string, field?: string) => void;
  onDuplicate: () => void;
  onRemove: () => void;
  onStart: () => void;
  onGo: (id: string) => void;
}

function Row({ node, number, definition, places, readOnly, numbers, selected, faults, mark, visited, onOpen, onDuplicate, onRemove, onStart, onGo }: RowProps) {
  const t = useT();
  const { type } = node.do;
  const errors = faults?.filter((one) => one.severity === "error").length ?? 0;
  const warnings = (faults?.length ?? 0) - errors;
  const exits = exitsOf(node.do);
  const name = nodeName(node);
  const start = node.id === definition.start;
  return (
    <li
      id={rowId(node.id)}
      data-step={node.id}
      className={cx("grid gap-2 rounded-lg border bg-surface p-3", selected ? "border-accent ring-2 ring-accent/40" : errors > 0 ? "border-bad" : mark ? "border-ring" : "border-line", visited === false && "opacity-60")}
    >
      <div className="flex items-start gap-2.5">
        <span className="num w-6 pt-1 text-end text-sm text-ink-3">{number}</span>
        <span className={cx("grid size-7 shrink-0 place-items-center rounded-md", SOFT[toneOf(type)])}>
          <TypeIcon type={type} size={15} />
        </span>
        <div className="min-w-0 flex-1">
          <div className="flex flex-wrap items-center gap-x-2 gap-y-1">
            <button type="button" data-open aria-label={[name, name !== typeName(type) && typeName(type)].filter(Boolean).join(", ")} aria-current={selected ? "step" : undefined} className="min-h-6 rounded-sm text-start text-md font-semibold [overflow-wrap:anywhere] hover:underline" onClick={(event) => onOpen(node.id, event.detail === 0 ? "name" : undefined)}>
              {name}
            </button>
            {name !== typeName(type) && <span className="text-sm text-ink-3">{typeName(type)}</span>}
            {start && (
              <Badge tone="accent">
                <Play size={9} aria-hidden fill="currentColor" />
                {t("flows.starts-here")}
              </Badge>
            )}
            {errors > 0 && (
              <Badge tone="bad">
                <CircleAlert size={12} aria-hidden />
                {t("flows.faults-n", { n: errors })}
              </Badge>
            )}
            {warnings > 0 && (
              <Badge tone="ring">
                <TriangleAlert size={12} aria-hidden />
                {t("flows.warnings-n", { n: warnings })}
              </Badge>
            )}
          </div>
          <p className="text-md [overflow-wrap:anywhere] text-ink-2">{summary(node.do, places)}</p>
        </div>
        {!readOnly && (
          <Menu
            label={t("flows.more", { name })}
            trigger={
              <IconButton label={t("flows.more", { name })} size="sm">
                <Ellipsis size={16} aria-hidden />
              </IconButton>
            }
            items={[
              { label: t("flows.make-start"), icon: <Play size={14} aria-hidden />, disabled: start, onSelect: onStart },
              { label: t("flows.duplicate"), icon: <Copy size={14} aria-hidden />, onSelect: onDuplicate },
              "separator",
              { label: t("flows.remove"), icon: <Trash2 size={14} aria-hidden />, tone: "danger", onSelect: onRemove },
            ]}
          />
        )}
      </div>
      {exits.length > 0 ? (
        <ul className="ms-8.5 grid gap-1 border-s border-line ps-3">
          {exits.map(({ id, to }) => {
            const target = to === null ? undefined : definition.nodes.find((one) => one.id === to);
            const label = exitName(node.do, id);
            return (
              <li key={id} className="flex flex-wrap items-center gap-x-2 text-md">
                <span className="text-ink-2">{label}</span>
                <ArrowRight size={13} aria-hidden className="shrink-0 text-ink-3 rtl:rotate-180" />
                {target ? (
                  <a
                    href={`#${rowId(target.id)}`}
                    aria-label={t("flows.exit.leads", { exit: label, step: t("flows.to-step", { n: numbers.get(target.id) ?? 0, step: refName(target, places) }) })}
                    className="inline-flex min-h-6 items-center rounded-sm font-medium [overflow-wrap:anywhere] hover:underline"
                    onClick={(event) => {
                      event.preventDefault();
                      onGo(target.id);
                    }}
                  >
                    {t("flows.to-step", { n: numbers.get(target.id) ?? 0, step: refName(target, places) })}
                  </a>
                ) : (
                  <button type="button" disabled={readOnly} aria-label={t("flows.exit.nowhere", { exit: label })} className="inline-flex min-h-6 items-center rounded-sm font-medium text-bad hover:underline" onClick={() => onOpen(node.id, id)}>
                    {targetName(definition, to, places)}
                  </button>
                )}
              </li>
            );
          })}
        </ul>
      ) : (
        <p className="ms-8.5 text-sm text-ink-3">{t("flows.ends-here")}</p>
      )}
    </li>
  );
}
