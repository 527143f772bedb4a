/**
 * What is wrong with a flow, as the server finds it when it is published (`gateway/calls/src/flow`). Pure. The server has the last word: it
 * also knows what was removed a moment ago.
 */
import { type Do, type Definition, type Fault, type FaultCode, type FlowNode, HANG_UP_REASONS, type Is, KEYS, TYPES, exitsOf, saysOf } from "./model";
import { isVariable, namesIn, templatesOf } from "./template";

/** Why a value is refused, where the code alone does not say. */
export type Why = "range" | "variable" | "braces" | "language" | "pointer" | "header" | "silent" | "keys" | "number" | "order" | "id" | "choice" | "accept" | "cases" | "given";

export interface LocalFault extends Fault {
  readonly why?: Why;
  readonly values?: Readonly<Record<string, number | string>>;
}

/** What there is to lead to. What is not known yet is not checked. */
export interface Known {
  readonly queues?: ReadonlySet<string>;
  readonly agents?: ReadonlySet<string>;
  readonly sounds?: ReadonlySet<string>;
  readonly schedules?: ReadonlySet<string>;
  readonly flows?: ReadonlySet<string>;
}

export const RANGES = {
  timeout_seconds: { min: 1, max: 30 },
  tries: { min: 1, max: 5 },
  min: { min: 0, max: 32 },
  max: { min: 1, max: 32 },
  deadline_ms: { min: 100, max: 10_000 },
  priority: { min: -100, max: 100 },
  ring_seconds: { min: 5, max: 120 },
  max_seconds: { min: 5, max: 600 },
} as const;
export type Range = keyof typeof RANGES;

export const MOST = { nodes: 200, name: 100, text: 2000, url: 2000, body: 2000, value: 2000, parts: 20, cases: 30, headers: 30, save: 30 } as const;
const ISES: readonly Is[] = ["equals", "not_equals", "starts_with", "set", "not_set"];

class Finder {
  readonly faults: LocalFault[] = [];

  add(node: FlowNode | undefined, field: string | null, code: FaultCode, more: { why?: Why; values?: LocalFault["values"]; severity?: "error" | "warning" } = {}): void {
    const { severity = "error", ...rest } = more;
    this.faults.push({ node: node?.id ?? null, field, code, message: "", severity, ...rest });
  }
}

const within = (value: unknown, min: number, max: number): boolean => typeof value === "number" && Number.isInteger(value) && min <= value && value <= max;
const lacks = (set: ReadonlySet<string> | undefined, id: string): boolean => id === "" || (set !== undefined && !set.has(id));

export function faultsOf(definition: Definition, known: Known = {}): readonly LocalFault[] {
  const find = new Finder();
  const { nodes, start } = definition;
  const ids = new Set<string>();
  if (!isLanguage(definition.language)) find.add(undefined, "language", "bad_value", { why: "language" });
  if (nodes.length > MOST.nodes) find.add(undefined, "nodes", "too_long", { values: { max: MOST.nodes } });
  if (!nodes.some((node) => node.id === start)) find.add(undefined, "start", "no_start");
  for (const node of nodes) {
    if (ids.has(node.id)) find.add(node, "id", "duplicate_id");
    ids.add(node.id);
    if (!/^[a-z0-9_]{1,40}$/.test(node.id)) find.add(node, "id", "bad_value", { why: "id" });
    if (node.name.length > MOST.name) find.add(node, "name", "too_long", { values: { max: MOST.name } });
  }
  for (const node of nodes) {
    for (const { id, to } of exitsOf(node.do)) {
      if (to === null) find.add(node, id, "no_next");
      else if (!ids.has(to)) find.add(node, id, "unknown_node");
    }
    said(find, node, known);
    own(find, node, known);
  }
  for (const { node, field, text } of templatesOf(definition)) {
    const names = namesIn(text);
    if (names === undefined || names.some((name) => !isVariable(name))) find.add(nodes.find((one) => one.id === node), field, "bad_value", { why: "braces" });
  }
  if (ids.has(start)) {
    const reached = reachedFrom(definition);
    for (const node of nodes) if (!reached.has(node.id)) find.add(node, null, "unreachable", { severity: "warning" });
  }
  const reached = reachedFrom(definition);
  for (const round of endlessRounds(definition)) for (const node of nodes) if (round.has(node.id) && reached.has(node.id)) find.add(node, null, "endless");
  return find.faults;
}

function said(find: Finder, node: FlowNode, known: Known): void {
  for (const [field, say] of saysOf(node.do)) {
    if (say.length > MOST.parts) find.add(node, field, "too_long", { values: { max: MOST.parts } });
    say.forEach((part, at) => {
      const place = `${field}.${String(at)}`;
      if ("sound_id" in part) {
        if (lacks(known.sounds, part.sound_id)) find.add(node, place, "no_sound");
      } else {
        const [text] = Object.values(part);
        if (typeof text !== "string" || text.trim() === "") find.add(node, place, "bad_value", { why: "silent" });
        else if (text.length > MOST.text) find.add(node, place, "too_long", { values: { max: MOST.text } });
        else if ("builtin" in part && !/^[a-zA-Z0-9/_-]{1,80}$/.test(text)) find.add(node, place, "bad_value", { why: "choice" });
      }
    });
  }
}

