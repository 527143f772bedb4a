import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Problem } from "@/api/problem";
import { Channels, Locks } from "@/testing/tabs";
import { Live } from "./shell";

/** A request that the test answers. */
interface Asked {
  readonly path: string;
  readonly signal: AbortSignal | undefined;
  answer(body: unknown): void;
  fail(status: number): void;
}

const gateway = vi.hoisted(() => ({ asked: [] as Asked[], ended: new Set<() => void>() }));

vi.mock("@/api/client", () => {
  const request = (path: string, { signal }: { signal?: AbortSignal } = {}) =>
    new Promise((resolve, reject) => {
      signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
      gateway.asked.push({ path, signal, answer: (data) => resolve({ data }), fail: (status) => reject(new Problem({ status, code: "test" })) });
    });
  let keys = 0;
  return { api: { GET: request, POST: request }, body: async (answer: Promise<{ data: unknown }>) => (await answer).data, newKey: () => `tab-${String(++keys)}` };
});
vi.mock("@/api/session", () => ({
  currentToken: () => Promise.resolve({ value: "token", expiresAt: Date.now() + 900_000 }),
  heldToken: () => undefined,
  lost: () => undefined,
  renew: () => new Promise(() => undefined),
  onToken: () => () => undefined,
  onSignedOut: (listener: () => void) => {
    gateway.ended.add(listener);
    return () => gateway.ended.delete(listener);
  },
}));

class Socket {
  static readonly OPEN = 1;
  readyState = Socket.OPEN;
  readonly sent: { type: string; after?: number }[] = [];
  onmessage: ((event: MessageEvent<string>) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;

  constructor(readonly url: string) {
    sockets.push(this);
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text) as { type: string });
  }
  close(): void {
    this.readyState = 3;
  }
  says(frame: unknown): void {
    this.onmessage?.({ data: JSON.stringify(frame) } as MessageEvent<string>);
  }
}

let sockets: Socket[];
let tabs: Live[];

beforeEach(() => {
  sockets = [];
  tabs = [];
  gateway.asked = [];
  vi.stubGlobal("WebSocket", Socket);
  const channels = new Channels();
  vi.stubGlobal("BroadcastChannel", function channel() {
    return channels.channel();
  });
  Object.defineProperty(navigator, "locks", { configurable: true, value: new Locks() });
});
afterEach(() => {
  signOut();
  gateway.ended.clear();
  Reflect.deleteProperty(navigator, "locks");
  vi.unstubAllGlobals();
});

function open(): Live {
  const tab = new Live();
  tabs.push(tab);
  tab.start();
  return tab;
}

function signOut(): void {
  for (const listener of [...gateway.ended]) listener();
}

/** Everything that follows from what was done has happened. */
async function calm(): Promise<void> {
  for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
}

/** The requests to a path that are still to be answered, and takes them out. */
function asked(path: string): Asked[] {
  const found = gateway.asked.filter((one) => one.path === `/api/v1/${path}`);
  gateway.asked = gateway.asked.filter((one) => !found.includes(one));
  return found;
}

function only<T>(all: readonly T[]): T {
  const [one, ...others] = all;
  if (one === undefined || others.length > 0) throw new Error(`expected one, found ${String(all.length)}`);
  return one;
}

const queue = (name: string) => ({ id: name, name, agent_ids: [] });

/** The requests of one snapshot, to be answered together. */
function snapshotAsked() {
  const [agents, queues, calls] = ["agents", "queues", "calls"].map((path) => only(asked(path)));
  return {
    signals: [agents, queues, calls].map((one) => one?.signal),
    answer: (name: string, seq: number) => {
      agents?.answer({ items: [], as_of_seq: seq });
      queues?.answer({ items: [queue(name)], as_of_seq: seq });
      calls?.answer({ items: [], as_of_seq: seq });
      return calm();
    },
    fail: (status: number) => {
      agents?.fail(status);
      return calm();
    },
  };
}

/** From nothing to the snapshot that is asked for. */
async function greeted(head = 10): Promise<Socket> {
  await calm();
  only(asked("stream/tickets")).answer({ ticket: "t" });
  await calm();
  const socket = sockets.at(-1);
  if (!socket) throw new Error("no socket");
  socket.says({ type: "hello", epoch: "A", head, oldest: 1 });
  await calm();
  return socket;
}

