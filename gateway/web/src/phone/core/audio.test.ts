import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { playing, speakers } from "@/testing/sound";
import { AudioDevices, levelOf, microphoneProblem } from "./audio";

test("what keeps a microphone from us is told apart", () => {
  const named = (name: string) => microphoneProblem(new DOMException("", name));
  expect(named("NotAllowedError")).toBe("microphone-refused");
  expect(named("SecurityError")).toBe("microphone-refused");
  expect(named("NotFoundError")).toBe("microphone-missing");
  expect(named("OverconstrainedError")).toBe("microphone-missing");
  expect(named("NotReadableError")).toBe("microphone-busy");
  expect(named("AbortError")).toBe("microphone-busy");
});

test("the level is what an ear makes of it", () => {
  const tone = (loud: number) => Float32Array.from({ length: 1_000 }, (_, n) => loud * Math.sin(n / 5));
  expect(levelOf(tone(0))).toBe(0);
  expect(levelOf(tone(0.000_1))).toBe(0);
  expect(levelOf(tone(1))).toBeCloseTo(0.95, 1);
  expect(levelOf(tone(0.1))).toBeCloseTo(0.62, 1);
  expect(levelOf(new Float32Array())).toBe(0);
});

describe("devices", () => {
  let there: MediaDeviceInfo[];
  let media: EventTarget & { enumerateDevices(): Promise<MediaDeviceInfo[]>; getUserMedia: ReturnType<typeof vi.fn> };
  const sinks: string[] = [];
  const changed = vi.fn();
  const restored = vi.fn();
  let audio: AudioDevices;
  const device = (kind: MediaDeviceKind, deviceId: string) => ({ kind, deviceId, label: deviceId, groupId: "" }) as MediaDeviceInfo;
  const settle = () => new Promise((resolve) => setTimeout(resolve));
  const plug = async (...devices: MediaDeviceInfo[]) => {
    there = devices;
    media.dispatchEvent(new Event("devicechange"));
    await settle();
  };

  beforeEach(async () => {
    localStorage.clear();
    sinks.length = 0;
    speakers();
    there = [device("audioinput", "default"), device("audioinput", "headset"), device("audiooutput", "default"), device("audiooutput", "headset"), device("audiooutput", "loudspeaker")];
    media = Object.assign(new EventTarget(), { enumerateDevices: () => Promise.resolve(there), getUserMedia: vi.fn() });
    Object.defineProperty(navigator, "mediaDevices", { configurable: true, value: media });
    Object.assign(HTMLMediaElement.prototype, {
      setSinkId: (id: string) => {
        sinks.push(id);
        return Promise.resolve();
      },
    });
    changed.mockClear();
    restored.mockClear();
    audio = new AudioDevices(changed, restored);
    audio.start();
    await settle();
  });
  afterEach(() => {
    audio.stop();
    vi.unstubAllGlobals();
    Reflect.deleteProperty(navigator, "mediaDevices");
    Reflect.deleteProperty(HTMLMediaElement.prototype, "setSinkId");
  });

  test("each is listed once, under its own name", () => {
    expect(audio.settings).toMatchObject({ microphones: [{ id: "headset" }], speakers: [{ id: "headset" }, { id: "loudspeaker" }], canChooseSpeaker: true });
  });

  test("the bell rings in the headset, and on a second device when one is chosen", async () => {
    const rings = async () => {
      audio.sound("bell");
      await settle();
      const on = playing();
      audio.sound("none");
      return on;
    };
    expect(await rings()).toEqual([""]);
    audio.choose({ speaker: "headset" });
    expect(await rings()).toEqual(["headset"]);
    audio.choose({ bell: "loudspeaker" });
    expect(await rings()).toEqual(["headset", "loudspeaker"]);
    // A second device that was pulled out: on the system's own, so that it still rings in the room.
    await plug(device("audiooutput", "headset"));
    expect(await rings()).toEqual(["headset", ""]);
  });

  test("what only its listener shall hear does not go to the bell's device", async () => {
    audio.choose({ speaker: "headset", bell: "loudspeaker" });
    for (const sound of ["knock", "ringback"] as const) {
      audio.sound(sound);
      await settle();
      expect(playing()).toEqual(["headset"]);
    }
  });

  test("the other side is heard where was chosen, from the next word on", () => {
    audio.hear({ getTracks: () => [] } as unknown as MediaStream);
    expect(sinks).toEqual([""]);
    audio.choose({ speaker: "headset" });
    expect(sinks).toEqual(["", "headset"]);
    audio.choose({ ringVolume: 0.2 });
    expect(sinks).toHaveLength(2);
  });

  test("a choice outlives the page, and is the other tabs' too", async () => {
    audio.choose({ microphone: "headset", bell: "loudspeaker", ringVolume: 0.3 });
    const next = new AudioDevices(changed, restored);
    expect(next.settings).toMatchObject({ microphone: "headset", bell: "loudspeaker", ringVolume: 0.3, speaker: undefined });
    localStorage.setItem("trunkline.audio", JSON.stringify({ speaker: "loudspeaker", ringVolume: 7 }));
    window.dispatchEvent(new StorageEvent("storage", { key: "trunkline.audio" }));
    await settle();
    expect(audio.settings).toMatchObject({ speaker: "loudspeaker", microphone: undefined, ringVolume: 0.8 });
  });

  test("a chosen microphone that is gone is replaced by the system's own", async () => {
    audio.choose({ microphone: "headset" });
    const stream = {};
    media.getUserMedia.mockRejectedValueOnce(new DOMException("", "OverconstrainedError")).mockResolvedValueOnce(stream);
    expect(await audio.open()).toBe(stream);
    expect(media.getUserMedia.mock.calls.map(([wanted]) => (wanted as { audio: { deviceId?: unknown } }).audio.deviceId)).toEqual([{ exact: "headset" }, undefined]);
    // One that another program holds is not gone: that is to be said, not passed over.
    media.getUserMedia.mockRejectedValueOnce(new DOMException("", "NotReadableError"));
    await expect(audio.open()).rejects.toThrow();
  });

  test("a microphone that is plugged in may be what was missing; one that is pulled out is not", async () => {
    await plug(...there, device("audioinput", "camera"));
    expect(restored).toHaveBeenCalledOnce();
    await plug(device("audioinput", "headset"));
    expect(restored).toHaveBeenCalledOnce();
  });
});
