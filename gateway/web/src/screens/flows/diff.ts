/** What one version of a flow has that another has not. Pure. */
import type { Definition, FlowNode } from "./model";

export interface Difference {
  readonly added: readonly FlowNode[];
  readonly removed: readonly FlowNode[];
  readonly changed: readonly { readonly before: FlowNode; readonly after: FlowNode; readonly fields: readonly string[] }[];
  readonly start: boolean;
  readonly language: boolean;
}

/** With its keys in order: the same whatever the server's order is. */
function text(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) =>
    typeof one === "object" && one !== null && !Array.isArray(one)
      ? Object.fromEntries(
          Object.entries(one)
            .filter(([, held]) => held !== null && held !== undefined)
            .sort(([a], [b]) => (a < b ? -1 : 1)),
        )
      : one,
  );
}

export const same = (a: unknown, b: unknown): boolean => text(a) === text(b);

/** Where a node is drawn is no difference. */
export function difference(before: Definition, after: Definition): Difference {
  const old = new Map(before.nodes.map((node) => [node.id, node]));
  const now = new Map(after.nodes.map((node) => [node.id, node]));
  return {
    added: after.nodes.filter((node) => !old.has(node.id)),
    removed: before.nodes.filter((node) => !now.has(node.id)),
    changed: after.nodes.flatMap((node) => {
      const was = old.get(node.id);
      if (!was) return [];
      const fields = fieldsThatDiffer(was, node);
      return fields.length > 0 ? [{ before: was, after: node, fields }] : [];
    }),
    start: before.start !== after.start,
    language: before.language !== after.language,
  };
}

function fieldsThatDiffer(was: FlowNode, is: FlowNode): readonly string[] {
  const [a, b] = [{ ...was.do, name: was.name } as Record<string, unknown>, { ...is.do, name: is.name } as Record<string, unknown>];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((field) => !same(a[field] ?? null, b[field] ?? null));
}

export const isSame = (one: Difference): boolean => one.added.length + one.removed.length + one.changed.length === 0 && !one.start && !one.language;
