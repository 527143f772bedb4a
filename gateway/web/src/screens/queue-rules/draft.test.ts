import fc from "fast-check";
import { expect, test } from "vitest";
import type { Works } from "../shared/disposition";
import { HANG_UP, NUMBER, NUMBERS, PLACES, codeOf, draftOf, e164, faultsOf, placed, touched, worksOf } from "./draft";

const works: Works = {
  ring_seconds: 20,
  routing: {
    strategy: "skill_best",
    priority: -3,
    required: [{ skill_id: "s1", level: 40 }],
    preferred: [{ skill_id: "s2", level: 90 }],
    prefer_seconds: 15,
    relax: [{ after_seconds: 60, lower_by: 20, drop: ["s2"], raise_priority: 5 }],
    sticky_seconds: 10,
    pause_after_missed: null,
    wrap_up_seconds: 45,
    dispositions: [{ code: "sold", label: "Sold" }],
    disposition_required: true,
    too_long: { at: 30, to: "hang_up" },
    overflow: { after_seconds: 120, to: { queue_id: "q2" } },
    hours: {
      time_zone: "Europe/Rome",
      week: [
        { day: "monday", from: "09:00", to: "13:00" },
        { day: "monday", from: "14:00", to: "18:00" },
        { day: "sunday", from: "22:00", to: "24:00" },
      ],
    },
    schedule_id: "h1",
    closed: { to: { queue_id: "q2" }, keep_waiting: false },
    unattended: { grace_seconds: 30, rounds: 3, to: "hang_up" },
    max_wait_seconds: 900,
    service_level_seconds: 30,
    short_abandon_seconds: 4,
    while_waiting: { every_seconds: 60, position: true, expected_wait: false, music: "s7", say: [{ text: "Press 1 to leave a message" }], language: "en", keys: { "1": "voicemail", "2": "callback", "9": { queue_id: "q2" } } },
    voicemail: { greeting: [{ sound_id: "s9" }], language: "it", max_seconds: 120 },
    recording_notice: { say: [{ text: "This call is recorded" }], language: "en" },
  },
};

test("what is read and saved again is the same", () => {
  expect(worksOf(draftOf(works, "UTC"))).toEqual(works);
  const plain: Works = { ring_seconds: 15, routing: { ...works.routing, pause_after_missed: 3, too_long: null, overflow: null, hours: null, while_waiting: { every_seconds: null, position: false, expected_wait: false, music: null, say: [], language: "en", keys: {} }, voicemail: { greeting: [{ builtin: "vm-intro" }], language: "en", max_seconds: 180 }, recording_notice: { say: [], language: "en" } } };
  expect(worksOf(draftOf(plain, "UTC"))).toEqual(plain);
  expect(draftOf(plain, "Asia/Tokyo").timeZone).toBe("Asia/Tokyo");
});

test("the music is a sound, or that of the house", () => {
  const draft = draftOf(works, "UTC");
  expect(draft.music).toBe("s7");
  expect(worksOf({ ...draft, music: "" }).routing.while_waiting.music).toBeNull();
  expect(placed({ "routing.while_waiting.music": "is no sound of this company" })).toEqual({ "while_waiting-music": "is no sound of this company" });
  expect(touched(draft, { music: "" })).toEqual(["while_waiting-music"]);
});

test("a number outside is an end like another, in every place", () => {
  const outside: Works = { ...works, routing: { ...works.routing, too_long: { at: 30, to: { number: "+390644121234" } }, overflow: { after_seconds: 120, to: { number: "+4930123456" } }, closed: { to: { number: "+390612345678" }, keep_waiting: true }, unattended: { grace_seconds: 30, rounds: 3, to: { number: "+15550123" } } } };
  const draft = draftOf(outside, "UTC");
  expect(draft.to).toEqual(Object.fromEntries(PLACES.map((place) => [place, NUMBER])));
  expect(worksOf(draft)).toEqual(outside);
  expect(faultsOf(draft)).toEqual({});
  // Whoever changes their mind is not held up by what stands in a field that is not there.
  expect(faultsOf({ ...draft, outside: { ...draft.outside, overflow: "+39" } })).toEqual({ "outside-overflow": "outside" });
  expect(faultsOf({ ...draft, outside: { ...draft.outside, overflow: "" }, to: { ...draft.to, overflow: HANG_UP } })).toEqual({});
  expect(faultsOf({ ...draft, outside: { ...draft.outside, overflow: "" }, numbers: { ...draft.numbers, "overflow-after_seconds": "" } })).toEqual({});
  expect(worksOf({ ...draft, outside: { ...draft.outside, unattended: " 0039 (06) 123-45 678 " } }).routing.unattended.to).toEqual({ number: "+390612345678" });
});

test("whatever is typed for a number outside is sent as one, or said to be none", () => {
  const draft = { ...draftOf(works, "UTC"), to: { overflow: HANG_UP, too_long: HANG_UP, closed: HANG_UP, unattended: NUMBER } };
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^(\+|00)?[0-9 ()./-]{0,20}$/)), (typed) => {
      const given = { ...draft, outside: { ...draft.outside, unattended: typed } };
      const good = /^\+[1-9]\d{6,14}$/.test(e164(typed));
      expect(faultsOf(given)).toEqual(good ? {} : { "outside-unattended": "outside" });
      if (good) expect(worksOf(given).routing.unattended.to).toEqual({ number: e164(typed) });
    }),
  );
});