const shown = (tab: Live) => tab.store.allQueues().map((one) => one.name);
const subscriptions = (socket: Socket) => socket.sent.filter((one) => one.type === "subscribe").map((one) => one.after);

test("of two resets in a row only the second one's snapshot is taken, however late the first one's comes", async () => {
  const tab = open();
  const socket = await greeted();
  await snapshotAsked().answer("first", 10);
  expect(shown(tab)).toEqual(["first"]);

  socket.says({ type: "reset", reason: "permissions" });
  await calm();
  const slow = snapshotAsked();
  socket.says({ type: "reset", reason: "epoch" });
  await calm();
  expect(slow.signals.every((one) => one?.aborted), "nobody waits for the first any more").toBe(true);
  const second = snapshotAsked();
  await slow.answer("late", 99);
  expect(shown(tab)).toEqual(["first"]);
  await second.answer("second", 3);
  expect(shown(tab)).toEqual(["second"]);
  expect(subscriptions(socket)).toEqual([10, 3]);
});

test("a snapshot that comes after its socket has gone is thrown away", async () => {
  const tab = open();
  const socket = await greeted();
  const slow = snapshotAsked();
  socket.onclose?.({ code: 1006 } as CloseEvent);
  await calm();
  expect(slow.signals.every((one) => one?.aborted)).toBe(true);
  await slow.answer("late", 10);
  expect(tab.store.ready).toBe(false);
});

test("a snapshot under way at a sign-out is not shown to whoever signs in next", async () => {
  const tab = open();
  await greeted();
  const slow = snapshotAsked();
  signOut();
  expect(slow.signals.every((one) => one?.aborted)).toBe(true);
  tab.start();
  const socket = await greeted(20);
  const own = snapshotAsked();
  await slow.answer("somebody else's", 10);
  expect(tab.store.ready).toBe(false);
  await own.answer("mine", 20);
  expect(shown(tab)).toEqual(["mine"]);
  expect(subscriptions(socket)).toEqual([20]);
});

test("a ticket that was asked for before a sign-out opens no stream after it", async () => {
  const tab = open();
  await calm();
  const late = only(asked("stream/tickets"));
  signOut();
  tab.start();
  await calm();
  const own = only(asked("stream/tickets"));
  late.answer({ ticket: "theirs" });
  await calm();
  expect(sockets).toEqual([]);
  own.answer({ ticket: "mine" });
  await calm();
  expect(only(sockets).url).toContain("ticket=mine");
});

test("a snapshot that cannot be read is tried again on another connection", async () => {
  const tab = open();
  const socket = await greeted();
  await snapshotAsked().fail(503);
  expect(socket.readyState).toBe(3);
  expect(tab.connection).toMatchObject({ state: "offline", reason: "snapshot" });
});

test("a tab that joins is told how things are, and no other tab reads anything anew", async () => {
  const leader = open();
  const socket = await greeted();
  await snapshotAsked().answer("one", 10);
  const follower = open();
  const [leaderReset, followerReset, joinerReset] = [vi.fn(), vi.fn(), vi.fn()];
  leader.onReset(leaderReset);
  follower.onReset(followerReset);
  await calm();
  expect(shown(follower)).toEqual(["one"]);
  expect(followerReset, "what it had read before may be older").toHaveBeenCalledOnce();

  const joiner = open();
  joiner.onReset(joinerReset);
  await calm();
  expect(shown(joiner)).toEqual(["one"]);
  expect([leaderReset, followerReset, joinerReset].map((one) => one.mock.calls.length)).toEqual([0, 1, 1]);

  // A reset is everybody's.
  socket.says({ type: "reset", reason: "epoch" });
  await calm();
  await snapshotAsked().answer("two", 4);
  expect(tabs.map(shown)).toEqual([["two"], ["two"], ["two"]]);
  expect([leaderReset, followerReset, joinerReset].map((one) => one.mock.calls.length)).toEqual([1, 2, 2]);
});
