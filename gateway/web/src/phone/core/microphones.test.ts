import { expect, test, vi } from "vitest";
import { Microphones } from "./microphones";

class Track {
  stopped = false;
  onended: (() => void) | null = null;
  stop(): void {
    this.stopped = true;
  }
}

function microphone(name: string) {
  const track = new Track();
  return { name, track, stream: { name, getTracks: () => [track] } as unknown as MediaStream };
}

/** Everything that follows from what was done has happened. */
async function calm(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

function room() {
  const opened: ReturnType<typeof microphone>[] = [];
  const put = vi.fn((_id: string, _stream: MediaStream) => Promise.resolve());
  const open = vi.fn(() => {
    const next = microphone(`m${String(opened.length + 1)}`);
    opened.push(next);
    return Promise.resolve(next.stream);
  });
  return { microphones: new Microphones(open, put), opened, open, put, names: () => put.mock.calls.map(([id, stream]) => [id, (stream as unknown as { name: string }).name]) };
}

test("another microphone in the middle of a call goes into each call, and the old ones are let go", async () => {
  const { microphones, opened, names } = room();
  for (const id of ["one", "two"]) microphones.use(id, await microphones.take());
  await microphones.change();
  expect(names()).toEqual([
    ["one", "m3"],
    ["two", "m4"],
  ]);
  expect(opened.map(({ track }) => track.stopped)).toEqual([true, true, false, false]);
});

test("a headset that is pulled out is followed by another microphone", async () => {
  const { microphones, opened, names } = room();
  microphones.use("call", await microphones.take());
  opened[0]?.track.onended?.();
  await calm();
  expect(names()).toEqual([["call", "m2"]]);
  // The second one too.
  opened[1]?.track.onended?.();
  await calm();
  expect(names()).toEqual([
    ["call", "m2"],
    ["call", "m3"],
  ]);
});

test("a headset pulled out of a call that is over opens nothing", async () => {
  const { microphones, opened, open } = room();
  microphones.use("call", await microphones.take());
  const ended = opened[0]?.track.onended;
  microphones.release("call");
  expect(opened[0]?.track).toMatchObject({ stopped: true, onended: null });
  ended?.();
  await calm();
  expect(open).toHaveBeenCalledOnce();
});

test("a call that ends while another microphone is opened does not keep it", async () => {
  const { microphones, opened, put } = room();
  microphones.use("call", await microphones.take());
  const changing = microphones.change();
  microphones.release("call");
  await changing;
  expect(opened.map(({ track }) => track.stopped)).toEqual([true, true]);
  expect(put).not.toHaveBeenCalled();
});

test("why there is none is told apart", async () => {
  const microphones = new Microphones(() => Promise.reject(new DOMException("", "NotReadableError")), () => Promise.resolve());
  await expect(microphones.take()).rejects.toMatchObject({ code: "microphone", message: "microphone-busy" });
});
