import fc from "fast-check";
import { cleanup, fireEvent, render } from "@testing-library/react";
import { createElement } from "react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { chord, onKeyDown, resolve, useShortcut } from "./commands";
import { match, numberIn } from "./palette";

const press = (key: string, held: Partial<Record<"ctrlKey" | "metaKey" | "altKey" | "shiftKey", boolean>> = {}) => chord({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...held });

describe("keys", () => {
  it("are named as shortcuts are written", () => {
    expect(press("k", { ctrlKey: true })).toBe("ctrl+k");
    expect(press("K", { metaKey: true, shiftKey: true })).toBe("ctrl+shift+k");
    expect(press("?", { shiftKey: true })).toBe("?");
    expect(press(" ")).toBe("space");
    expect(press("Enter", { shiftKey: true })).toBe("shift+enter");
  });

  it("one after the other are one shortcut", () => {
    const [go, other] = [vi.fn(), vi.fn()];
    const known = [
      { shortcut: "g c", run: go },
      { shortcut: "c", run: other },
    ];
    expect(resolve(known, "", "g")).toEqual({ waiting: "g" });
    expect(resolve(known, "g", "c").run).toBe(go);
    expect(resolve(known, "", "c").run).toBe(other);
    // What does not go on is a beginning of its own.
    expect(resolve(known, "g", "x")).toEqual({ waiting: "" });
    expect(resolve(known, "x", "c").run).toBe(other);
  });

  it("mean what was said last, which is nearest", () => {
    const [screen, dialog] = [vi.fn(), vi.fn()];
    expect(resolve([{ shortcut: "e", run: screen }, { shortcut: "e", run: dialog }], "", "e").run).toBe(dialog);
  });

  it("may be any, in any order", () => {
    const known = ["g c", "g", "ctrl+k", "s a", "?"].map((shortcut) => ({ shortcut, run: () => undefined }));
    fc.assert(
      fc.property(fc.array(fc.constantFrom("g", "c", "s", "a", "?", "ctrl+k", "x")), (keys) => {
        let before = "";
        for (const key of keys) before = resolve(known, before, key).waiting;
        expect(["", "s", "g"]).toContain(before);
      }),
    );
  });
});

describe("a key that may also begin a sequence", () => {
  afterEach(() => {
    cleanup();
    vi.useRealTimers();
    document.removeEventListener("keydown", onKeyDown);
  });
  const done: string[] = [];
  function Keys() {
    for (const keys of ["s", "s a", "j"]) useShortcut(keys, () => done.push(keys)); // eslint-disable-line react-hooks/rules-of-hooks -- the same three each time
    return null;
  }

  it("is taken for itself once the sequence has not come, or another key has", () => {
    vi.useFakeTimers();
    document.addEventListener("keydown", onKeyDown);
    render(createElement(Keys));
    const type = (key: string) => fireEvent.keyDown(document.body, { key });
    type("s");
    expect(done).toEqual([]);
    type("a");
    vi.advanceTimersByTime(5000);
    expect(done.splice(0)).toEqual(["s a"]);
    type("s");
    vi.advanceTimersByTime(5000);
    expect(done.splice(0)).toEqual(["s"]);
    type("s");
    type("j");
    expect(done.splice(0)).toEqual(["s", "j"]);
  });
});

describe("the palette", () => {
  it("knows a number when it sees one", () => {
    expect(numberIn("+39 06 1234-5678")).toBe("+390612345678");
    expect(numberIn("700")).toBe("700");
    for (const text of ["", "7", "call 700", "+", "abc", "12345678901234567890123"]) expect(numberIn(text)).toBeUndefined();
  });

  it("finds by all words, those that begin with the first before the others", () => {
    const all = [{ title: "Sign out" }, { title: "Go to calls", keywords: "history" }, { title: "Calls: missed" }];
    expect(match(all, "calls").map((one) => one.title)).toEqual(["Calls: missed", "Go to calls"]);
    expect(match(all, "HISTORY go").map((one) => one.title)).toEqual(["Go to calls"]);
    expect(match(all, "")).toHaveLength(3);
    expect(match(all, "nothing")).toEqual([]);
  });
});
