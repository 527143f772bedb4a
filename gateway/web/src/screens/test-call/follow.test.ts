import { describe, expect, it, vi } from "vitest";
import type { LiveCall } from "@/live";
import { type Calls, whenItComes } from "./follow";

function store() {
  const calls: LiveCall[] = [];
  const listeners = new Set<() => void>();
  const add = (from: string, state: LiveCall["state"] = "queued") => {
    calls.push({ id: `call-${from}`, from, state } as LiveCall);
    for (const listener of [...listeners]) listener();
  };
  const all: Calls = {
    allCalls: () => calls,
    subscribe: (_, listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return { all, add, listeners };
}

describe("a test call", () => {
  it("is told of once, when it comes", () => {
    const { all, add, listeners } = store();
    const tell = vi.fn();
    whenItComes(all, "+1", tell);
    add("+2");
    expect(tell).not.toHaveBeenCalled();
    add("+1");
    add("+3");
    expect(tell.mock.calls.map(([call]) => (call as LiveCall).id)).toEqual(["call-+1"]);
    expect(listeners.size).toBe(0);
  });

  it("is told of when the stream was faster than the answer", () => {
    const { all, add, listeners } = store();
    add("+1");
    const tell = vi.fn();
    whenItComes(all, "+1", tell);
    expect(tell).toHaveBeenCalledOnce();
    expect(listeners.size).toBe(0);
  });

  it("is not an earlier one from the same number", () => {
    const { all, add } = store();
    add("+1", "ended");
    const tell = vi.fn();
    whenItComes(all, "+1", tell);
    expect(tell).not.toHaveBeenCalled();
  });

  it("is given up when it never comes", () => {
    vi.useFakeTimers();
    try {
      const { all, listeners } = store();
      whenItComes(all, "+1", vi.fn());
      expect(listeners.size).toBe(1);
      vi.advanceTimersByTime(60_000);
      expect(listeners.size).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});
