import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tagOf } from "../messages";
import { type Scene, addressOf, isPanel, isStrict, noticeOf, showingOf, wordsOf } from "./notice";
import { offlineAnswer, offlinePage } from "./offline";
import { REASONS, read } from "./payload";

const CHAT = "0198f000-0000-7000-8000-000000000001";
const EVENT = "0198f000-0000-7000-8000-000000000002";
const whole = { v: 1, reason: "message", name: "Marta Keller", preview: "Is it still at that price?", conversation_id: CHAT, event_id: EVENT, language: "en", at: "2026-11-30T09:00:00Z" };
const pushed = (more: object = {}) => read(JSON.stringify({ ...whole, ...more }));
const english = ["en"];
const away: Scene = { visible: false, told: false, standing: undefined, strict: false };

describe("what was pushed", () => {
  it("is shown in the person's language, with who and what", () => {
    expect(noticeOf(pushed(), english)).toEqual({ title: "Marta Keller", body: "Is it still at that price?", tag: tagOf(CHAT), language: "en", at: Date.parse(whole.at), data: { conversation: CHAT, event: EVENT } });
    expect(noticeOf(pushed({ reason: "assigned", language: "ru" }), english).title).toBe("Назначен вам: Marta Keller");
    expect(noticeOf(pushed({ reason: "sla", language: "it" }), english).title).toBe("Risposta in ritardo: Marta Keller");
    expect(noticeOf(pushed({ reason: "test", conversation_id: null }), english)).toMatchObject({ title: "Notifications work here", tag: "trunkline-test", data: { conversation: null } });
  });

  it("has words for every reason in every language", () => {
    for (const language of ["en", "ru", "it"]) {
      for (const reason of REASONS) expect(noticeOf(pushed({ reason, language }), []).title).not.toMatch(/undefined|\{/);
    }
  });

  it("says that there is something new when it cannot be read, or is a newer server's", () => {
    for (const data of [undefined, "", "garbage", "null", "1", "[]", "{}", '{"v":2}', "\u0000", '{"v":1']) {
      expect(read(data)).toBeUndefined();
      expect(noticeOf(read(data), ["it-CH"])).toMatchObject({ title: "Qualcosa di nuovo nella posta", body: "", tag: "trunkline-inbox", language: "it" });
    }
    expect(noticeOf(pushed({ reason: "poked" }), english)).toMatchObject({ title: "Something new in the inbox", body: "", tag: tagOf(CHAT) });
  });

  it("names nobody by marks that turn the direction, and takes no pattern for a name", () => {
    expect(noticeOf(pushed({ reason: "assigned", name: "\u202Egnp.exe" }), english).title).toBe("Assigned to you: gnp.exe");
    expect(noticeOf(pushed({ reason: "assigned", name: "$& {name}" }), english).title).toBe("Assigned to you: $& {name}");
    expect(noticeOf(pushed({ name: "\u200B" }), english).title).toBe("\u2026");
  });

  it("leads nowhere but to a conversation", () => {
    for (const conversation_id of ["../../x", "", 7, {}, `${CHAT}/..`, "javascript:1"]) expect(noticeOf(pushed({ conversation_id }), english).data.conversation).toBeNull();
  });

  it("can be anything", () => {
    const value = fc.oneof(fc.jsonValue(), fc.string(), fc.constant(CHAT));
    const object = fc.record({ v: fc.constant(1), reason: fc.oneof(fc.constantFrom(...REASONS), value), name: value, preview: value, conversation_id: value, event_id: value, language: value, at: value }, { requiredKeys: ["v"] });
    fc.assert(
      fc.property(fc.oneof(fc.string(), object.map((one) => JSON.stringify(one))), (data) => {
        const notice = noticeOf(read(data), english);
        expect(notice.title).not.toBe("");
        expect(notice.body.length).toBeLessThanOrEqual(120);
        expect(addressOf(notice.data).path).toMatch(/^\/inbox(\?c=[0-9a-f-]{36})?$/i);
      }),
    );
  });
});

describe("whether it is shown", () => {
  it("is not while somebody sees the panel, nor what a page has shown, nor twice", () => {
    expect(showingOf(pushed(), away)).toBe("loud");
    expect(showingOf(undefined, away)).toBe("loud");
    expect(showingOf(pushed(), { ...away, visible: true })).toBeUndefined();
    expect(showingOf(undefined, { ...away, visible: true })).toBeUndefined();
    expect(showingOf(pushed(), { ...away, told: true })).toBeUndefined();
    expect(showingOf(pushed(), { ...away, standing: EVENT })).toBeUndefined();
    expect(showingOf(pushed(), { ...away, standing: "another" })).toBe("loud");
    expect(showingOf(pushed({ event_id: null }), { ...away, standing: null })).toBe("loud");
  });

  it("is when somebody asks for a test, who looks at the panel", () => {
    expect(showingOf(pushed({ reason: "test" }), { ...away, visible: true })).toBe("loud");
  });

  it("is, without a sound, where a browser punishes silence", () => {
    expect(showingOf(pushed(), { ...away, visible: true, strict: true })).toBe("silent");
    expect(isStrict("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1")).toBe(true);
    expect(isStrict("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36")).toBe(false);
    expect(isStrict("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")).toBe(false);
  });
});

describe("a click", () => {
  it("leads to the conversation, or to the inbox", () => {
    expect(addressOf({ conversation: CHAT, event: null })).toEqual({ conversation: CHAT, path: `/inbox?c=${CHAT}` });
    for (const data of [undefined, null, 7, "x", {}, { conversation: 7 }]) expect(addressOf(data)).toEqual({ conversation: null, path: "/inbox" });
  });

  it("goes to a window of the panel, not to one of its documentation", () => {
    expect(["/", "/inbox?c=x", "/devices", "/sign-in"].map((path) => isPanel(`https://desk.test${path}`))).toEqual([true, true, true, true]);
    expect(["/dev", "/dev/openapi.json", "/api/v1/blobs/1", "/health", "/csat/x"].map((path) => isPanel(`https://desk.test${path}`))).toEqual([false, false, false, false, false]);
  });
});

describe("the page for when there is none", () => {
  it("says so in somebody's language, runs its own script alone, and is kept by nobody", async () => {
    const answer = offlineAnswer(wordsOf(["ru-RU"]), "ru");
    const text = await answer.text();
    const nonce = /nonce="([^"]+)"/.exec(text)?.[1] ?? "none";
    expect([answer.status, answer.headers.get("cache-control")]).toEqual([503, "no-store"]);
    expect(answer.headers.get("content-security-policy")).toContain(`script-src 'nonce-${nonce}'`);
    expect(text).toContain("Сервер недоступен");
    expect(await offlineAnswer(wordsOf([]), "en").text()).not.toContain(nonce);
  });

  it("makes no markup of words", () => {
    expect(offlinePage({ ...wordsOf([]), "offline-title": `<b>"&` }, "en", "n")).not.toContain("<b>");
  });
});
