import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isCallBack, isDialling } from "./call-back";
import { type CallFilters, among, fitting, holds, mergeHistory, settled, stored } from "./history";
import type { JournalEvent } from "./protocol";
import { type Agent, type Call, type LiveCall, LiveStore, type Queue, liveCall } from "./store";

const agent = (id: string): Agent => ({ id, name: id, email: `${id}@x.test`, state: "available", state_since: "2026-11-20T09:00:00Z", reachable: true, activity: "available", activity_since: "2026-11-20T09:00:00Z", skills: [], chat_capacity: 4 });
const queue: Queue = { id: "q", name: "Sales", slug: "sales", extension: "700", ring_seconds: 20, agent_ids: ["ann", "bob"], numbers: [] };
const call = (id: string, over: Partial<Call> = {}): Call => ({
  id,
  direction: "inbound",
  asterisk: "main",
  from: "+15557654321",
  to: "+15550100",
  state: "queued",
  queue_id: "q",
  started_at: "2026-11-20T10:00:00Z",
  estimated: false,
  legs: [],
  gaps: [],
  dispositions: [],
  notes: [],
  tags: [],
  ...over,
});

function filled(calls: Call[] = []): LiveStore {
  const store = new LiveStore();
  store.load({ agents: { items: [agent("ann"), agent("bob")], as_of_seq: 5 }, queues: { items: [queue], as_of_seq: 5 }, calls: { items: calls, as_of_seq: 8 } });
  return store;
}

let seq = 8;
const event = (kind: string, subject: string, data: Record<string, unknown> = {}): JournalEvent => {
  seq += 1;
  const type = kind.startsWith("recording") ? "recording" : kind.startsWith("agent") ? "agent" : "call";
  return { seq, id: `e${String(seq)}`, kind, at: "2026-11-20T10:00:01Z", subject: { type, id: subject }, data };
};

