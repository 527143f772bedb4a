import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Player } from "./audio";

/** An audio element without sound: the test says what the network does. */
class FakeAudio extends EventTarget {
  static latest: FakeAudio;
  readyState = 0;
  currentTime = 0;
  paused = true;
  seeking = false;
  error: Error | { code: number } | null = null;
  preload = "";
  preservesPitch = false;
  playbackRate = 1;
  defaultPlaybackRate = 1;
  private address = "";

  constructor() {
    super();
    FakeAudio.latest = this;
  }
  get src(): string {
    return this.address;
  }
  set src(address: string) {
    this.address = address;
    this.readyState = 0;
    this.currentTime = 0;
    this.error = null;
  }
  getAttribute(): string | null {
    return this.address || null;
  }
  removeAttribute(): void {
    this.address = "";
  }
  load(): void {
    this.readyState = 0;
  }
  play(): Promise<void> {
    this.paused = false;
    this.tell("play");
    return Promise.resolve();
  }
  pause(): void {
    this.paused = true;
    this.tell("pause");
  }
  tell(kind: string): void {
    this.dispatchEvent(new Event(kind));
  }
  /** The beginning has come. */
  arrive(): void {
    this.readyState = 4;
    this.tell("loadedmetadata");
    this.tell("playing");
  }
  reach(seconds: number): void {
    this.currentTime = seconds;
    this.tell("timeupdate");
  }
  breakOff(): void {
    this.error = new Error("network");
    this.readyState = 0;
    this.currentTime = 0;
    this.tell("error");
  }
}

const links = vi.fn<() => Promise<{ url: string; expiresAt: number }>>();
let count = 0;
const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "Date", "requestAnimationFrame", "cancelAnimationFrame"] });
  vi.stubGlobal("Audio", FakeAudio);
  count = 0;
  links.mockReset().mockImplementation(() => Promise.resolve({ url: `/link/${String((count += 1))}`, expiresAt: Date.now() + 900_000 }));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function playing(): Promise<[Player, FakeAudio]> {
  const player = new Player(60_000, links);
  const audio = FakeAudio.latest;
  await player.open();
  audio.arrive();
  await player.play();
  return [player, audio];
}

test("one link is enough for playing, pausing and seeking", async () => {
  const [player, audio] = await playing();
  audio.reach(12);
  player.toggle();
  expect(player.read().playing).toBe(false);
  player.seek(30_000);
  player.toggle();
  await settle();
  expect([audio.src, audio.currentTime, player.read().playing, links.mock.calls.length]).toEqual(["/link/1", 30, true, 1]);
});

test("a link that has ended is replaced, and the sound goes on where it was", async () => {
  const [player, audio] = await playing();
  player.setRate(1.5);
  audio.reach(12);
  audio.breakOff();
  await settle();
  expect(audio.src).toBe("/link/2");
  expect(player.position()).toBe(12_000);
  audio.arrive();
  expect([audio.currentTime, audio.playbackRate, player.read().playing, player.read().failure]).toEqual([12, 1.5, true, undefined]);
});

test("what fails twice at the same place has failed, until it is tried again", async () => {
  const [player, audio] = await playing();
  audio.reach(12);
  audio.breakOff();
  await settle();
  audio.breakOff();
  await settle();
  expect(player.read().failure).toBeInstanceOf(Error);
  expect(player.read().playing).toBe(false);
  await player.play();
  audio.arrive();
  expect([player.read().failure, audio.currentTime]).toEqual([undefined, 12]);
});

test("a machine without a loudspeaker plays on", async () => {
  const [player, audio] = await playing();
  audio.reach(2);
  audio.error = { code: 3 };
  audio.tell("error");
  await settle();
  audio.reach(3);
  expect([audio.src, player.read().playing, player.read().failure, player.position()]).toEqual(["/link/1", true, undefined, 3_000]);
});

test("why there is no link is told", async () => {
  const gone = new Error("gone");
  links.mockRejectedValueOnce(gone);
  const player = new Player(60_000, links);
  await player.open();
  expect(player.read().failure).toBe(gone);
});

test("a place that was chosen before anything was loaded is where it begins", async () => {
  const player = new Player(60_000, links);
  player.seek(25_000);
  expect(player.position()).toBe(25_000);
  await player.open();
  FakeAudio.latest.arrive();
  expect(FakeAudio.latest.currentTime).toBe(25);
  player.seek(99_000);
  expect(player.position()).toBe(60_000);
});

test("silence is passed over only while it plays and only when that is wished", async () => {
  const [player, audio] = await playing();
  player.silences([{ from: 10_000, to: 20_000 }]);
  audio.reach(11);
  expect(audio.currentTime).toBe(11);
  player.setSkipsSilence(true);
  expect(audio.currentTime).toBe(20);
  player.pause();
  player.seek(15_000);
  expect(audio.currentTime).toBe(15);
});

test("after its end it plays from the beginning", async () => {
  const [player, audio] = await playing();
  audio.reach(60);
  audio.pause();
  player.toggle();
  await settle();
  expect([audio.currentTime, player.read().playing]).toEqual([0, true]);
});

test("closed, it lets go of the sound; open again, it goes on from there", async () => {
  const [player, audio] = await playing();
  audio.reach(12);
  player.close();
  expect([audio.src, audio.paused, player.position()]).toEqual(["", true, 12_000]);
  await player.open();
  audio.arrive();
  expect([audio.src, audio.currentTime]).toEqual(["/link/2", 12]);
});
