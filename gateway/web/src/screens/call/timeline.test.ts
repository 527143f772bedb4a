import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { loadArea, setLanguage, t } from "@/i18n";
import type { JournalEvent } from "@/live";
import { type Names, heldMs, isKnown, onRecording, timeline } from "./timeline";

const CALL = "0193aaaa-0000-7000-8000-000000000001";
const names: Names = { agent: (id) => ({ ada: "Ada", ivo: "Ivo" })[id], queue: (id) => ({ sales: "Sales" })[id], number: (value) => value };

let seq = 0;
const event = (kind: string, second: number, data: Record<string, unknown> = {}, actor?: string): JournalEvent => ({
  seq: (seq += 1),
  id: `e${String(seq)}`,
  kind,
  at: new Date(Date.parse("2026-11-20T10:00:00Z") + second * 1000).toISOString(),
  subject: { type: kind.startsWith("recording") ? "recording" : "call", id: CALL },
  actor: actor ? { type: "agent", id: actor } : null,
  data,
});
const told = (events: JournalEvent[]) => timeline(events, "2026-11-20T10:00:00Z", names).map((entry) => [t(entry.text, entry.values), ...entry.more.map((line) => t(line.text, line.values))].join(" / "));

beforeAll(async () => {
  await setLanguage("en");
  await loadArea("call");
  await loadArea("dialing");
  await loadArea("work");
  await loadArea("incall");
});

test("what was written on it is told, by whom where that is known", () => {
  expect(
    told([
      event("call.noted", 1, { note_id: "n1", user_id: "ada" }, "ada"),
      event("call.noted", 2, { note_id: "n2", user_id: "mia" }, "mia"),
      event("call.note_removed", 3, { note_id: "n1" }, "ivo"),
      event("call.tagged", 4, { tags: ["VIP", "refund"] }, "ada"),
      event("call.tagged", 5, { tags: [] }, "ada"),
      event("call.tagged", 6, { tags: 7 }),
    ]),
  ).toEqual(["Ada wrote a note", "A note was written", "Ivo removed a note", "Tagged: VIP, refund", "The tags were removed", "The tags were removed"]);
});

test("a call back says whose, and leads there", () => {
  const events = [
    event("call.started", 0, { direction: "outbound", from: "+1", to: "+3906", callback_of: "earlier" }),
    event("call.queued", 1, { queue_id: "sales", callback_of: "earlier" }),
    event("call.queued", 2, { queue_id: "gone", callback_of: "earlier" }),
    event("call.queued", 3, { queue_id: "sales", reason: "unanswered" }),
    event("call.ended", 4, { end_reason: "withdrawn" }),
  ];
  expect(told(events)).toEqual(["Call back of their earlier call / +3906", "In line in Sales to be called back", "In line to be called back", t("work.event.unanswered"), "No longer needed"]);
  const [first, ...others] = timeline(events, "2026-11-20T10:00:00Z", names);
  expect(first?.leads?.call).toBe("earlier");
  expect(t(first?.text ?? "call.event.gap", first?.values)).toContain(first?.leads?.words);
  expect(others.every((one) => one.leads === undefined)).toBe(true);
});

test("somebody outside is told of by their number", () => {
  const to = { number: "+3906" };
  expect(
    told([
      event("call.overflowed", 1, { queue_id: "sales", to, to_number: "+3906", reason: "waited" }),
      event("call.transfer_failed", 2, { kind: "overflow", to, why: "busy" }),
      event("call.consulted", 3, { to, by: "ada" }, "ada"),
      event("call.transfer_failed", 4, { kind: "attended", from_agent_id: "ada", to, why: "no_answer" }),
      event("call.conferenced", 5, { number: "+3906", by: "ada" }, "ada"),
      event("call.left", 6, { number: "+3906" }),
      event("call.transferred", 7, { kind: "blind", from_agent_id: "ada", to }, "ada"),
      event("call.transfer_failed", 8, { kind: "blind", from_agent_id: "ada", to, why: "no_answer" }),
      event("call.dialled", 9, { agent_id: "ada", to: "+3906" }, "ada"),
    ]),
  ).toEqual([
    "Its queue sends it to +3906",
    "+3906 did not come",
    "+3906 answered and is being asked",
    "+3906 did not come; the call goes on",
    "+3906 joined the call",
    "+3906 left the call",
    "Handed over to +3906",
    "The transfer to +3906 came to nothing; the call goes back",
    "Ada dialled the number / +3906",
  ]);
});