describe("who is in a call", () => {
  const leg = (agent_id: string, over: Partial<Call["legs"][number]> = {}): Call["legs"][number] => ({ id: `leg-${agent_id}`, kind: "agent", agent_id, started_at: "2026-11-20T10:00:00Z", ...over });
  const talking = (): LiveStore => {
    const store = filled([call("c", { state: "active", agent_id: "ann", answered_at: "2026-11-20T10:00:05Z", legs: [leg("ann", { answered_at: "2026-11-20T10:00:05Z" })] })]);
    return store;
  };
  const tell = (store: LiveStore, ...events: JournalEvent[]) => {
    for (const one of events) store.apply(one);
    store.flush();
    return store.call("c");
  };

  it("is read from the legs: who talks, who is rung, and nobody who takes their own call up again", () => {
    const legs = [leg("ann", { answered_at: "2026-11-20T10:00:05Z" }), leg("ann", { id: "again" }), leg("bob"), leg("gone", { answered_at: "2026-11-20T10:00:05Z", ended_at: "2026-11-20T10:00:06Z" })];
    expect(filled([call("c", { state: "active", agent_id: "ann", legs })]).call("c")).toMatchObject({ talker_ids: ["ann"], ringing_agent_ids: ["bob"] });
  });

  it("follows a consultation: the call goes on while somebody is rung, and its end needs no event of its own", () => {
    const store = talking();
    expect(tell(store, event("call.offered", "c", { agent_id: "bob", for: "consult" }))).toMatchObject({ state: "active", ringing_agent_ids: ["bob"], talker_ids: ["ann"] });
    expect(tell(store, event("call.consulted", "c", { agent_id: "bob", by: "ann" }))).toMatchObject({ state: "active", ringing_agent_ids: [], talker_ids: ["ann", "bob"], agent_id: "ann" });
    expect(tell(store, event("agent.activity_changed", "bob", { activity: "available" }))).toMatchObject({ talker_ids: ["ann"] });
  });

  it("follows what is handed on, keeps the time of the first answer, and gives it back", () => {
    const store = talking();
    expect(tell(store, event("call.offered", "c", { agent_id: "bob", for: "transfer" }))).toMatchObject({ state: "ringing", talker_ids: [], ringing_agent_ids: ["bob"] });
    expect(tell(store, event("call.missed_offer", "c", { agent_id: "bob" }), event("call.transfer_failed", "c", { from_agent_id: "ann", to: { agent_id: "bob" } }), event("call.offered", "c", { agent_id: "ann", for: "take_back" }))).toMatchObject({ state: "ringing", ringing_agent_ids: ["ann"] });
    expect(tell(store, event("call.answered", "c", { agent_id: "ann", again: true }))).toMatchObject({ state: "active", agent_id: "ann", talker_ids: ["ann"], answered_at: "2026-11-20T10:00:05Z" });
    expect(tell(store, event("call.transferred", "c", { kind: "blind", from_agent_id: "ann", to: { queue_id: "q" } }), event("call.queued", "c", { queue_id: "q", reason: "transfer" }))).toMatchObject({ state: "queued", agent_id: null, talker_ids: [] });
  });

  it("follows a conference and who leaves it", () => {
    const store = talking();
    tell(store, event("call.offered", "c", { agent_id: "bob", for: "conference" }));
    expect(tell(store, event("call.conferenced", "c", { agent_id: "bob", by: "ann" }))).toMatchObject({ state: "active", talker_ids: ["ann", "bob"], ringing_agent_ids: [] });
    expect(tell(store, event("call.transferred", "c", { kind: "conference", from_agent_id: "ann", to: { agent_id: "bob" } }))).toMatchObject({ agent_id: "bob", talker_ids: ["bob"] });
    expect(tell(store, event("call.conferenced", "c", { agent_id: "ann" }), event("call.left", "c", { agent_id: "ann" }))).toMatchObject({ talker_ids: ["bob"] });
    expect(tell(store, event("call.ended", "c"))).toMatchObject({ talker_ids: [] });
  });

  it("asks once for a call that came into sight late, and again when more happened meanwhile", () => {
    const store = filled();
    const late = call("late", { state: "active", agent_id: "ann", legs: [leg("bob", { answered_at: "2026-11-20T10:00:09Z" })] });
    store.apply(event("call.offered", "late", { agent_id: "bob", for: "consult" }));
    expect(store.wanted()).toEqual([["late", seq]]);
    const asked = seq;
    store.apply(event("call.consulted", "late", { agent_id: "bob" }));
    expect(store.wanted()).toEqual([]);
    store.adopt("late", asked, call("late", { state: "active" }));
    expect(store.call("late")).toBeUndefined();
    expect(store.wanted()).toEqual([["late", seq]]);
    store.adopt("late", seq, late);
    expect(store.call("late")).toMatchObject({ talker_ids: ["bob"] });
    expect(store.agent("bob")).toBeDefined();
    // What cannot be read is not asked for again before it is told of again.
    store.apply(event("call.left", "hidden", { agent_id: "bob" }));
    store.wanted();
    store.adopt("hidden", seq, undefined);
    expect(store.wanted()).toEqual([]);
    store.apply(event("call.ended", "over"));
    expect(store.wanted()).toEqual([]);
  });
});

