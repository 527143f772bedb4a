import { expect, test } from "vitest";
import { insert, unknownVariables } from "./variables";

test("a variable is put where the cursor is", () => {
  expect(insert("Hi !", { start: 3, end: 3 }, "contact.name")).toEqual({ text: "Hi {{contact.name}}!", cursor: 19 });
});

test("what nothing fills in is found, once each", () => {
  expect(unknownVariables("Hi {{ contact.name }}, {{contract.name}} {{contract.name}} {{}}")).toEqual(["contract.name", ""]);
  expect(unknownVariables("From {{company.name}}")).toEqual(["company.name"]);
  expect(unknownVariables("From {{company.name}}", ["company.name"])).toEqual([]);
  expect(unknownVariables("{ no variable }")).toEqual([]);
});
