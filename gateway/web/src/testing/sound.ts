/** A browser's sound without a machine that has any: what is played on which device. */
import { vi } from "vitest";

export class Output {
  static all: Output[] = [];
  /** Devices that were pulled out. */
  static readonly gone = new Set<string>();
  srcObject: unknown = null;
  device = "";
  paused = true;

  constructor() {
    Output.all.push(this);
  }
  setSinkId(id: string): Promise<void> {
    if (Output.gone.has(id)) return Promise.reject(new DOMException("", "NotFoundError"));
    this.device = id;
    return Promise.resolve();
  }
  play(): Promise<void> {
    this.paused = false;
    return Promise.resolve();
  }
  pause(): void {
    this.paused = true;
  }
}

class Node {
  connect<T>(next: T): T {
    return next;
  }
}

class Source extends Node {
  buffer: unknown;
  loop = false;
  started = false;
  stopped = false;
  onended: (() => void) | null = null;
  start(): void {
    this.started = true;
  }
  stop(): void {
    this.stopped = true;
  }
}

export class Context {
  static all: Context[] = [];
  static state: AudioContextState = "running";
  readonly state = Context.state;
  readonly source = new Source();
  readonly gain = Object.assign(new Node(), { gain: { value: 1 } });
  closed = false;
  resumed = false;

  constructor() {
    Context.all.push(this);
  }
  createBuffer(_channels: number, length: number) {
    const samples = new Float32Array(length);
    return { getChannelData: () => samples };
  }
  createBufferSource() {
    return this.source;
  }
  createGain() {
    return this.gain;
  }
  createMediaStreamDestination() {
    return Object.assign(new Node(), { stream: {} });
  }
  resume(): Promise<void> {
    this.resumed = true;
    return Promise.resolve();
  }
  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

/** Puts them in the place of the browser's own. */
export function speakers(): void {
  Output.all = [];
  Output.gone.clear();
  Context.all = [];
  Context.state = "running";
  vi.stubGlobal("Audio", Output);
  vi.stubGlobal("AudioContext", Context);
}

/** The devices on which something plays now. */
export function playing(): string[] {
  return Output.all.filter((one) => !one.paused).map((one) => one.device);
}