describe("a call out", () => {
  const AT = "2026-11-20T09:48:00Z";
  const tell = (store: LiveStore, ...events: JournalEvent[]) => {
    for (const one of events) store.apply(one);
    store.flush();
    return store.call("b");
  };
  const inLine = (store: LiveStore) =>
    tell(store, event("call.started", "b", { direction: "outbound", from: "+2", to: "+1", queue_id: "q", callback_of: "c" }), event("call.queued", "b", { queue_id: "q", callback_of: "c", since: AT }));

  it("of the router's waits in line, is offered, and rings there once somebody has taken it", () => {
    const store = filled();
    expect(inLine(store)).toMatchObject({ state: "queued", agent_id: null, queued_at: AT });
    expect(store.queue("q")).toMatchObject({ waiting: [{ id: "b" }], longest_waiting_since: AT });
    expect(isCallBack(store.call("b") as LiveCall)).toBe(true);
    expect(tell(store, event("call.offered", "b", { agent_id: "ann" }), event("call.offered", "b", { agent_id: "bob" }))).toMatchObject({ state: "ringing", ringing_agent_ids: ["ann", "bob"] });
    expect(isDialling(store.call("b") as LiveCall)).toBe(false);
    expect(tell(store, event("call.dialled", "b", { agent_id: "ann", to: "+1" }))).toMatchObject({ state: "ringing", agent_id: "ann", talker_ids: ["ann"], ringing_agent_ids: [], answered_at: null });
    expect(isDialling(store.call("b") as LiveCall)).toBe(true);
    // The other phones stop: it does not wait again.
    expect(tell(store, event("call.missed_offer", "b", { agent_id: "bob", why: "cancelled" }))).toMatchObject({ state: "ringing", talker_ids: ["ann"] });
    tell(store, event("agent.activity_changed", "ann", { activity: "on_contact", call_id: "b" }));
    expect(store.agent("ann")).toMatchObject({ activity: "on_contact", call_id: "b" });
    expect(store.queue("q")).toMatchObject({ waiting: [], ringing: 0, active: 0 });
    expect(tell(store, event("call.answered", "b", { agent_id: "ann" }))).toMatchObject({ state: "active", agent_id: "ann", talker_ids: ["ann"] });
    expect(store.queue("q")).toMatchObject({ waiting: [], active: 1 });
    expect(isCallBack(store.call("b") as LiveCall)).toBe(false);
  });

  it("of the router's goes back into line when nobody takes it, and goes when it is not needed", () => {
    const store = filled();
    inLine(store);
    expect(tell(store, event("call.offered", "b", { agent_id: "ann" }), event("call.missed_offer", "b", { agent_id: "ann", why: "no_answer" }))).toMatchObject({ state: "queued", queued_at: AT });
    expect(tell(store, event("call.ended", "b", { end_reason: "withdrawn" }))).toMatchObject({ state: "ended", end_reason: "withdrawn" });
    expect(store.queue("q")).toMatchObject({ waiting: [] });
  });

  it("of an agent's is nobody who waits, and rings there from the first", () => {
    const store = filled();
    tell(store, event("call.started", "b", { direction: "outbound", from: "+2", to: "+1", queue_id: "q" }));
    expect(store.queue("q")).toMatchObject({ waiting: [], active: 0 });
    expect(tell(store, event("call.dialled", "b", { agent_id: "ann", to: "+1" }))).toMatchObject({ state: "ringing", agent_id: "ann", talker_ids: ["ann"] });
    // The trunk would not take it, and another is tried.
    expect(tell(store, event("call.dialled", "b", { agent_id: "ann", to: "+1" }))).toMatchObject({ state: "ringing", talker_ids: ["ann"] });
    expect(store.queue("q")).toMatchObject({ waiting: [], active: 0 });
    expect(isCallBack(store.call("b") as LiveCall)).toBe(false);
  });

  it("is told of alike by a list and by the stream", () => {
    const answered = "2026-11-20T10:00:01Z";
    const row = call("b", { direction: "outbound", from: "+2", to: "+1", state: "ringing", agent_id: "ann", queued_at: AT, started_at: answered, legs: [{ id: "l", kind: "agent", agent_id: "ann", started_at: answered, answered_at: answered }] });
    const store = filled();
    inLine(store);
    tell(store, event("call.offered", "b", { agent_id: "ann" }), event("call.dialled", "b", { agent_id: "ann", to: "+1" }));
    expect(store.call("b")).toEqual(liveCall(row));
  });
});

