/** Microphone, headset and bell: which there are, which are chosen, and what is wrong with them. */
import type { AudioDevice, AudioSettings, Blocked } from "../api";
import { Player } from "./sounds";
import type { Sound } from "./machine";

interface Chosen {
  microphone: string | undefined;
  speaker: string | undefined;
  bell: string | undefined;
  ringVolume: number;
}

const KEY = "trunkline.audio";
const REMOTE_ID = "remote-audio";

/** What went wrong, told apart by the names of the Media Capture specification. */
export function microphoneProblem(error: unknown): Blocked {
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "microphone-missing";
  if (name === "NotReadableError" || name === "AbortError") return "microphone-busy";
  return "microphone-refused";
}

function chosen(): Chosen {
  const empty: Chosen = { microphone: undefined, speaker: undefined, bell: undefined, ringVolume: 0.8 };
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Record<string, unknown>;
    const id = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);
    const volume = typeof kept.ringVolume === "number" && kept.ringVolume >= 0 && kept.ringVolume <= 1 ? kept.ringVolume : empty.ringVolume;
    return { microphone: id(kept.microphone), speaker: id(kept.speaker), bell: id(kept.bell), ringVolume: volume };
  } catch {
    return empty;
  }
}

function notifications(): AudioSettings["notifications"] {
  return typeof Notification === "undefined" ? "unsupported" : Notification.permission;
}

/** `default` and `communications` are names for one that is also listed by its own. */
function listed(devices: readonly MediaDeviceInfo[], kind: MediaDeviceKind): AudioDevice[] {
  const own = devices.filter((one) => one.kind === kind && one.deviceId !== "" && one.deviceId !== "default" && one.deviceId !== "communications");
  return own.map(({ deviceId, label }) => ({ id: deviceId, label }));
}

export class AudioDevices {
  settings: AudioSettings;
  private readonly player = new Player();
  private remote: HTMLAudioElement | undefined;
  private life: AbortController | undefined;
  private inputs = 0;

  /** `changed`: the settings are new. `restored`: what kept us from the microphone may be gone. */
  constructor(
    private readonly changed: () => void,
    private readonly restored: () => void,
  ) {
    this.settings = { ...chosen(), microphones: [], speakers: [], canChooseSpeaker: false, notifications: "unsupported" };
  }

  start(): void {
    const life = new AbortController();
    this.life = life;
    this.settings = { ...this.settings, ...chosen(), canChooseSpeaker: "setSinkId" in HTMLMediaElement.prototype, notifications: notifications() };
    const devices = navigator.mediaDevices as MediaDevices | undefined;
    devices?.addEventListener("devicechange", () => void this.list().then((more) => (more ? this.restored() : undefined)), { signal: life.signal });
    // Chosen in another tab.
    const elsewhere = ({ key }: StorageEvent) => (key === KEY ? this.set(chosen()) : undefined);
    window.addEventListener("storage", elsewhere, { signal: life.signal });
    void this.watchPermission(life.signal);
    void this.list();
  }

  stop(): void {
    this.life?.abort();
    this.player.stop();
    this.hear(undefined);
    this.remote?.remove();
    this.remote = undefined;
  }

  /** Whether this page may and can have a microphone; asks the person if nobody has yet. */
  async check(): Promise<Blocked | undefined> {
    if (!window.isSecureContext || !(navigator.mediaDevices as MediaDevices | undefined)) return "insecure";
    if (typeof RTCPeerConnection === "undefined") return "unsupported";
    if ((await this.permission())?.state === "granted" && (await this.list(), this.inputs > 0)) return undefined;
    try {
      for (const track of (await this.open()).getTracks()) track.stop();
      await this.list();
      return undefined;
    } catch (error) {
      return microphoneProblem(error);
    }
  }

  private async permission(): Promise<PermissionStatus | undefined> {
    // Not every browser knows this name.
    return navigator.permissions?.query({ name: "microphone" as PermissionName }).catch(() => undefined);
  }

  private async watchPermission(signal: AbortSignal): Promise<void> {
    const status = await this.permission();
    status?.addEventListener("change", () => (status.state === "denied" ? undefined : this.restored()), { signal });
  }

  /** The chosen microphone, or the system's own if that one is gone. */
  async open(): Promise<MediaStream> {
    const wanted: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    const { microphone } = this.settings;
    if (microphone === undefined) return navigator.mediaDevices.getUserMedia({ audio: wanted });
    try {
      return await navigator.mediaDevices.getUserMedia({ audio: { ...wanted, deviceId: { exact: microphone } } });
    } catch (error) {
      if (microphoneProblem(error) !== "microphone-missing") throw error;
      return navigator.mediaDevices.getUserMedia({ audio: wanted });
    }
  }