test("what was done in the call is told too", () => {
  expect(
    told([
      event("call.held", 1, { agent_id: "ada", for: "consult" }, "ada"),
      event("call.offered", 2, { agent_id: "ivo", for: "consult" }),
      event("call.consulted", 3, { agent_id: "ivo", by: "ada" }, "ivo"),
      event("call.conferenced", 4, { agent_id: "ivo", by: "ada" }, "ada"),
      event("call.left", 5, { agent_id: "ivo" }, "ivo"),
      event("call.muted", 6, { agent_id: "ada" }, "ada"),
      event("recording.paused", 7, { call_id: CALL, agent_id: "ada" }),
      event("recording.resumed", 8, { call_id: CALL, agent_id: "ada", paused_ms: 1000 }),
      event("call.supervised", 9, { agent_id: "ivo", mode: "whisper" }),
      event("call.supervision_ended", 10, { agent_id: "ivo" }),
      event("call.offered", 11, { agent_id: "ivo", for: "transfer" }),
      event("call.transfer_failed", 12, { from_agent_id: "ada", to: { agent_id: "ivo" }, why: "no_answer" }),
      event("call.offered", 13, { agent_id: "ada", for: "take_back" }),
      event("call.transferred", 14, { kind: "blind", from_agent_id: "ada", to: { queue_id: "sales" } }, "ada"),
      event("call.transferred", 15, { kind: "take_over", from_agent_id: "ada", to: { agent_id: "ivo" } }, "ivo"),
      event("call.transferred", 16, { kind: "attended", from_agent_id: "ivo", to: { agent_id: "nobody-known" } }, "ivo"),
    ]),
  ).toEqual([
    "The customer hears music while Ada asks somebody",
    "Ringing Ivo, to be asked",
    "Ivo answered and is being asked",
    "Ivo joined the call",
    "Ivo left the call",
    "Ada muted themselves",
    "Recording paused",
    "Recording resumed",
    "Ivo listens and speaks to the agent",
    "Ivo stopped listening",
    "Handed on, ringing Ivo",
    "The transfer to Ivo came to nothing; the call goes back",
    "Coming back, ringing Ada",
    "Handed on to the queue Sales",
    "Ivo took the call over",
    "Handed over to a colleague",
  ]);
});

test("a call's story reads like one", () => {
  expect(
    told([
      event("call.started", 0, { direction: "inbound", from: "+15551234567", to: "+15550100", queue_id: "sales" }),
      event("call.queued", 0, { queue_id: "sales", queue: "Sales" }),
      event("call.offered", 1, { agent_id: "ivo", queue_id: "sales" }),
      event("call.missed_offer", 16, { agent_id: "ivo", queue_id: "sales", why: "no_answer" }),
      event("call.queued", 16, { queue_id: "sales", reason: "unanswered" }),
      event("call.offered", 16, { agent_id: "ada", queue_id: "sales" }),
      event("call.answered", 20, { agent_id: "ada", wait_ms: 20_000 }, "ada"),
      event("recording.started", 20, { call_id: CALL }),
      event("call.held", 30, {}, "ada"),
      event("call.resumed", 40, { agent_id: "ada", held_ms: 10_000 }, "ada"),
      event("call.reattached", 45, { agent_id: "ada" }, "ada"),
      event("call.ended", 267, { end_reason: "completed_agent", agent_id: "ada", talk_ms: 247_000, estimated: false }, "ada"),
      event("recording.ready", 268, { call_id: CALL, duration_ms: 247_000, gaps: [{}, {}] }),
      event("call.disposed", 270, { agent_id: "ada", queue_id: "sales", code: "sold", label: "Sold" }, "ada"),
    ]),
  ).toEqual([
    "+15551234567 called +15550100",
    "Waiting in Sales",
    "Ringing Ivo",
    "Ivo did not answer",
    "Nobody took it; waiting again",
    "Ringing Ada",
    "Ada answered / After waiting 0:20",
    "Recording began",
    "Ada put the customer on hold",
    "Ada came back to the customer / After 0:10 on hold",
    "Ada went on in a new browser page",
    "Ada hung up / Talked for 4:07",
    "The recording is ready: 4:07 / 2 stretches without sound",
    "Ada noted: Sold",
  ]);
});

