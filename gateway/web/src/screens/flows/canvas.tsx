import { Maximize, ZoomIn, ZoomOut } from "lucide-react";
import { type DragEvent, type PointerEvent as ReactPointerEvent, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { IconButton } from "@/design";
import { useT } from "@/i18n";
import type { Places } from "./data";
import { Lines } from "./lines";
import { type Point, type View, beginningAt, centred, fitting, inSight, inletOf, outletOf, zoomed } from "./layout";
import { type Definition, type FlowNode, TYPES, type Type, exitsOf } from "./model";
import { type Mark, NodeCard } from "./node-card";
import type { LocalFault } from "./validate";
import { targetName } from "./words";

/** What a drag from the palette carries. */
export const DRAGGED = "application/x-trunkline-step";
/** Pixels before a press is a drag. */
const SLACK = 4;

export interface CanvasProps {
  definition: Definition;
  selection: ReadonlySet<string>;
  faults: ReadonlyMap<string, readonly LocalFault[]>;
  places: Places;
  readOnly: boolean;
  marks?: ReadonlyMap<string, Mark>;
  /** The way of a call that is tried. */
  path?: { readonly nodes: readonly string[]; readonly ways: ReadonlySet<string> };
  /** Brings a node into sight; another `at` asks again. */
  look?: { readonly id: string; readonly at: number };
  onSelect: (ids: readonly string[]) => void;
  onOpen: (id: string, field?: string) => void;
  onMove: (ids: ReadonlySet<string>, dx: number, dy: number, part: string) => void;
  onConnect: (node: string, exit: string, to: string | null) => void;
  onDropped: (type: Type, at: Point) => void;
}

type Drag =
  | { readonly what: "pan"; readonly from: Point; readonly view: View; readonly moved: boolean }
  | { readonly what: "nodes"; readonly from: Point; readonly ids: ReadonlySet<string>; readonly by: Point; readonly moved: boolean; readonly only: string | undefined }
  | { readonly what: "way"; readonly node: string; readonly exit: string; readonly from: Point; readonly at: Point; readonly moved: boolean };

/** The flow as a drawing. Whatever is done here with a mouse can be done in the form and in the list as well. */
export function Canvas(props: CanvasProps) {
  const { definition, selection, faults, places, readOnly, marks, path, look, onSelect, onOpen, onMove, onConnect, onDropped } = props;
  const t = useT();
  const [box, setBox] = useState<HTMLElement | null>(null);
  const [view, setView] = useState<View>({ x: 40, y: 40, scale: 1 });
  const [drag, setDrag] = useState<Drag>();
  const size = useCallback((): [number, number] => [box?.clientWidth ?? 800, box?.clientHeight ?? 600], [box]);
  const fit = useCallback(() => setView(fitting(definition.nodes, ...size())), [definition.nodes, size]);

  // Once there is a place to draw on.
  const fitted = useRef(false);
  useLayoutEffect(() => {
    if (!box || fitted.current) return;
    fitted.current = true;
    setView(beginningAt(definition, ...size()));
  }, [box, definition, size]);

  useEffect(() => {
    if (!box) return;
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const { left, top } = box.getBoundingClientRect();
      const around = { x: event.clientX - left, y: event.clientY - top };
      if (event.ctrlKey || event.metaKey) setView((now) => zoomed(now, Math.exp(-event.deltaY * 0.0045), around));
      else setView((now) => ({ ...now, x: now.x - (event.shiftKey ? event.deltaY : event.deltaX), y: now.y - (event.shiftKey ? 0 : event.deltaY) }));
    };
    // A listener of React's may not keep the page from scrolling.
    box.addEventListener("wheel", onWheel, { passive: false });
    return () => box.removeEventListener("wheel", onWheel);
  }, [box]);

  const [looked, setLooked] = useState(look);
  if (look && look !== looked) {
    setLooked(look);
    const node = definition.nodes.find((one) => one.id === look.id);
    if (node && !inSight(view, node, ...size())) setView(centred(view, node, ...size()));
  }

  const onPaper = (event: { clientX: number; clientY: number }): Point => {
    const { left = 0, top = 0 } = box?.getBoundingClientRect() ?? {};
    return { x: (event.clientX - left - view.x) / view.scale, y: (event.clientY - top - view.y) / view.scale };
  };

  const down = (event: ReactPointerEvent<HTMLElement>) => {
    if (event.button !== 0 && event.button !== 1) return;
    const target = event.target as HTMLElement;
    const from = { x: event.clientX, y: event.clientY };
    const outlet = target.closest<HTMLElement>("[data-outlet]");
    const card = target.closest<HTMLElement>("[data-node]");
    if (outlet && !readOnly) setDrag({ what: "way", node: outlet.dataset.of ?? "", exit: outlet.dataset.outlet ?? "", from, at: onPaper(event), moved: false });
    else if (card && event.button === 0) {
      const id = card.dataset.node ?? "";
      const more = event.shiftKey || event.ctrlKey || event.metaKey;
      const ids = more ? (selection.has(id) ? [...selection].filter((one) => one !== id) : [...selection, id]) : selection.has(id) ? [...selection] : [id];
      onSelect(ids);
      setDrag({ what: "nodes", from, ids: new Set(ids), by: { x: 0, y: 0 }, moved: false, only: more ? undefined : id });
    } else setDrag({ what: "pan", from, view, moved: false });
  };

  // Wherever the pointer goes meanwhile, the drag is its.
  const going = useRef(drag);
  const doing = useRef({ onPaper, onSelect, onOpen, onMove, onConnect, view, readOnly });
  useLayoutEffect(() => {
    going.current = drag;
    doing.current = { onPaper, onSelect, onOpen, onMove, onConnect, view, readOnly };
  });
  const dragging = drag !== undefined;
  useEffect(() => {
    if (!dragging) return;
    const move = (event: PointerEvent) => {
      const now = going.current;
      if (!now) return;
      const [dx, dy] = [event.clientX - now.from.x, event.clientY - now.from.y];
      const moved = now.moved || Math.hypot(dx, dy) > SLACK;
      if (!moved) return;
      const { scale } = doing.current.view;
      if (now.what === "pan") {
        setDrag({ ...now, moved });
        setView({ ...now.view, x: now.view.x + dx, y: now.view.y + dy });
      } else if (now.what === "nodes") setDrag(doing.current.readOnly ? { ...now, moved } : { ...now, moved, by: { x: dx / scale, y: dy / scale } });
      else setDrag({ ...now, moved, at: doing.current.onPaper(event) });
    };
    const up = (event: PointerEvent) => {
      const now = going.current;
      setDrag(undefined);
      if (!now) return;
      const to = doing.current;
      if (now.what === "pan" && !now.moved) to.onSelect([]);
      else if (now.what === "nodes") {
        if (now.moved) to.onMove(now.ids, now.by.x, now.by.y, "");
        else if (now.only !== undefined) to.onOpen(now.only);
      } else if (now.what === "way" && now.moved) {
        const card = document.elementFromPoint(event.clientX, event.clientY)?.closest<HTMLElement>("[data-node]");
        to.onConnect(now.node, now.exit, card?.dataset.node ?? null);
      } else if (now.what === "way") to.onOpen(now.node, now.exit);
    };
    const cancel = () => setDrag(undefined);
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", up);
    window.addEventListener("pointercancel", cancel);
    return () => {
      window.removeEventListener("pointermove", move);
      window.removeEventListener("pointerup", up);
      window.removeEventListener("pointercancel", cancel);
    };
  }, [dragging]);

  // The same as long as nothing is chosen or changed: panning two hundred nodes draws none of them anew.
  const nudge = useCallback((id: string, dx: number, dy: number) => onMove(selection.has(id) ? selection : new Set([id]), dx, dy, `nudge ${id}`), [onMove, selection]);

  // While they are dragged, nodes are where they will be.
  const by = drag?.what === "nodes" ? drag.by : undefined;
  const ids = drag?.what === "nodes" ? drag.ids : undefined;
  const drawn = useMemo(() => (by && ids ? { ...definition, nodes: definition.nodes.map((node) => (ids.has(node.id) ? { ...node, x: node.x + by.x, y: node.y + by.y } : node)) } : definition), [definition, by, ids]);
  const way = drag?.what === "way" && drag.moved ? drawnWay(drawn.nodes, drag) : undefined;

  const drop = (event: DragEvent<HTMLElement>) => {
    const type = event.dataTransfer.getData(DRAGGED) as Type;
    if (readOnly || !TYPES.includes(type)) return;
    event.preventDefault();
    const { x, y } = onPaper(event);
    onDropped(type, { x: x - 60, y: y - 20 });
  };

  return (
    <div className="relative h-full min-h-0 overflow-hidden bg-bg">
      <section
        ref={setBox}
        aria-label={t("flows.canvas")}
        aria-describedby="canvas-help"
        data-canvas
        data-scale={view.scale.toFixed(2)}
        className={`absolute inset-0 touch-none overflow-hidden select-none ${drag?.what === "pan" ? "cursor-grabbing" : "cursor-grab"}`}
        style={{ backgroundImage: "radial-gradient(var(--line-strong) 1px, transparent 1px)", backgroundSize: `${String(20 * view.scale)}px ${String(20 * view.scale)}px`, backgroundPosition: `${String(view.x)}px ${String(view.y)}px` }}
        onPointerDown={down}
        onDragOver={(event) => {
          if (!readOnly && event.dataTransfer.types.includes(DRAGGED)) event.preventDefault();
        }}
        onDrop={drop}
      >
        <p id="canvas-help" className="sr-only">
          {t("flows.canvas-help")}
        </p>
        <div className="absolute top-0 left-0 size-0 origin-top-left" style={{ transform: `translate(${String(view.x)}px, ${String(view.y)}px) scale(${String(view.scale)})` }}>
          <Lines definition={drawn} selection={selection} path={path} {...(way ? { way } : {})} />
          {drawn.nodes.map((node, at) => {
            const found = faults.get(node.id) ?? [];
            const errors = found.filter((one) => one.severity === "error");
            return (
              <NodeCard
                key={`${node.id} ${String(at)}`}
                node={node}
                targets={exitsOf(node.do)
                  .map(({ to }) => targetName(definition, to, places))
                  .join("\n")}
                wrong={errors.map((one) => one.field ?? "").join(" ")}
                errors={errors.length}
                warnings={found.length - errors.length}
                places={places}
                selected={selection.has(node.id)}
                start={node.id === definition.start}
                mark={marks?.get(node.id)}
                visited={path === undefined ? undefined : path.nodes.includes(node.id)}
                readOnly={readOnly}
                aimedAt={drag?.what === "way" && drag.moved && drag.node !== node.id}
                onOpen={onOpen}
                onNudge={nudge}
              />
            );
          })}
        </div>
      </section>
      <div className="absolute start-3 bottom-3 flex items-center gap-0.5 rounded-md border border-line bg-surface p-0.5 shadow-card">
        <IconButton label={t("flows.zoom-out")} size="sm" onClick={() => setView((now) => zoomed(now, 1 / 1.2, { x: size()[0] / 2, y: size()[1] / 2 }))}>
          <ZoomOut size={15} aria-hidden />
        </IconButton>
        <span className="num w-12 text-center text-sm text-ink-2">{t("flows.zoom", { percent: Math.round(view.scale * 100) })}</span>
        <IconButton label={t("flows.zoom-in")} size="sm" onClick={() => setView((now) => zoomed(now, 1.2, { x: size()[0] / 2, y: size()[1] / 2 }))}>
          <ZoomIn size={15} aria-hidden />
        </IconButton>
        <IconButton label={t("flows.zoom-fit")} size="sm" onClick={fit}>
          <Maximize size={14} aria-hidden />
        </IconButton>
      </div>
    </div>
  );
}

function drawnWay(nodes: readonly FlowNode[], drag: Extract<Drag, { what: "way" }>): { from: Point; to: Point } | undefined {
  const node = nodes.find((one) => one.id === drag.node);
  if (!node) return undefined;
  const at = exitsOf(node.do).findIndex((one) => one.id === drag.exit);
  const over = nodes.find((one) => one.id !== node.id && drag.at.x > one.x && drag.at.x < one.x + 240 && drag.at.y > one.y && drag.at.y < one.y + 60);
  return { from: outletOf(node, at), to: over ? inletOf(over) : drag.at };
}