describe("the live store", () => {
  it("follows a call, its agent and its queue from the first ring to the end", () => {
    const store = filled();
    const tell = (one: JournalEvent) => {
      store.apply(one);
      store.flush();
    };
    tell(event("call.started", "c", { direction: "inbound", from: "+1", to: "+2", queue_id: "q" }));
    tell(event("call.queued", "c", { queue_id: "q" }));
    expect(store.queue("q")).toMatchObject({ waiting: [{ id: "c" }], ringing: 0, active: 0 });
    tell(event("call.offered", "c", { agent_id: "ann" }));
    expect(store.agent("ann")).toMatchObject({ activity: "ringing", call_id: "c" });
    expect(store.queue("q")).toMatchObject({ ringing: 1, agents: { ringing: 1, available: 1 } });
    tell(event("call.missed_offer", "c", { agent_id: "ann", queue_id: "q", why: "no_answer" }));
    expect(store.call("c")).toMatchObject({ state: "queued", ringing_agent_ids: [] });
    tell(event("call.queued", "c", { queue_id: "q", reason: "unanswered" }));
    expect(store.agent("ann")).toMatchObject({ activity: "available", call_id: null });
    tell(event("call.offered", "c", { agent_id: "bob" }));
    tell(event("call.answered", "c", { agent_id: "bob" }));
    tell(event("agent.activity_changed", "bob", { activity: "on_contact", previous: "available", call_id: "c" }));
    tell(event("recording.started", "r", { call_id: "c" }));
    expect(store.agent("bob")).toMatchObject({ activity: "on_contact", call_id: "c" });
    expect(store.queue("q")).toMatchObject({ waiting: [], active: 1, longest_waiting_since: null });
    expect(store.call("c")).toMatchObject({ state: "active", recording_id: "r" });
    tell(event("call.ended", "c", { end_reason: "completed_customer" }));
    tell(event("agent.activity_changed", "bob", { activity: "wrap_up", previous: "on_contact", call_id: "c" }));
    expect(store.agent("bob")).toMatchObject({ activity: "wrap_up", call_id: null, wrap_up: { call_id: "c", queue_id: "q" } });
    expect(store.queue("q")?.agents).toMatchObject({ wrap_up: 1, available: 1 });
    tell(event("agent.activity_changed", "bob", { activity: "available", previous: "wrap_up" }));
    expect(store.agent("bob")).toMatchObject({ activity: "available", wrap_up: null });
    expect(store.call("c")).toMatchObject({ state: "ended", end_reason: "completed_customer" });
  });

  it("does not apply again what a list holds already", () => {
    const store = filled([call("c", { state: "active", agent_id: "ann" })]);
    store.apply({ ...event("call.queued", "c", { queue_id: "q" }), seq: 7 });
    store.apply({ ...event("agent.activity_changed", "ann", { activity: "wrap_up", call_id: "c" }), seq: 5 });
    expect(store.call("c")?.state).toBe("active");
    expect(store.agent("ann")?.activity).toBe("available");
  });

  it("tells only those who look at what changed, and keeps the identity of the rest", () => {
    const store = filled([call("c"), call("d")]);
    const told: string[] = [];
    for (const key of ["call:c", "call:d", "agent:ann", "agent:bob", "queue:q"]) store.subscribe(key, () => told.push(key));
    const [d, bob] = [store.call("d"), store.agent("bob")];
    store.apply(event("call.offered", "c", { agent_id: "ann" }));
    store.flush();
    expect(told.sort()).toEqual(["agent:ann", "call:c", "queue:q"]);
    expect(store.call("d")).toBe(d);
    expect(store.agent("bob")).toBe(bob);
    expect(store.allCalls()).toBe(store.allCalls());
  });

  it("goes on in another tab where this one stands", () => {
    const store = filled([call("c")]);
    store.moveTo({ epoch: "A", through: 8 });
    const handover = store.give();
    const other = new LiveStore();
    if (handover) other.take(structuredClone(handover));
    expect(other.at).toEqual({ epoch: "A", through: 8 });
    expect(other.queue("q")?.waiting.map((one) => one.id)).toEqual(["c"]);
  });

  it("shows several who are asked at once, until each has let it pass or one has it", () => {
    const store = filled([call("c")]);
    for (const one of ["ann", "bob", "ann"]) store.apply(event("call.offered", "c", { agent_id: one }));
    expect(store.call("c")?.ringing_agent_ids).toEqual(["ann", "bob"]);
    expect(store.queue("q")?.agents.ringing).toBe(2);
    store.apply(event("call.missed_offer", "c", { agent_id: "ann", why: "refused" }));
    store.flush();
    expect(store.call("c")).toMatchObject({ state: "ringing", ringing_agent_ids: ["bob"] });
    expect(store.agent("ann")?.activity).toBe("available");
    store.apply(event("call.answered", "c", { agent_id: "bob" }));
    expect(store.call("c")).toMatchObject({ state: "active", ringing_agent_ids: [] });
    expect(store.agent("bob")?.activity).toBe("available");
  });

  it("does not show somebody ringing whose offer was taken back because they went for a pause", () => {
    const store = filled([call("c")]);
    store.apply(event("call.offered", "c", { agent_id: "ann" }));
    store.apply(event("agent.state_changed", "ann", { state: "paused", reason: "Lunch", previous: "available" }));
    expect(store.agent("ann")).toMatchObject({ activity: "paused", reason: "Lunch", call_id: null });
  });

  it("says since when: of what the server tells its time, of a wish that it has not taken in yet the wish's", () => {
    const store = filled();
    const at = (second: number, one: JournalEvent) => store.apply({ ...one, at: `2026-11-20T10:00:${String(second)}Z` });
    at(10, event("agent.activity_changed", "ann", { activity: "on_contact", call_id: "c" }));
    expect(store.agent("ann")?.since).toBe("2026-11-20T10:00:10Z");
    at(20, event("agent.state_changed", "ann", { state: "paused", reason: "missed", previous: "available", by: "router" }));
    expect(store.agent("ann")).toMatchObject({ activity: "on_contact", since: "2026-11-20T10:00:10Z" });
    at(30, event("agent.activity_changed", "ann", { activity: "paused", previous: "on_contact" }));
    expect(store.agent("ann")).toMatchObject({ activity: "paused", since: "2026-11-20T10:00:30Z" });
    at(40, event("agent.state_changed", "ann", { state: "available", reason: null, previous: "paused" }));
    expect(store.agent("ann")).toMatchObject({ activity: "available", since: "2026-11-20T10:00:40Z" });
  });

  it("says unreachable of an agent who wants work and has no phone", () => {
    const store = filled();
    store.signal("agent.reachable", { agent_id: "ann", reachable: false });
    expect(store.agent("ann")?.activity).toBe("unreachable");
  });

  it("leaves nothing for the next person", () => {
    const store = filled([call("c")]);
    store.clear();
    expect(store.ready).toBe(false);
    expect(store.allCalls()).toEqual([]);
    expect(store.give()).toBeUndefined();
  });

  it("applies a hundred events to ten thousand calls well within a frame each", () => {
    const store = filled(Array.from({ length: 10_000 }, (_, n) => call(`c${String(n)}`)));
    const started = performance.now();
    for (let n = 0; n < 100; n += 1) {
      store.apply(event("call.offered", `c${String(n)}`, { agent_id: "ann" }));
      store.flush();
    }
    expect((performance.now() - started) / 100).toBeLessThan(16);
  });
});

