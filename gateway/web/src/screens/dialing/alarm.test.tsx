import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, configure, fireEvent, render, screen, waitFor } from "@testing-library/react";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type JournalEvent, live } from "@/live";
import { NEWS_MS, alarmOf, keep, kept, newest, useAlarm } from "./alarm";

vi.setConfig({ testTimeout: 30_000 });
configure({ asyncUtilTimeout: 5_000 });
vi.mock("@/api/session", async (original) => ({ ...(await original<object>()), currentToken: () => Promise.resolve({ value: "t", expiresAt: Infinity }) }));

const NOW = Date.now();
const rung = (seq: number, over: Partial<JournalEvent> = {}): JournalEvent => ({ seq, id: `e${String(seq)}`, kind: "dialing.alarm", at: new Date(NOW - 60_000).toISOString(), subject: { type: "dialing", id: "d" }, data: { words: `Words ${String(seq)}` }, ...over });

beforeEach(() => localStorage.clear());

describe("the alarm to show", () => {
  test("is the newest one that is not put away, however they come", () => {
    expect(alarmOf(rung(3))).toMatchObject({ seq: 3, words: "Words 3" });
    expect(alarmOf(rung(3, { kind: "call.ended" }))).toBeUndefined();
    for (const data of [{}, { words: 7 }, { words: "" }]) expect(alarmOf(rung(3, { data }))).toBeUndefined();
    expect(newest(undefined, [rung(4), rung(6), rung(5)], 0, NOW)?.seq).toBe(6);
    expect(newest(alarmOf(rung(9)), [rung(6)], 0, NOW)?.seq).toBe(9);
    expect(newest(alarmOf(rung(9)), [rung(6)], 9, NOW)).toBeUndefined();
    expect(newest(undefined, [rung(6, { at: new Date(NOW - NEWS_MS).toISOString() })], 0, NOW)).toBeUndefined();
  });

  test("comes back by no order of coming and putting away", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.record({ come: fc.integer({ min: 1, max: 30 }) }), fc.constant("dismiss" as const)), { maxLength: 30 }), (steps) => {
        let [known, through, last] = [undefined as ReturnType<typeof newest>, 0, 0];
        for (const one of steps) {
          if (one === "dismiss") {
            through = Math.max(through, known?.seq ?? 0);
            known = undefined;
          } else {
            known = newest(known, [rung(one.come)], through, NOW);
            if (one.come > through) last = Math.max(last, one.come);
          }
          expect(known?.seq).toBe(last > through ? last : undefined);
        }
      }),
    );
  });

  test("what is kept never goes back, and of another epoch, or of anybody else's making, nothing is believed", () => {
    keep("u", { epoch: "a", through: 7 });
    keep("u", { epoch: "a", through: 5 });
    expect(kept("u", "a")).toEqual({ epoch: "a", through: 7 });
    expect(kept("u", "b")).toBeUndefined();
    expect(kept("v", "a")).toBeUndefined();
    for (const text of ["", "{", "7", '{"epoch":"a"}', '{"epoch":"a","through":"9"}']) {
      localStorage.setItem("trunkline.alarm.u", text);
      expect(kept("u", "a")).toBeUndefined();
    }
  });
});

describe("over a reload", () => {
  let journal: JournalEvent[];
  let asked: number[];
  beforeEach(() => {
    journal = [];
    asked = [];
    vi.stubGlobal("fetch", async (request: Request) => {
      const after = Number(new URL(request.url).searchParams.get("after"));
      asked.push(after);
      const items = journal.filter((one) => one.seq > after);
      return Response.json({ items, next_after: 900, as_of_seq: 900 });
    });
    live.store.load({ agents: { items: [], as_of_seq: 900 }, queues: { items: [], as_of_seq: 900 }, calls: { items: [], as_of_seq: 900 } });
    live.store.moveTo({ epoch: "a", through: 900 });
  });
  afterEach(() => {
    cleanup();
    live.store.clear();
    vi.unstubAllGlobals();
  });

  function Shown() {
    const { alarm, dismiss } = useAlarm();
    return alarm ? <button onClick={dismiss}>{alarm.words}</button> : <p>Nothing</p>;
  }
  function load(): () => void {
    const queries = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Infinity } } });
    queries.setQueryData(["me"], { user: { id: "u" }, permissions: [] });
    return render(
      <QueryClientProvider client={queries}>
        <Shown />
      </QueryClientProvider>,
    ).unmount;
  }

  test("it is shown until it is put away, also when much has happened since", async () => {
    journal = [rung(700), rung(800)];
    let leave = load();
    await screen.findByText("Words 800");
    // A browser that never looked reads back a little, not the whole journal.
    expect(asked).toEqual([400]);
    leave();
    live.store.moveTo({ epoch: "a", through: 5_000 });
    leave = load();
    await screen.findByText("Words 800");
    expect(asked.at(-1)).toBe(799);
    await act(async () => void fireEvent.click(screen.getByRole("button")));
    await screen.findByText("Nothing");
    leave();
    load();
    await waitFor(() => expect(asked.at(-1)).toBe(800));
    await screen.findByText("Nothing");
  });

  test("one that another tab put away is gone here", async () => {
    journal = [rung(800)];
    load();
    await screen.findByText("Words 800");
    keep("u", { epoch: "a", through: 800 });
    act(() => void window.dispatchEvent(new StorageEvent("storage", { key: "trunkline.alarm.u" })));
    await screen.findByText("Nothing");
  });
});
