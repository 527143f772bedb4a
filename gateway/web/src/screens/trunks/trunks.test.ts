import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { loadArea, setLanguage } from "@/i18n";
import { EMPTY, bodyOf, changesOf, dialled, draftOf, faultsOf, isHost, isIpv4, isIpv6, placed, preferred, readHost, sourceFault, sourcesIn } from "./draft";
import type { Registration, Trunk, TrunkSettings, TrunkStatus } from "./model";
import { reasonText, serverStanding, settled, standingOf } from "./words";

const settings: TrunkSettings = {
  kind: "registration",
  host: "sip.example.com",
  port: null,
  transport: "udp",
  username: "user",
  auth_username: "",
  from_user: "",
  from_domain: "",
  outbound_proxy: "",
  codecs: ["alaw", "ulaw"],
  sources: [],
  max_channels: 10,
  country: "IT",
  dial_format: "e164",
  dial_strip: 1,
  dial_prefix: "00",
  shown: { show: "as_chosen" },
  outbound: true,
  qualify_seconds: 30,
  expires_seconds: 300,
  servers: ["asterisk-1"],
};
const trunk: Trunk = { id: "t", name: "Provider", settings, has_password: true, priority: 10, enabled: true, status: [], updated_at: "2026-11-30T10:00:00Z" };

beforeAll(async () => {
  await setLanguage("en");
  await loadArea("trunks");
});

describe("a trunk's form", () => {
  it("changes nothing when nothing was changed, and keeps a password that was not typed", () => {
    const before = draftOf(trunk);
    expect(bodyOf(before)).toEqual({ name: "Provider", settings, priority: 10, enabled: true });
    expect(changesOf(before, before)).toEqual({});
    expect(faultsOf(before, true)).toEqual({});
    expect(changesOf(before, { ...before, password: "new", name: " Other " })).toEqual({ password: "new", name: "Other" });
    // The settings go whole, with what the form does not show.
    expect(changesOf(before, { ...before, host: " sip.other.com ", port: "5070", shown: "number", shownNumber: "+39 06 1234567" })).toEqual({ settings: { ...settings, host: "sip.other.com", port: 5070, shown: { show: "number", number: "+39061234567" } } });
  });

  it("keeps each way of showing a number", () => {
    for (const shown of [{ show: "withheld" }, { show: "as_chosen" }, { show: "number", number: "+39061234567" }] as const) expect(bodyOf(draftOf({ ...trunk, settings: { ...settings, shown } })).settings.shown).toEqual(shown);
  });

  it("says what is wanting, by the kind", () => {
    expect(faultsOf(EMPTY, false)).toEqual({ name: "required", host: "required", username: "required", password: "required" });
    expect(faultsOf({ ...EMPTY, kind: "address" }, false)).toEqual({ name: "required", host: "required" });
    const address = { ...EMPTY, kind: "address" as const, name: "P", host: "198.51.100.7" };
    expect(faultsOf({ ...address, sources: "198.51.100.0/28\n2001:db8::/48, sip.example.com" }, false)).toEqual({});
    expect(faultsOf({ ...address, sources: "198.51.100.300" }, false)).toEqual({ sources: "source" });
    expect(faultsOf({ ...address, sources: "0.0.0.0/0" }, false)).toEqual({ sources: "wide" });
    const odd = { ...draftOf(trunk), port: "70000", codecs: [], maxChannels: "0", shown: "number" as const, shownNumber: "0612", dialFormat: "national" as const, country: "none", dialStrip: "x", dialPrefix: "0a", qualify: "3", expires: "10", priority: "-1" };
    expect(faultsOf(odd, true)).toEqual({ port: "port", codecs: "codecs", max_channels: "channels", shown: "number", country: "country", dial_strip: "strip", dial_prefix: "prefix", qualify_seconds: "qualify", expires_seconds: "expires", priority: "priority" });
    expect(faultsOf({ ...draftOf(trunk), qualify: "0" }, true)).toEqual({});
  });

  it("puts what the server says where it belongs", () => {
    expect(placed({ "settings.sources.1": "a", "settings.sources.2": "b", "settings.shown.number": "c", name: "d", "settings.tomorrow": "e" }, ["name", "sources", "shown"])).toEqual({ errors: { sources: "a", shown: "c", name: "d" }, stray: ["settings.tomorrow: e"] });
  });

  it("shows what the provider is asked to call", () => {
    const rome = { code: "39", rest: "0612345678", trunk: "" };
    const how = (dialFormat: "e164" | "digits" | "national", dialStrip = "0", dialPrefix = "") => dialled(rome, { dialFormat, dialStrip, dialPrefix });
    expect([how("e164"), how("digits"), how("national"), how("e164", "1", "00"), how("digits", "nine", "0")]).toEqual(["+390612345678", "390612345678", "0612345678", "00390612345678", "0390612345678"]);
    expect(dialled({ code: "44", rest: "2079460000", trunk: "0" }, { dialFormat: "national", dialStrip: "", dialPrefix: "" })).toBe("02079460000");
  });

  it("prefers a codec by one place more", () => {
    expect(preferred(["alaw", "ulaw", "g722"], "g722")).toEqual(["alaw", "g722", "ulaw"]);
    expect(preferred(["alaw", "ulaw"], "alaw")).toEqual(["alaw", "ulaw"]);
    expect(preferred(["alaw"], "opus")).toEqual(["alaw"]);
  });
});

