import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { notifyOfRing, ringIsOver } from "./notify";

class Shown {
  static permission = "granted";
  static all: Shown[] = [];
  closed = false;
  onclick: (() => void) | null = null;
  onclose: (() => void) | null = null;
  constructor(
    readonly title: string,
    readonly options: NotificationOptions,
  ) {
    Shown.all.push(this);
  }
  close(): void {
    this.closed = true;
    this.onclose?.();
  }
}

const ring = { id: "ring-1", callId: "c", peer: "+15550100", peerName: "Marta Keller", queue: "Sales", reattach: undefined };

function looks(visible: boolean, focused = visible): void {
  vi.spyOn(document, "visibilityState", "get").mockReturnValue(visible ? "visible" : "hidden");
  vi.spyOn(document, "hasFocus").mockReturnValue(focused);
}

beforeEach(() => {
  Shown.all = [];
  Shown.permission = "granted";
  vi.stubGlobal("Notification", Shown);
});
afterEach(() => {
  ringIsOver(ring.id);
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test("a ring that nobody looks at is told by the desktop: who, for which queue", () => {
  looks(false);
  notifyOfRing(ring);
  expect(Shown.all).toHaveLength(1);
  expect(Shown.all[0]?.title).toContain("Marta Keller");
  expect(Shown.all[0]?.options).toMatchObject({ tag: "trunkline-ring-1", requireInteraction: true });
  expect(Shown.all[0]?.options.body).toMatch(/^Sales .*\+15550100/);
});

test("also beside another window that is worked in, but not to whoever looks at the page, nor without leave", () => {
  looks(true, false);
  notifyOfRing(ring);
  expect(Shown.all).toHaveLength(1);
  looks(true);
  notifyOfRing(ring);
  looks(false);
  Shown.permission = "default";
  notifyOfRing(ring);
  expect(Shown.all).toHaveLength(1);
});

test("who is to be called back is told of by their own number", () => {
  looks(false);
  notifyOfRing(ring, "+15550100");
  notifyOfRing({ ...ring, id: "ring-2" }, "+39061234");
  expect(Shown.all.map((one) => one.title)).toEqual([expect.stringMatching(/^\u2197 .*Marta Keller/), expect.stringMatching(/^\u2197 .*\+39061234/)]);
  ringIsOver("ring-2");
});

test("goes with the ring, and a click on it leads to the page", () => {
  looks(false);
  const focus = vi.spyOn(window, "focus").mockImplementation(() => undefined);
  notifyOfRing(ring);
  ringIsOver(ring.id);
  expect(Shown.all[0]?.closed).toBe(true);
  notifyOfRing({ ...ring, peerName: undefined });
  Shown.all[1]?.onclick?.();
  expect(focus).toHaveBeenCalledOnce();
  expect(Shown.all[1]?.closed).toBe(true);
});
