/**
 * What plays a recording: an `<audio>` element on a link that ends, renewed where it is needed.
 *
 * The element streams by ranges; nothing but the link passes through here. Listeners are told of every change, positions at most once a frame.
 */
import { type Segment, silenceAt } from "./silence";

export interface Link {
  readonly url: string;
  /** ms since the epoch. */
  readonly expiresAt: number;
}

export interface PlayerState {
  readonly playing: boolean;
  /** It should play, but the sound is not there yet. */
  readonly stalled: boolean;
  readonly rate: number;
  readonly skipsSilence: boolean;
  /** 0 to 1, by side. */
  readonly volume: { readonly agent: number; readonly customer: number };
  /** Why it cannot play. */
  readonly failure: unknown;
}

export const RATES = [0.75, 1, 1.25, 1.5, 2] as const;
/** `MediaError.MEDIA_ERR_DECODE`. */
const MEDIA_ERR_DECODE = 3;
/** A link that ends sooner is not begun with. */
const SPARE_MS = 30_000;

export class Player {
  private readonly audio = new Audio();
  private readonly listeners = new Set<() => void>();
  private state: PlayerState = { playing: false, stalled: false, rate: 1, skipsSilence: false, volume: { agent: 1, customer: 1 }, failure: undefined };
  private link: Link | undefined;
  private loading: Promise<void> | undefined;
  private segments: readonly Segment[] = [];
  private frame = 0;
  /** ms; where it goes on once there is something loaded. */
  private wanted = 0;
  private sides: Sides | undefined;
  /** Position of the last renewal: failing again at the same place is a failure. */
  private renewedAt: number | undefined;
  private closed = true;

