import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Conversation } from "./api";
import { InboxCore, type Told } from "./core";
import { line } from "./core.test-lines";
import { type Filter, filterOf, keyOf, matches, savedFilter, searchOf } from "./filters";

const SELF = "me";
const NO_FLAGS = { unread: false, draft: false, mentioned: false };
const at = (minute: number) => new Date(Date.UTC(2026, 10, 20, 9, minute)).toISOString();

const ALL: Filter = { state: "all" };
const EVERYTHING = { ids: new Set<string>() };
const ids = (core: InboxCore, filter: Filter = ALL, extent: { ids: ReadonlySet<string>; floor?: { at: string; id: string } } = EVERYTHING) => core.rows(filter, extent).map((row) => row.line.id);

/** A journal as a server would write it, and what is true after each event. */
type Step = { what: "received" | "sent" | "read" | "unread" | "resolve" | "reopen" | "assign" | "mention" | "label"; of: number };
function journal(steps: readonly Step[]): { events: Told[]; truths: Map<string, { line: Conversation; unread: boolean; mentioned: boolean }>[] } {
  const now = new Map<string, { line: Conversation; unread: boolean; mentioned: boolean }>();
  const truths = [new Map(now)];
  const events: Told[] = [];
  steps.forEach(({ what, of }, index) => {
    const id = `k${String(of)}`;
    const seq = index + 1;
    const before = now.get(id) ?? { line: line(id, { version: 0 }), unread: false, mentioned: false };
    const version = before.line.version + 1;
    const subject = { type: "conversation", id };
    if (what === "read" || what === "unread" || what === "mention") {
      // Of a conversation that nobody knows nothing is told.
      if (!now.has(id)) now.set(id, { ...before, line: { ...before.line, version } });
      const known = now.get(id) ?? before;
      const read_at = what === "read" ? at(seq) : null;
      events.push({ seq, kind: what === "mention" ? "conversation.mentioned" : "conversation.read", subject, data: { conversation_id: id, read_at } });
      now.set(id, what === "mention" ? { ...known, mentioned: true } : { ...known, unread: what === "unread", mentioned: known.mentioned && what === "unread" });
    } else {
      const change: Partial<Conversation> =
        what === "received" ? { last_at: at(seq), last_in_at: at(seq), state: "open" }
        : what === "sent" ? { last_at: at(seq) }
        : what === "resolve" ? { state: "resolved" }
        : what === "reopen" ? { state: "open" }
        : what === "assign" ? { agent_id: seq % 2 ? SELF : "other" }
        : { label_ids: [`l${String(seq % 3)}`] };
      const next = { ...before.line, ...change, version };
      now.set(id, { ...before, line: next, unread: what === "received" ? true : before.unread });
      events.push({ seq, kind: what === "received" || what === "sent" ? `message.${what}` : "conversation.updated", subject, data: { conversation_id: id, conversation: next } });
    }
    truths.push(new Map(now));
  });
  return { events, truths };
}
const step = fc.record({ what: fc.constantFrom<Step["what"]>("received", "sent", "read", "unread", "resolve", "reopen", "assign", "mention", "label"), of: fc.integer({ min: 0, max: 4 }) });

