/** What happened to a call, in sentences. Apart from the words of the editor: the call's page needs only these. */
import { type TextKey, t } from "@/i18n";
import { grouped } from "@/design";
import { languageName } from "../sounds/languages";
import type { Step } from "./model";

/** What the server may call things, by the sentence that says them. */
const SAYS: Readonly<Record<string, string>> = {
  key: "pressed",
  wrong_key: "wrong",
  no_key: "timed_out",
  agreed: "accepted",
  not_agreed: "declined",
  never: "not_recorded",
  fetched: "answered",
  fetch_failed: "failed",
  case: "matched",
  queue: "queued",
  dial: "dialed",
  unanswered: "no_answer",
  hang_up: "hung_up",
};

const text = (value: unknown): string => (typeof value === "string" ? value : typeof value === "number" || typeof value === "boolean" ? String(value) : "");

/** `nameOf`: of a queue, an agent, a flow. What the server has words of its own for, and these do not, is said plainly. */
export function stepText(step: Step, nameOf: (id: unknown) => string | undefined): string {
  const data = step.data ?? {};
  const to = (typeof data.to === "object" && data.to !== null ? data.to : {}) as Readonly<Record<string, unknown>>;
  const name = step.name ?? "";
  const kind = `trace.type.${step.type}`;
  const known = t(kind as TextKey);
  const label = name.trim() || (known === kind ? step.type.replaceAll("_", " ") : known);
  const key = `trace.step.${SAYS[step.what] ?? step.what}`;
  const sentence = t(key as TextKey, {
    step: label,
    digits: text(data.key) || text(data.value) || text(data.digits),
    number: grouped(text(data.number) || text(data.to)),
    language: languageName(text(data.language)),
    status: text(data.status),
    variable: text(data.variable),
    value: `“${text(data.value)}”`,
    queue: nameOf(data.queue_id) ?? "…",
    target: nameOf(to.agent_id) ?? grouped(text(to.number)),
    flow: nameOf(data.flow_id) ?? text(data.name) ?? "",
    version: text(data.version),
    why: text(data.name) || reason(text(data.why)),
  });
  return sentence === key ? t("trace.plain", { step: label, what: step.what.replaceAll("_", " ") }) : sentence;
}

/** Why it is open, or closed. */
function reason(why: string): string {
  const key = `trace.why.${why}`;
  const found = t(key as TextKey);
  return found === key ? why : found;
}

/** Milliseconds since the first of them. */
export const sinceFirst = (steps: readonly Step[], step: Step): number => Math.max(0, Date.parse(step.at) - Date.parse(steps[0]?.at ?? step.at)) || 0;

/** Nodes and the ways between them that a call went. */
export function pathOf(steps: readonly Step[]): { readonly nodes: readonly string[]; readonly ways: ReadonlySet<string> } {
  const nodes: string[] = [];
  for (const { node } of steps) if (node !== null && nodes.at(-1) !== node) nodes.push(node);
  return { nodes, ways: new Set(nodes.slice(1).map((node, at) => `${nodes[at] ?? ""} ${node}`)) };
}
