import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import type { JournalEvent } from "@/live";
import { type Notices, NEWS_MS, concerns, dismissed, keep, kept, noticeOf, settled, together, withEvents } from "./notices";

const NOW = Date.parse("2026-11-20T12:00:00Z");
const sent = (seq: number, over: Partial<JournalEvent> = {}): JournalEvent => ({ seq, id: `e${String(seq)}`, kind: "notice.sent", at: "2026-11-20T11:00:00Z", subject: { type: "notice", id: `n${String(seq)}` }, data: { id: `n${String(seq)}`, text: `Words ${String(seq)}`, by: { id: "m", name: "Mia" } }, ...over });
const begun: Notices = { open: [], done: { epoch: "a", through: 10, seqs: [] } };
const open = (known: Notices) => known.open.map((one) => one.seq);

beforeEach(() => localStorage.clear());

test("a notice is read from its event, and nothing else is one", () => {
  expect(noticeOf(sent(11))).toEqual({ id: "n11", seq: 11, at: "2026-11-20T11:00:00Z", text: "Words 11", by: "Mia", queueId: undefined });
  expect(noticeOf(sent(11, { kind: "call.ended" }))).toBeUndefined();
  expect(noticeOf(sent(11, { data: { text: "Shop has stopped: Unauthorized", by: { id: "a", name: "Shop" } } }))).toBeUndefined();
  for (const data of [{}, { text: 7 }, { text: "  " }]) expect(noticeOf(sent(11, { data }))).toBeUndefined();
  expect(noticeOf(sent(11, { data: { text: "x", by: null, queue_id: 4 } }))).toMatchObject({ by: "", queueId: undefined, id: "e11" });
});

describe("what is open", () => {
  test("comes once, in order, however it comes; what is old or done with does not come", () => {
    const known = withEvents(withEvents(begun, [sent(13), sent(9), sent(10)], NOW), [sent(12), sent(13), sent(14, { at: new Date(NOW - NEWS_MS).toISOString() })], NOW);
    expect(open(known)).toEqual([12, 13]);
    expect(withEvents(known, [sent(12)], NOW)).toBe(known);
  });

  test("a reload shows what was not dismissed, and only that", () => {
    const known = dismissed(withEvents(begun, [sent(11), sent(12), sent(13)], NOW), 12, 20);
    expect(open(known)).toEqual([11, 13]);
    expect(known.done).toEqual({ epoch: "a", through: 10, seqs: [12] });
    keep("u", known.done);
    const again = withEvents({ open: [], done: kept("u") ?? begun.done }, [sent(11), sent(12), sent(13)], NOW);
    expect(open(again)).toEqual([11, 13]);
    const last = dismissed(dismissed(again, 11, 20), 13, 20);
    // The whole journal is done with: the next page reads on from there.
    expect(last).toEqual({ open: [], done: { epoch: "a", through: 20, seqs: [] } });
    expect(kept("somebody else")).toBeUndefined();
  });

  test("what another tab dismissed is gone here; of another epoch's numbers nothing is believed", () => {
    const known = withEvents(begun, [sent(11), sent(12)], NOW);
    expect(open(together(known, { epoch: "a", through: 10, seqs: [11] }))).toEqual([12]);
    expect(together(known, { epoch: "b", through: 99, seqs: [] })).toBe(known);
  });

  test("whatever is kept by others is no fault of ours", () => {
    for (const text of ["", "{", "null", "7", '{"epoch":1,"through":2}', '{"epoch":"a","through":null}']) {
      localStorage.setItem("trunkline.notices.u", text);
      expect(kept("u")).toBeUndefined();
    }
    localStorage.setItem("trunkline.notices.u", '{"epoch":"a","through":3,"seqs":["x",4]}');
    expect(kept("u")).toEqual({ epoch: "a", through: 3, seqs: [4] });
  });

  test("in any order of coming, dismissing and reloading nothing is lost and nothing comes back", () => {
    const step = fc.oneof(fc.record({ come: fc.integer({ min: 11, max: 25 }) }), fc.record({ dismiss: fc.integer({ min: 11, max: 25 }) }), fc.constant("reload" as const));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let known = begun;
        const journal = new Set<number>();
        const gone = new Set<number>();
        for (const one of steps) {
          const head = Math.max(10, ...journal);
          if (one === "reload") {
            known = withEvents({ open: [], done: known.done }, [...journal].filter((seq) => seq > known.done.through).map((seq) => sent(seq)), NOW);
            known = { ...known, done: settled(known.done, known.open, head) };
          } else if ("come" in one) {
            // The journal only grows.
            if (one.come <= head) continue;
            journal.add(one.come);
            known = withEvents(known, [sent(one.come)], NOW);
          } else if (known.open.some((other) => other.seq === one.dismiss)) {
            known = dismissed(known, one.dismiss, head);
            gone.add(one.dismiss);
          }
          expect(open(known)).toEqual([...journal].filter((seq) => !gone.has(seq)).sort((a, b) => a - b));
        }
      }),
    );
  });
});

test("a queue's notice is for its own, whoever else may see it", () => {
  const notice = noticeOf(sent(11, { data: { text: "x", queue_id: "q" } }));
  const queues = [{ id: "q", agent_ids: ["ann"] }];
  expect(notice && concerns(notice, "ann", queues)).toBe(true);
  expect(notice && concerns(notice, "mia", queues)).toBe(false);
  expect(notice && concerns({ ...notice, queueId: undefined }, "mia", queues)).toBe(true);
});
