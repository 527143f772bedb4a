import { expect, test } from "vitest";
import { KEYS, TYPES, exitsOf, newDo, saysOf, whole, withExit } from "./model";

test("every kind of step begins with ways out that lead nowhere, and each can be led somewhere", () => {
  expect(TYPES).toHaveLength(15);
  for (const type of TYPES) {
    const fresh = newDo(type);
    for (const { id, to } of exitsOf(fresh)) {
      expect(to, `${type} ${id}`).toBeNull();
      const led = withExit(fresh, id, "there");
      expect(exitsOf(led).filter((one) => one.to === "there").map((one) => one.id), `${type} ${id}`).toEqual([id]);
      expect(withExit(led, id, null)).toEqual(fresh);
    }
    expect(withExit(fresh, "no_such_way", "there")).toEqual(fresh);
  }
});

test("keys stand in the order of a telephone's", () => {
  const menu = { ...newDo("menu"), keys: { "#": "a", "0": "b", "2": "c", "1": "d" } } as ReturnType<typeof newDo>;
  expect(exitsOf(menu).map((one) => one.id)).toEqual(["keys.1", "keys.2", "keys.0", "keys.#", "otherwise"]);
  expect(KEYS).toHaveLength(12);
});

test("what the server leaves out is there again, and no choice is made up", () => {
  const raw = { start: "a", nodes: [{ id: "a", name: "A", x: 1, y: 2, do: { type: "gather", say: [], variable: "order", next: "b", terminator: null } }, { id: "b", do: { type: "menu", keys: { "1": "" }, timeout_seconds: null } }, { id: "c" }] };
  const read = whole(raw as never);
  expect(read.language).toBe("en");
  expect(read.nodes.map((node) => node.id)).toEqual(["a", "b"]);
  expect(read.nodes[0]?.do).toEqual({ type: "gather", say: [], variable: "order", min: 1, max: 10, terminator: null, timeout_seconds: 5, tries: 3, wrong: [], next: "b", otherwise: null });
  expect(read.nodes[1]).toMatchObject({ name: "", x: 0, y: 0, do: { type: "menu", say: [], keys: { "1": "" }, timeout_seconds: 5 } });
  // An empty target is none.
  expect(exitsOf(read.nodes[1]?.do ?? newDo("queue"))[0]).toEqual({ id: "keys.1", to: null, automatic: false });
});

test("a definition that is nothing is an empty flow, and a kind that is not known stays as it is", () => {
  for (const nothing of [undefined, null, {}, { nodes: 5 }]) expect(whole(nothing as never)).toEqual({ start: "", language: "en", nodes: [] });
  const strange = { id: "x", name: "", x: 0, y: 0, do: { type: "teleport", where: "home" } };
  const read = whole({ start: "x", nodes: [strange] } as never);
  expect(read.nodes).toEqual([strange]);
  expect(exitsOf(read.nodes[0]?.do ?? newDo("play"))).toEqual([]);
  expect(saysOf(read.nodes[0]?.do ?? newDo("play"))).toEqual([]);
});
