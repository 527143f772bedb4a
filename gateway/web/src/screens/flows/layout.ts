/** Where nodes stand, how big they are, and the lines between them. Pure: what is drawn is measured from here. */
import { type Definition, type FlowNode, exitsOf } from "./model";

export const WIDTH = 240;
export const HEAD = 44;
/** What is said, or done: two lines. */
export const LINE = 38;
export const ROW = 28;
const [GAP_X, GAP_Y] = [110, 36];

export const heightOf = (node: FlowNode): number => HEAD + LINE + 8 + exitsOf(node.do).length * ROW + 6;

export interface Point {
  readonly x: number;
  readonly y: number;
}

export const inletOf = (node: FlowNode): Point => ({ x: node.x, y: node.y + HEAD / 2 });
export const outletOf = (node: FlowNode, at: number): Point => ({ x: node.x + WIDTH, y: node.y + HEAD + LINE + 8 + at * ROW + ROW / 2 });

export interface Line {
  readonly from: string;
  readonly exit: string;
  readonly to: string;
  readonly path: string;
  readonly back: boolean;
}

const at = ({ x, y }: Point) => `${String(Math.round(x))} ${String(Math.round(y))}`;

/** A curve, wherever it leads: for one that is being drawn. */
export function curve(from: Point, to: Point): string {
  const pull = Math.max(36, Math.min(160, Math.abs(to.x - from.x) / 2));
  return `M${at(from)} C${at({ x: from.x + pull, y: from.y })} ${at({ x: to.x - pull, y: to.y })} ${at(to)}`;
}

/** A curve; around below where it leads back. */
export function pathBetween(from: Point, to: Point, below: number): string {
  if (to.x >= from.x + 24) return curve(from, to);
  const [out, into, r] = [from.x + 28, to.x - 28, 14];
  const up = Math.sign(to.y - below) * r;
  return [
    `M${at(from)}`,
    `H${String(Math.round(out - r))}`,
    `Q${at({ x: out, y: from.y })} ${at({ x: out, y: from.y + r })}`,
    `V${String(Math.round(below - r))}`,
    `Q${at({ x: out, y: below })} ${at({ x: out - r, y: below })}`,
    `H${String(Math.round(into + r))}`,
    `Q${at({ x: into, y: below })} ${at({ x: into, y: below + up })}`,
    `V${String(Math.round(to.y - up))}`,
    `Q${at({ x: into, y: to.y })} ${at({ x: into + r, y: to.y })}`,
    `H${String(Math.round(to.x))}`,
  ].join(" ");
}

export function linesOf({ nodes }: Definition): readonly Line[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  let backs = 0;
  return nodes.flatMap((node) =>
    exitsOf(node.do).flatMap(({ id, to }, at) => {
      const target = byId.get(to ?? "");
      if (!target) return [];
      const [out, into] = [outletOf(node, at), inletOf(target)];
      const back = into.x < out.x + 24;
      // Ways back lie beneath each other, not on each other.
      const below = Math.max(node.y + heightOf(node), target.y + heightOf(target)) + 18 + (back ? (backs++ % 5) * 7 : 0);
      return [{ from: node.id, exit: id, to: target.id, path: pathBetween(out, into, below), back }];
    }),
  );
}

/** The nodes as a caller comes to them: the beginning first, each after what leads to it; what nothing leads to last. */
export function inOrder(definition: Definition): readonly FlowNode[] {
  const byId = new Map(definition.nodes.map((node) => [node.id, node]));
  const seen = new Set<string>();
  const order: FlowNode[] = [];
  const walk = (first: string) => {
    const left = [first];
    for (let id = left.shift(); id !== undefined; id = left.shift()) {
      const node = byId.get(id);
      if (!node || seen.has(id)) continue;
      seen.add(id);
      order.push(node);
      left.push(...exitsOf(node.do).flatMap(({ to }) => (to === null ? [] : [to])));
    }
  };
  walk(definition.start);
  for (const node of definition.nodes) walk(node.id);
  // Two nodes of one id: both are there.
  return order.length === definition.nodes.length ? order : [...order, ...definition.nodes.filter((node) => !order.includes(node))];
}

/** Columns from left to right by how far a node is from the beginning (ways back do not count), rows so that few lines cross. */
export function arranged(definition: Definition): ReadonlyMap<string, Point> {
  const order = inOrder(definition);
  const depth = depths(definition, order);
  const columns: FlowNode[][] = [];
  for (const node of order) (columns[depth.get(node.id) ?? 0] ??= []).push(node);
  const before = new Map<string, { node: FlowNode; at: number }[]>();
  for (const node of order) exitsOf(node.do).forEach(({ to }, at) => to !== null && before.set(to, [...(before.get(to) ?? []), { node, at }]));
  const places = new Map<string, Point>();
  const columnsThatAre = columns.filter((column): column is FlowNode[] => column !== undefined);
  columnsThatAre.forEach((column, at) => {
    // As high as what leads to it, on average.
    const wish = new Map(
      column.map((node, place) => {
        const ins = (before.get(node.id) ?? []).flatMap((one) => {
          const from = places.get(one.node.id);
          return from ? [from.y + HEAD + LINE + one.at * ROW] : [];
        });
        return [node.id, ins.length > 0 ? ins.reduce((sum, y) => sum + y, 0) / ins.length - HEAD : place * 1e3] as const;
      }),
    );
    const sorted = [...column].sort((a, b) => (wish.get(a.id) ?? 0) - (wish.get(b.id) ?? 0));
    const tall = sorted.reduce((sum, node) => sum + heightOf(node) + GAP_Y, -GAP_Y);
    const wishes = sorted.map((node) => wish.get(node.id) ?? 0).filter((y) => y < 1e3 * column.length);
    const middle = at === 0 || wishes.length === 0 ? tall / 2 : wishes.reduce((sum, y) => sum + y, 0) / wishes.length + HEAD;
    let y = at === 0 ? 0 : Math.max(0, middle - tall / 2);
    for (const node of sorted) {
      places.set(node.id, { x: 40 + at * (WIDTH + GAP_X), y: Math.round(40 + y) });
      y += heightOf(node) + GAP_Y;
    }
  });
  return places;
}