  constructor(
    private readonly durationMs: number,
    private readonly fetchLink: () => Promise<Link>,
  ) {
    const { audio } = this;
    audio.preload = "metadata";
    audio.preservesPitch = true;
    const follow = () => this.follow();
    for (const kind of ["play", "pause", "playing", "waiting", "seeking", "seeked", "ended", "timeupdate"]) audio.addEventListener(kind, follow);
    audio.addEventListener("error", () => this.broke());
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  readonly read = (): PlayerState => this.state;

  /** ms from the recording's beginning. */
  readonly position = (): number => Math.min(this.durationMs, this.audio.readyState > 0 ? this.audio.currentTime * 1000 : this.wanted);
  /** The same in whole seconds: what labels show. */
  readonly second = (): number => Math.floor(this.position() / 1000);

  silences(segments: readonly Segment[]): void {
    this.segments = segments;
  }

  /** Gets ready to play at once when asked to; until `close`. */
  async open(): Promise<void> {
    this.closed = false;
    try {
      await this.load();
    } catch (error) {
      this.change({ failure: error });
    }
  }

  async play(): Promise<void> {
    this.change({ failure: undefined, stalled: true });
    try {
      await this.sides?.context.resume();
      if (this.position() >= this.durationMs - 50) this.seek(0);
      await this.load();
      if (!this.closed) await this.audio.play();
    } catch (error) {
      // A pause that came in between is no failure.
      if (error instanceof DOMException && error.name === "AbortError") return;
      this.change({ failure: error, stalled: false });
    }
  }

  pause(): void {
    this.audio.pause();
    this.change({ stalled: false });
  }

  toggle(): void {
    if (this.audio.paused) void this.play();
    else this.pause();
  }

  seek(ms: number): void {
    this.wanted = Math.min(Math.max(ms, 0), this.durationMs);
    if (this.audio.readyState > 0) this.audio.currentTime = this.wanted / 1000;
    this.tell();
  }

  setRate(rate: number): void {
    this.audio.defaultPlaybackRate = rate;
    this.audio.playbackRate = rate;
    this.change({ rate });
  }

  setSkipsSilence(skipsSilence: boolean): void {
    this.change({ skipsSilence });
    this.skip();
  }

  setVolume(side: "agent" | "customer", value: number): void {
    const volume = { ...this.state.volume, [side]: value };
    this.change({ volume });
    // The sides are taken apart only for those who want to hear them apart.
    this.sides ??= takeApart(this.audio);
    this.sides.agent.gain.value = volume.agent;
    this.sides.customer.gain.value = volume.customer;
  }

  /** Falls silent and lets go of the sound; it may be opened again. */
  close(): void {
    this.closed = true;
    cancelAnimationFrame(this.frame);
    this.wanted = this.position();
    this.link = undefined;
    this.audio.pause();
    this.audio.removeAttribute("src");
    this.audio.load();
    void this.sides?.context.suspend();
  }

  private load(): Promise<void> {
    if (this.link && this.audio.src && !this.broken() && (this.audio.readyState > 0 || this.link.expiresAt - Date.now() > SPARE_MS)) return Promise.resolve();
    this.loading ??= this.reload().finally(() => (this.loading = undefined));
    return this.loading;
  }

  private async reload(): Promise<void> {
    const from = this.position();
    this.link = await this.fetchLink();
    if (this.closed) return;
    this.wanted = from;
    this.audio.src = this.link.url;
    this.audio.playbackRate = this.state.rate;
    if (from > 0) this.audio.addEventListener("loadedmetadata", () => (this.audio.currentTime = this.wanted / 1000), { once: true });
  }

  /** Firefox calls it an error when there is no loudspeaker, and plays on in silence: then nothing is broken. */
  private broken(): boolean {
    const { error, readyState } = this.audio;
    return error !== null && !(error.code === MEDIA_ERR_DECODE && readyState >= 2);
  }

  /** The link has ended, or the network is away: once more with a new one, from the same place. */
  private broke(): void {
    if (this.closed || !this.audio.getAttribute("src") || !this.broken()) return;
    const at = Math.max(this.wanted, this.audio.currentTime * 1000);
    this.wanted = at;
    const wasPlaying = this.state.playing || this.state.stalled;
    this.link = undefined;
    if (this.renewedAt !== undefined && Math.abs(at - this.renewedAt) < 1_000) {
      this.renewedAt = undefined;
      this.change({ failure: this.audio.error ?? new Error("audio"), playing: false, stalled: false });
      return;
    }
    this.renewedAt = at;
    if (wasPlaying) void this.play();
  }

  private follow(): void {
    const { audio } = this;
    if (audio.readyState > 0 && !audio.seeking) this.wanted = audio.currentTime * 1000;
    if (!audio.paused && audio.readyState > 2) this.renewedAt = undefined;
    this.change({ playing: !audio.paused, stalled: !audio.paused && audio.readyState < 3 });
    this.skip();
    cancelAnimationFrame(this.frame);
    if (!audio.paused) this.frame = requestAnimationFrame(this.tick);
  }

  private readonly tick = (): void => {
    this.skip();
    this.tell();
    this.frame = requestAnimationFrame(this.tick);
  };

  private skip(): void {
    if (!this.state.skipsSilence || this.audio.paused || this.audio.seeking) return;
    const silence = silenceAt(this.segments, this.position());
    if (silence) this.seek(silence.to);
  }

  private change(change: Partial<PlayerState>): void {
    const keys = Object.keys(change) as (keyof PlayerState)[];
    if (keys.some((key) => this.state[key] !== change[key])) this.state = { ...this.state, ...change };
    this.tell();
  }

  private tell(): void {
    for (const listener of [...this.listeners]) listener();
  }
}

interface Sides {
  readonly context: AudioContext;
  readonly agent: GainNode;
  readonly customer: GainNode;
}

/** Left is the agent, right the customer; each through a volume of its own and back to its ear. */
function takeApart(audio: HTMLAudioElement): Sides {
  const context = new AudioContext();
  const [source, split, join] = [context.createMediaElementSource(audio), context.createChannelSplitter(2), context.createChannelMerger(2)];
  const [agent, customer] = [context.createGain(), context.createGain()];
  source.connect(split);
  split.connect(agent, 0).connect(join, 0, 0);
  split.connect(customer, 1).connect(join, 0, 1);
  join.connect(context.destination);
  void context.resume();
  return { context, agent, customer };
}