/** A caller who is asked something has to hear it. */
const HAS_TO_SPEAK = new Set<Do["type"]>(["play", "menu", "gather", "voicemail", "callback"]);

function own(find: Finder, node: FlowNode, known: Known): void {
  const { do: what } = node;
  const range = (field: string, value: unknown, name: Range) => {
    const { min, max } = RANGES[name];
    if (!within(value, min, max)) find.add(node, field, "bad_value", { why: "range", values: { min, max } });
  };
  const variable = (field: string, value: string) => {
    if (!isVariable(value)) find.add(node, field, "bad_value", { why: "variable" });
    // What the call itself is cannot be written over.
    else if (value.startsWith("call.")) find.add(node, field, "bad_value", { why: "given" });
  };
  if ("say" in what && what.say.length === 0 && (HAS_TO_SPEAK.has(what.type) || (what.type === "recording" && what.mode !== "never"))) find.add(node, "say", "bad_value", { why: "silent" });
  switch (what.type) {
    case "menu":
      if (Object.keys(what.keys).length === 0) find.add(node, "keys", "bad_value", { why: "keys" });
      for (const key of Object.keys(what.keys)) if (!(KEYS as readonly string[]).includes(key)) find.add(node, `keys.${key}`, "bad_value", { why: "choice" });
      range("timeout_seconds", what.timeout_seconds, "timeout_seconds");
      range("tries", what.tries, "tries");
      break;
    case "gather":
      variable("variable", what.variable);
      range("min", what.min, "min");
      range("max", what.max, "max");
      if (what.min > what.max) find.add(node, "max", "bad_value", { why: "order" });
      if (![null, "#", "*"].includes(what.terminator)) find.add(node, "terminator", "bad_value", { why: "choice" });
      range("timeout_seconds", what.timeout_seconds, "timeout_seconds");
      range("tries", what.tries, "tries");
      break;
    case "hours":
      if (lacks(known.schedules, what.schedule_id)) find.add(node, "schedule_id", "no_schedule");
      break;
    case "language":
      if (!isLanguage(what.language)) find.add(node, "language", "bad_value", { why: "language" });
      break;
    case "http":
      if (what.url.length > MOST.url) find.add(node, "url", "too_long", { values: { max: MOST.url } });
      else if (!isUrl(what.url)) find.add(node, "url", "bad_url");
      if (!["GET", "POST"].includes(what.method)) find.add(node, "method", "bad_value", { why: "choice" });
      if ((what.body?.length ?? 0) > MOST.body) find.add(node, "body", "too_long", { values: { max: MOST.body } });
      range("deadline_ms", what.deadline_ms, "deadline_ms");
      if (Object.keys(what.headers).length > MOST.headers) find.add(node, "headers", "too_long", { values: { max: MOST.headers } });
      for (const [name, value] of Object.entries(what.headers)) if (!/^[0-9A-Za-z_-]{1,60}$/.test(name) || FORBIDDEN.has(name.toLowerCase()) || /[\r\n]/.test(value)) find.add(node, `headers.${name}`, "bad_value", { why: "header" });
      if (Object.keys(what.save).length > MOST.save) find.add(node, "save", "too_long", { values: { max: MOST.save } });
      for (const [name, pointer] of Object.entries(what.save)) {
        variable(`save.${name}`, name);
        if (!isPointer(pointer)) find.add(node, `save.${name}`, "bad_value", { why: "pointer" });
      }
      break;
    case "set":
      variable("variable", what.variable);
      if (what.value.length > MOST.value) find.add(node, "value", "too_long", { values: { max: MOST.value } });
      break;
    case "branch":
      if (what.cases.length === 0) find.add(node, "cases", "bad_value", { why: "cases" });
      if (what.cases.length > MOST.cases) find.add(node, "cases", "too_long", { values: { max: MOST.cases } });
      what.cases.forEach((one, at) => {
        if (!isVariable(one.variable)) find.add(node, `cases.${String(at)}.variable`, "bad_value", { why: "variable" });
        if (!ISES.includes(one.is)) find.add(node, `cases.${String(at)}.is`, "bad_value", { why: "choice" });
        if ((one.value?.length ?? 0) > MOST.value) find.add(node, `cases.${String(at)}.value`, "too_long", { values: { max: MOST.value } });
      });
      break;
    case "recording":
      if (!["announce", "ask", "never"].includes(what.mode)) find.add(node, "mode", "bad_value", { why: "choice" });
      else if (what.mode === "ask" && !(KEYS as readonly unknown[]).includes(what.accept)) find.add(node, "accept", "bad_value", { why: "accept" });
      break;
    case "queue":
      if (lacks(known.queues, what.queue_id)) find.add(node, "queue_id", "no_queue");
      range("priority", what.priority, "priority");
      break;
    case "dial":
      if (what.to === "last_agent") {
        // Who that is shows when they call.
      } else if ("agent_id" in what.to) {
        if (lacks(known.agents, what.to.agent_id)) find.add(node, "to", "no_agent");
      } else if (!/^\+[1-9]\d{6,14}$/.test(what.to.number) && !(what.to.number.startsWith("{{") && what.to.number.endsWith("}}"))) find.add(node, "to", "bad_value", { why: "number" });
      range("ring_seconds", what.ring_seconds, "ring_seconds");
      break;
    case "voicemail":
      if (lacks(known.queues, what.queue_id)) find.add(node, "queue_id", "no_queue");
      range("max_seconds", what.max_seconds, "max_seconds");
      break;
    case "callback":
      if (lacks(known.queues, what.queue_id)) find.add(node, "queue_id", "no_queue");
      break;
    case "flow":
      if (lacks(known.flows, what.flow_id)) find.add(node, "flow_id", "no_flow");
      break;
    case "hang_up":
      if (!HANG_UP_REASONS.includes(what.reason)) find.add(node, "reason", "bad_value", { why: "choice" });
      break;
    default:
      if (!TYPES.includes((what as Do).type)) find.add(node, "type", "bad_value", { why: "choice" });
  }
}

