import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Moment, REASONS, type Reader, howTold, isQuiet, reasonOf, wishesOf } from "./notify";

const reader: Reader = { self: "ann", queues: new Set(["sales"]) };
const line = (more: object = {}) => ({ id: "c", channel: "whatsapp", agent_id: null, queue_id: "sales", spam: false, ...more });
const event = (kind: string, conversation: object | undefined, more: object = {}, actor?: string) => ({ kind, data: { conversation_id: "c", ...(conversation ? { conversation } : {}), ...more } as Record<string, unknown>, ...(actor ? { actor: { type: "agent", id: actor } } : {}) });
const now: Moment = { minute: 12 * 60, looking: false, sees: false, talking: false };
const plain = wishesOf([]);

describe("what is whose to know", () => {
  it("is what was given to them, mentions them, is nobody's in their queues, answers them, or is answered too late", () => {
    expect(reasonOf(event("conversation.assigned", line({ agent_id: "ann" }), { from: { agent_id: null } }, "bob"), reader)).toBe("assigned");
    expect(reasonOf(event("conversation.mentioned", undefined, {}, "bob"), reader)).toBe("mentioned");
    expect(reasonOf(event("conversation.opened", line()), reader)).toBe("unassigned");
    expect(reasonOf(event("conversation.reopened", line({ queue_id: null })), reader)).toBe("unassigned");
    expect(reasonOf(event("message.received", line({ agent_id: "ann" })), reader)).toBe("message");
    expect(reasonOf(event("sla.breached", line({ agent_id: "ann" })), reader)).toBe("sla");
  });

  it("is nothing that they did, others' work, spam, or a call", () => {
    expect(reasonOf(event("conversation.assigned", line({ agent_id: "ann" }), {}, "ann"), reader)).toBeUndefined();
    expect(reasonOf(event("conversation.assigned", line({ agent_id: "bob" })), reader)).toBeUndefined();
    expect(reasonOf(event("conversation.assigned", line({ agent_id: "ann" }), { from: { agent_id: "ann" } }), reader)).toBeUndefined();
    expect(reasonOf(event("conversation.opened", line({ queue_id: "support" })), reader)).toBeUndefined();
    expect(reasonOf(event("conversation.opened", line({ agent_id: "bob" })), reader)).toBeUndefined();
    expect(reasonOf(event("message.received", line()), reader)).toBeUndefined();
    expect(reasonOf(event("sla.breached", line({ agent_id: "bob" })), reader)).toBeUndefined();
    expect(reasonOf(event("conversation.opened", line({ spam: true })), reader)).toBeUndefined();
    expect(reasonOf(event("conversation.opened", line({ channel: "call" })), reader)).toBeUndefined();
    expect(reasonOf(event("message.received", line({ agent_id: "ann" }), { quiet: true }), reader)).toBeUndefined();
  });
});

describe("quiet hours", () => {
  it("may go past midnight", () => {
    const night = { from: 22 * 60, until: 7 * 60 };
    expect([21 * 60 + 59, 22 * 60, 0, 6 * 60 + 59, 7 * 60].map((minute) => isQuiet(night, minute))).toEqual([false, true, true, true, false]);
    expect([8 * 60, 9 * 60, 10 * 60].map((minute) => isQuiet({ from: 9 * 60, until: 10 * 60 }, minute))).toEqual([false, true, false]);
    expect(isQuiet(undefined, 0)).toBe(false);
  });

  it("last as long as from one to the other", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1439 }), fc.integer({ min: 0, max: 1439 }), (from, until) => {
        const quiet = Array.from({ length: 1440 }, (_, minute) => minute).filter((minute) => isQuiet({ from, until }, minute)).length;
        expect(quiet).toBe((until - from + 1440) % 1440 || 1440);
      }),
    );
  });
});

describe("how it is told", () => {
  it("is by the desktop when nobody looks, on the page when somebody does, and not at all to whoever sees it", () => {
    expect(howTold("assigned", plain, now)).toEqual({ where: "desktop", sound: true });
    expect(howTold("assigned", plain, { ...now, looking: true })).toEqual({ where: "page", sound: true });
    expect(howTold("assigned", plain, { ...now, looking: true, sees: true })).toBeUndefined();
    expect(howTold("assigned", plain, { ...now, talking: true })).toEqual({ where: "desktop", sound: false });
  });

  it("obeys the settings", () => {
    const set = (key: string, value: boolean | string) => ({ key: `inbox.${key}`, value });
    expect(howTold("message", wishesOf([set("sound", false), set("desktop", false)]), now)).toBeUndefined();
    expect(howTold("message", wishesOf([set("desktop", false)]), now)).toEqual({ where: "page", sound: true });
    const quiet = wishesOf([set("quiet", true), set("quiet_from", "11:00"), set("quiet_until", "13:00")]);
    expect(quiet.quiet).toEqual({ from: 660, until: 780 });
    for (const reason of REASONS) {
      expect(howTold(reason, wishesOf([set(`notify_${reason}`, false)]), now)).toBeUndefined();
      expect(howTold(reason, quiet, now)).toBeUndefined();
    }
  });
});
