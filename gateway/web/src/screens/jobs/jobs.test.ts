import { act, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { UNDO_MS, useDrops } from "./use-drops";
import { type Job, canDrop, canRetry } from "./job-words";

const DELETE = vi.hoisted(() => vi.fn(() => Promise.resolve({})));
vi.mock("@/api", async (original) => ({ ...(await original<object>()), api: { DELETE } }));

beforeEach(() => {
  vi.useFakeTimers();
  DELETE.mockClear();
});
afterEach(() => vi.useRealTimers());

const drops = () => renderHook(() => useDrops(useDropped));
const useDropped = () => Promise.resolve();

describe("a dropped job", () => {
  it("is gone from the list at once, and from the server when it cannot be taken back any more", async () => {
    const { result } = drops();
    act(() => result.current.begin("a"));
    expect([...result.current.ids]).toEqual(["a"]);
    expect(DELETE).not.toHaveBeenCalled();
    await act(() => vi.advanceTimersByTimeAsync(UNDO_MS));
    expect(DELETE).toHaveBeenCalledOnce();
    expect([...result.current.ids]).toEqual([]);
  });

  it("comes back when it is taken back", async () => {
    const { result } = drops();
    act(() => result.current.begin("a"));
    act(() => result.current.undo("a"));
    await act(() => vi.advanceTimersByTimeAsync(2 * UNDO_MS));
    expect([...result.current.ids]).toEqual([]);
    expect(DELETE).not.toHaveBeenCalled();
  });

  it("is dropped at once when the screen is left", async () => {
    const { result, unmount } = drops();
    act(() => result.current.begin("a"));
    unmount();
    await vi.advanceTimersByTimeAsync(0);
    expect(DELETE).toHaveBeenCalledOnce();
  });
});

describe("what can be done", () => {
  const job = (state: Job["state"], waits_for: Job["waits_for"] = null) => ({ state, waits_for }) as Job;
  it("is said only where it changes something", () => {
    expect([job("dead"), job("waiting", "time"), job("waiting", "turn"), job("running"), job("done")].map(canRetry)).toEqual([true, true, false, false, false]);
    expect([job("dead"), job("waiting", "earlier"), job("running"), job("done")].map(canDrop)).toEqual([true, true, false, true]);
  });
});
