import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Problem } from "@/api";
import type { Held } from "./api";
import type { Definition } from "./model";
import { DraftSaver, type SaveState } from "./saving";

const draft = (start: string): Definition => ({ start, language: "en", nodes: [] });
let sent: { start: string; etag: string | undefined }[];
let answers: ((etag: string) => Promise<Held>)[];
let states: SaveState["state"][];
let saver: DraftSaver;

beforeEach(() => {
  vi.useFakeTimers();
  [sent, answers, states] = [[], [], []];
  saver = new DraftSaver({
    etag: '"1"',
    quiet: 500,
    onState: ({ state }) => states.push(state),
    onSaved: () => undefined,
    save: (definition, etag) => {
      sent.push({ start: definition.start, etag });
      const next = `"${String(sent.length + 1)}"`;
      return (answers.shift() ?? ((tag) => Promise.resolve({ flow: { id: "f", name: "F", draft: null, published: null }, etag: tag })))(next);
    },
  });
});
afterEach(() => vi.useRealTimers());
const refuse = (status: number) => () => Promise.reject(new Problem({ status, code: "x" }));

test("is sent when it has been quiet for a while, and only the last of it", async () => {
  saver.change(draft("a"));
  await vi.advanceTimersByTimeAsync(400);
  saver.change(draft("b"));
  await vi.advanceTimersByTimeAsync(400);
  expect(sent).toEqual([]);
  expect(saver.dirty).toBe(true);
  await vi.advanceTimersByTimeAsync(200);
  expect(sent).toEqual([{ start: "b", etag: '"1"' }]);
  expect(saver.dirty).toBe(false);
  expect(states).toEqual(["waiting", "waiting", "saving", "saved"]);
});

test("follows what is changed while it is being sent, with the newest tag", async () => {
  let arrived: (() => void) | undefined;
  answers = [(etag) => new Promise((done) => (arrived = () => done({ flow: { id: "f", name: "F", draft: null, published: null }, etag })))];
  saver.change(draft("a"));
  await vi.advanceTimersByTimeAsync(500);
  saver.change(draft("b"));
  await vi.advanceTimersByTimeAsync(2_000);
  // One at a time: the server would refuse the second.
  expect(sent).toHaveLength(1);
  arrived?.();
  await vi.advanceTimersByTimeAsync(600);
  expect(sent).toEqual([
    { start: "a", etag: '"1"' },
    { start: "b", etag: '"2"' },
  ]);
  expect(states.at(-1)).toBe("saved");
});

test("is tried again while the server is away, and not when it refuses", async () => {
  answers = [refuse(503), refuse(0)];
  saver.change(draft("a"));
  await vi.advanceTimersByTimeAsync(500);
  expect(states.at(-1)).toBe("failed");
  await vi.advanceTimersByTimeAsync(10_000);
  expect(sent).toHaveLength(3);
  expect(states.at(-1)).toBe("saved");
  answers = [refuse(422)];
  saver.change(draft("b"));
  await vi.advanceTimersByTimeAsync(120_000);
  expect(sent).toHaveLength(4);
  expect(states.at(-1)).toBe("failed");
  expect(await saver.flush()).toBe(true);
});

test("waits for a word when somebody else was quicker", async () => {
  answers = [refuse(412)];
  saver.change(draft("mine"));
  await vi.advanceTimersByTimeAsync(500);
  expect(states.at(-1)).toBe("conflict");
  saver.change(draft("mine, later"));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sent).toHaveLength(1);
  expect(await saver.flush()).toBe(false);
  // What is here holds.
  expect(await saver.overwrite('"9"')).toBe(true);
  expect(sent.at(-1)).toEqual({ start: "mine, later", etag: '"9"' });
  // What is there holds.
  answers = [refuse(412)];
  saver.change(draft("again"));
  await vi.advanceTimersByTimeAsync(500);
  saver.settle('"12"');
  expect([saver.dirty, states.at(-1)]).toEqual([false, "saved"]);
  saver.change(draft("on"));
  await vi.advanceTimersByTimeAsync(500);
  expect(sent.at(-1)).toEqual({ start: "on", etag: '"12"' });
});

test("what is not sent when the screen is left is sent then", async () => {
  saver.change(draft("a"));
  saver.end();
  await vi.advanceTimersByTimeAsync(0);
  expect(sent).toEqual([{ start: "a", etag: '"1"' }]);
});
