/** What a new flow may begin with. Pure but for its words. */
import { t } from "@/i18n";
import { arranged } from "./layout";
import { placed } from "./edit";
import type { Definition, FlowNode } from "./model";

export const BEGINNINGS = ["greeting", "menu", "hours", "empty"] as const;
export type Beginning = (typeof BEGINNINGS)[number];

const node = (id: string, what: FlowNode["do"], name = ""): FlowNode => ({ id, name, x: 0, y: 0, do: what });

/** `queues`: the first of them are led to; whoever draws it chooses others. */
export function beginning(kind: Beginning, language: string, queues: readonly string[]): Definition {
  const queue = (at: number) => queues[at] ?? queues[0] ?? "";
  const made = (start: string, nodes: readonly FlowNode[]): Definition => {
    const definition = { start, language, nodes };
    return placed(definition, arranged(definition));
  };
  switch (kind) {
    case "greeting":
      return made("welcome", [node("welcome", { type: "play", say: [{ text: t("flows.begin-text.welcome") }], next: "queue" }), node("queue", { type: "queue", queue_id: queue(0), priority: 0 })]);
    case "menu":
      return made("menu", [
        node("menu", {
          type: "menu",
          say: [{ text: `${t("flows.begin-text.welcome")} ${t("flows.begin-text.menu")}` }],
          keys: { "1": "queue", "2": "queue_2" },
          timeout_seconds: 5,
          tries: 3,
          wrong: [{ text: t("flows.begin-text.wrong") }],
          otherwise: "queue",
        }),
        node("queue", { type: "queue", queue_id: queue(0), priority: 0 }),
        node("queue_2", { type: "queue", queue_id: queue(1), priority: 0 }),
      ]);
    case "hours":
      return made("hours", [
        node("hours", { type: "hours", schedule_id: "", open: "welcome", closed: "voicemail" }),
        node("welcome", { type: "play", say: [{ text: t("flows.begin-text.welcome") }], next: "queue" }),
        node("queue", { type: "queue", queue_id: queue(0), priority: 0 }),
        node("voicemail", { type: "voicemail", queue_id: queue(0), say: [{ text: t("flows.begin-text.closed") }], max_seconds: 120 }),
      ]);
    case "empty":
      // Said, too: where nothing is said, the server makes a beginning of its own.
      return { start: "", language, nodes: [] };
  }
}
