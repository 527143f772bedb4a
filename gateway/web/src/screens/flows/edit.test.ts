import fc from "fast-check";
import { expect, test } from "vitest";
import { difference, isSame, same } from "./diff";
import { MOST_NODES, added, connected, copied, freeId, moved, nodeOf, openExit, pasted, placed, readCopied, removed } from "./edit";
import { begun, changed, redone, undone } from "./history";
import { type Definition, TYPES, exitsOf, newDo } from "./model";
import { distinctFlow } from "./random-flow.test-flows";

const EMPTY: Definition = { start: "", language: "en", nodes: [] };
const small: Definition = {
  start: "a",
  language: "en",
  nodes: [
    { id: "a", name: "A", x: 0, y: 0, do: { type: "play", say: [{ text: "x" }], next: "b" } },
    { id: "b", name: "B", x: 300, y: 0, do: { ...newDo("menu"), keys: { "1": "c", "2": "a" }, otherwise: "c" } as Definition["nodes"][0]["do"] },
    { id: "c", name: "C", x: 600, y: 0, do: { type: "queue", queue_id: "q", priority: 0 } },
  ],
};

test("the first step is where calls begin, and the next follows the way that was open", () => {
  const first = added(EMPTY, "play", "", { x: 33, y: 47 });
  expect(first.definition).toMatchObject({ start: "play", nodes: [{ id: "play", x: 40, y: 40 }] });
  expect(openExit(nodeOf(first.definition, "play"))).toBe("next");
  const second = added(first.definition, "play", "", { x: 40, y: 40 }, { node: "play", exit: "next" });
  expect(second.id).toBe("play_2");
  expect(nodeOf(second.definition, "play")?.do).toMatchObject({ next: "play_2" });
  // Not on top of another.
  expect(nodeOf(second.definition, "play_2")).toMatchObject({ x: 80, y: 80 });
  expect(openExit(nodeOf(second.definition, "play"))).toBeUndefined();
});

test("a step that goes is stepped over where it had one way on, and let go of elsewhere", () => {
  expect(removed(small, new Set(["a"]))).toMatchObject({ start: "b", nodes: [{ id: "b", do: { keys: { "1": "c", "2": "b" } } }, { id: "c" }] });
  const without = removed(small, new Set(["b"]));
  expect(without.nodes.map((node) => exitsOf(node.do).map((one) => one.to))).toEqual([[null], []]);
  expect(removed(small, new Set(["a", "b", "c"]))).toEqual({ ...small, start: "", nodes: [] });
});

test("a copy leads among itself as before, and out of itself nowhere", () => {
  const copy = readCopied(JSON.stringify(copied(small, new Set(["a", "b"]))));
  expect(copy).toBeDefined();
  if (!copy) return;
  const { definition, ids } = pasted(small, copy);
  expect([...ids]).toEqual(["a_2", "b_2"]);
  expect(nodeOf(definition, "a_2")).toMatchObject({ name: "A", x: 40, y: 40, do: { next: "b_2" } });
  expect(nodeOf(definition, "b_2")?.do).toMatchObject({ keys: { "1": null, "2": "a_2" }, otherwise: null });
  expect(definition.nodes.slice(0, 3)).toEqual(small.nodes);
  expect(pasted(EMPTY, copy).definition.start).toBe("a");
  for (const other of ["", "hello", "{}", '{"trunkline_flow":1,"nodes":[]}', '{"trunkline_flow":2,"nodes":[{}]}', "[1]", "null"]) expect(readCopied(other)).toBeUndefined();
});

test("no flow grows beyond what the server takes", () => {
  const many: Definition = { ...EMPTY, nodes: Array.from({ length: 150 }, (_, at) => ({ id: `n${String(at)}`, name: "", x: 0, y: 0, do: newDo("queue") })) };
  const { definition, ids } = pasted(many, copied(many, new Set(many.nodes.map((node) => node.id))));
  expect(definition.nodes).toHaveLength(MOST_NODES);
  expect(ids.size).toBe(50);
  expect(new Set(definition.nodes.map((node) => node.id)).size).toBe(MOST_NODES);
});

test("an id that is free is short enough, and of the letters that may be", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z0-9_]{1,40}$/), fc.integer({ min: 0, max: 12 }), (wanted, n) => {
      const taken = new Set<string>();
      for (let at = 0; at <= n; at += 1) {
        const id = freeId(taken, wanted);
        expect(taken.has(id)).toBe(false);
        expect(id).toMatch(/^[a-z0-9_]{1,40}$/);
        taken.add(id);
      }
    }),
  );
});

