import { describe, expect, it } from "vitest";
import { dayIn, daysOf, fromSearch, intervalFor, shifted } from "./period";

describe("the days of a report", () => {
  it("are those of the tenant's time zone", () => {
    const now = new Date("2026-11-29T23:30:00Z");
    expect(dayIn("UTC", now)).toBe("2026-11-29");
    expect(dayIn("Europe/Rome", now)).toBe("2026-11-30");
    expect(dayIn("America/New_York", now)).toBe("2026-11-29");
  });

  it("follow each other through changes of the clock, months and years", () => {
    expect(shifted("2026-10-25", 1)).toBe("2026-10-26");
    expect(shifted("2026-03-29", -1)).toBe("2026-03-28");
    expect(shifted("2024-02-28", 1)).toBe("2024-02-29");
    expect(shifted("2026-01-01", -1)).toBe("2025-12-31");
  });

  it("make the periods", () => {
    expect(daysOf("today", "2026-11-29")).toEqual({ from: "2026-11-29", to: "2026-11-29" });
    expect(daysOf("week", "2026-11-03")).toEqual({ from: "2026-10-28", to: "2026-11-03" });
    expect(daysOf("month", "2026-11-03")).toEqual({ from: "2026-11-01", to: "2026-11-03" });
    expect(daysOf("last-month", "2026-03-31")).toEqual({ from: "2026-02-01", to: "2026-02-28" });
  });

  it("are cut so that there is something to see", () => {
    expect(intervalFor("2026-11-29", "2026-11-29")).toBe("hour");
    expect(intervalFor("2026-11-01", "2026-11-29")).toBe("day");
    expect(intervalFor("2026-01-01", "2026-11-29")).toBe("week");
    expect(intervalFor("2024-01-01", "2026-11-29")).toBe("month");
  });

  it("are read from the address, as far as it makes sense", () => {
    expect(fromSearch({}, "2026-11-29")).toEqual({ period: "week", from: "2026-11-23", to: "2026-11-29", interval: "day", by: "none" });
    expect(fromSearch({ period: "custom", from: "2026-01-01", to: "soon", interval: "fortnight", by: "queue" }, "2026-11-29")).toEqual({
      period: "custom",
      from: "2026-01-01",
      to: "2026-11-29",
      interval: "week",
      by: "queue",
    });
    expect(fromSearch({ period: "custom", from: "2026-99-01" }, "2026-11-29").from).toBe("2026-11-29");
  });
});
