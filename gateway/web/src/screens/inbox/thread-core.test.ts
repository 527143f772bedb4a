import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Message } from "./api";
import { ThreadCore, blocks, dayOf } from "./thread-core";

const at = (minute: number) => new Date(Date.UTC(2026, 10, 20, 9, minute)).toISOString();
export function message(id: string, over: Partial<Message> = {}): Message {
  return {
    id,
    conversation_id: "k",
    direction: "in",
    author: { type: "contact", id: "c", name: "Marta" },
    kind: "text",
    text: id,
    content: {},
    attachments: [],
    forwarded: false,
    state: "received",
    reactions: [],
    history: false,
    at: at(0),
    ...over,
  };
}
const told = (seq: number, kind: string, id: string) => ({ seq, kind, subject: { type: "message", id }, data: { message_id: id, conversation_id: "k" } });
const STATES = ["queued", "sent", "delivered", "read"] as const;

describe("a thread", () => {
  it("ends the same in whichever order its pages and events come", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 7 }), fc.nat(3)), { minLength: 1, maxLength: 30 }), fc.array(fc.tuple(fc.nat(30), fc.nat(30)), { maxLength: 8 }), (changes, reads) => {
        // A thread of eight of our messages whose delivery goes on; pages show it at some place of the journal, and come later.
        const states: (typeof STATES)[number][] = Array.from({ length: 8 }, () => "queued");
        const history = [[...states]];
        const events = changes.map(([of, step], index) => {
          const state = STATES[step] ?? "sent";
          states[of] = state;
          history.push([...states]);
          return told(index + 1, `message.${state}`, `m${String(of)}`);
        });
        const page = (asOf: number) => ({ items: (history[asOf] ?? []).map((state, of) => message(`m${String(of)}`, { direction: "out", state, at: at(of) })), as_of_seq: asOf });
        const thread = new ThreadCore();
        thread.take(page(0), "newest");
        const arrivals = reads.map(([asked, later]) => ({ asOf: Math.min(asked, events.length), comes: Math.min(asked + later, events.length) }));
        events.forEach((event, index) => {
          for (const one of arrivals) if (one.comes === index) thread.take(page(one.asOf), "other");
          thread.event(event);
        });
        for (const one of arrivals) if (one.comes === events.length) thread.take(page(one.asOf), "other");
        expect(thread.messages().map((one) => one.state)).toEqual(states);
      }),
    );
  });

  it("reads what it does not know, and again what changed in more than its delivery", () => {
    const thread = new ThreadCore();
    thread.take({ items: [message("a"), message("b", { at: at(1) })], as_of_seq: 5, next_before: "a" }, "newest");
    expect(thread.event(told(6, "message.received", "c"))).toEqual({ what: "newer" });
    expect(thread.event(told(7, "message.edited", "b"))).toEqual({ what: "again", id: "b" });
    expect(thread.event(told(4, "message.edited", "b"))).toBeUndefined();
    expect(thread.event({ seq: 8, kind: "conversation.assigned", subject: { type: "conversation", id: "k" }, data: {} })).toEqual({ what: "newer" });
    expect(thread.previous("b")?.id).toBe("a");
    expect(thread.before).toBe("a");
  });

  it("goes upward page by page, and does not lose its beginning when the newest page is read again", () => {
    const thread = new ThreadCore();
    thread.take({ items: [message("c", { at: at(3) })], as_of_seq: 1, next_before: "c" }, "newest");
    thread.take({ items: [message("a", { at: at(1) }), message("b", { at: at(2) })], as_of_seq: 2, next_before: null }, "earlier");
    expect(thread.before).toBeUndefined();
    thread.take({ items: [message("a", { at: at(1) }), message("c", { at: at(3) })], as_of_seq: 3, next_before: null }, "newest");
    expect(thread.messages().map((one) => one.id)).toEqual(["a", "b", "c"]);
    expect(thread.before).toBeUndefined();
  });

  it("never takes its own request's answer for newer than the journal's word", () => {
    const thread = new ThreadCore();
    thread.take({ items: [message("a", { direction: "out", state: "queued" })], as_of_seq: 1 }, "newest");
    thread.event(told(2, "message.delivered", "a"));
    thread.add(message("a", { direction: "out", state: "scheduled" }));
    expect(thread.get("a")?.state).toBe("delivered");
    thread.add(message("n", { direction: "out", state: "scheduled", at: at(2) }));
    expect(thread.newest()?.id).toBe("n");
  });

  it("goes on offering to take back what waits for that, when the journal tells of it after the answer", () => {
    const thread = new ThreadCore();
    thread.add(message("n", { direction: "out", state: "scheduled" }));
    const queued = (seq: number, state: string) => ({ ...told(seq, "message.queued", "n"), data: { ...told(seq, "message.queued", "n").data, state } });
    thread.event(queued(2, "scheduled"));
    expect(thread.get("n")?.state).toBe("scheduled");
    thread.event(queued(3, "queued"));
    expect(thread.get("n")?.state).toBe("queued");
  });
});

describe("what is shown of it", () => {
  it("has its days, its groups, its lines and where the new begins", () => {
    const list = [
      message("1", { at: "2026-11-19T17:42:00Z" }),
      message("2", { at: "2026-11-19T17:43:00Z" }),
      message("3", { at: "2026-11-19T17:49:00Z", direction: "out", author: { type: "agent", id: "x", name: "Aline" } }),
      message("4", { at: "2026-11-20T09:00:00Z", direction: "event", kind: "assigned" }),
      message("5", { at: "2026-11-20T09:01:00Z", direction: "event", kind: "call", call_id: "call" }),
      message("6", { at: "2026-11-20T09:02:00Z" }),
      message("7", { at: "2026-11-20T09:20:00Z" }),
    ];
    expect(blocks(list, { zone: "UTC", newFrom: "6" }).map((one) => `${one.type} ${one.type === "group" ? one.messages.map((m) => m.id).join("") : one.key}`)).toEqual(["day day-2026-11-19", "group 12", "group 3", "day day-2026-11-20", "event 4", "call 5", "new new", "group 6", "group 7"]);
  });

  it("has days by the reader's zone", () => {
    expect(dayOf("2026-11-20T23:30:00Z", "Europe/Zurich")).toBe("2026-11-21");
    expect(dayOf("2026-11-20T23:30:00Z", "UTC")).toBe("2026-11-20");
  });

  it("loses no message and doubles none", () => {
    fc.assert(
      fc.property(fc.array(fc.record({ minute: fc.integer({ min: 0, max: 4000 }), direction: fc.constantFrom("in", "out", "note", "event") })), (all) => {
        const list = all.map((one, index) => message(String(index), { at: at(one.minute), direction: one.direction as Message["direction"] })).sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
        const shown = blocks(list, { zone: "UTC" }).flatMap((one) => (one.type === "group" ? one.messages.map((m) => m.id) : "message" in one ? [one.message.id] : []));
        expect(shown).toEqual(list.map((one) => one.id));
      }),
    );
  });
});
