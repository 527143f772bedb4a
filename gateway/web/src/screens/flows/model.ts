/**
 * What a flow is, as the server's contract has it, and what its steps lead to. Written by hand until the OpenAPI document has flows: the names
 * are the document's, so that these can become aliases of `components["schemas"]`.
 */

export const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"] as const;
export type Key = (typeof KEYS)[number];

/** One thing that is said: a sound of the company's, a text that is spoken, figures one by one, or a prompt of the telephone system's own. */
export type SayPart = { readonly sound_id: string } | { readonly text: string } | { readonly digits: string } | { readonly builtin: string };
export type Say = readonly SayPart[];

/** The id of the node that follows; null while it leads nowhere yet. */
export type Target = string | null;

export type Is = "equals" | "not_equals" | "starts_with" | "set" | "not_set";
export interface Case {
  readonly variable: string;
  readonly is: Is;
  readonly value?: string;
  readonly next: Target;
}

/** The last: the agent who served this caller last. */
export type DialTo = { readonly agent_id: string } | { readonly number: string } | "last_agent";
export const HANG_UP_REASONS = ["completed", "out_of_hours", "rejected", "blocked"] as const;
export type HangUpReason = (typeof HANG_UP_REASONS)[number];

export type Do =
  | { readonly type: "play"; readonly say: Say; readonly next: Target }
  | { readonly type: "menu"; readonly say: Say; readonly keys: Readonly<Partial<Record<Key, Target>>>; readonly timeout_seconds: number; readonly tries: number; readonly wrong: Say; readonly otherwise: Target }
  | {
      readonly type: "gather";
      readonly say: Say;
      readonly variable: string;
      readonly min: number;
      readonly max: number;
      readonly terminator: "#" | "*" | null;
      readonly timeout_seconds: number;
      readonly tries: number;
      readonly wrong: Say;
      readonly next: Target;
      readonly otherwise: Target;
    }
  | { readonly type: "hours"; readonly schedule_id: string; readonly open: Target; readonly closed: Target }
  | { readonly type: "language"; readonly language: string; readonly next: Target }
  | {
      readonly type: "http";
      readonly method: "GET" | "POST";
      readonly url: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string | null;
      readonly deadline_ms: number;
      readonly save: Readonly<Record<string, string>>;
      readonly next: Target;
      readonly failed: Target;
    }
  | { readonly type: "set"; readonly variable: string; readonly value: string; readonly next: Target }
  | { readonly type: "branch"; readonly cases: readonly Case[]; readonly otherwise: Target }
  | { readonly type: "recording"; readonly mode: "announce" | "ask" | "never"; readonly say: Say; readonly accept: Key | null; readonly next: Target }
  | { readonly type: "queue"; readonly queue_id: string; readonly priority: number }
  | { readonly type: "dial"; readonly to: DialTo; readonly ring_seconds: number; readonly next: Target }
  | { readonly type: "voicemail"; readonly queue_id: string; readonly say: Say; readonly max_seconds: number }
  | { readonly type: "callback"; readonly queue_id: string; readonly say: Say; readonly next: Target }
  | { readonly type: "flow"; readonly flow_id: string }
  | { readonly type: "hang_up"; readonly say: Say; readonly reason: HangUpReason };
export type Type = Do["type"];
export type DoOf<T extends Type> = Extract<Do, { type: T }>;

export interface FlowNode {
  readonly id: string;
  readonly name: string;
  /** Where its upper left corner is drawn. */
  readonly x: number;
  readonly y: number;
  readonly do: Do;
}

export interface Definition {
  /** The node that a call begins with; empty in a flow without any. */
  readonly start: string;
  readonly language: string;
  readonly nodes: readonly FlowNode[];
}

export type FaultCode =
  | "no_start"
  | "unknown_node"
  | "no_next"
  | "unreachable"
  | "endless"
  | "no_queue"
  | "no_agent"
  | "no_sound"
  | "no_schedule"
  | "no_flow"
  | "bad_url"
  | "too_long"
  | "bad_value"
  | "duplicate_id";

