import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { loadArea, setLanguage } from "@/i18n";
import { AS_DIALLED, EMPTY, FIXED, addressFault, addressesIn, bodyOf, changesOf, dialled, draftOf, faultsOf, isHost, isIpv4, isIpv6, preferred, readHost } from "./draft";
import type { Trunk, TrunkStatus } from "./model";
import { reasonText, serverStanding, settled, standingOf } from "./words";

const trunk: Trunk = {
  id: "t",
  name: "Provider",
  kind: "registration",
  host: "sip.example.com",
  port: 5060,
  transport: "udp",
  username: "user",
  has_password: true,
  from_user: null,
  from_domain: null,
  outbound_proxy: null,
  codecs: ["alaw", "ulaw"],
  addresses: [],
  max_channels: 10,
  country: "IT",
  caller_id: "as_dialled",
  strip: 1,
  prefix: "00",
  priority: 0,
  enabled: true,
  status: [],
};

beforeAll(async () => {
  await setLanguage("en");
  await loadArea("trunks");
});

describe("a trunk's form", () => {
  it("changes nothing when nothing was changed, and keeps a password that was not typed", () => {
    const before = draftOf(trunk);
    expect(changesOf(before, before)).toEqual({});
    expect(faultsOf(before, true)).toEqual({});
    expect(changesOf(before, { ...before, password: "new", host: " sip.other.com ", callerId: FIXED, fixedNumber: "+39 06 1234567" })).toEqual({ password: "new", host: "sip.other.com", caller_id: "+39061234567" });
  });

  it("knows a usual port by the transport", () => {
    expect(draftOf(trunk).port).toBe("");
    expect(bodyOf({ ...draftOf(trunk), transport: "tls" }).port).toBe(5061);
    expect(draftOf({ ...trunk, port: 5070 }).port).toBe("5070");
  });

  it("keeps how callers are shown, where that is a way that the form does not know", () => {
    const other = draftOf({ ...trunk, caller_id: "anonymous" });
    expect(bodyOf(other).caller_id).toBe("anonymous");
    expect(draftOf({ ...trunk, caller_id: "+39061234567" })).toMatchObject({ callerId: FIXED, fixedNumber: "+39061234567" });
    expect(bodyOf(EMPTY).caller_id).toBe(AS_DIALLED);
  });

  it("says what is wanting, by the kind", () => {
    expect(faultsOf(EMPTY, false)).toEqual({ name: "required", host: "required", username: "required", password: "required" });
    expect(faultsOf({ ...EMPTY, kind: "address" }, false)).toEqual({ name: "required", host: "required", addresses: "required" });
    const address = { ...EMPTY, kind: "address" as const, name: "P", host: "198.51.100.7" };
    expect(faultsOf({ ...address, addresses: "198.51.100.0/28\n2001:db8::/48" }, false)).toEqual({});
    expect(faultsOf({ ...address, addresses: "198.51.100.300" }, false)).toEqual({ addresses: "addresses" });
    expect(faultsOf({ ...address, addresses: "0.0.0.0/0" }, false)).toEqual({ addresses: "wide" });
    expect(faultsOf({ ...draftOf(trunk), port: "70000", codecs: [], maxChannels: "0", callerId: FIXED, fixedNumber: "0612", strip: "x", prefix: "0a", priority: "-1" }, true)).toEqual({ port: "port", codecs: "codecs", max_channels: "channels", caller_id: "number", strip: "strip", prefix: "prefix", priority: "priority" });
  });

  it("shows what the provider is asked to call", () => {
    expect(dialled("+390612345678", "1", "00")).toBe("00390612345678");
    expect(dialled("+390612345678", "", "")).toBe("+390612345678");
    expect(dialled("+390612345678", "nine", "0")).toBe("0+390612345678");
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
    expect(readHost("[2001:db8::1]:5060")).toEqual({ host: "2001:db8::1", port: "5060" });
    expect(readHost("no host at all")).toEqual({ host: "no host at all" });
  });

  it("is a name or an address", () => {
    expect(["sip.example.com", "provider", "198.51.100.7", "2001:db8::1", "sip-1.example.com."].every(isHost)).toBe(true);
    expect(["", "1.2.3", "300.1.1.1", "-a.com", "a b", "a..b", "sip:x", "[::1]"].some(isHost)).toBe(false);
  });

  it("is a network only where it is one", () => {
    const four = fc.array(fc.nat(255), { minLength: 4, maxLength: 4 }).map((parts) => parts.join("."));
    fc.assert(
      fc.property(four, fc.integer({ min: 8, max: 32 }), (address, bits) => {
        expect(isIpv4(address)).toBe(true);
        expect(addressFault(`${address}/${String(bits)}`)).toBeUndefined();
        expect(addressFault(`${address}/${String(bits + 25)}`)).toBe("address");
      }),
    );
    fc.assert(fc.property(fc.ipV6(), (address) => void expect(isIpv6(address)).toBe(true)));
    // What is found good is of signs that only an address has.
    fc.assert(fc.property(fc.string(), (text) => void expect(addressFault(text) !== "address" && !/^[0-9a-f.:/]+$/i.test(text)).toBe(false)));
    expect(["10.0.0.0/4", "::/0", "2001:db8::/8"].map(addressFault)).toEqual(["wide", "wide", "wide"]);
    expect(addressesIn(" 1.2.3.4, 5.6.7.8\n1.2.3.4 ;; ")).toEqual(["1.2.3.4", "5.6.7.8"]);
  });
});

