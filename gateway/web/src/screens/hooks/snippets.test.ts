import { describe, expect, it } from "vitest";
import { HOOKS, WAYS, snippet } from "./snippets";

const places = { agi: "127.0.0.1:4573", url: "http://127.0.0.1:8080/hooks/dialplan/" };

describe("what is pasted", () => {
  it.each(HOOKS.flatMap((hook) => WAYS.map((way) => [hook, way] as const)))("asks %s by %s", (hook, way) => {
    const text = snippet(hook, way, places);
    expect(text).toContain(hook);
    // Each bracket that is opened is closed: a dialplan that is pasted loads.
    for (const [open, close] of ["()", "{}", "[]"]) expect(text.split(open ?? "").length, text).toBe(text.split(close ?? "").length);
    for (const line of text.split("\n")) expect(line).toMatch(/^same => n,\w+\(.*\)$/);
  });

  it("reads what HTTP said from the hash", () => {
    expect(snippet("hours", "http", places)).toContain('"${HASH(TL,TRUNKLINE_OPEN)}" = "0"');
    expect(snippet("hours", "agi", places)).toContain('"${TRUNKLINE_OPEN}" = "0"');
  });
});
