import fc from "fast-check";
import { expect, test } from "vitest";
import { type Definition, newDo } from "./model";
import { GIVEN, completed, hasVariables, isVariable, namesIn, setBy, typedAt, variablesOf } from "./template";

test("names stand between braces, and braces that do not match are told", () => {
  expect(namesIn("Hello {{caller.name}}, {{ order }}!")).toEqual(["caller.name", "order"]);
  expect(namesIn("nothing")).toEqual([]);
  for (const broken of ["{{", "}}", "{{a", "a}}", "{{a}} {{", "{{a{{b}}"]) expect(namesIn(broken), broken).toBeUndefined();
  expect([hasVariables("{{a}}"), hasVariables("{{a")]).toEqual([true, false]);
});

test("what is given is named as variables are", () => {
  for (const name of GIVEN) expect(isVariable(name)).toBe(true);
  for (const name of ["", "A", "9a", "a b", "a-b", "a".repeat(41)]) expect(isVariable(name)).toBe(false);
});

test("a flow offers what its steps set, before what every call has", () => {
  const flow = {
    start: "",
    language: "en",
    nodes: [newDo("gather"), { ...newDo("set"), variable: "ticket" }, { ...newDo("http"), save: { state: "/a", "Not One": "/b" } }, { ...newDo("set"), variable: "ticket" }].map((what, at) => ({ id: String(at), name: "", x: 0, y: 0, do: what })),
  } as Definition;
  expect(setBy(flow)).toEqual(["digits", "ticket", "state"]);
  expect(variablesOf(flow)).toEqual(["digits", "ticket", "state", ...GIVEN]);
});

test("a variable is offered from the second brace on, until its name ends", () => {
  expect(typedAt("Hello {{", 8)).toEqual({ from: 6, typed: "" });
  expect(typedAt("Hello {{Cal", 11)).toEqual({ from: 6, typed: "cal" });
  for (const [text, cursor] of [["Hello {", 7], ["{{a}} b", 7], ["{{a b", 5], ["", 0]] as const) expect(typedAt(text, cursor)).toBeUndefined();
});

test("a variable that is taken is whole, once, with the cursor behind it", () => {
  expect(completed("Hi {{ca!", 7, "caller.name")).toEqual({ text: "Hi {{caller.name}}!", cursor: 18 });
  expect(completed("Hi {{ca}}!", 7, "caller.name")).toEqual({ text: "Hi {{caller.name}}!", cursor: 18 });
  fc.assert(
    fc.property(fc.string(), fc.nat(), fc.constantFrom(...GIVEN), (text, at, name) => {
      const cursor = text === "" ? 0 : at % (text.length + 1);
      const next = completed(text, cursor, name);
      expect(next.text.slice(0, next.cursor).endsWith(`{{${name}}}`)).toBe(true);
      expect(next.text.endsWith(text.slice(cursor)) || next.text.endsWith(text.slice(cursor + 2))).toBe(true);
    }),
  );
});