describe("where a provider is", () => {
  it("is read from what the provider writes", () => {
    expect(readHost("sip:sip.example.com:5070;transport=tcp")).toEqual({ host: "sip.example.com", port: "5070", transport: "tcp" });
    expect(readHost("sips:user@sip.example.com")).toEqual({ host: "sip.example.com", transport: "tls" });
    expect(readHost(" 198.51.100.7:5060 ")).toEqual({ host: "198.51.100.7", port: "5060" });
    expect(readHost("[2001:db8::1]:5060")).toEqual({ host: "[2001:db8::1]", port: "5060" });
    expect(readHost("no host at all")).toEqual({ host: "no host at all" });
  });

  it("is a name or an address", () => {
    expect(["sip.example.com", "provider", "198.51.100.7", "[2001:db8::1]", "sip-1.example.com."].every(isHost)).toBe(true);
    expect(["", "1.2.3", "300.1.1.1", "-a.com", "a b", "a..b", "sip:x", "2001:db8::1", "[1.2.3.4]"].some(isHost)).toBe(false);
  });

  it("is a network only where it is one", () => {
    const four = fc.array(fc.nat(255), { minLength: 4, maxLength: 4 }).map((parts) => parts.join("."));
    fc.assert(
      fc.property(four, fc.integer({ min: 8, max: 32 }), (address, bits) => {
        expect(isIpv4(address)).toBe(true);
        expect(sourceFault(`${address}/${String(bits)}`)).toBeUndefined();
        expect(sourceFault(`${address}/${String(bits + 25)}`)).toBe("source");
      }),
    );
    fc.assert(fc.property(fc.ipV6(), (address) => void expect(isIpv6(address)).toBe(true)));
    // What is found good could begin nothing else in a configuration.
    fc.assert(fc.property(fc.string(), (text) => void expect(sourceFault(text) === undefined && !/^[0-9a-z_.:/-]+$/i.test(text)).toBe(false)));
    expect(["10.0.0.0/4", "::/0", "2001:db8::/8", "sip.example.com/24", "1.2.3.4/8/8"].map(sourceFault)).toEqual(["wide", "wide", "wide", "source", "source"]);
    expect(sourcesIn(" 1.2.3.4, 5.6.7.8\n1.2.3.4 ;; ")).toEqual(["1.2.3.4", "5.6.7.8"]);
  });
});

describe("how a trunk does", () => {
  const on = (state: Registration["state"] | null, reachable: boolean | null = true, rtt_ms: number | null = 23.4, more: Partial<Registration> = {}): TrunkStatus => ({ server: "a", registration: state === null ? null : { state, ...more }, reachable, rtt_ms });

  it("is said for each server", () => {
    expect(serverStanding(on("registered"))).toEqual({ tone: "live", text: "Registered, 23 ms" });
    expect(serverStanding(on("rejected", true, 20, { reason: "refused", detail: "403 Forbidden" }))).toMatchObject({ tone: "bad", text: "Rejected" });
    expect(serverStanding(on("registered", false, null))).toMatchObject({ tone: "bad", text: "Unreachable" });
    expect(serverStanding(on("registering", null, null)).tone).toBe("wait");
    // That it answers is not that we are let in.
    expect(serverStanding(on("unknown", true)).tone).toBe("wait");
    expect(serverStanding(on(null, true, 0.2))).toEqual({ tone: "live", text: "Reachable, 1 ms" });
    expect(serverStanding(on(null, null, null)).tone).toBe("wait");
  });

  it("is said for all of them by the worst, and in part where some work", () => {
    const of = (status: TrunkStatus[], enabled = true) => standingOf({ enabled, status });
    expect(of([on("registered")]).text).toBe("Registered, 23 ms");
    expect(of([on("registered"), on("rejected")])).toMatchObject({ tone: "ring", text: "Works on 1 of 2 servers" });
    expect(of([on("registering"), on("rejected")]).text).toBe("Rejected");
    expect(of([]).tone).toBe("wait");
    expect(of([on("rejected")], false).tone).toBe("neutral");
    expect([settled({ status: [] }), settled({ status: [on("registering")] }), settled({ status: [on("rejected")] })]).toEqual([false, false, true]);
  });

  it("says in words why a provider refuses, with what it said", () => {
    const said = (detail: string | null, reason: Registration["reason"] = null) => reasonText({ reason, detail });
    expect(said("403 Forbidden")).toContain("user name or password");
    expect(said("403 Forbidden")).toContain("403 Forbidden");
    expect(said("408 Request Timeout")).toContain("did not answer");
    expect(said(null, "no_answer")).toContain("did not answer");
    expect(said(null, "refused")).toBe("The provider refuses.");
    expect(said(null)).not.toContain("{");
    expect(new Set(["401", "404", "408", "could not resolve", "503", "TLS handshake", "488"].map((one) => said(one).split(" The provider said")[0])).size).toBe(7);
  });
});
