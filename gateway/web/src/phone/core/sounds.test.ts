import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Context, Output, playing, speakers } from "@/testing/sound";
import { Player } from "./sounds";

let player: Player;

beforeEach(() => {
  speakers();
  player = new Player();
});
afterEach(() => {
  player.stop();
  vi.unstubAllGlobals();
});

const calm = () => new Promise((resolve) => setTimeout(resolve));

test("the bell rings over and over on each device once, as loud as was asked for", async () => {
  player.play("bell", ["headset", "loudspeaker", "headset"], 0.4);
  await calm();
  expect(playing()).toEqual(["headset", "loudspeaker"]);
  const [context] = Context.all;
  expect(context?.source).toMatchObject({ loop: true, started: true });
  expect(context?.gain.gain.value).toBe(0.4);
  // As long as it lasts it is not begun anew, only made louder.
  player.play("bell", ["headset"], 0.9);
  expect(Context.all).toHaveLength(1);
  expect(context?.gain.gain.value).toBe(0.9);
});

test("nothing sounds on, and the machine's sound is let go, when it is over", async () => {
  player.play("ringback", [""], 1);
  await calm();
  player.play("none", [], 1);
  expect(playing()).toEqual([]);
  expect(Context.all[0]).toMatchObject({ closed: true, source: { stopped: true } });
});

test("a device that is gone is replaced by the system's own", async () => {
  Output.gone.add("headset");
  player.play("bell", ["headset"], 1);
  await calm();
  expect(playing()).toEqual([""]);
});

test("a bell that is stopped before its device was there does not begin to ring", async () => {
  player.play("bell", ["headset"], 1);
  player.stop();
  await calm();
  expect(playing()).toEqual([]);
});

test("a test plays once and is over when it has ended; a bell that rings is not disturbed by it", async () => {
  const over = vi.fn();
  void player.test("speaker", ["headset"], 1).then(over);
  await calm();
  expect(playing()).toEqual(["headset"]);
  expect(Context.all[0]?.source.loop).toBe(false);
  Context.all[0]?.source.onended?.();
  await calm();
  expect(over).toHaveBeenCalledOnce();
  expect(playing()).toEqual([]);

  player.play("bell", [""], 1);
  await player.test("bell", [""], 1);
  expect(Context.all).toHaveLength(2);
});

test("a page that nobody has touched yet sounds with the first touch", async () => {
  Context.state = "suspended";
  player.play("bell", [""], 1);
  await calm();
  expect(Context.all[0]?.resumed).toBe(false);
  window.dispatchEvent(new Event("pointerdown"));
  expect(Context.all[0]?.resumed).toBe(true);
});