test("of everything that can be typed for a number only whole ones within its limits pass", () => {
  const draft = draftOf(works, "UTC");
  expect(faultsOf(draft)).toEqual({});
  fc.assert(
    fc.property(fc.constantFrom(...(Object.keys(NUMBERS) as (keyof typeof NUMBERS)[])), fc.oneof(fc.integer({ min: -200, max: 100_000 }).map(String), fc.string(), fc.double().map(String)), (field, typed) => {
      const changed = { ...draft, numbers: { ...draft.numbers, [field]: typed } };
      const { min, max, optional = false } = { optional: undefined, ...NUMBERS[field] };
      const value = Number(typed);
      const good = typed.trim() === "" ? optional === true : Number.isInteger(value) && min <= value && value <= max;
      expect(faultsOf(changed)[field]).toBe(good ? undefined : "number");
      if (good) expect(JSON.stringify(worksOf(changed))).not.toContain("NaN");
    }),
  );
});

test("what only the whole form can be told is told where it is", () => {
  const draft = draftOf(works, "UTC");
  expect(faultsOf({ ...draft, required: [{ skill_id: "s1", level: "" }] })).toEqual({ required: "level" });
  expect(faultsOf({ ...draft, relax: [{ after: "5", lower: "101", raise: "0", drop: [] }] })).toEqual({ relax: "relax" });
  expect(faultsOf({ ...draft, week: [{ day: 3, spans: [{ open: "18:00", close: "09:00" }] }] })).toEqual({ "day-3": "time" });
  expect(faultsOf({ ...draft, always: true, week: [{ day: 3, spans: [{ open: "", close: "09:00" }] }] })).toEqual({});
  expect(faultsOf({ ...draft, dispositions: [{ code: "", label: "Продано" }] })).toEqual({ dispositions: "disposition" });
  expect(faultsOf({ ...draft, dispositions: [{ code: "sold", label: "Продано" }] })).toEqual({});
});

test("a disposition's code is made of its words where nobody gave one", () => {
  expect(codeOf("Più tardi, forse!")).toBe("piu-tardi-forse");
  expect(codeOf("  ")).toBe("");
  expect(worksOf({ ...draftOf(works, "UTC"), dispositions: [{ code: "", label: " Not now " }] }).routing.dispositions).toEqual([{ code: "not-now", label: "Not now" }]);
});

test("every complaint of the server's has its place, and none is lost", () => {
  expect(placed({ priority: "a", "routing.wrap_up_seconds": "b", "routing.relax[0].lower_by": "c", "hours.week": "d", to: "e", "overflow.to.queue_id": "f", "routing.closed.to.number": "j", "unattended.rounds": "i", "of.tomorrow": "g", "": "h" })).toEqual({
    priority: "a",
    wrap_up_seconds: "b",
    relax: "c",
    hours: "d",
    to: "f",
    "outside-closed": "j",
    "unattended-rounds": "i",
    "": "of.tomorrow: g; h",
  });
});

test("what is being mended is known by its field", () => {
  const draft = draftOf(works, "UTC");
  expect(touched(draft, { numbers: { ...draft.numbers, wrap_up_seconds: "9" } })).toEqual(["wrap_up_seconds", "disposition_required"]);
  expect(touched(draft, { week: draft.week.map((one) => (one.day === 2 ? { ...one, spans: [] } : one)) })).toEqual(["day-2", "hours"]);
  expect(touched(draft, { outside: { ...draft.outside, closed: "+3" } })).toEqual(["outside-closed"]);
  expect(touched(draft, { to: { ...draft.to, closed: NUMBER } })).toEqual(["outside-closed", "to"]);
  expect(touched(draft, { to: draft.to, strategy: "ring_all" })).toEqual(["to"]);
});

test("what callers hear while they wait is something, and a key leads to one place", () => {
  const draft = draftOf(works, "UTC");
  expect(faultsOf(draft)).toEqual({});
  expect(faultsOf({ ...draft, position: false, hint: { ...draft.hint, kind: "none" } })).toEqual({ "while_waiting-every_seconds": "nothing" });
  expect(faultsOf({ ...draft, hint: { ...draft.hint, text: " " }, greeting: { ...draft.greeting, sound: "" } })).toEqual({ "while_waiting-say": "say", "voicemail-greeting": "say" });
  const twice = { key: "1", to: HANG_UP, outside: "" };
  expect(faultsOf({ ...draft, keys: [...draft.keys, twice] })).toEqual({ "while_waiting-keys": "keys" });
  const several: Works = { ...works, routing: { ...works.routing, voicemail: { ...works.routing.voicemail, greeting: [{ sound_id: "s9" }, { text: "After the tone" }] } } };
  expect(worksOf(draftOf(several, "UTC"))).toEqual(several);
});