describe("a history with what happened since", () => {
  const live = (calls: Call[]) => filled(calls).allCalls();
  const merge = (pages: Call[], calls: readonly LiveCall[], filters: CallFilters) => mergeHistory(stored([{ items: pages }], fitting(filters)), calls, fitting(filters));

  it("shows each call once, the live one instead of its row", () => {
    const rows = merge([call("d"), call("c")], live([call("c", { state: "active", agent_id: "ann" })]), {});
    expect(rows.map((row) => [row.id, row.state])).toEqual([
      ["d", "queued"],
      ["c", "active"],
    ]);
  });

  it("puts a new call on top when it fits the filters, and drops one that no longer fits", () => {
    const fresh = call("n", { started_at: "2026-11-20T11:00:00Z" });
    expect(merge([call("c")], live([fresh]), {}).map((row) => row.id)).toEqual(["n", "c"]);
    expect(merge([call("c")], live([fresh]), { queue_id: "other" })).toEqual([]);
    expect(merge([call("c")], live([call("c", { state: "active" })]), { state: "queued" })).toEqual([]);
    expect(merge([], live([fresh]), { q: "765 43" }).map((row) => row.id)).toEqual(["n"]);
  });

  it("does not take an end back that the list knows already", () => {
    expect(merge([call("c", { state: "ended" })], live([call("c")]), {})[0]?.state).toBe("ended");
  });

  it("of a list by tag nobody but the server knows what belongs in it", () => {
    const [held, other] = [call("c", { state: "active" }), call("n", { state: "active" })];
    const known = stored([{ items: [call("c")] }], fitting({ tag: "VIP" }));
    const running = live([held, other]);
    expect(among(running, known, {})).toBe(running);
    expect(mergeHistory(known, among(running, known, { tag: "VIP" }), fitting({ tag: "VIP" })).map((row) => [row.id, row.state])).toEqual([["c", "active"]]);
    expect(holds([{ items: [call("d")] }, { items: [call("c")] }], "c")).toBe(true);
    expect(holds([{ items: [call("d")] }], "c")).toBe(false);
  });

  it("keeps the end of every call of a list that is open all day", () => {
    const [ended] = live([call("c", { state: "ended", ended_at: "2026-11-20T10:09:00Z", end_reason: "completed_agent" })]);
    const pages = [{ items: [call("d"), call("c", { state: "active", recording_id: "r" })] }, { items: [call("e", { started_at: "2026-11-20T08:00:00Z" })] }];
    expect(ended).toBeDefined();
    if (!ended) return;
    const after = settled(pages, ended, true);
    expect(after[0]?.items[1]).toMatchObject({ id: "c", state: "ended", end_reason: "completed_agent", recording_id: "r", estimated: true });
    expect(after[1]).toBe(pages[1]);
    const fresh = { ...ended, id: "n", started_at: "2026-11-20T23:00:00Z" };
    expect(settled(pages, fresh, false).map((page) => page.items.map((one) => one.id))).toEqual([["n", "d", "c"], ["e"]]);
    const old = { ...ended, id: "o", started_at: "2026-11-20T07:00:00Z" };
    expect(settled(pages, old, false)).toEqual(pages);
    expect(settled([{ items: [] as Call[] }], fresh, false)[0]?.items).toHaveLength(1);
  });

  it("is what walking everything anew would give, whatever has happened since", () => {
    const minute = (n: number) => new Date(Date.UTC(2026, 10, 20, 10, n)).toISOString();
    const some = fc.array(fc.record({ n: fc.integer({ min: 0, max: 30 }), state: fc.constantFrom("queued", "active", "ended"), answered: fc.boolean() }), { maxLength: 20 });
    const made = (n: number, state: string, answered: boolean) =>
      call(`c${String(n).padStart(2, "0")}`, { state: state as Call["state"], started_at: minute(n), answered_at: answered ? minute(n) : null, ended_at: state === "ended" ? minute(50) : null });
    const filters = fc.constantFrom<CallFilters>({}, { state: "ended" }, { state: "queued,active" }, { missed: true }, { from: minute(10), to: minute(20) });
    fc.assert(
      fc.property(some, some, filters, (read, since, wanted) => {
        const once = (all: typeof read) => [...new Map(all.map((one) => [one.n, made(one.n, one.state, one.answered)])).values()];
        const fits = fitting(wanted);
        const pages = once(read).filter((one) => fits(liveCall(one))).sort((a, b) => (a.started_at < b.started_at ? 1 : -1));
        const now = live(once(since));
        const merged = merge(pages, now, wanted);

        const all = new Map(now.map((one) => [one.id, one]));
        for (const one of pages) if (one.state === "ended" || !all.has(one.id)) all.set(one.id, liveCall(one));
        const runs = (one: LiveCall) => Number(one.state !== "ended");
        const plain = [...all.values()].filter(fits).sort((a, b) => runs(b) - runs(a) || (a.started_at < b.started_at ? 1 : -1));
        expect(merged).toEqual(plain);
      }),
    );
  });

  it("stays the same list while nothing of it has changed, and keeps the rows that have not", () => {
    const known = stored([{ items: [call("c", { state: "ended" }), call("d", { state: "ended" })] }], fitting({}));
    expect(mergeHistory(known, [], fitting({}))).toBe(known.rows);
    const rows = mergeHistory(known, live([call("n", { started_at: "2026-11-20T11:00:00Z" })]), fitting({}));
    expect(rows.map((row) => row.id)).toEqual(["n", "c", "d"]);
    expect([rows[1], rows[2]]).toEqual([known.rows[0], known.rows[1]]);
    expect(rows[1]).toBe(known.rows[0]);
  });
});
