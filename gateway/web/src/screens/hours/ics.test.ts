import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addDays, dateOf, isDate } from "./dates";
import { bodyOf, byDate, changesOf, draftOf, specialFaults, standing, withSpecial } from "./draft";
import { MOST_DAYS, readCalendar } from "./ics";
import type { Special } from "./rules";

const event = (...lines: string[]) => ["BEGIN:VEVENT", ...lines, "END:VEVENT"];
const calendar = (...events: string[][]) => ["BEGIN:VCALENDAR", "VERSION:2.0", ...events.flat(), "END:VCALENDAR", ""].join("\r\n");
const read = (text: string, since = "2026-01-01") => readCalendar(text, since);

describe("a calendar of holidays", () => {
  it("gives whole days, the end of an event being the day after it", () => {
    const { sound, days, left } = read(
      calendar(
        event("UID:2", "DTSTART;VALUE=DATE:20261225", "DTEND;VALUE=DATE:20261227", "SUMMARY:Christmas\\, both days"),
        event("UID:1", "DTSTART;VALUE=DATE:20260602", "DTEND;VALUE=DATE:20260603", "SUMMARY;LANGUAGE=it:Festa della ", " Repubblica"),
        event("DTSTART:20260815", "SUMMARY:Without an end"),
        event("DTSTART;VALUE=DATE:20260817", "DURATION:P1W", "SUMMARY:A week"),
      ),
    );
    expect(sound).toBe(true);
    expect(left).toEqual([]);
    expect(days).toEqual([
      { name: "Festa della Repubblica", from: "2026-06-02", to: "2026-06-02" },
      { name: "Without an end", from: "2026-08-15", to: "2026-08-15" },
      { name: "A week", from: "2026-08-17", to: "2026-08-23" },
      { name: "Christmas, both days", from: "2026-12-25", to: "2026-12-26" },
    ]);
  });

  it("says what it left out, and where that stands", () => {
    const { days, left } = read(
      calendar(
        event("DTSTART:20260101T090000Z", "SUMMARY:Meeting"),
        event("DTSTART;VALUE=DATE:20260230", "SUMMARY:No such day"),
        event("SUMMARY:No day"),
        event("DTSTART;VALUE=DATE:20260501", "STATUS:CANCELLED", "SUMMARY:Not this year"),
        event("DTSTART;VALUE=DATE:20260901", "RRULE:FREQ=WEEKLY", "SUMMARY:Weekly"),
      ),
    );
    expect(left.map(({ line, name, why }) => [line, name, why])).toEqual([
      [3, "Meeting", "timed"],
      [7, "No such day", "date"],
      [11, "No day", "date"],
      [14, "Not this year", "cancelled"],
      [19, "Weekly", "repeats"],
    ]);
    expect(days).toEqual([{ name: "Weekly", from: "2026-09-01", to: "2026-09-01" }]);
  });

  it("repeats what is each year, for this year and two more, and leaves what is over", () => {
    const text = calendar(event("DTSTART;VALUE=DATE:20001225", "RRULE:FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=25", "SUMMARY:Christmas"), event("DTSTART;VALUE=DATE:20240229", "RRULE:FREQ=YEARLY", "SUMMARY:Leap"), event("DTSTART;VALUE=DATE:20250101", "SUMMARY:Over"), event("DTSTART;VALUE=DATE:20200501", "RRULE:FREQ=YEARLY;UNTIL=20261231T000000Z", "SUMMARY:Labour"));
    expect(read(text, "2026-06-01").days.map(({ name, from }) => `${name} ${from}`)).toEqual(["Christmas 2026-12-25", "Christmas 2027-12-25", "Leap 2028-02-29", "Christmas 2028-12-25"]);
  });

  it("is not led astray by what stands within an event, by what is twice, or by quotes", () => {
    const alarm = ["BEGIN:VALARM", "DTSTART;VALUE=DATE:20990101", "SUMMARY:Alarm", "END:VALARM"];
    const one = event(...alarm, 'DTSTART;X-A="a:b;c";VALUE=DATE:20261101', "SUMMARY:All Saints");
    expect(read(calendar(one, one)).days).toEqual([{ name: "All Saints", from: "2026-11-01", to: "2026-11-01" }]);
  });

  it("is none where it is none", () => {
    expect(read("Dear colleague,\nplease find the holidays attached.")).toEqual({ sound: false, days: [], left: [] });
    expect(read("")).toEqual({ sound: false, days: [], left: [] });
  });

  it("gives every day that was written, folded anyhow", () => {
    const date = fc.date({ min: new Date("2026-01-01T00:00:00Z"), max: new Date("2030-12-31T00:00:00Z"), noInvalidDate: true }).map((one) => dateOf(one.getUTCFullYear(), one.getUTCMonth() + 1, one.getUTCDate()));
    const name = fc.string({ unit: fc.constantFrom(..."aé ;,\\Ж:\"="), minLength: 1, maxLength: 90 }).map((text) => text.trim().replace(/\s+/g, " ")).filter((text) => text !== "");
    const bare = (text: string) => text.replaceAll("-", "");
    fc.assert(
      fc.property(fc.uniqueArray(fc.record({ name, from: date, length: fc.integer({ min: 1, max: 20 }) }), { maxLength: 12, selector: (one) => `${one.name} ${one.from}` }), fc.integer({ min: 20, max: 75 }), fc.constantFrom("\r\n", "\n"), (wanted, width, end) => {
        const folded = (line: string) => (line.match(new RegExp(`.{1,${String(width)}}`, "gu")) ?? []).join(`${end} `);
        const lines = wanted.flatMap((one) => event(`DTSTART;VALUE=DATE:${bare(one.from)}`, `DTEND;VALUE=DATE:${bare(addDays(one.from, one.length))}`, `SUMMARY:${one.name.replace(/[\\;,]/g, (sign) => `\\${sign}`)}`));
        const found = read(["BEGIN:VCALENDAR", ...lines, "END:VCALENDAR"].map(folded).join(end)).days;
        const key = (one: { name: string; from: string; to: string }) => `${one.from} ${one.to} ${one.name}`;
        expect(found.map(key).sort()).toEqual(wanted.map(({ name: called, from, length }) => key({ name: called, from, to: addDays(from, length - 1) })).sort());
      }),
    );
  });

  it("never fails, and gives sound days only, whatever it is given", () => {
    const piece = fc.constantFrom("BEGIN:VCALENDAR", "BEGIN:VEVENT", "END:VEVENT", "BEGIN:VALARM", "END:VALARM", "DTSTART;VALUE=DATE:20261225", "DTSTART:20261399", "DTEND;VALUE=DATE:20250101", "DTEND;VALUE=DATE:20991231", "DURATION:P-1D", "DURATION:P3D", "RRULE:FREQ=YEARLY;INTERVAL=0", "RRULE:FREQ=YEARLY;COUNT=x", "RRULE:FREQ=YEARLY", "SUMMARY:x", " folded", ":", ";;;:", "STATUS:CANCELLED");
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 40 }), (lines) => {
        const { days } = read(lines.join("\n"));
        expect(days.length).toBeLessThanOrEqual(MOST_DAYS);
        for (const { from, to } of days) expect([isDate(from), isDate(to), from <= to, to >= "2026-01-01"]).toEqual([true, true, true, true]);
      }),
    );
  });
});

