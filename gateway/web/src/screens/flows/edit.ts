/** Changes to a flow. Pure: each gives a new definition. */
import { type Definition, type Do, type FlowNode, type Target, type Type, exitsOf, newDo, withExit } from "./model";

export const MOST_NODES = 200;
const GRID = 20;

export const nodeOf = (definition: Definition, id: string | null | undefined): FlowNode | undefined => definition.nodes.find((node) => node.id === id);

/** An id that no node has: `menu`, `menu_2`. */
export function freeId(taken: ReadonlySet<string>, wanted: string): string {
  const stem = wanted.replace(/_\d+$/, "").slice(0, 34) || "step";
  if (!taken.has(stem)) return stem;
  let at = 2;
  while (taken.has(`${stem}_${String(at)}`)) at += 1;
  return `${stem}_${String(at)}`;
}

const idsOf = (definition: Definition) => new Set(definition.nodes.map((node) => node.id));
const onGrid = (value: number) => Math.round(value / GRID) * GRID;

function change(definition: Definition, id: string, by: (node: FlowNode) => FlowNode): Definition {
  return { ...definition, nodes: definition.nodes.map((node) => (node.id === id ? by(node) : node)) };
}

export interface Added {
  readonly definition: Definition;
  readonly id: string;
}

/** A new node; the first of a flow is where calls begin. `after`: the way out of another that leads to it. */
export function added(definition: Definition, type: Type, name: string, at: { x: number; y: number }, after?: { node: string; exit: string }): Added {
  const id = freeId(idsOf(definition), type);
  const [x, y] = free(definition, onGrid(at.x), onGrid(at.y));
  const node: FlowNode = { id, name, x, y, do: newDo(type, definition.language) };
  const next: Definition = { ...definition, start: definition.nodes.length === 0 ? id : definition.start, nodes: [...definition.nodes, node] };
  return { definition: after ? connected(next, after.node, after.exit, id) : next, id };
}

/** A place near a wanted one where no other node begins. */
function free(definition: Definition, x: number, y: number): [number, number] {
  let [at, down] = [x, y];
  while (definition.nodes.some((node) => Math.abs(node.x - at) < GRID && Math.abs(node.y - down) < GRID)) [at, down] = [at + GRID * 2, down + GRID * 2];
  return [at, down];
}

export const changed = (definition: Definition, id: string, what: Do): Definition => change(definition, id, (node) => ({ ...node, do: what }));
export const renamed = (definition: Definition, id: string, name: string): Definition => change(definition, id, (node) => ({ ...node, name }));
export const connected = (definition: Definition, id: string, exit: string, to: Target): Definition => change(definition, id, (node) => ({ ...node, do: withExit(node.do, exit, to) }));
export const begunWith = (definition: Definition, start: string): Definition => ({ ...definition, start });
export const spoken = (definition: Definition, language: string): Definition => ({ ...definition, language });

export function moved(definition: Definition, ids: ReadonlySet<string>, dx: number, dy: number): Definition {
  return { ...definition, nodes: definition.nodes.map((node) => (ids.has(node.id) ? { ...node, x: Math.round(node.x + dx), y: Math.round(node.y + dy) } : node)) };
}

export function placed(definition: Definition, places: ReadonlyMap<string, { x: number; y: number }>): Definition {
  return { ...definition, nodes: definition.nodes.map((node) => ({ ...node, ...places.get(node.id) })) };
}

/** Every way that leads into one of these ends before it. */
function letGo(node: FlowNode, gone: ReadonlySet<string>): FlowNode {
  const what = exitsOf(node.do).reduce((now, { id, to }) => (to !== null && gone.has(to) ? withExit(now, id, null) : now), node.do);
  return what === node.do ? node : { ...node, do: what };
}

/** Without these. Ways that led to them lead nowhere; where one had a single way on, those before it lead there. */
export function removed(definition: Definition, ids: ReadonlySet<string>): Definition {
  const onward = (id: string, seen: ReadonlySet<string> = new Set()): Target => {
    const node = nodeOf(definition, id);
    if (!ids.has(id) || !node) return id;
    const ways = exitsOf(node.do);
    const [only] = ways;
    return seen.has(id) || ways.length !== 1 || !only?.to ? null : onward(only.to, new Set([...seen, id]));
  };
  const nodes = definition.nodes
    .filter((node) => !ids.has(node.id))
    .map((node) => {
      const what = exitsOf(node.do).reduce((now, { id, to }) => (to !== null && ids.has(to) ? withExit(now, id, onward(to)) : now), node.do);
      return what === node.do ? node : { ...node, do: what };
    });
  const start = ids.has(definition.start) ? (onward(definition.start) ?? nodes[0]?.id ?? "") : definition.start;
  return { ...definition, start, nodes };
}

/** What a copy is, for the clipboard. */
export interface Copied {
  readonly trunkline_flow: 1;
  readonly nodes: readonly FlowNode[];
}

export const copied = (definition: Definition, ids: ReadonlySet<string>): Copied => ({ trunkline_flow: 1, nodes: definition.nodes.filter((node) => ids.has(node.id)) });

export function readCopied(text: string): Copied | undefined {
  try {
    const read = JSON.parse(text) as Partial<Copied>;
    return read.trunkline_flow === 1 && Array.isArray(read.nodes) && read.nodes.length > 0 ? { trunkline_flow: 1, nodes: read.nodes } : undefined;
  } catch {
    return undefined;
  }
}

/** The nodes of a copy with ids of their own; among themselves they lead as before, out of the copy nowhere. */
export function pasted(definition: Definition, copy: Copied, by = GRID * 2): { readonly definition: Definition; readonly ids: ReadonlySet<string> } {
  const room = Math.max(0, MOST_NODES - definition.nodes.length);
  const taken = idsOf(definition);
  const names = new Map<string, string>();
  const nodes = copy.nodes.slice(0, room);
  for (const node of nodes) {
    const id = freeId(taken, node.id);
    taken.add(id);
    names.set(node.id, id);
  }
  const strangers = new Set(nodes.flatMap((node) => exitsOf(node.do).flatMap(({ to }) => (to !== null && !names.has(to) ? [to] : []))));
  const made = nodes.map((node) => {
    const inside = letGo(node, strangers);
    const what = exitsOf(inside.do).reduce((now, { id, to }) => (to === null ? now : withExit(now, id, names.get(to) ?? null)), inside.do);
    return { ...node, id: names.get(node.id) ?? node.id, x: node.x + by, y: node.y + by, do: what };
  });
  const start = definition.start === "" ? (made[0]?.id ?? "") : definition.start;
  return { definition: { ...definition, start, nodes: [...definition.nodes, ...made] }, ids: new Set(made.map((node) => node.id)) };
}

/** The first way out of a node that leads nowhere yet. */
export function openExit(node: FlowNode | undefined): string | undefined {
  return node && exitsOf(node.do).find((one) => one.to === null)?.id;
}
