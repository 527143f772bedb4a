/** What happened to a call, in sentences. Apart from the words of the editor: the call's page needs only these. */
import { type TextKey, t } from "@/i18n";
import { grouped } from "@/design";
import { languageName } from "../sounds/languages";
import type { Step } from "./model";

/** What the server may call things, by the sentence that says them. */
const SAYS: Readonly<Record<string, string>> = {
  routed: "called",
  said: "played",
  menu: "asked",
  chosen: "pressed",
  timeout: "timed_out",
  invalid: "wrong",
  exhausted: "gave_up",
  unanswered: "no_answer",
  dialled: "dialed",
  consented: "accepted",
  refused: "declined",
  never_recorded: "not_recorded",
  no_sound: "missing_sound",
  hangup: "hung_up",
  hang_up: "hung_up",
  ended: "hung_up",
  queue: "queued",
  default: "otherwise",
  case: "matched",
};

const text = (value: unknown): string => (typeof value === "string" ? value : typeof value === "number" || typeof value === "boolean" ? String(value) : "");

/** `nameOf`: of a queue, an agent, a flow. What the server has words of its own for, and these do not, is said plainly. */
export function stepText(step: Step, nameOf: (id: unknown) => string | undefined): string {
  const { data } = step;
  const name = step.name ?? text(data.name) ?? "";
  const kind = `trace.type.${step.type}`;
  const known = t(kind as TextKey);
  const label = name.trim() || (known === kind ? step.type.replaceAll("_", " ") : known);
  const key = `trace.step.${SAYS[step.what] ?? step.what}`;
  const sentence = t(key as TextKey, {
    step: label,
    digits: text(data.digits) || text(data.key),
    number: grouped(text(data.number) || text(data.to)),
    language: languageName(text(data.language)),
    status: text(data.status),
    variable: text(data.variable),
    value: `“${text(data.value)}”`,
    queue: nameOf(data.queue_id) ?? text(data.queue),
    target: nameOf(data.agent_id) ?? grouped(text(data.number)),
    flow: nameOf(data.flow_id) ?? text(data.flow),
  });
  return sentence === key ? t("trace.plain", { step: label, what: step.what.replaceAll("_", " ") }) : sentence;
}

/** Milliseconds since the first of them. */
export const sinceFirst = (steps: readonly Step[], step: Step): number => Math.max(0, Date.parse(step.at) - Date.parse(steps[0]?.at ?? step.at)) || 0;

/** Nodes and the ways between them that a call went. */
export function pathOf(steps: readonly Step[]): { readonly nodes: readonly string[]; readonly ways: ReadonlySet<string> } {
  const nodes: string[] = [];
  for (const { node } of steps) if (node !== null && nodes.at(-1) !== node) nodes.push(node);
  return { nodes, ways: new Set(nodes.slice(1).map((node, at) => `${nodes[at] ?? ""} ${node}`)) };
}