describe("the form of opening hours", () => {
  const schedule = { name: "Office", time_zone: "Europe/Rome", week: [{ day: "monday" as const, from: "09:00", to: "24:00" }], special: [{ name: "Christmas", from: "2026-12-25", to: "2026-12-26", openings: [] }, { name: "Eve", from: "2026-12-24", to: "2026-12-24", openings: [{ from: "09:00", to: "12:00" }] }] };

  it("sends what it was given, and only what is another", () => {
    const draft = draftOf(schedule);
    expect(bodyOf(draft)).toEqual(schedule);
    expect(byDate(draft.special).map((one) => one.name)).toEqual(["Eve", "Christmas"]);
    expect(changesOf(draft, draft)).toEqual({});
    expect(changesOf(draft, { ...draft, name: " Reception " })).toEqual({ name: "Reception" });
    expect(Object.keys(changesOf(draft, { ...draft, special: [] }))).toEqual(["special"]);
  });

  it("says what is wrong with a special day", () => {
    const { special } = draftOf(schedule);
    const day = { name: "X", from: "2026-12-27", to: "2026-12-28", stretches: [] };
    expect(specialFaults(day, special)).toEqual({});
    expect(specialFaults({ ...day, name: " ", from: "", to: "2026-13-01" }, special)).toEqual({ name: "name", from: "from", to: "to" });
    expect(specialFaults({ ...day, to: "2026-12-26" }, special)).toEqual({ to: "order" });
    expect(specialFaults({ ...day, to: "2028-01-01" }, special)).toEqual({ to: "long" });
    expect(specialFaults({ ...day, from: "2026-12-24", to: "2026-12-24" }, special)).toMatchObject({ from: "conflict", clash: { name: "Eve" } });
    expect(specialFaults({ ...day, from: "2026-12-24" }, special)).toEqual({});
    expect(specialFaults({ ...day, from: "2026-12-26" }, special)).toEqual({});
  });

  it("knows what a calendar adds, repeats, or contradicts", () => {
    const { special } = draftOf(schedule);
    expect(standing({ from: "2026-12-25", to: "2026-12-25" }, special)).toBe("known");
    expect(standing({ from: "2026-12-24", to: "2026-12-24" }, special)).toBe("clash");
    expect(standing({ from: "2027-01-01", to: "2027-01-01" }, special)).toBe("new");
  });

  it("puts a day before the longer time that it is a part of, in whatever order they come", () => {
    const day = (name: string, from: string, to: string) => ({ name, from, to, stretches: [] });
    const [month, week, feast] = [day("Month", "2026-08-01", "2026-08-31"), day("Week", "2026-08-10", "2026-08-16"), day("Feast", "2026-08-15", "2026-08-15")];
    for (const order of [[month, week, feast], [feast, week, month], [week, month, feast], [month, feast, week]]) {
      const all = order.reduce<readonly Special[]>((special, one) => withSpecial(special, one), []);
      expect(all.map((one) => one.name)).toEqual(["Feast", "Week", "Month"]);
    }
    expect(withSpecial([feast, week, month], { ...feast, name: "Ferragosto" }, feast).map((one) => one.name)).toEqual(["Ferragosto", "Week", "Month"]);
  });
});