describe("the list as a fold", () => {
  it("is the same however late pages come, and however often", () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), fc.array(fc.tuple(fc.nat(40), fc.nat(40)), { maxLength: 6 }), (steps, reads) => {
        const { events, truths } = journal(steps);
        const core = new InboxCore(SELF);
        // Each page is asked at one place of the journal, and comes at a later one.
        const pages = reads.map(([asked, later]) => ({ asOf: Math.min(asked, events.length), comes: Math.min(asked + later, events.length) }));
        const page = (asOf: number) => core.take([...(truths[asOf]?.values() ?? [])].map((one) => ({ ...one.line, unread: one.unread, mentioned: one.mentioned, draft: false })), asOf);
        events.forEach((event, index) => {
          for (const one of pages) if (one.comes === index) page(one.asOf);
          core.event(event);
        });
        for (const one of pages) if (one.comes === events.length) page(one.asOf);
        // The last page makes known what no event told whole.
        page(events.length);
        for (const one of pages) page(one.asOf);
        const truth = truths[events.length] ?? new Map();
        for (const [id, expected] of truth) {
          const row = core.row(id);
          expect(row && { line: row.line, unread: row.unread, mentioned: row.mentioned }).toEqual(expected);
        }
        const order = [...truth.values()].map((one) => one.line).sort((a, b) => Date.parse(b.last_at) - Date.parse(a.last_at) || (a.id < b.id ? 1 : -1));
        expect(ids(core)).toEqual(order.map((one) => one.id));
      }),
    );
  });

  it("shows a change at once, and after any answer what the server has", () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 20 }), fc.nat(19), fc.boolean(), fc.nat(19), (steps, when, works, answered) => {
        const { events, truths } = journal(steps);
        const core = new InboxCore(SELF);
        let change: number | undefined;
        events.forEach((event, index) => {
          core.event(event);
          if (index === Math.min(when, events.length - 1)) {
            change = core.begin(["k0", "k1"], (one) => ({ ...one, state: "snoozed" }));
            for (const id of ["k0", "k1"]) if (core.row(id)) expect(core.row(id)?.line.state).toBe("snoozed");
          }
          if (change !== undefined && index >= Math.min(when + answered, events.length - 1)) {
            if (works) core.settle(change);
            else core.fail(change);
            change = undefined;
          }
        });
        const truth = truths[events.length] ?? new Map();
        for (const [id, { line: expected }] of truth) {
          const row = core.row(id);
          if (!row) continue;
          if (!works) expect(row.line).toEqual(expected);
          // What was done comes with the next version at the latest.
          core.takeLine({ ...expected, version: expected.version + 1 });
          expect(core.row(id)?.line.state).toBe(expected.state);
        }
      }),
    );
  });

  it("keeps a row that stays the same", () => {
    const core = new InboxCore(SELF);
    core.take([line("a"), line("b")], 1);
    const before = core.row("a");
    core.takeLine(line("b", { version: 2 }));
    expect(core.row("a")).toBe(before);
  });

  it("leaves out what lies beneath the last page, but not what the page itself held", () => {
    const core = new InboxCore(SELF);
    core.take([line("a", { last_at: at(9) }), line("b", { last_at: at(5) })], 1);
    const extent = { ids: new Set(["a", "b"]), floor: { at: at(5), id: "b" } };
    core.event({ seq: 2, kind: "conversation.updated", subject: { type: "conversation", id: "z" }, data: { conversation: line("z", { last_at: at(1) }) } });
    expect(ids(core, ALL, extent)).toEqual(["a", "b"]);
    core.event({ seq: 3, kind: "message.received", subject: { type: "message", id: "m" }, data: { conversation: line("z", { last_at: at(20), last_in_at: at(20), version: 2 }) } });
    expect(ids(core, ALL, extent)).toEqual(["z", "a", "b"]);
    expect(core.row("z")?.unread).toBe(true);
  });

  it("adds nothing to what was found by words", () => {
    const core = new InboxCore(SELF);
    core.take([line("a"), line("b")], 1);
    expect(ids(core, { state: "all", q: "meter" }, { ids: new Set(["b"]) })).toEqual(["b"]);
  });

  it("holds ten thousand lines without being felt", () => {
    const core = new InboxCore(SELF);
    core.take(Array.from({ length: 10_000 }, (_, n) => line(`id${String(n)}`, { last_at: new Date(1.7e12 + ((n * 7919) % 10_000) * 1000).toISOString() })), 1);
    expect(ids(core)).toHaveLength(10_000);
  });
});

