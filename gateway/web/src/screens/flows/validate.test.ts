import fc from "fast-check";
import { expect, test } from "vitest";
import { type Case, type Definition, type Do, type FaultCode, type FlowNode, exitsOf, newDo, withExit } from "./model";
import { anyFlow } from "./random-flow.test-flows";
import { type Known, endlessRounds, faultsOf, isPointer, isUrl, reachedFrom, together } from "./validate";

const known: Known = { queues: new Set(["q1"]), agents: new Set(["a1"]), sounds: new Set(["s1"]), schedules: new Set(["h1"]), flows: new Set(["f1"]) };
const node = (id: string, what: Do, name = ""): FlowNode => ({ id, name, x: 0, y: 0, do: what });
const end = node("end", { type: "queue", queue_id: "q1", priority: 0 });
const flow = (...nodes: FlowNode[]): Definition => ({ start: nodes[0]?.id ?? "", language: "en", nodes });
const made = <T extends Do["type"]>(type: T, part: object = {}, to: string | null = "end"): FlowNode => {
  const what = { ...newDo(type), ...part } as Do;
  return node("it", exitsOf(what).reduce((now, { id, to: before }) => (before === null ? withExit(now, id, to) : now), what));
};
const said = { say: [{ text: "Hello" }] };
/** `place: code` of all that is wrong. */
const faults = (definition: Definition, given = known) => faultsOf(definition, given).map((one) => `${one.node ?? "-"}.${one.field ?? "-"}: ${one.code}`);
const ofIt = (what: FlowNode) => faults(flow(what, ...(exitsOf(what.do).some((one) => one.to === "end") ? [end] : [])));

test("a flow in which nothing is wrong has no faults", () => {
  const menu = made("menu", { ...said, keys: { "1": "end", "2": "talk" }, otherwise: "end" });
  const talk = node("talk", { type: "dial", to: { number: "+390612345678" }, ring_seconds: 20, next: "bye" });
  const bye = node("bye", { type: "hang_up", say: [{ builtin: "vm-goodbye" }, { digits: "{{call.number}}" }, { sound_id: "s1" }], reason: "completed" });
  expect(faults(flow(menu, talk, bye, end))).toEqual([]);
});

test.each<[FaultCode, Definition, string[]]>([
  ["no_start", { start: "", language: "en", nodes: [end] }, ["-.start: no_start"]],
  ["no_start", { start: "gone", language: "en", nodes: [] }, ["-.start: no_start"]],
  ["unknown_node", flow(node("a", { type: "set", variable: "x", value: "", next: "gone" })), ["a.next: unknown_node"]],
  ["no_next", flow(made("menu", said, null)), ["it.keys.1: no_next", "it.keys.2: no_next", "it.otherwise: no_next"]],
  ["unreachable", flow(end, node("alone", { type: "hang_up", say: [], reason: "rejected" })), ["alone.-: unreachable"]],
  ["endless", flow(made("play", said, "it")), ["it.-: endless"]],
  ["no_queue", flow(node("q", { type: "queue", queue_id: "gone", priority: 0 })), ["q.queue_id: no_queue"]],
  ["no_queue", flow(node("v", { type: "voicemail", queue_id: "", say: [{ text: "Speak" }], max_seconds: 60 })), ["v.queue_id: no_queue"]],
  ["no_agent", flow(made("dial", { to: { agent_id: "gone" } }), end), ["it.to: no_agent"]],
  ["no_sound", flow(made("play", { say: [{ text: "x" }, { sound_id: "gone" }] }), end), ["it.say.1: no_sound"]],
  ["no_schedule", flow(made("hours"), end), ["it.schedule_id: no_schedule"]],
  ["no_flow", flow(node("f", { type: "flow", flow_id: "gone" })), ["f.flow_id: no_flow"]],
  ["bad_url", flow(made("http", { url: "ftp://x.example" }), end), ["it.url: bad_url"]],
  ["too_long", flow(made("play", { say: [{ text: "x".repeat(2001) }] }), end), ["it.say.0: too_long"]],
  ["too_long", flow({ ...end, name: "x".repeat(101) }), ["end.name: too_long"]],
  ["bad_value", { ...flow(end), language: "no tag" }, ["-.language: bad_value"]],
  ["duplicate_id", flow(end, end), ["end.id: duplicate_id"]],
])("%s is found where it is (%#)", (code, definition, places) => {
  expect(faults(definition)).toEqual(places);
  expect(faultsOf(definition, known).map((one) => [one.code, one.severity])).toEqual(places.map(() => [code, code === "unreachable" ? "warning" : "error"]));
});

