import { expect, test } from "vitest";
import type { LiveAgent, Queue } from "@/live";
import { numberTarget, obstacle, targets } from "./targets";

const agent = (id: string, over: Partial<LiveAgent> = {}): LiveAgent => ({ id, name: id, email: `${id}@x.test`, state: "available", state_since: "", reachable: true, activity: "available", activity_since: "", since: "", told: "available", skills: [], chat_capacity: 4, wrap_up: null, call_id: null, ...over });
const queue = (id: string, name: string): Queue => ({ id, name, slug: id, extension: "700", ring_seconds: 20, agent_ids: [], numbers: [] });

test("who cannot be rung is named with the reason; a wish for peace is none", () => {
  expect(obstacle(agent("a"), [])).toBeUndefined();
  expect(obstacle(agent("a", { activity: "paused", state: "paused" }), [])).toBeUndefined();
  expect(obstacle(agent("a", { activity: "wrap_up" }), [])).toBeUndefined();
  expect(obstacle(agent("a", { activity: "offline", state: "offline", reachable: false }), [])).toBe("no-phone");
  expect(obstacle(agent("a", { activity: "on_contact" }), [])).toBe("on-a-call");
  expect(obstacle(agent("a", { activity: "ringing" }), [])).toBe("rings");
  expect(obstacle(agent("a", { activity: "on_contact" }), ["a"])).toBe("in-this-call");
});

test("the ready come first, then those who can be rung all the same, then the others, then queues; never oneself", () => {
  const all = [agent("busy", { activity: "on_contact" }), agent("paused", { activity: "paused" }), agent("me"), agent("zoe"), agent("amy"), agent("away", { reachable: false, activity: "unreachable" })];
  expect(targets(all, [queue("q", "Sales")], "me", [], "").map((one) => one.id)).toEqual(["amy", "zoe", "paused", "away", "busy", "q"]);
});

test("the search takes every word, in any case, of name, address or extension", () => {
  const all = [agent("1", { name: "Ольга Смирнова" }), agent("2", { name: "Olga Operator" })];
  expect(targets(all, [], "me", [], "смирн ольга").map((one) => one.id)).toEqual(["1"]);
  expect(targets(all, [queue("q", "Sales")], "me", [], "700").map((one) => one.id)).toEqual(["q"]);
  expect(targets(all, [], "me", [], "2@X").map((one) => one.id)).toEqual(["2"]);
});

test("an agent is found by their extension, too", () => {
  expect(targets([agent("1", { extension: "2001" }), agent("2", { extension: null }), agent("3")], [], "me", [], "2001").map((one) => one.id)).toEqual(["1"]);
});

test("what is typed is a number outside if it can be dialled and is longer than a word of digits", () => {
  expect(numberTarget("+39 06 (4412) 1234")).toEqual({ kind: "number", id: "+390644121234", name: "+390644121234" });
  expect(numberTarget("116117")?.id).toBe("116117");
  for (const typed of ["", "12", "Olga", "+39 Olga", "++39", "a@b"]) expect(numberTarget(typed)).toBeUndefined();
});
