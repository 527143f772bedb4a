/**
 * A flow as it goes to the server and comes back. There a way that leads nowhere is an empty text, what is not chosen yet has the id of nobody,
 * and a number is always one: a draft that is half made has to be kept as well.
 */
import { type Definition, type Do, type FlowNode, exitsOf, withExit, whole } from "./model";

/** RFC 9562, 5.9: the UUID of nothing. */
export const NOBODY = "00000000-0000-0000-0000-000000000000";
const IDS = new Set(["queue_id", "agent_id", "flow_id", "schedule_id", "sound_id"]);

/** Every id of something else, wherever it stands. */
function withIds(value: unknown, turn: (id: string) => string, key = ""): unknown {
  if (typeof value === "string") return IDS.has(key) ? turn(value) : value;
  if (Array.isArray(value)) return value.map((one) => withIds(one, turn));
  if (typeof value === "object" && value !== null) return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withIds(one, turn, name)]));
  return value;
}

/** Whole and not below nought, as the server counts; nought, which it refuses, for what is none. */
const counted = (value: number): number => (Number.isInteger(value) && value >= 0 && value <= 4_294_967_295 ? value : 0);
const COUNTS = ["timeout_seconds", "tries", "min", "max", "deadline_ms", "ring_seconds", "max_seconds"] as const;

function sent(node: FlowNode): unknown {
  const { do: what } = node;
  // Not by `withExit`, which knows no empty text.
  let led = exitsOf(what).reduce<Do>((now, { id, to }) => (to === null ? withExit(now, id, "") : now), what) as Do & Record<string, unknown>;
  for (const field of COUNTS) if (typeof led[field] === "number") led = { ...led, [field]: counted(led[field] as number) };
  if (led.type === "queue") led = { ...led, priority: Number.isInteger(led.priority) ? Math.max(-32_768, Math.min(32_767, led.priority)) : 0 };
  return { ...node, x: Math.round(node.x), y: Math.round(node.y), do: withIds(led, (id) => (id === "" ? NOBODY : id)) };
}

export const toWire = (definition: Definition): Definition => ({ ...definition, nodes: definition.nodes.map((node) => sent(node) as FlowNode) });

export function fromWire(raw: Partial<Definition> | null | undefined): Definition {
  const read = whole(raw);
  return {
    ...read,
    nodes: read.nodes.map((node) => {
      const what = withIds(node.do, (id) => (id === NOBODY ? "" : id)) as Do;
      return { ...node, do: exitsOf(what).reduce((now, { id, to }) => (to === null ? withExit(now, id, null) : now), what) };
    }),
  };
}
