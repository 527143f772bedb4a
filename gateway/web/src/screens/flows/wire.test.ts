import fc from "fast-check";
import { expect, test } from "vitest";
import { type Definition, TYPES, newDo } from "./model";
import { anyFlow } from "./random-flow.test-flows";
import { NOBODY, fromWire, toWire } from "./wire";

const fresh: Definition = { start: "play", language: "en", nodes: TYPES.map((type) => ({ id: type, name: "", x: 0.4, y: -1.6, do: newDo(type) })) };

test("a draft that is half made goes to the server whole: no way is missing, and every id is one", () => {
  const sent = toWire(fresh);
  const text = JSON.stringify(sent);
  // What may be absent there: the body of a request, the key that agrees.
  expect(text.match(/"\w+":null/g)).toEqual(['"accept":null', '"body":null']);
  expect(text).not.toMatch(/"(queue|agent|flow|schedule|sound)_id":""/);
  expect(text).toContain(`"queue_id":"${NOBODY}"`);
  expect(sent.nodes.find((node) => node.id === "menu")?.do).toMatchObject({ keys: { "1": "", "2": "" }, otherwise: "" });
  expect(sent.nodes.every((node) => Number.isInteger(node.x) && Number.isInteger(node.y))).toBe(true);
});

test("what comes back is what was sent", () => {
  const placed = { ...fresh, nodes: fresh.nodes.map((node) => ({ ...node, x: 0, y: -2 })) };
  expect(fromWire(JSON.parse(JSON.stringify(toWire(placed))) as Definition)).toEqual(placed);
});

test("whatever is typed for a number, one is sent", () => {
  const strange = (value: number): Definition => ({ ...fresh, nodes: [{ id: "a", name: "", x: 0, y: 0, do: { ...newDo("menu"), timeout_seconds: value } as never }, { id: "q", name: "", x: 0, y: 0, do: { type: "queue", queue_id: "", priority: value } }] });
  for (const value of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 1e12]) expect(toWire(strange(value)).nodes[0]?.do).toMatchObject({ timeout_seconds: 0 });
  for (const value of [1.5, Number.NaN]) expect(toWire(strange(value)).nodes[1]?.do).toMatchObject({ priority: 0 });
  expect(toWire(strange(-101)).nodes[1]?.do).toMatchObject({ priority: -101 });
});

test("any flow goes there and back, and the second time nothing changes", () => {
  fc.assert(
    fc.property(anyFlow, (flow) => {
      const once = fromWire(JSON.parse(JSON.stringify(toWire(flow))) as Definition);
      expect(fromWire(JSON.parse(JSON.stringify(toWire(once))) as Definition)).toEqual(once);
      expect(once.nodes.map((node) => node.id)).toEqual(flow.nodes.map((node) => node.id));
    }),
  );
});