test.each<[string, FlowNode, string[]]>([
  ["seconds outside of their limits", made("menu", { ...said, timeout_seconds: 31, tries: 0 }), ["it.timeout_seconds: bad_value", "it.tries: bad_value"]],
  ["half a second", made("menu", { ...said, timeout_seconds: 1.5 }), ["it.timeout_seconds: bad_value"]],
  ["a menu without keys", made("menu", { ...said, keys: {} }), ["it.keys: bad_value"]],
  ["a question that nobody hears", made("menu", { say: [] }), ["it.say: bad_value"]],
  ["an empty text", made("play", { say: [{ text: "  " }] }), ["it.say.0: bad_value"]],
  ["a prompt outside of its folder", made("play", { say: [{ builtin: "../../etc/passwd" }] }), ["it.say.0: bad_value"]],
  ["braces that do not belong together", made("play", { say: [{ text: "Hello {{caller.name" }] }), ["it.say.0: bad_value"]],
  ["a variable that is none", made("play", { say: [{ text: "Hello {{Your Name}}" }] }), ["it.say.0: bad_value"]],
  ["more digits than there may be, and fewer than the least", made("gather", { ...said, min: 5, max: 4 }), ["it.max: bad_value"]],
  ["what is the call's own", made("set", { variable: "call.id" }), ["it.variable: bad_value"]],
  ["a header of the connection's", made("http", { url: "https://x.example", headers: { Host: "a" } }), ["it.headers.Host: bad_value"]],
  ["a message without a greeting", node("it", { type: "voicemail", queue_id: "q1", say: [], max_seconds: 60 }), ["it.say: bad_value"]],
  ["a name of a variable", made("set", { variable: "9x" }), ["it.variable: bad_value"]],
  ["a place in an answer", made("http", { url: "https://x.example/{{id}}", save: { name: "no/slash" } }), ["it.save.name: bad_value"]],
  ["a header of two lines", made("http", { url: "https://x.example", headers: { "X-A": "a\nb" } }), ["it.headers.X-A: bad_value"]],
  ["a time limit", made("http", { url: "https://x.example", deadline_ms: 99 }), ["it.deadline_ms: bad_value"]],
  ["a decision without cases", made("branch", { cases: [] }), ["it.cases: bad_value"]],
  ["a case about nothing", made("branch", { cases: [{ variable: "", is: "equals", value: "", next: "end" }] }), ["it.cases.0.variable: bad_value"]],
  ["a question without a key that agrees", made("recording", { ...said, mode: "ask" }), ["it.accept: bad_value"]],
  ["a national number", made("dial", { to: { number: "06 1234" } }), ["it.to: bad_value"]],
  ["a priority", node("it", { type: "queue", queue_id: "q1", priority: 101 }), ["it.priority: bad_value"]],
  ["a reason", node("it", { type: "hang_up", say: [], reason: "tired" as never }), ["it.reason: bad_value"]],
  ["a kind of step", node("it", { type: "teleport" } as never), ["it.type: bad_value"]],
  ["a mark", { ...node("Not One", { type: "hang_up", say: [], reason: "rejected" }) }, ["Not One.id: bad_value"]],
])("%s is refused", (_, what, places) => {
  expect(ofIt(what)).toEqual(places);
});

test("what is not known yet is not complained of", () => {
  const nodes = [made("play", { say: [{ sound_id: "any" }] }, "q"), node("q", { type: "queue", queue_id: "any", priority: 0 })];
  expect(faults(flow(...nodes), {})).toEqual([]);
  // Nothing chosen is wrong whatever there is.
  expect(faults(flow(node("q", { type: "queue", queue_id: "", priority: 0 })), {})).toEqual(["q.queue_id: no_queue"]);
});

