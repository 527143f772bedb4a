import fc from "fast-check";
import { expect, test } from "vitest";
import { placed } from "./edit";
import { LEAST, MOST, WIDTH, arranged, beginningAt, boundsOf, centred, fitting, heightOf, inOrder, inSight, linesOf, pathBetween, zoomed } from "./layout";
import { type Definition, exitsOf, newDo } from "./model";
import { anyFlow, distinctFlow } from "./random-flow.test-flows";

const many: Definition = { start: "n0", language: "en", nodes: Array.from({ length: 200 }, (_, at) => ({ id: `n${String(at)}`, name: "", x: 0, y: 0, do: { type: "set", variable: "x", value: "", next: at === 199 ? "n0" : `n${String(at + 1)}` } })) };

test("no two steps are put on each other, and each stands to the right of what leads to it", () => {
  fc.assert(
    fc.property(distinctFlow, (flow) => {
      const laid = placed(flow, arranged(flow));
      laid.nodes.forEach((a, at) => {
        for (const b of laid.nodes.slice(at + 1)) {
          const apart = a.x + WIDTH <= b.x || b.x + WIDTH <= a.x || a.y + heightOf(a) <= b.y || b.y + heightOf(b) <= a.y;
          expect(apart, `${a.id} and ${b.id}`).toBe(true);
        }
        expect([a.x, a.y].every((one) => Number.isFinite(one) && one >= 0)).toBe(true);
      });
      // A way that leads back closes a round; all others lead to the right.
      const order = new Map(laid.nodes.map((node) => [node.id, node]));
      for (const line of linesOf(laid)) if (!line.back) expect((order.get(line.to)?.x ?? 0) > (order.get(line.from)?.x ?? 0)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test("a row of two hundred and a round of them are laid out", () => {
  const laid = placed(many, arranged(many));
  expect(new Set(laid.nodes.map((node) => node.x)).size).toBe(200);
  expect(linesOf(laid).filter((line) => line.back)).toHaveLength(1);
});

test("the list has every step once, the beginning first, each after something that leads to it", () => {
  fc.assert(
    fc.property(distinctFlow, (flow) => {
      const order = inOrder(flow);
      expect([...order].sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual([...flow.nodes].sort((a, b) => (a.id < b.id ? -1 : 1)));
      if (order[0]) expect(order[0].id).toBe(flow.start);
    }),
  );
});

test("whatever a flow is, it can be drawn", () => {
  fc.assert(
    fc.property(anyFlow, (flow) => {
      expect(inOrder(flow)).toHaveLength(flow.nodes.length);
      for (const line of linesOf(flow)) expect(line.path).toMatch(/^M-?\d+ -?\d+ [CHQV\d\s-]+$/);
      for (const place of arranged(flow).values()) expect([place.x, place.y].every(Number.isFinite)).toBe(true);
    }),
  );
});

test("a way to the right is a curve, one to the left goes around below", () => {
  expect(pathBetween({ x: 0, y: 0 }, { x: 300, y: 50 }, 400)).toMatch(/^M0 0 C/);
  expect(pathBetween({ x: 300, y: 0 }, { x: 0, y: 50 }, 400)).toContain("V386");
});

test("all of it is in sight, and what cannot be read at once begins where calls begin", () => {
  const few: Definition = { start: "a", language: "en", nodes: [{ id: "a", name: "", x: -500, y: 900, do: newDo("queue") }, { id: "b", name: "", x: 0, y: 1200, do: newDo("play") }] };
  const view = fitting(few.nodes, 1000, 700);
  for (const node of few.nodes) expect(inSight(view, node, 1000, 700)).toBe(true);
  expect(beginningAt(few, 1000, 700)).toEqual(view);
  const laid = placed(many, arranged(many));
  const [first] = laid.nodes;
  if (!first) throw new Error("no step");
  expect(inSight(beginningAt(laid, 1000, 700), first, 1000, 700)).toBe(true);
  expect(fitting([], 800, 600).scale).toBe(1);
  expect(boundsOf([]).width).toBe(WIDTH);
});

test("larger and smaller keep within limits, and what is under the pointer stays there", () => {
  fc.assert(
    fc.property(fc.double({ min: 0.01, max: 50, noNaN: true }), fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 0, max: 700 }), (by, x, y) => {
      const before = { x: 13, y: -40, scale: 0.8 };
      const after = zoomed(before, by, { x, y });
      expect(after.scale).toBeGreaterThanOrEqual(LEAST);
      expect(after.scale).toBeLessThanOrEqual(MOST);
      expect((x - after.x) / after.scale).toBeCloseTo((x - before.x) / before.scale, 6);
      expect((y - after.y) / after.scale).toBeCloseTo((y - before.y) / before.scale, 6);
    }),
  );
});

test("a step that is looked for comes into the middle", () => {
  const node = { id: "a", name: "", x: 5000, y: 3000, do: newDo("menu") };
  const view = centred({ x: 0, y: 0, scale: 0.7 }, node, 1000, 700);
  expect(inSight({ x: 0, y: 0, scale: 0.7 }, node, 1000, 700)).toBe(false);
  expect(inSight(view, node, 1000, 700)).toBe(true);
  expect(view.scale).toBe(0.7);
  expect(exitsOf(node.do)).toHaveLength(3);
});
