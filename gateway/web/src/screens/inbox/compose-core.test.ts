import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cannedFor, filled, localInput, mentionsIn, put, segmentsOf, shapeOf, snoozeTimes, tokenAt, unfilled, withMentions } from "./compose-core";

describe("an SMS", () => {
  it("is counted as it will be cut up", () => {
    expect(segmentsOf("")).toEqual({ encoding: "GSM-7", units: 0, segments: 0, left: 160 });
    expect(segmentsOf("a".repeat(160))).toMatchObject({ encoding: "GSM-7", segments: 1, left: 0 });
    expect(segmentsOf("a".repeat(161))).toMatchObject({ segments: 2, left: 153 * 2 - 161 });
    expect(segmentsOf("€".repeat(80))).toMatchObject({ encoding: "GSM-7", units: 160, segments: 1 });
    expect(segmentsOf("я".repeat(70))).toMatchObject({ encoding: "UCS-2", segments: 1, left: 0 });
    expect(segmentsOf("я".repeat(71))).toMatchObject({ segments: 2, left: 67 * 2 - 71 });
    // An emoji takes two units and is never cut in two: the 67th place of the first part stays empty.
    expect(segmentsOf(`${"я".repeat(66)}😀${"я".repeat(10)}`)).toMatchObject({ units: 78, segments: 2, left: 67 - 12 });
    // Nor is the sign of two septets at the 153rd place.
    expect(segmentsOf(`${"a".repeat(152)}€${"a".repeat(10)}`)).toMatchObject({ units: 164, segments: 2, left: 153 - 12 });
  });

  it("never has fewer segments than its length asks for", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 400 }), (text) => {
        const { encoding, units, segments, left } = segmentsOf(text);
        const part = segments > 1 ? (encoding === "GSM-7" ? 153 : 67) : encoding === "GSM-7" ? 160 : 70;
        expect(segments * part).toBeGreaterThanOrEqual(units);
        expect(left).toBeGreaterThanOrEqual(0);
        expect(left).toBeLessThanOrEqual(part);
      }),
    );
  });
});

describe("what is typed", () => {
  it("calls for a list behind a sign that begins a word", () => {
    expect(tokenAt("/gre", 4, ["/"])).toEqual({ sign: "/", word: "gre", from: 0 });
    expect(tokenAt("Hi /gre", 7, ["/"])).toEqual({ sign: "/", word: "gre", from: 3 });
    expect(tokenAt("https://x", 9, ["/"])).toBeUndefined();
    expect(tokenAt("a@b", 3, ["@"])).toBeUndefined();
    expect(tokenAt("see @Оль", 8, ["@"])).toEqual({ sign: "@", word: "Оль", from: 4 });
    expect(tokenAt("@x", 2, ["/"])).toBeUndefined();
    expect(put("Hi /gre!", 3, 7, "there")).toEqual({ text: "Hi there!", caret: 8 });
  });

  it("finds canned replies by shortcut before text", () => {
    const all = [
      { id: "1", shortcut: "bye", text: "Greetings to all" },
      { id: "2", shortcut: "greet", text: "Hello" },
    ];
    expect(cannedFor(all, "gre").map((one) => one.id)).toEqual(["2", "1"]);
    expect(cannedFor(all, "zzz")).toEqual([]);
  });

  it("fills what it knows, and leaves the rest to be seen", () => {
    expect(filled("Hi {{contact.name}}, {{ order }}?", { "contact.name": "Marta" })).toBe("Hi Marta, {{ order }}?");
    expect(unfilled("{{1}} {{2}} {{1}}")).toEqual(["1", "2"]);
    // What is put in is text, never a pattern.
    expect(filled("{{a}}", { a: "$& {{b}}" })).toBe("$& {{b}}");
  });
});

describe("names in notes", () => {
  const people = [
    { id: "ann", name: "Ann" },
    { id: "anna", name: "Anna Berg" },
  ];
  it("are found whole, the longest first", () => {
    expect(mentionsIn("@Anna Berg please", people)).toEqual(["anna"]);
    expect(mentionsIn("@ann, look; mail ann@x.test", people)).toEqual(["ann"]);
    expect(mentionsIn("@Annabelle", people)).toEqual([]);
    expect(withMentions("ask @Anna Berg now", people)).toEqual([{ text: "ask " }, { text: "@Anna Berg", id: "anna" }, { text: " now" }]);
  });
  it("lose no letter of the text", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(withMentions(text, people).map((one) => one.text).join("")).toBe(text);
      }),
    );
  });
});

describe("templates and times", () => {
  it("tell what is to be filled in", () => {
    const shape = shapeOf({
      name: "order",
      language: "en",
      status: "APPROVED",
      components: [
        { sort: "header", format: "image", text: null, variables: [], buttons: [] },
        { sort: "body", format: null, text: "Hi {{1}}, your {{2}} is here, {{1}}.", variables: ["1", "2"], buttons: [] },
        { sort: "footer", format: null, text: "Reply STOP to end", variables: [], buttons: [] },
        {
          sort: "buttons",
          format: null,
          text: null,
          variables: [],
          buttons: [
            { index: 0, sort: "quick_reply", text: "Stop", url: null, variables: [] },
            { index: 1, sort: "url", text: "Track", url: "https://x.test/{{1}}", variables: ["1"] },
            { index: 2, sort: "copy_code", text: "Copy the code", url: null, variables: ["1"] },
          ],
        },
      ],
    });
    expect(shape).toMatchObject({
      header: { format: "image" },
      headerNames: [],
      names: ["1", "2"],
      named: false,
      footer: "Reply STOP to end",
      labels: ["Stop", "Track", "Copy the code"],
      buttons: [
        { index: 1, sort: "url", text: "Track" },
        { index: 2, sort: "copy_code", text: "Copy the code" },
      ],
    });
  });
  it("have names, or next to nothing, and are shown all the same", () => {
    const named = { name: "hi", language: "it", status: "APPROVED", components: [{ sort: "body", text: "Ciao {{nome}}, città {{città}}", variables: ["nome", "città"] }] };
    expect(shapeOf(named)).toMatchObject({ names: ["nome", "città"], named: true, buttons: [], header: undefined });
    // What another version keeps, or none at all.
    expect(shapeOf({ name: "x", language: "en", status: "APPROVED", components: [{ text: "?" }] })).toMatchObject({ body: "", names: [] });
    expect(shapeOf({ name: "x", language: "en", status: "APPROVED" })).toMatchObject({ body: "", labels: [] });
    expect(filled("Ciao {{nome}}, città {{città}}", { nome: "Ada", città: "Roma" })).toBe("Ciao Ada, città Roma");
  });

  it("lie ahead, and none stands there twice", () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(2026, 0, 1), max: new Date(2027, 0, 1), noInvalidDate: true }), (now) => {
        const times = snoozeTimes(now);
        for (const one of times) expect(one.at.getTime()).toBeGreaterThan(now.getTime());
        expect(new Set(times.map((one) => one.at.getTime())).size).toBe(times.length);
      }),
    );
    expect(localInput(new Date(2026, 0, 5, 9, 3))).toBe("2026-01-05T09:03");
  });
});
