/** Flows of any shape, for tests: whole ones and broken ones. */
import fc from "fast-check";
import { type Definition, type Do, type FlowNode, KEYS, type SayPart, type Target, TYPES, type Type, exitsOf, newDo, withExit } from "./model";

const ids = Array.from({ length: 12 }, (_, at) => `n${String(at)}`);
const text = fc.oneof(fc.constantFrom("", "Hello", "{{caller.name}}", "{{", "}}{{x}}", "{{ Bad Name }}", "x".repeat(1001)), fc.string({ maxLength: 20 }));
const part: fc.Arbitrary<SayPart> = fc.oneof(
  text.map((one) => ({ text: one })),
  text.map((one) => ({ digits: one })),
  fc.constantFrom("vm-goodbye", "no such/../x", "").map((one) => ({ builtin: one })),
  fc.constantFrom("s1", "gone", "").map((one) => ({ sound_id: one })),
);
const say = fc.array(part, { maxLength: 3 });
const figure = fc.oneof(fc.integer({ min: -200, max: 20_000 }), fc.double());
const target: fc.Arbitrary<Target> = fc.oneof(fc.constantFrom(...ids), fc.constant(null), fc.constant("nowhere"), fc.constant(""));

function fields(type: Type): fc.Arbitrary<Partial<Record<string, unknown>>> {
  switch (type) {
    case "menu":
      return fc.record({ say, wrong: say, keys: fc.dictionary(fc.constantFrom(...KEYS), target), timeout_seconds: figure, tries: figure });
    case "gather":
      return fc.record({ say, wrong: say, variable: text, min: figure, max: figure, terminator: fc.constantFrom("#", "*", null, "5"), tries: figure });
    case "hours":
      return fc.record({ schedule_id: fc.constantFrom("h1", "", "gone") });
    case "language":
      return fc.record({ language: fc.oneof(text, fc.constantFrom("de", "pt-BR")) });
    case "http":
      return fc.record({ url: fc.oneof(text, fc.constant("https://a.example/{{x}}")), method: fc.constantFrom("GET", "POST", "PUT"), headers: fc.dictionary(text, text, { maxKeys: 3 }), body: fc.option(text), deadline_ms: figure, save: fc.dictionary(text, text, { maxKeys: 3 }) });
    case "set":
      return fc.record({ variable: text, value: text });
    case "branch":
      return fc.record({ cases: fc.array(fc.record({ variable: text, is: fc.constantFrom("equals", "set", "like"), value: text, next: target }), { maxLength: 4 }) });
    case "recording":
      return fc.record({ mode: fc.constantFrom("announce", "ask", "never", "secretly"), say, accept: fc.constantFrom("1", null, "x") });
    case "queue":
      return fc.record({ queue_id: fc.constantFrom("q1", "", "gone"), priority: figure });
    case "dial":
      return fc.record({ to: fc.oneof(fc.record({ agent_id: fc.constantFrom("a1", "", "gone") }), fc.record({ number: fc.oneof(text, fc.constant("+390612345678")) }), fc.constant("last_agent" as const)), ring_seconds: figure });
    case "voicemail":
      return fc.record({ queue_id: fc.constantFrom("q1", "gone"), say, max_seconds: figure });
    case "callback":
      return fc.record({ queue_id: fc.constantFrom("q1", "gone"), say });
    case "flow":
      return fc.record({ flow_id: fc.constantFrom("f1", "self", "", "gone") });
    case "hang_up":
      return fc.record({ say, reason: fc.constantFrom("completed", "busy", "tired") });
    case "play":
      return fc.record({ say });
  }
}

const what: fc.Arbitrary<Do> = fc.constantFrom(...TYPES).chain((type) =>
  fields(type).chain((given) => {
    const made = { ...newDo(type), ...given } as Do;
    const exits = exitsOf(made);
    return fc.array(target, { minLength: exits.length, maxLength: exits.length }).map((to) => exits.reduce((now, { id }, at) => withExit(now, id, to[at] ?? null), made));
  }),
);

const node = (id: fc.Arbitrary<string>): fc.Arbitrary<FlowNode> => fc.record({ id, name: text, x: fc.integer({ min: -2000, max: 2000 }), y: fc.integer({ min: -2000, max: 2000 }), do: what });

/** Any: with nodes of the same id, ways to nowhere, values that are none. */
export const anyFlow: fc.Arbitrary<Definition> = fc.record({ start: fc.constantFrom(...ids, "", "nowhere"), language: fc.constantFrom("en", "de", "", "??"), nodes: fc.array(node(fc.constantFrom(...ids, "Bad id")), { maxLength: 14 }) });

/** With ids that are one each. */
export const distinctFlow: fc.Arbitrary<Definition> = fc
  .record({ start: fc.constantFrom(...ids), language: fc.constant("en"), nodes: fc.uniqueArray(node(fc.constantFrom(...ids)), { maxLength: 12, selector: (one) => one.id }) })
  .map((flow) => ({ ...flow, start: flow.nodes.some((one) => one.id === flow.start) ? flow.start : (flow.nodes[0]?.id ?? "") }));