describe("filters", () => {
  it("match as the server's", () => {
    const mine = line("a", { agent_id: SELF, queue_id: "q", priority: 3, label_ids: ["l"] });
    const cases: [Filter, boolean][] = [
      [{ state: "open" }, true],
      [{ state: "resolved" }, false],
      [{ state: "open", mine: true }, true],
      [{ state: "open", unassigned: true }, false],
      [{ state: "open", queue_id: "q" }, true],
      [{ state: "open", queue_id: "p" }, false],
      [{ state: "open", label_id: "l", priority: 3 }, true],
      [{ state: "open", priority: 2 }, false],
      [{ state: "all", spam: true }, false],
      [{ state: "open", unread: true }, false],
      [{ state: "open", channel: "sms" }, false],
      [{ state: "open", contact_id: "c-a" }, true],
    ];
    for (const [filter, expected] of cases) expect(matches(filter, mine, NO_FLAGS, SELF), JSON.stringify(filter)).toBe(expected);
    expect(matches({ state: "open" }, line("s", { spam: true }), NO_FLAGS, SELF)).toBe(false);
    expect(matches({ state: "all", spam: true }, line("s", { spam: true }), NO_FLAGS, SELF)).toBe(true);
  });

  it("come from the address, and from it alone what is known", () => {
    expect(searchOf({ view: "snoozed", channel: "carrier-pigeon", q: "12", unread: "true", c: "x" })).toEqual({ view: "snoozed", q: "12", unread: true, c: "x" });
    expect(filterOf({})).toEqual({ state: "open", mine: true });
    expect(filterOf({ q: "meter" })).toEqual({ state: "all", q: "meter" });
    expect(filterOf({ view: "resolved", queue: "q" })).toEqual({ state: "resolved", queue_id: "q" });
    expect(savedFilter({ state: "nonsense", mine: "true", priority: "9", label_id: "l" })).toEqual({ state: "open", mine: true, label_id: "l" });
    expect(filterOf({ saved: "v", unread: true }, { state: "pending" })).toEqual({ state: "pending", unread: true });
  });

  it("with the same meaning have the same key", () => {
    expect(keyOf({ state: "open", mine: true, queue_id: "q" })).toBe(keyOf({ queue_id: "q", mine: true, state: "open" }));
  });

  it("tells that the newest message failed, until it is tried again", () => {
    const core = new InboxCore("me");
    const last = { message_id: "m1", direction: "out" as const, kind: "text", text: "hi" };
    core.take([{ ...line("a", { last }), unread: false, draft: false, mentioned: false }], 1);
    const told = (seq: number, kind: string, version: number) => core.event({ seq, kind, subject: { type: "message", id: "m1" }, data: { message_id: "m1", conversation: line("a", { last, version }) } });
    told(2, "message.failed", 2);
    expect(core.row("a")?.failed).toBe(true);
    told(3, "message.queued", 3);
    expect(core.row("a")?.failed).toBe(false);
    told(4, "message.failed", 4);
    core.event({ seq: 5, kind: "message.received", subject: { type: "message", id: "m2" }, data: { message_id: "m2", conversation: line("a", { last: { ...last, message_id: "m2", direction: "in" }, version: 5 }) } });
    expect(core.row("a")?.failed).toBe(false);
  });

  it("keeps where one is named in the list of mentions once it is read", () => {
    const core = new InboxCore("me");
    const filter = { state: "all", mentioned: true } as const;
    core.take([{ ...line("a"), unread: true, draft: false, mentioned: true }], 1);
    core.event({ seq: 2, kind: "conversation.read", subject: { type: "conversation", id: "a" }, data: { conversation_id: "a", read_at: "2026-11-20T10:00:00Z" } });
    expect(core.row("a")?.mentioned).toBe(false);
    expect(core.rows(filter, { ids: new Set(["a"]) })).toHaveLength(1);
    expect(core.rows(filter, { ids: new Set() })).toHaveLength(0);
  });

  it("calls people as they are called by now, in each of their conversations", () => {
    const core = new InboxCore("me");
    const [one, two] = [{ id: "c1", person_id: "c1", name: "Marta", blocked: false }, { id: "c2", person_id: "c2", name: "M. K.", blocked: false }];
    core.take([line("a", { contact: one }), line("b", { contact: one }), line("c", { contact: two })], 1);
    const names = () => ["a", "b", "c"].map((id) => core.row(id)?.line.contact.name);
    const tell = (seq: number, kind: string, data: object) => core.event({ seq, kind, subject: { type: "contact", id: "c1" }, data: { ...data } });
    expect(tell(2, "contact.updated", { contact: { ...one, name: "Marta Keller" } })).toBeDefined();
    expect(names()).toEqual(["Marta Keller", "Marta Keller", "M. K."]);
    tell(3, "contact.merged", { contact: { ...one, name: "Marta Keller" }, other: { ...two, person_id: "c1" } });
    expect(names()).toEqual(["Marta Keller", "Marta Keller", "Marta Keller"]);
    tell(4, "contact.unmerged", { contact: { ...one, name: "Marta Keller" }, other: two });
    expect(names()).toEqual(["Marta Keller", "Marta Keller", "M. K."]);
    expect(tell(5, "contact.unmerged", { contact: { ...one, name: "Marta Keller" }, other: two })).toBeUndefined();
  });
});
