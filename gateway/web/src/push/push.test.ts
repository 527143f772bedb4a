import { describe, expect, it } from "vitest";
import { type Browser, abilityOf, deviceName, keyBytes, sameBytes } from "./device";
import { type Kept, dutyOf } from "./subscribe";

const UA = {
  chrome: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
  edge: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
  firefox: "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0",
  iphone: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
  ipad: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15",
};
const chrome: Browser = { secure: true, worker: true, push: true, permission: "default", userAgent: UA.chrome, touchPoints: 0, installed: false };

describe("a browser", () => {
  it("can, or says why it cannot", () => {
    expect(abilityOf(chrome)).toBe("ready");
    expect(abilityOf({ ...chrome, permission: "granted" })).toBe("ready");
    expect(abilityOf({ ...chrome, permission: "denied" })).toBe("denied");
    expect(abilityOf({ ...chrome, push: false })).toBe("none");
    expect(abilityOf({ ...chrome, worker: false })).toBe("none");
    expect(abilityOf({ ...chrome, permission: undefined })).toBe("none");
    expect(abilityOf({ ...chrome, secure: false, worker: false })).toBe("insecure");
  });

  it("of iOS can from the home screen alone; an iPad calls itself a Mac", () => {
    const iphone = { ...chrome, userAgent: UA.iphone, touchPoints: 5, push: false, permission: undefined };
    expect(abilityOf(iphone)).toBe("install");
    expect(abilityOf({ ...iphone, installed: true, push: true, permission: "default" })).toBe("ready");
    expect(abilityOf({ ...iphone, userAgent: UA.ipad })).toBe("install");
    expect(abilityOf({ ...chrome, userAgent: UA.ipad })).toBe("ready");
  });

  it("is known by its name and its system", () => {
    expect([UA.chrome, UA.edge, UA.firefox, UA.iphone, "curl/8"].map(deviceName)).toEqual(["Chrome, Linux", "Edge, Windows", "Firefox, Android", "Safari, iPhone", undefined]);
  });

  it("takes keys as bytes", () => {
    expect(keyBytes("_-8")).toEqual(new Uint8Array([255, 239]));
    expect(keyBytes("not a key!")).toBeUndefined();
    expect(sameBytes(new Uint8Array([1, 2]).buffer, new Uint8Array([1, 2]))).toBe(true);
    expect(sameBytes(new Uint8Array([1, 2]).buffer, new Uint8Array([1, 3]))).toBe(false);
    expect(sameBytes(null, new Uint8Array())).toBe(false);
  });
});

describe("a subscription", () => {
  const known: Kept = { id: "1", endpoint: "https://push.test/1", person: "ann@desk.test" };

  it("is told of with each start: the server keeps it for one sign-in", () => {
    expect(dutyOf(true, known, "ann@desk.test")).toBe("tell");
  });

  it("of somebody else, or of nobody, is forgotten", () => {
    expect(dutyOf(true, known, "bob@desk.test")).toBe("forget");
    expect(dutyOf(true, undefined, "ann@desk.test")).toBe("forget");
    expect(dutyOf(false, known, "ann@desk.test")).toBe("forget");
    expect(dutyOf(false, undefined, "ann@desk.test")).toBe("none");
  });
});