test("what went wrong is said", () => {
  expect(
    told([
      event("call.queued", 5, { queue_id: "sales", reason: "gateway_restart" }),
      event("call.ended", 9, { end_reason: "lost", estimated: true }),
      event("recording.failed", 10, { error: "disk full" }),
      event("telephony.gap", 11, { from: "2026-11-20T10:00:00Z", to: "2026-11-20T10:00:42Z" }),
    ]),
  ).toEqual([
    "The server restarted; waiting in Sales again",
    "Lost from sight / Nobody saw the end: time and reason are the best guess",
    "The recording failed / disk full",
    "The telephone system could not be seen for 0:42",
  ]);
});

test("why a caller waits elsewhere is said", () => {
  const moved = (reason: string) => event("call.queued", 5, { queue_id: "support", queue: "Support", from_queue_id: "sales", reason });
  expect(told(["waited", "too_long", "closed", "nobody", "silent", "queue_removed", "by_hand"].map(moved))).toEqual([
    "Handed on to Support / It had waited as long as its queue allows",
    "Handed on to Support / Too many were waiting in its queue",
    "Handed on to Support / Its queue was closed",
    "Handed on to Support / Nobody of its queue was there",
    "Handed on to Support / Everybody of its queue had let it ring",
    "Handed on to Support / Its queue was removed",
    "Handed on to Support / Somebody moved it",
  ]);
  expect(told([event("call.queued", 5, { queue_id: "gone", from_queue_id: "sales", reason: "of-tomorrow" })])).toEqual(["Handed on to another queue"]);
});

test("how a call was missed is said, of whom that may be known", () => {
  const missed = (why: string, agent_id = "ivo") => event("call.missed_offer", 5, { agent_id, queue_id: "sales", why });
  expect(told([missed("no_answer", "gone"), missed("refused"), missed("busy"), missed("failed"), missed("unreachable")])).toEqual([
    "The agent did not answer",
    "Ivo declined",
    "Ivo was in another call",
    "The phone of Ivo could not be rung",
    "Ivo had no phone to ring",
  ]);
});

test("names that may not be known are not invented", () => {
  expect(told([event("call.answered", 1, { agent_id: "gone" }), event("call.queued", 2, { queue_id: "gone" }), event("call.ended", 3, { end_reason: "completed_agent", agent_id: "gone" })])).toEqual([
    "An agent answered",
    "Waiting in a queue",
    "The agent hung up",
  ]);
});

test("an unknown kind is shown as one, and so is an unknown ending", () => {
  expect(told([event("call.parked", 1), event("constructor", 1), event("call.ended", 2, { end_reason: "eaten" })])).toEqual([
    "Something that this version of the panel has no words for: call.parked",
    "Something that this version of the panel has no words for: constructor",
    "Ended: eaten",
  ]);
});

describe("every kind of a call or a recording that the API's guide names has a sentence", () => {
  const guide = readFileSync(`${import.meta.dirname}/../../../../../docs/integrators.md`, "utf8");
  const line = /^Today's kinds: (.*)$/m.exec(guide)?.[1] ?? "";
  const kinds = [...line.matchAll(/`((?:call|recording|telephony)\.[a-z_]+(?: [a-z_]+)*)`/g)].flatMap((found) => {
    const [first = "", ...rest] = (found[1] ?? "").split(" ");
    return [first, ...rest.map((one) => `${first.split(".")[0] ?? ""}.${one}`)];
  });
  test("the guide is read", () => expect(kinds.length).toBeGreaterThanOrEqual(9));
  test.each(kinds)("%s", (kind) => {
    expect(isKnown(kind)).toBe(true);
    expect(told([event(kind, 1)])[0]).not.toContain("{");
  });
});

test("time on hold is summed up, and runs on while it lasts", () => {
  const held = [event("call.held", 30), event("call.resumed", 40), event("call.held", 60)];
  expect(heldMs(held, Date.parse("2026-11-20T10:01:05Z"))).toBe(15_000);
  expect(heldMs([...held, event("call.ended", 63)], Number.MAX_SAFE_INTEGER)).toBe(13_000);
  expect(heldMs([], 0)).toBe(0);
});

test("events have their place on the recording, or none", () => {
  const at = (second: number) => onRecording(event("x", second), "2026-11-20T10:00:20Z", 60_000);
  expect([at(10), at(19.5), at(20), at(50), at(80.5), at(90)]).toEqual([undefined, 0, 0, 30_000, 60_000, undefined]);
});