test("whatever is removed or copied, no way leads to what is not there any more", () => {
  fc.assert(
    fc.property(distinctFlow, fc.array(fc.integer({ min: 0, max: 11 })), (flow, picks) => {
      const ids = new Set(picks.flatMap((at) => flow.nodes[at]?.id ?? []));
      const dangling = (definition: Definition) => definition.nodes.flatMap((node) => exitsOf(node.do).flatMap(({ to }) => (to !== null && !nodeOf(definition, to) ? [to] : [])));
      const before = new Set(dangling(flow));
      for (const to of dangling(removed(flow, ids))) expect(before.has(to)).toBe(true);
      const after = pasted(flow, copied(flow, ids));
      expect(new Set(after.definition.nodes.map((node) => node.id)).size).toBe(flow.nodes.length + ids.size);
      for (const id of after.ids) for (const { to } of exitsOf(nodeOf(after.definition, id)?.do ?? newDo("queue"))) if (to !== null) expect(after.ids.has(to)).toBe(true);
    }),
  );
});

test("what is done is taken back step by step, and done again", () => {
  let history = begun(EMPTY);
  const states = [EMPTY];
  for (const type of TYPES) {
    history = changed(history, added(history.now, type, "", { x: 0, y: 0 }).definition, "", 0);
    states.push(history.now);
  }
  for (const state of states.toReversed()) {
    expect(history.now).toBe(state);
    history = undone(history);
  }
  for (const state of states) {
    expect(history.now).toBe(state);
    history = redone(history);
  }
  expect(undone(begun(EMPTY)).now).toBe(EMPTY);
});

test("what is typed in one go is one step back; a new change ends what could be done again", () => {
  const typed = (name: string): Definition => ({ ...small, nodes: small.nodes.map((node) => ({ ...node, name })) });
  let history = begun(small);
  ["a", "ab", "abc"].forEach((name, at) => (history = changed(history, typed(name), "a name", at * 100)));
  expect(undone(history).now).toBe(small);
  // After a pause it is another.
  history = changed(history, typed("abcd"), "a name", 10_000);
  expect(undone(history).now.nodes[0]?.name).toBe("abc");
  expect(redone(changed(undone(history), typed("x"), "", 0)).now.nodes[0]?.name).toBe("x");
  // The same again is no change.
  expect(changed(history, history.now, "", 0)).toBe(history);
});

test("undo and redo are each other's opposite, whatever is done", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("change", "undo", "redo"), { maxLength: 60 }), (acts) => {
      let history = begun(EMPTY);
      for (const act of acts) {
        if (act === "change") history = changed(history, { ...EMPTY, start: String(history.past.length) }, "", 0);
        else if (act === "undo") {
          const back = undone(history);
          if (back !== history) expect(redone(back).now).toBe(history.now);
          history = back;
        } else {
          const on = redone(history);
          if (on !== history) expect(undone(on).now).toBe(history.now);
          history = on;
        }
      }
    }),
  );
});

test("two versions differ by what callers notice, not by where steps are drawn", () => {
  expect(isSame(difference(small, moved(small, new Set(["a", "b"]), 50, 50)))).toBe(true);
  const next = connected(added(removed(small, new Set(["c"])), "hang_up", "Bye", { x: 0, y: 0 }).definition, "b", "otherwise", "hang_up");
  const what = difference(small, { ...next, start: "b", language: "de" });
  expect(what.added.map((node) => node.id)).toEqual(["hang_up"]);
  expect(what.removed.map((node) => node.id)).toEqual(["c"]);
  expect(what.changed.map(({ after, fields }) => [after.id, fields])).toEqual([["b", ["keys", "otherwise"]]]);
  expect([what.start, what.language]).toEqual([true, true]);
  // The server's order of keys, and what it leaves out, are no difference.
  expect(same({ a: 1, b: null, c: { d: 1, e: 2 } }, { c: { e: 2, d: 1 }, a: 1 })).toBe(true);
});

test("places are put back where they were", () => {
  const places = new Map(small.nodes.map((node) => [node.id, { x: node.x, y: node.y }]));
  expect(placed(moved(small, new Set(["a", "b", "c"]), 13, 7), places)).toEqual(small);
});