  /** True when there are more microphones than before. */
  private async list(): Promise<boolean> {
    const devices = await (navigator.mediaDevices as MediaDevices | undefined)?.enumerateDevices().catch(() => undefined);
    if (!devices) return false;
    const before = this.inputs;
    this.inputs = devices.filter((one) => one.kind === "audioinput").length;
    const next = { microphones: listed(devices, "audioinput"), speakers: listed(devices, "audiooutput") };
    if (JSON.stringify(next) !== JSON.stringify({ microphones: this.settings.microphones, speakers: this.settings.speakers })) this.set(next);
    return this.inputs > before;
  }

  choose(what: Partial<Chosen>): void {
    this.set(what);
    const { microphone, speaker, bell, ringVolume } = this.settings;
    try {
      localStorage.setItem(KEY, JSON.stringify({ microphone, speaker, bell, ringVolume }));
    } catch {
      // A full or forbidden store: for as long as the page lives, then.
    }
    this.player.setVolume(ringVolume);
    if ("speaker" in what) this.sink();
  }

  noteNotifications(): void {
    this.set({ notifications: notifications() });
  }

  private set(what: Partial<AudioSettings>): void {
    this.settings = { ...this.settings, ...what };
    this.changed();
  }

  private here(id: string | undefined): string {
    return id !== undefined && this.settings.speakers.some((one) => one.id === id) ? id : "";
  }

  private bellDevices(): string[] {
    const speaker = this.here(this.settings.speaker);
    const bell = this.here(this.settings.bell);
    return bell === "" && this.settings.bell === undefined ? [speaker] : [speaker, bell];
  }

  sound(sound: Sound): void {
    const { ringVolume } = this.settings;
    if (sound === "bell") this.player.play(sound, this.bellDevices(), ringVolume);
    else this.player.play(sound, [this.here(this.settings.speaker)], 1);
  }

  test(which: "bell" | "speaker"): Promise<void> {
    if (which === "bell") return this.player.test(which, this.bellDevices(), this.settings.ringVolume);
    return this.player.test(which, [this.here(this.settings.speaker)], 1);
  }

  /** Plays it in the headset. A stream that is attached to no element is not even decoded. */
  hear(stream: MediaStream | undefined): void {
    const element = this.element();
    const tracks = (element.srcObject as MediaStream | null)?.getTracks() ?? [];
    const wanted = stream?.getTracks() ?? [];
    if (tracks.length === wanted.length && wanted.every((track, n) => track === tracks[n])) return;
    element.srcObject = stream ?? null;
    if (stream) void element.play().catch(() => this.playWhenTouched(element));
  }

  private playWhenTouched(element: HTMLAudioElement): void {
    const signal = this.life?.signal;
    for (const kind of ["pointerdown", "keydown"]) {
      window.addEventListener(kind, () => void element.play().catch(() => undefined), { once: true, capture: true, signal });
    }
  }

  private element(): HTMLAudioElement {
    if (this.remote) return this.remote;
    const element = document.createElement("audio");
    element.id = REMOTE_ID;
    element.autoplay = true;
    element.setAttribute("playsinline", "");
    document.body.append(element);
    this.remote = element;
    this.sink();
    return element;
  }

  private sink(): void {
    const element = this.remote as (HTMLAudioElement & { setSinkId?(id: string): Promise<void> }) | undefined;
    void element?.setSinkId?.(this.here(this.settings.speaker)).catch(() => undefined);
  }
}

/** 0 to 1 as an ear would have it: 60 decibels below full scale is nothing. */
export function levelOf(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const decibels = 10 * Math.log10(sum / Math.max(1, samples.length) + 1e-12);
  return Math.min(1, Math.max(0, (decibels + 60) / 60));
}

/** Measures a stream until it is told to stop. */
export function measure(stream: MediaStream, tell: (level: number) => void): () => void {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  const source = context.createMediaStreamSource(stream);
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let frame = 0;
  let last = 0;
  const look = (at: number) => {
    frame = requestAnimationFrame(look);
    // More often than the eye can follow is work for nothing.
    if (at - last < 50) return;
    last = at;
    analyser.getFloatTimeDomainData(samples);
    tell(levelOf(samples));
  };
  frame = requestAnimationFrame(look);
  return () => {
    cancelAnimationFrame(frame);
    source.disconnect();
    void context.close();
  };
}