test("a number may come of a variable alone", () => {
  expect(ofIt(made("dial", { to: { number: "{{caller.last_agent}}" } }))).toEqual([]);
  expect(ofIt(made("dial", { to: { number: "+{{a}}" } }))).toEqual(["it.to: bad_value"]);
});

test("a round is endless only while nobody has to do anything in it, and nothing decides", () => {
  const play = node("play", { type: "play", say: [{ text: "x" }], next: "menu" });
  const menu = (otherwise: string) => node("menu", { ...newDo("menu"), ...said, keys: { "1": "play" }, otherwise } as Do);
  // By a key one may go round as often as one likes.
  expect(faults(flow(play, menu("end"), end))).toEqual([]);
  expect(faults(flow(play, menu("play"), end))).toContain("play.-: endless");
  // Whether what is set on the way would end it is not looked into.
  const cases: Case[] = [{ variable: "asked", is: "equals", value: "yes", next: "end" }];
  const decides = node("decides", { type: "branch", cases, otherwise: "sets" });
  const sets = (variable: string) => node("sets", { type: "set", variable, value: "yes", next: "menu" });
  expect(faults(flow(menu("decides"), play, decides, sets("asked"), end))).toEqual(["menu.-: endless", "decides.-: endless", "sets.-: endless"]);
  // Where nobody comes, nobody goes round.
  expect(faults(flow(end, node("alone", { type: "set", variable: "x", value: "", next: "alone" })))).toEqual(["alone.-: unreachable"]);
});

test("two hundred steps in a row are no round, and a round of two hundred is one", () => {
  const row = (last: string): Definition => flow(...Array.from({ length: 200 }, (_, at) => node(`n${String(at)}`, { type: "set", variable: "x", value: "", next: at === 199 ? last : `n${String(at + 1)}` })));
  expect(endlessRounds(row("n200"))).toEqual([]);
  expect(endlessRounds(row("n0")).map((round) => round.size)).toEqual([200]);
  expect(faultsOf({ ...row("n0"), nodes: [...row("n0").nodes, end] }).some((one) => one.code === "too_long")).toBe(true);
});

test("whatever a flow is, it is looked through, and each complaint has a place that exists", () => {
  fc.assert(
    fc.property(anyFlow, (definition) => {
      const ids = new Set(definition.nodes.map((one) => one.id));
      for (const fault of faultsOf(definition, known)) if (fault.node !== null) expect(ids.has(fault.node)).toBe(true);
      // All that is in an endless round leads on in it.
      for (const round of endlessRounds(definition)) for (const id of round) expect(ids.has(id)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test("exactly what cannot be come to is said to be out of reach", () => {
  fc.assert(
    fc.property(anyFlow, (definition) => {
      if (!definition.nodes.some((one) => one.id === definition.start)) return;
      const reached = reachedFrom(definition);
      const unreachable = faultsOf(definition, known).filter((one) => one.code === "unreachable").map((one) => one.node);
      expect(unreachable).toEqual(definition.nodes.filter((one) => !reached.has(one.id)).map((one) => one.id));
    }),
  );
});

test("addresses and places are what they should be", () => {
  expect(["https://a.example", "http://10.0.0.1:8080/x?y={{z}}"].filter(isUrl)).toHaveLength(2);
  expect(["", "https://", "a.example", "https:///x", "javascript:alert(1)", "https://a.example/a b", "https://{{host}}/x", "https://me@a.example"].filter(isUrl)).toEqual([]);
  expect(["", "/", "/a/0/b~1c", "/customer/name"].filter(isPointer)).toHaveLength(4);
  expect(["a", "/a~2", "$.a"].filter(isPointer)).toEqual([]);
});

test("what both find is said once", () => {
  const here = faultsOf(flow(made("play", said, null)), known);
  const server = [{ node: "it", field: "next", code: "no_next" as const, message: "Leads nowhere", severity: "error" as const }, { node: "it", field: "next", code: "no_next" as const, message: "Leads nowhere", severity: "error" as const }, { node: "it", field: null, code: "bad_value" as const, message: "The server knows more", severity: "error" as const }];
  expect(together(here, server).map((one) => one.message)).toEqual(["", "The server knows more"]);
});