function depths(definition: Definition, order: readonly FlowNode[]): ReadonlyMap<string, number> {
  const byId = new Map(definition.nodes.map((node) => [node.id, node]));
  const depth = new Map<string, number>();
  const onWay = new Set<string>();
  const backs = new Set<string>();
  const done: string[] = [];
  const state = new Set<string>();
  // Depth first: a way to a node that is still being walked leads back.
  for (const root of order) {
    if (state.has(root.id)) continue;
    const work = [{ id: root.id, ways: ways(root) }];
    state.add(root.id);
    onWay.add(root.id);
    for (let top = work.at(-1); top; top = work.at(-1)) {
      const to = top.ways.shift();
      if (to === undefined) {
        onWay.delete(top.id);
        done.unshift(top.id);
        work.pop();
      } else if (onWay.has(to)) backs.add(`${top.id} ${to}`);
      else if (!state.has(to)) {
        state.add(to);
        onWay.add(to);
        const node = byId.get(to);
        work.push({ id: to, ways: node ? ways(node) : [] });
      }
    }
  }
  for (const id of done) {
    const own = depth.get(id) ?? 0;
    depth.set(id, own);
    const node = byId.get(id);
    if (!node) continue;
    for (const to of ways(node)) if (!backs.has(`${id} ${to}`)) depth.set(to, Math.max(depth.get(to) ?? 0, own + 1));
  }
  return depth;
}

const ways = (node: FlowNode): string[] => exitsOf(node.do).flatMap(({ to }) => (to === null ? [] : [to]));

/** What all nodes cover together. */
export function boundsOf(nodes: readonly FlowNode[]): { readonly x: number; readonly y: number; readonly width: number; readonly height: number } {
  if (nodes.length === 0) return { x: 0, y: 0, width: WIDTH, height: 200 };
  const [x, y] = [Math.min(...nodes.map((node) => node.x)), Math.min(...nodes.map((node) => node.y))];
  return { x, y, width: Math.max(...nodes.map((node) => node.x + WIDTH)) - x, height: Math.max(...nodes.map((node) => node.y + heightOf(node))) - y };
}

/** How a place is looked at: everything is drawn `scale` as large, shifted by x and y. */
export interface View {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}
export const [LEAST, MOST] = [0.3, 1.6];

/** All of it in sight, no larger than life. */
export function fitting(nodes: readonly FlowNode[], width: number, height: number, margin = 40): View {
  const { x, y, width: w, height: h } = boundsOf(nodes);
  const scale = Math.max(LEAST, Math.min(1, (width - margin * 2) / Math.max(1, w), (height - margin * 2) / Math.max(1, h)));
  // What does not fit begins at its beginning.
  const shift = (room: number, size: number) => (size * scale > room - margin * 2 ? margin : (room - size * scale) / 2);
  return { scale, x: shift(width, w) - x * scale, y: shift(height, h) - y * scale };
}

/** Below this nothing can be read. */
const READABLE = 0.7;

/** For the first look: all of it, if that can be read; else where calls begin. */
export function beginningAt({ nodes, start }: Definition, width: number, height: number): View {
  const all = fitting(nodes, width, height);
  const first = nodes.find((node) => node.id === start);
  if (all.scale >= READABLE || !first) return all;
  const { y, height: tall } = boundsOf(nodes);
  const middle = tall * READABLE <= height - 80 ? y + tall / 2 : first.y + heightOf(first) / 2;
  return { scale: READABLE, x: 40 - first.x * READABLE, y: height / 2 - middle * READABLE };
}

/** Larger or smaller around a point that stays where it is. */
export function zoomed(view: View, by: number, around: Point): View {
  const scale = Math.max(LEAST, Math.min(MOST, view.scale * by));
  const factor = scale / view.scale;
  return { scale, x: around.x - (around.x - view.x) * factor, y: around.y - (around.y - view.y) * factor };
}

/** As near as it is, with a node in the middle. */
export function centred(view: View, node: FlowNode, width: number, height: number): View {
  return { ...view, x: width / 2 - (node.x + WIDTH / 2) * view.scale, y: height / 2 - (node.y + heightOf(node) / 2) * view.scale };
}

/** Whether a node is in sight as a whole. */
export function inSight(view: View, node: FlowNode, width: number, height: number): boolean {
  const [left, top] = [node.x * view.scale + view.x, node.y * view.scale + view.y];
  return left >= 0 && top >= 0 && left + WIDTH * view.scale <= width && top + heightOf(node) * view.scale <= height;
}
