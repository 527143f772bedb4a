import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CLOSED_WEEK, DAY_END, type Stretches, clockText, copied, dayText, drawn, merged, moved, openingsOf, readDay, resized, snapped, stretchesOf, timeOf, weekOf, weekOpeningsOf, withDay } from "./week";

const edge = fc.integer({ min: 0, max: DAY_END });
const stretches = fc.array(fc.tuple(edge, edge), { maxLength: 6 }).map((pairs) => merged(pairs.map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }))));

function sound(day: Stretches): boolean {
  return day.every(({ from, to }, at) => from >= 0 && from < to && to <= DAY_END && from > (day[at - 1]?.to ?? -1));
}

describe("what is typed for a day", () => {
  it.each([
    ["9-18", "09:00–18:00"],
    ["9:00 – 13:00, 14:00 – 18:30", "09:00–13:00, 14:00–18:30"],
    ["9-13 14-18", "09:00–13:00, 14:00–18:00"],
    ["0900-1730", "09:00–17:30"],
    ["9.30-12h15", "09:30–12:15"],
    ["9am - 5:30pm", "09:00–17:30"],
    ["12am-12pm", "00:00–12:00"],
    ["14-18; 9-13", "09:00–13:00, 14:00–18:00"],
    ["9-13, 13-18", "09:00–18:00"],
    ["18-0", "18:00–24:00"],
    ["18-24", "18:00–24:00"],
    ["0-24", "00:00–24:00"],
    ["24h", "00:00–24:00"],
    ["", ""],
    ["closed", ""],
    ["–", ""],
    ["9 to 17", "09:00–17:00"],
  ])("%s is %s", (typed, text) => {
    const read = readDay(typed);
    expect(read.fault).toBeUndefined();
    if (read.fault === undefined) expect([dayText(read.stretches), read.over]).toEqual([text, undefined]);
  });

  it("goes on past midnight on the next day, from Sunday to Monday too", () => {
    const read = readDay("22-2");
    expect(read).toEqual({ stretches: [{ from: 1320, to: 1440 }], over: { from: 0, to: 120 } });
    const week = withDay(CLOSED_WEEK, 6, [{ from: 1320, to: 1440 }], { from: 0, to: 120 });
    expect([week[6], week[0], week[1]]).toEqual([[{ from: 1320, to: 1440 }], [{ from: 0, to: 120 }], []]);
  });

  it.each([
    ["nine", "time"],
    ["9", "time"],
    ["9-25", "time"],
    ["9-12:60", "time"],
    ["24-3", "time"],
    ["9-12-15", "time"],
    ["13pm-14", "time"],
    ["9-9", "nothing"],
    ["9-13, 12-18", "overlap"],
    ["22-2, 23-1", "overlap"],
  ])("%s is refused: %s", (typed, fault) => expect(readDay(typed).fault).toBe(fault));

  it("is read as it is written, whatever the hours", () => {
    fc.assert(fc.property(stretches, (day) => void expect(readDay(dayText(day))).toEqual({ stretches: day, over: undefined })));
  });

  it("is sound or refused, whatever is typed", () => {
    const typed = fc.oneof(fc.string(), fc.array(fc.constantFrom("9", "13", "-", "–", ",", ":", "30", " ", "24", "0", "pm", "h", "to"), { maxLength: 14 }).map((parts) => parts.join("")));
    fc.assert(
      fc.property(typed, (text) => {
        const read = readDay(text);
        if (read.fault === undefined) expect([sound(read.stretches), read.over === undefined || sound([read.over])]).toEqual([true, true]);
      }),
    );
  });
});

it("times are read as people write them", () => {
  expect(["9", "09:05", "24:00", "00:00", "9pm", "12pm", "2359"].map(timeOf)).toEqual([540, 545, 1440, 0, 1260, 720, 1439]);
  expect(["24:01", "25", "9:5", "0am", "-1", "", "9:00:00"].map(timeOf)).toEqual([undefined, undefined, undefined, undefined, undefined, undefined, undefined]);
});

describe("a week", () => {
  it("comes back as the server has it, the end of a day as 24:00", () => {
    const openings = [
      { day: "monday" as const, from: "09:00", to: "13:00" },
      { day: "monday" as const, from: "14:00", to: "24:00" },
      { day: "sunday" as const, from: "00:00", to: "00:30" },
    ];
    expect(weekOpeningsOf(weekOf(openings))).toEqual(openings);
    fc.assert(fc.property(stretches, (day) => void expect(stretchesOf(openingsOf(day))).toEqual(day)));
  });

  it("leaves out what is no time, and makes what overlaps one", () => {
    expect(weekOf([{ day: "friday", from: "25:00", to: "26:00" }, { day: "friday", from: "09:00", to: "12:00" }, { day: "friday", from: "11:00", to: "14:00" }])[4]).toEqual([{ from: 540, to: 840 }]);
  });

  it("copies a day to others, and to no more", () => {
    const week = withDay(CLOSED_WEEK, 0, [{ from: 540, to: 1080 }]);
    expect(copied(week, 0, [2, 6]).map((day) => day.length)).toEqual([1, 0, 1, 0, 0, 0, 1]);
  });

  it("stays sound whatever is drawn over it", () => {
    fc.assert(
      fc.property(stretches, edge, edge, fc.nat(5), fc.constantFrom("from" as const, "to" as const), (day, one, other, index, which) => {
        expect(sound(drawn(day, one, other))).toBe(true);
        expect(sound(resized(day, index, which, one))).toBe(true);
        expect(sound(moved(day, index, one - other))).toBe(true);
        const covered = drawn(day, one, other);
        if (one !== other) expect(covered.some(({ from, to }) => from <= Math.min(one, other) && to >= Math.max(one, other))).toBe(true);
      }),
    );
  });

  it("loses what is drawn shut, and joins what meets", () => {
    const day = [{ from: 540, to: 720 }, { from: 780, to: 1080 }];
    expect(resized(day, 0, "to", 500)).toEqual([{ from: 780, to: 1080 }]);
    expect(resized(day, 0, "to", 780)).toEqual([{ from: 540, to: 1080 }]);
  });

  it("is moved as far as the day goes, as long as it was", () => {
    expect(moved([{ from: 540, to: 720 }], 0, 60)).toEqual([{ from: 600, to: 780 }]);
    expect(moved([{ from: 540, to: 720 }], 0, 5000)).toEqual([{ from: 1260, to: 1440 }]);
    expect(moved([{ from: 540, to: 720 }], 0, -5000)).toEqual([{ from: 0, to: 180 }]);
  });

  it("is drawn by quarters of an hour", () => {
    expect([snapped(-4), snapped(8), snapped(1438), snapped(2000)]).toEqual([0, 15, 1440, 1440]);
    expect([clockText(0), clockText(65), clockText(DAY_END)]).toEqual(["00:00", "01:05", "24:00"]);
  });
});