export const isLanguage = (tag: string): boolean => /^[a-z][a-z0-9-]{1,34}$/i.test(tag);

/** Headers that are the connection's own. */
const FORBIDDEN = new Set(["host", "content-length", "transfer-encoding", "connection"]);

/** Who is asked does not depend on what a caller typed: no variables before the path. */
export function isUrl(text: string): boolean {
  const host = /^https?:\/\/([^/?#]*)/.exec(text)?.[1] ?? "";
  return host !== "" && !host.includes("{{") && !host.includes("@") && !/\s/.test(text);
}

/** RFC 6901. */
export const isPointer = (text: string): boolean => /^(\/([^/~]|~[01])*)*$/.test(text) && text.length <= 200;

/** What a call can come to, by whatever it does. */
export function reachedFrom({ nodes, start }: Definition): ReadonlySet<string> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const reached = new Set<string>();
  const left = [start];
  for (let id = left.pop(); id !== undefined; id = left.pop()) {
    const node = byId.get(id);
    if (!node || reached.has(id)) continue;
    reached.add(id);
    for (const { to } of exitsOf(node.do)) if (to !== null) left.push(to);
  }
  return reached;
}

/**
 * Rounds that a call goes through for ever though its caller does nothing: Tarjan's strongly connected components over the ways that are
 * taken by themselves.
 */
export function endlessRounds({ nodes }: Definition): readonly ReadonlySet<string>[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const next = (id: string): string[] => exitsOf(byId.get(id)?.do ?? ({} as Do)).flatMap(({ to, automatic }) => (automatic && to !== null && byId.has(to) ? [to] : []));
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const held = new Set<string>();
  const rounds: Set<string>[] = [];
  for (const { id: root } of nodes) {
    if (index.has(root)) continue;
    // Without recursion: 200 nodes in a line are no reason to fail.
    const work: { id: string; ways: string[] }[] = [];
    const enter = (id: string) => {
      index.set(id, index.size);
      low.set(id, index.get(id) ?? 0);
      stack.push(id);
      held.add(id);
      work.push({ id, ways: next(id) });
    };
    enter(root);
    for (let top = work.at(-1); top; top = work.at(-1)) {
      const to = top.ways.shift();
      if (to !== undefined) {
        if (!index.has(to)) enter(to);
        else if (held.has(to)) low.set(top.id, Math.min(low.get(top.id) ?? 0, index.get(to) ?? 0));
        continue;
      }
      work.pop();
      const before = work.at(-1);
      if (before) low.set(before.id, Math.min(low.get(before.id) ?? 0, low.get(top.id) ?? 0));
      if (low.get(top.id) !== index.get(top.id)) continue;
      const round = new Set<string>();
      for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
        held.delete(id);
        round.add(id);
        if (id === top.id) break;
      }
      if (round.size > 1 || next(top.id).includes(top.id)) rounds.push(round);
    }
  }
  return rounds;
}

/** What is found here and what the server found, each once. */
export function together(here: readonly LocalFault[], server: readonly Fault[]): readonly LocalFault[] {
  // Here a part is complained of, there the field that has it.
  const key = (one: Fault) => `${one.node ?? ""}|${one.field?.split(".")[0] ?? ""}|${one.code}`;
  const known = new Set(here.map(key));
  return [...here, ...server.filter((one) => !known.has(key(one)))];
}

export const errorsOf = (faults: readonly LocalFault[]): readonly LocalFault[] => faults.filter((one) => one.severity === "error");
