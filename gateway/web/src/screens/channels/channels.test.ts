import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { loadArea, setLanguage } from "@/i18n";
import { etagOf } from "../shared/etag";
import { hoursOf, openingOf, wrongDays } from "../shared/opening";
import type { ChannelAccount, Health } from "./api";
import { changesOf, draftOf, isReopen } from "./draft";
import { faultsOf, typedSettings, wanting } from "./fields";
import { standingOf, stoppedOf } from "./words";

const account: ChannelAccount = {
  id: "a",
  type: "whatsapp",
  name: "Shop",
  settings: { phone_number_id: "1", waba_id: "2", greeting: "Hello", csat: true, reopen_hours: 24, verify_token: "v" },
  secrets: ["access_token", "app_secret"],
  queue_id: "q",
  site_id: null,
  enabled: true,
  webhook_url: "https://x.test/webhooks/whatsapp/a",
  verify_token: "v",
  health: { webhook: "verified" },
  created_at: "2026-11-20T09:00:00Z",
  updated_at: "2026-11-20T09:00:00.123456Z",
};

beforeAll(async () => {
  await setLanguage("en");
  await loadArea("channels");
});

describe("the ETag of a list's row", () => {
  it("is its microseconds, in hexadecimal", () => {
    expect(etagOf("1970-01-01T00:00:00.000001Z")).toBe('"1"');
    expect(etagOf("1970-01-01T00:00:01Z")).toBe('"f4240"');
    expect(etagOf("1970-01-01T02:00:00.5+02:00")).toBe('"7a120"');
    expect(etagOf("yesterday")).toBeUndefined();
  });

  it("tells each microsecond from the next", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2_000_000_000 }), fc.integer({ min: 0, max: 999_999 }), (second, micro) => {
        const text = `${new Date(second * 1000).toISOString().slice(0, 19)}.${String(micro).padStart(6, "0")}Z`;
        expect(etagOf(text)).toBe(`"${(BigInt(second) * 1_000_000n + BigInt(micro)).toString(16)}"`);
      }),
    );
  });
});

describe("an account's form", () => {
  it("changes nothing when nothing was changed, and keeps secrets that were not typed", () => {
    expect(changesOf(account, draftOf(account, "Europe/Rome"), "Europe/Rome")).toEqual({});
  });

  it("sends what is another, and null for what was emptied", () => {
    const before = draftOf(account, "Europe/Rome");
    const week = openingOf(null, "Europe/Rome");
    const draft = { ...before, name: " Store ", queue: "none", greeting: " ", csat: false, reopen: "0", fields: { ...before.fields, access_token: " new ", country: "IT" }, opening: { ...week, always: false } };
    const changes = changesOf(account, draft, "Europe/Rome");
    expect(changes).toMatchObject({ name: "Store", queue_id: null, settings: { greeting: null, csat: false, reopen_hours: 0, access_token: "new", country: "IT" } });
    expect(changes.settings).not.toHaveProperty("app_secret");
    expect(changes.settings?.hours).toMatchObject({ time_zone: "Europe/Rome" });
  });

  it("takes hours from nought to a year", () => {
    expect(["0", "72", "", "8784"].every(isReopen)).toBe(true);
    expect(["-1", "1.5", "x", "8785"].some(isReopen)).toBe(false);
  });
});

it("opening hours come back as they were", () => {
  const hours = { time_zone: "Europe/Rome", week: [{ day: "monday" as const, from: "09:00", to: "13:00" }, { day: "sunday" as const, from: "10:00", to: "24:00" }] };
  expect(hoursOf(openingOf(hours, "UTC"))).toEqual(hours);
  expect(hoursOf(openingOf(null, "UTC"))).toBeNull();
  expect(wrongDays(openingOf({ ...hours, week: [{ day: "tuesday", from: "10:00", to: "09:00" }] }, "UTC"))).toEqual(["day-2"]);
});

it("what is wanting is said by name, and only what was typed is sent", () => {
  expect(wanting("telegram", {})).toEqual(["bot_token"]);
  expect(wanting("twilio", { account_sid: "AC1", auth_token: " ", from: "+1" })).toEqual(["auth_token"]);
  expect(typedSettings("telegram", { bot_token: " 1:a ", country: "", other: "x" })).toEqual({ bot_token: "1:a" });
});

describe("how an account does", () => {
  const at = Date.parse("2026-11-20T10:00:00Z");
  const of = (health: Partial<Health>, enabled = true) => standingOf({ enabled, health: { webhook: "verified", ...health } }, at);

  it("is said by the worst of it", () => {
    expect(of({}).text).toBe("Works");
    expect(of({ webhook: "unknown" }).text).toBe("Waits for the provider");
    expect(of({ webhook: "failing" }).tone).toBe("bad");
    expect(of({ webhook: "failing" }, false).text).toBe("Off");
    expect(of({ token_expires_at: "2026-11-22T10:00:00Z" }).text).toBe("Token ends soon");
    expect(of({ token_expires_at: "2026-11-19T10:00:00Z" }).text).toBe("Token has expired");
    const problem = { what: "account", detail: "Error validating access token (190)", at: "2026-11-20T09:00:00Z", level: "stopped" };
    expect(of({ problem, webhook: "unknown" })).toMatchObject({ tone: "bad", text: "Stopped" });
    expect(of({ problem }).more).toContain("Error validating access token (190)");
  });
});

describe("what a check finds", () => {
  it("leads to the field that is wrong, and not to a webhook that is yet to be set up", () => {
    expect(faultsOf("telegram", [{ what: "token", good: false, detail: "Unauthorized (401)" }])).toEqual({ "settings.bot_token": "Unauthorized (401)" });
    expect(faultsOf("whatsapp", [{ what: "token", good: true, detail: "good" }, { what: "webhook", good: false, detail: "set it up" }])).toEqual({});
    expect(faultsOf("twilio", [{ what: "something else", good: false, detail: "?" }])).toEqual({});
  });
  it("is told above every screen only while an account that is on has stopped", () => {
    const problem = { what: "account", detail: "Unauthorized", at: "2026-11-20T09:00:00Z", level: "stopped" };
    const stopped = { ...account, health: { webhook: "verified" as const, problem } };
    expect(stoppedOf([stopped])).toMatchObject([{ id: "a", name: "Shop", detail: "Unauthorized" }]);
    expect(stoppedOf([{ ...stopped, enabled: false }, account, { ...account, health: { webhook: "verified", problem: { ...problem, level: "warning" } } }])).toEqual([]);
  });
});