describe("how a trunk does", () => {
  const on = (registration: TrunkStatus["registration"]["state"], reachable: boolean | null = true, rtt_ms: number | null = 23.4, reason: string | null = null): TrunkStatus => ({ server: "a", registration: { state: registration, reason }, reachable, rtt_ms });

  it("is said for each server", () => {
    expect(serverStanding("registration", on("registered"))).toEqual({ tone: "live", text: "Registered, 23 ms" });
    expect(serverStanding("registration", on("rejected", true, 20, "403 Forbidden"))).toMatchObject({ tone: "bad", text: "Rejected" });
    expect(serverStanding("registration", on("registered", false, null))).toMatchObject({ tone: "bad", text: "Unreachable" });
    expect(serverStanding("registration", on("unregistered")).tone).toBe("ring");
    expect(serverStanding("registration", on("trying", null, null)).tone).toBe("wait");
    expect(serverStanding("address", on("none", true, 0.2))).toEqual({ tone: "live", text: "Reachable, 1 ms" });
    expect(serverStanding("address", on("none", null, null)).tone).toBe("wait");
  });

  it("is said for all of them by the worst, and in part where some work", () => {
    const of = (status: TrunkStatus[], enabled = true) => standingOf({ kind: "registration", enabled, status });
    expect(of([on("registered")]).text).toBe("Registered, 23 ms");
    expect(of([on("registered"), on("rejected", true, 1, "401")])).toMatchObject({ tone: "ring", text: "Works on 1 of 2 servers" });
    expect(of([on("trying"), on("rejected")]).text).toBe("Rejected");
    expect(of([]).tone).toBe("wait");
    expect(of([on("rejected")], false).tone).toBe("neutral");
    expect([settled({ kind: "registration", status: [] }), settled({ kind: "registration", status: [on("trying")] }), settled({ kind: "registration", status: [on("rejected")] })]).toEqual([false, false, true]);
  });

  it("says in words why a provider refuses, with what it said", () => {
    expect(reasonText("403 Forbidden")).toContain("user name or password");
    expect(reasonText("403 Forbidden")).toContain("403 Forbidden");
    expect(reasonText("408 Request Timeout")).toContain("did not answer");
    expect(reasonText(null)).not.toContain("{");
    expect(new Set(["401", "404", "408", "could not resolve", "503", "TLS handshake", "488"].map((one) => reasonText(one).split(" The provider said")[0])).size).toBe(7);
  });
});