export interface Fault {
  readonly node: string | null;
  /** Within the node: `say`, `keys.1`, `cases.0.value`. */
  readonly field: string | null;
  readonly code: FaultCode;
  readonly message: string;
  readonly severity: "error" | "warning";
}

export interface Published {
  readonly version: number;
  readonly at: string;
  readonly by: string | null;
}

export interface FlowLine {
  readonly id: string;
  readonly name: string;
  readonly published: Published | null;
  readonly has_draft: boolean;
  readonly draft_faults: number;
  readonly numbers: readonly string[];
  readonly updated_at: string;
}

export interface Flow {
  readonly id: string;
  readonly name: string;
  readonly draft: { readonly definition: Definition; readonly updated_at: string; readonly by: string | null; readonly faults: readonly Fault[] } | null;
  readonly published: (Published & { readonly definition: Definition; readonly note: string | null }) | null;
  readonly updated_at?: string;
}

export interface Version {
  readonly version: number;
  readonly at: string;
  readonly by: string | null;
  readonly by_name: string | null;
  readonly note: string | null;
}
export interface VersionDetail extends Version {
  readonly definition: Definition;
}

/** One thing that happened to a call on its way, or would happen. */
export interface Step {
  readonly at: string;
  readonly node: string | null;
  readonly name: string | null;
  readonly type: string;
  readonly what: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** `queue`, `voicemail`, `callback`, `talk`, `hang_up`, `broken`, or `waiting`: more is to be given before it goes on. */
export interface Ends {
  readonly type: string;
  readonly node?: string | null;
  readonly for?: "key" | "answer";
  readonly [more: string]: unknown;
}

export interface Simulate {
  readonly version: "draft" | number;
  /** One that is not saved. */
  readonly definition?: Definition;
  readonly from: string;
  readonly to: string;
  readonly at: string;
  readonly keys: readonly { readonly node?: string; readonly digits: string }[];
  readonly http: readonly HttpAnswer[];
  readonly picks_up: boolean;
}
export type HttpAnswer = { readonly node: string; readonly status: number; readonly body: string } | { readonly node: string; readonly fails: true };
export interface Simulated {
  readonly path: readonly Step[];
  readonly ends: Ends;
}
export interface Compared {
  readonly was: readonly Step[];
  readonly would: readonly Step[];
  readonly ends: Ends;
  /** The place of the first step that is another; null where none is. */
  readonly differs_at: number | null;
}

/** As the palette has them, by what they are for. */
export const PALETTE = {
  talk: ["play", "menu", "gather", "recording", "language"],
  decide: ["hours", "branch", "set", "http"],
  go: ["queue", "dial", "callback", "voicemail", "flow", "hang_up"],
} as const satisfies Record<string, readonly Type[]>;
export const TYPES: readonly Type[] = Object.values(PALETTE).flat();

/** What a new node of a type is; `language` is the flow's. */
export function newDo(type: Type, language = "en"): Do {
  switch (type) {
    case "play":
      return { type, say: [{ text: "" }], next: null };
    case "menu":
      return { type, say: [{ text: "" }], keys: { "1": null, "2": null }, timeout_seconds: 5, tries: 3, wrong: [], otherwise: null };
    case "gather":
      return { type, say: [{ text: "" }], variable: "digits", min: 1, max: 10, terminator: "#", timeout_seconds: 5, tries: 3, wrong: [], next: null, otherwise: null };
    case "hours":
      return { type, schedule_id: "", open: null, closed: null };
    case "language":
      return { type, language, next: null };
    case "http":
      return { type, method: "GET", url: "", headers: {}, body: null, deadline_ms: 3000, save: {}, next: null, failed: null };
    case "set":
      return { type, variable: "", value: "", next: null };
    case "branch":
      return { type, cases: [{ variable: "caller.vip", is: "equals", value: "yes", next: null }], otherwise: null };
    case "recording":
      return { type, mode: "announce", say: [{ text: "" }], accept: null, next: null };
    case "queue":
      return { type, queue_id: "", priority: 0 };
    case "dial":
      return { type, to: { agent_id: "" }, ring_seconds: 20, next: null };
    case "voicemail":
      return { type, queue_id: "", say: [{ text: "" }], max_seconds: 120 };
    case "callback":
      return { type, queue_id: "", say: [{ text: "" }], next: null };
    case "flow":
      return { type, flow_id: "" };
    case "hang_up":
      return { type, say: [{ builtin: "vm-goodbye" }], reason: "completed" };
  }
}

/**
 * A definition with every field that its nodes should have: the server leaves out what is not set, and a draft may be half made. What is of no
 * known type stays as it is.
 */
export function whole(raw: Partial<Definition> | null | undefined): Definition {
  const nodes = Array.isArray(raw?.nodes) ? (raw.nodes as readonly Partial<FlowNode>[]) : [];
  return {
    start: typeof raw?.start === "string" ? raw.start : "",
    language: typeof raw?.language === "string" && raw.language !== "" ? raw.language : "en",
    nodes: nodes
      .filter((node) => typeof node === "object" && node !== null && typeof node.do === "object" && node.do !== null)
      .map((node) => ({ id: String(node.id ?? ""), name: typeof node.name === "string" ? node.name : "", x: finite(node.x), y: finite(node.y), do: wholeDo(node.do as Do) })),
  };
}

const finite = (value: unknown): number => (typeof value === "number" && Number.isFinite(value) ? value : 0);

function wholeDo(given: Do): Do {
  if (!TYPES.includes(given.type)) return given;
  const usual = newDo(given.type);
  // What is made for a new node is no choice of somebody's who left it out.
  const empty = { ...usual, ...("say" in usual ? { say: [] } : {}), ...("keys" in usual ? { keys: {} } : {}), ...("cases" in usual ? { cases: [] } : {}) };
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined && value !== null));
  const made = { ...empty, ...set } as Do;
  // No key that ends the figures is a choice.
  if (made.type === "gather" && given.type === "gather" && given.terminator === null) return { ...made, terminator: null };
  return made;
}

