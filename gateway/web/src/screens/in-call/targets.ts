/** To whom a call can be handed, and why not. */
import type { LiveAgent, Queue } from "@/live";
import { dialable } from "@/phone/ui/problems";

/** Why somebody cannot be rung now. The server has the last word. */
export type Obstacle = "no-phone" | "on-a-call" | "rings" | "in-this-call";

export interface AgentTarget {
  readonly kind: "agent";
  readonly id: string;
  readonly name: string;
  readonly agent: LiveAgent;
  readonly obstacle: Obstacle | undefined;
}
export interface QueueTarget {
  readonly kind: "queue";
  readonly id: string;
  readonly name: string;
  readonly queue: Queue;
}
/** Somebody outside. Whether they may be called is for the server to say. */
export interface NumberTarget {
  readonly kind: "number";
  readonly id: string;
  readonly name: string;
}
export type AnyTarget = AgentTarget | QueueTarget | NumberTarget;

/** Fewer digits are an extension, or the beginning of one. */
const SHORTEST_NUMBER = 3;

/** What was typed, as a number outside; none where it is no number. */
export function numberTarget(typed: string): NumberTarget | undefined {
  const number = dialable(typed);
  return number.replace(/\D/g, "").length >= SHORTEST_NUMBER ? { kind: "number", id: number, name: number } : undefined;
}

/** Whoever has a phone and no call can be rung, whatever they wish: paused is a wish, no obstacle. */
export function obstacle(agent: Pick<LiveAgent, "id" | "activity" | "reachable">, inCall: readonly string[]): Obstacle | undefined {
  if (inCall.includes(agent.id)) return "in-this-call";
  if (agent.activity === "on_contact") return "on-a-call";
  if (agent.activity === "ringing") return "rings";
  return agent.reachable ? undefined : "no-phone";
}

const READINESS: Record<LiveAgent["activity"], number> = { available: 0, wrap_up: 1, paused: 2, offline: 3, unreachable: 4, ringing: 5, on_contact: 6 };

/** Those who can be rung first, the ready before the others; then the queues. Oneself is no target. */
export function targets(agents: readonly LiveAgent[], queues: readonly Queue[], self: string, inCall: readonly string[], search: string): readonly AnyTarget[] {
  const words = search.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const fits = (...told: string[]) => words.every((word) => told.some((one) => one.toLocaleLowerCase().includes(word)));
  const people = agents
    .filter((agent) => agent.id !== self && fits(agent.name, agent.email, agent.extension ?? ""))
    .map((agent): AgentTarget => ({ kind: "agent", id: agent.id, name: agent.name, agent, obstacle: obstacle(agent, inCall) }))
    .sort((a, b) => Number(a.obstacle !== undefined) - Number(b.obstacle !== undefined) || READINESS[a.agent.activity] - READINESS[b.agent.activity] || a.name.localeCompare(b.name));
  const lines = queues.filter((queue) => fits(queue.name, queue.extension)).map((queue): QueueTarget => ({ kind: "queue", id: queue.id, name: queue.name, queue }));
  return [...people, ...lines];
}
