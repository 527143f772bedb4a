import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Draft, faultsOf, firstDraft, minute, peopleIn, readDraft, slugOf, STEPS, stepOf, toBody } from "./draft";

const whole: Draft = { ...firstDraft("it", "Europe/Rome", "Assistenza"), name: "Rossi & Figli", adminName: "Anna", adminEmail: "anna@rossi.test" };

describe("the draft", () => {
  it("is what the server takes", () => {
    expect(toBody({ ...whole, number: "+39 06 1234-5678" }, "a good password")).toMatchObject({
      name: "Rossi & Figli",
      number: "+390612345678",
      time_zone: "Europe/Rome",
      hours: [1, 2, 3, 4, 5].map((day) => ({ day, open: "09:00", close: "18:00" })),
      admin: { name: "Anna", email: "anna@rossi.test", password: "a good password" },
      queue: { name: "Assistenza" },
    });
    expect(toBody({ ...whole, always: true }, "x").hours).toEqual([]);
    expect(toBody(whole, "x")).not.toHaveProperty("number");
  });

  it("has nothing wrong with it when it is whole", () => {
    for (const step of STEPS) expect(faultsOf(step, whole, "a good password")).toEqual({});
  });

  it("says what is wrong, by the server's names", () => {
    expect(faultsOf("company", { ...whole, name: " ", number: "12", queue: "" }, "")).toEqual({ name: "required", "queue.name": "required", number: "number" });
    expect(faultsOf("admin", { ...whole, adminEmail: "anna" }, "short")).toEqual({ "admin.email": "email", "admin.password": "short" });
    const people = [
      { name: "A", email: "a@x.test", role: "operator" as const },
      { name: "", email: "A@x.test", role: "operator" as const },
    ];
    expect(faultsOf("people", { ...whole, people }, "")).toEqual({ "users[1].email": "twice", "users[1].name": "required" });
  });

  it("finds hours that are none, or that overlap", () => {
    const on = (...spans: [string, string][]) => faultsOf("hours", { ...whole, week: [{ day: 1, spans: spans.map(([open, close]) => ({ open, close })) }] }, "");
    expect(on(["09:00", "13:00"], ["14:00", "24:00"])).toEqual({});
    expect(on(["09:00", "09:00"])).toEqual({ "day-1": "time" });
    expect(on(["09:00", "13:00"], ["12:59", "18:00"])).toEqual({ "day-1": "overlap" });
    expect(on(["", "13:00"])).toEqual({ "day-1": "time" });
  });

  it("is read back as it was kept, and thrown away when it is of another shape", () => {
    expect(readDraft(JSON.stringify(whole))).toEqual(whole);
    for (const text of [null, "", "{", "[]", "1", '{"name":"x"}', JSON.stringify({ ...whole, week: [] }), JSON.stringify({ ...whole, language: "xx" })]) expect(readDraft(text)).toBeUndefined();
    fc.assert(fc.property(fc.json(), (text) => readDraft(text) === undefined));
  });

  it("knows where each of the server's faults belongs", () => {
    expect(["name", "slug", "number", "hours[3].open", "admin.password", "users[0].email", "queue.name"].map(stepOf)).toEqual(["company", "company", "company", "hours", "admin", "people", "company"]);
  });
});

describe("the short name", () => {
  it("is made of the name", () => {
    expect(["Rossi & Figli", "Società Élan 24", "3M", "  --  ", "Ромашка", "X", "A very long name of a company that never ends"].map(slugOf)).toEqual(["rossi-figli", "societa-elan-24", "", "", "", "", "a-very-long-name-of-a-compan"]);
  });

  it("is always one that the wizard takes, or none", () => {
    fc.assert(fc.property(fc.string({ unit: "grapheme" }), (name) => faultsOf("company", { ...whole, slug: slugOf(name) }, "").slug === undefined));
  });

  it("is sent when it was chosen", () => {
    expect(toBody({ ...whole, slug: " rossi " }, "x").slug).toBe("rossi");
    expect(toBody(whole, "x")).not.toHaveProperty("slug");
    for (const slug of ["R", "1a", "a-", "a_b", "a".repeat(33)]) expect(faultsOf("company", { ...whole, slug }, "")).toEqual({ slug: "slug" });
  });
});

describe("people who were pasted", () => {
  it("are found in lines, commas and letter heads", () => {
    expect(peopleIn('anna.rossi@x.test, "Verdi, B" <b@x.test>\nNo address\nCarla Bianchi <carla@x.test>; ANNA.ROSSI@x.test')).toEqual([
      { name: "Anna Rossi", email: "anna.rossi@x.test", role: "operator" },
      { name: 'B', email: "b@x.test", role: "operator" },
      { name: "Carla Bianchi", email: "carla@x.test", role: "operator" },
    ]);
  });

  it("may be anything", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const person of peopleIn(text)) expect(person.email).toMatch(/^[^\s@]+@[^\s@]+$/);
      }),
    );
  });
});

it("reads times of the day", () => {
  expect(["00:00", "09:30", "24:00"].map(minute)).toEqual([0, 570, 1440]);
  for (const text of ["24:01", "9:00", "12:60", "", "x"]) expect(minute(text)).toBeNaN();
});
