import fc from "fast-check";
import { expect, it } from "vitest";
import { marked, straight } from "./format";

const shown = (text: string) => marked(text).map((one) => (one.marks.length > 0 ? `<${one.marks.join("+")}>${one.text}` : one.text));

it("marks become pieces", () => {
  expect(shown("a *b* _c_ ~d~ `e`")).toEqual(["a ", "<bold>b", " ", "<italic>c", " ", "<struck>d", " ", "<code>e"]);
  expect(shown("*bold _and italic_*")).toEqual(["<bold>bold ", "<bold+italic>and italic"]);
  expect(shown("```\nlet *x* = 1\n```")).toEqual(["<code>let *x* = 1"]);
  expect(shown("«*привет*»")).toEqual(["«", "<bold>привет", "»"]);
});

it("signs that are no marks stay", () => {
  for (const text of ["2*3*4", "snake_case_name", "* not bold *", "*open", "a ** b", "*one\ntwo*", "`", "5 * 3 * 2", "https://x.test/_a_?b=*c*"]) expect(shown(text), text).toEqual([text]);
});

it("any text goes through, loses nothing but its marks, and ends in time", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom("*", "_", "~", "`", " ", "a", "\n", "é"), maxLength: 60 }), (text) => {
      const bare = (one: string) => one.replace(/[*_~`\n]/g, "");
      expect(bare(marked(text).map((one) => one.text).join(""))).toBe(bare(text));
    }),
  );
});

it("nothing reads as what it is not", () => {
  expect(straight("photo_\u202Egnp.exe")).toBe("photo_gnp.exe");
  expect(straight("\u2067abc\u2069")).toBe("abc");
  expect(straight("שלום\u200F!")).toBe("שלום\u200F!");
});
