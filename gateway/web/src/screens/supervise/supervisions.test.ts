import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JournalEvent } from "@/live";
import { NOBODY, type Supervisions, after } from "./supervisions";

const event = (kind: string, data: Record<string, unknown> = {}, call = "call"): JournalEvent => ({ seq: 1, id: "e", kind, at: "2026-11-29T10:00:00Z", subject: { type: "call", id: call }, data }) as JournalEvent;
const run = (...events: JournalEvent[]) => events.reduce(after, NOBODY);
const plain = (state: Supervisions) => Object.fromEntries([...state].map(([call, by]) => [call, Object.fromEntries(by)]));

describe("who supervises", () => {
  it("follows the modes, each supervisor by themselves", () => {
    expect(plain(run(event("call.supervised", { agent_id: "mona", mode: "listen", supervised_agent_id: "olga" }), event("call.supervised", { agent_id: "ada", mode: "barge" }), event("call.supervised", { agent_id: "mona", mode: "whisper" })))).toEqual({ call: { mona: "whisper", ada: "barge" } });
  });

  it("ends with the supervisor's leaving, with the call, and with taking it over", () => {
    const listens = event("call.supervised", { agent_id: "mona", mode: "listen" });
    expect(run(listens, event("call.supervision_ended", { agent_id: "mona" }))).toEqual(NOBODY);
    expect(run(listens, event("call.ended"))).toEqual(NOBODY);
    expect(run(listens, event("call.transferred", { kind: "take_over", to: { agent_id: "mona" } }))).toEqual(NOBODY);
    // Handing the call on to somebody else ends nothing.
    expect(plain(run(listens, event("call.transferred", { kind: "blind", to: { agent_id: "ivo" } })))).toEqual({ call: { mona: "listen" } });
  });

  it("bears any event, and is the same when nothing changed", () => {
    const data = fc.dictionary(fc.constantFrom("agent_id", "mode", "to", "kind"), fc.oneof(fc.constantFrom("mona", "ada", "listen", "take_over"), fc.jsonValue()));
    const kind = fc.constantFrom("call.supervised", "call.supervision_ended", "call.transferred", "call.ended", "call.held");
    fc.assert(
      fc.property(fc.array(fc.tuple(kind, data, fc.constantFrom("a", "b"))), (steps) => {
        const events = steps.map(([one, details, call]) => event(one, details as Record<string, unknown>, call));
        const state = run(...events);
        for (const by of state.values()) expect(by.size).toBeGreaterThan(0);
        const last = events.at(-1);
        if (last) expect(after(state, last)).toBe(state);
      }),
    );
  });
});
