/** What steps, ways and faults are called. */
import { type TextKey, t } from "@/i18n";
import { grouped } from "@/design";
import { languageName } from "../sounds/languages";
import type { Places } from "./data";
import { type Case, type Definition, type Do, type Ends, type FlowNode, type Say, type SayPart, type Type, TYPES, saysOf } from "./model";
import type { LocalFault } from "./validate";

/** Prompts that every Asterisk has. */
export const BUILTINS = ["vm-goodbye", "beep", "pls-wait-connect-call", "all-reps-busy", "option-is-invalid", "please-try-again", "thank-you-for-calling", "were-sorry", "silence/1"] as const;

/** A text that may not be there: the server may know more kinds than these words. */
function maybe(key: string, otherwise: string): string {
  const text = t(key as TextKey);
  return text === key ? otherwise : text;
}

export const typeName = (type: Type | string): string => (TYPES.includes(type as Type) ? t(`flows.type.${type as Type}`) : type);
export const nodeName = (node: Pick<FlowNode, "name" | "do">): string => node.name.trim() || typeName(node.do.type);
export const builtinName = (name: string): string => maybe(`flows.builtin.${name}`, name);

export function exitName(what: Do, exit: string): string {
  const [field = "", at = ""] = exit.split(".");
  if (field === "keys") return t("flows.exit.key", { key: at });
  if (field === "cases" && what.type === "branch") {
    const one = what.cases[Number(at)];
    return one ? caseText(one) : exit;
  }
  if (field === "next") return t(what.type === "gather" ? "flows.exit.entered" : what.type === "http" ? "flows.exit.answered" : what.type === "dial" ? "flows.exit.nobody" : what.type === "callback" ? "flows.exit.unwanted" : "flows.exit.next");
  if (field === "otherwise") return t(what.type === "menu" ? "flows.exit.no-key" : what.type === "gather" ? "flows.exit.no-digits" : "flows.exit.otherwise");
  return maybe(`flows.exit.${field}`, field);
}

export const caseText = (one: Case): string => t(`flows.is-short.${one.is}`, { variable: one.variable || "?", value: one.value || "“”" });

/** How other steps speak of one: where it hands over, its name is whom it hands over to. */
export function refName(node: FlowNode, places: Places): string {
  const { do: what } = node;
  const to = what.type === "queue" ? what.queue_id : what.type === "flow" ? what.flow_id : what.type === "dial" && what.to !== "last_agent" && "agent_id" in what.to ? what.to.agent_id : undefined;
  return node.name.trim() || places.nameOf(to) || typeName(what.type);
}

/** The target of a way, in words. */
export function targetName(definition: Definition, to: string | null, places: Places): string {
  if (to === null) return t("flows.nowhere");
  const node = definition.nodes.find((one) => one.id === to);
  return node ? refName(node, places) : t("flows.gone-step");
}

function partText(part: SayPart, places: Places): string {
  if ("sound_id" in part) return part.sound_id === "" ? t("flows.sum.sound-none") : t("flows.sum.sound", { name: nameOr(part.sound_id, places) });
  if ("text" in part) return part.text.trim() === "" ? t("flows.sum.silent") : `“${part.text.trim()}”`;
  if ("digits" in part) return t("flows.sum.digits", { text: part.digits || "?" });
  return t("flows.sum.builtin", { name: builtinName(part.builtin) });
}

export const sayText = (say: Say, places: Places): string => (say.length === 0 ? t("flows.sum.silent") : say.map((part) => partText(part, places)).join(" "));

const nameOr = (id: unknown, places: Places) => places.nameOf(id) ?? (places.complete ? t("flows.sum.gone") : "…");
const named = (id: string, places: Places) => (id === "" ? t("flows.sum.none") : nameOr(id, places));

/** What a step does or says, in a line. */
export function summary(what: Do, places: Places): string {
  switch (what.type) {
    case "hours":
      return named(what.schedule_id, places);
    case "language":
      return t("flows.sum.language", { language: languageName(what.language) });
    case "http":
      return what.url === "" ? t("flows.sum.none") : `${what.method} ${what.url}`;
    case "set":
      return t("flows.sum.set", { variable: what.variable || "?", value: what.value || "“”" });
    case "branch":
      return t("flows.sum.branch", { n: what.cases.length });
    case "recording":
      return what.mode === "never" ? t("flows.sum.never") : sayText(what.say, places);
    case "queue":
      return what.priority === 0 ? t("flows.sum.queue", { queue: named(what.queue_id, places) }) : t("flows.sum.queue-priority", { queue: named(what.queue_id, places), priority: what.priority > 0 ? `+${String(what.priority)}` : String(what.priority) });
    case "dial":
      return what.to === "last_agent" ? t("flows.sum.last_agent") : "agent_id" in what.to ? named(what.to.agent_id, places) : what.to.number === "" ? t("flows.sum.none") : grouped(what.to.number);
    case "voicemail":
    case "callback":
      return t("flows.sum.voicemail", { queue: named(what.queue_id, places) });
    case "flow":
      return named(what.flow_id, places);
    case "hang_up":
      return what.say.length === 0 ? t("flows.sum.hang_up") : sayText(what.say, places);
    default: {
      const [first] = saysOf(what);
      return first ? sayText(first[1], places) : "";
    }
  }
}

export function faultText(fault: LocalFault): string {
  if (fault.why) return t(`flows.why.${fault.why}`, fault.values);
  // What only the server found, and these words do not say.
  if (fault.message && fault.code === "bad_value") return fault.message;
  if (fault.code === "too_long" && !fault.values) return t("flows.fault.too_long-plain");
  return maybe(`flows.fault.${fault.code}`, fault.code).replace("{max}", String(fault.values?.max ?? ""));
}

/** Fields of a step as people know them, for lists of what has changed. */
export function fieldName(field: string): string {
  if (field === "next" || field === "otherwise" || field === "open" || field === "closed" || field === "failed") return t("flows.exits");
  return maybe(`flows.field.${field}`, field);
}

/** A language's own texts are under `trace`: the call's page has them, too. */
export function endsText(ends: Ends, definition: Definition | undefined, places: Places): string {
  const node = definition?.nodes.find((one) => one.id === ends.node);
  const queue = nameOr(ends.queue_id, places);
  switch (ends.type) {
    case "queue":
      return t("trace.ends.queue", { queue });
    case "voicemail":
      return t("trace.ends.voicemail", { queue });
    case "callback":
      return t("trace.ends.callback", { queue });
    case "talk": {
      const to = (ends.to ?? {}) as { agent_id?: unknown; number?: unknown };
      return t("trace.ends.talk", { target: places.nameOf(to.agent_id) ?? (typeof to.number === "string" ? grouped(to.number) : "") });
    }
    case "broken":
      return t("trace.ends.broken");
    case "hang_up":
      return t("trace.ends.hang_up");
    case "waiting":
      return t("trace.ends.waiting", { step: node ? nodeName(node) : (ends.node ?? "") });
    default:
      return t("trace.ends.other", { what: ends.type });
  }
}