/** A way out of a node, by the path of its field: `next`, `keys.1`, `cases.0.next`. */
export interface Exit {
  readonly id: string;
  readonly to: Target;
  /** Taken without the caller's doing anything: a round of such ways would never end. */
  readonly automatic: boolean;
}

const exit = (id: string, to: Target | undefined, automatic = true): Exit => ({ id, to: to === "" || to === undefined ? null : to, automatic });

export function exitsOf(what: Do): readonly Exit[] {
  switch (what.type) {
    case "menu":
      return [...KEYS.filter((key) => key in what.keys).map((key) => exit(`keys.${key}`, what.keys[key], false)), exit("otherwise", what.otherwise)];
    case "gather":
      return [exit("next", what.next, false), exit("otherwise", what.otherwise)];
    case "hours":
      return [exit("open", what.open), exit("closed", what.closed)];
    case "http":
      return [exit("next", what.next), exit("failed", what.failed)];
    case "branch":
      return [...what.cases.map((one, at) => exit(`cases.${String(at)}.next`, one.next)), exit("otherwise", what.otherwise)];
    case "play":
    case "language":
    case "set":
    case "recording":
    case "dial":
    case "callback":
      return [exit("next", what.next)];
    default:
      return [];
  }
}

/** The same node with one of its ways leading elsewhere. */
export function withExit(what: Do, id: string, to: Target): Do {
  const [field = "", at = ""] = id.split(".");
  if (what.type === "menu" && field === "keys") return { ...what, keys: { ...what.keys, [at]: to } };
  if (what.type === "branch" && field === "cases") return { ...what, cases: what.cases.map((one, index) => (String(index) === at ? { ...one, next: to } : one)) };
  return exitsOf(what).some((one) => one.id === id) ? ({ ...what, [field]: to } as Do) : what;
}

/** All that a node says, with the path of the field. */
export function saysOf(what: Do): readonly (readonly [field: "say" | "wrong", say: Say])[] {
  if (what.type === "menu" || what.type === "gather") {
    return [
      ["say", what.say],
      ["wrong", what.wrong],
    ];
  }
  return "say" in what ? [["say", what.say]] : [];
}
