/**
 * One phone per browser: the tab that holds the Web Lock is the phone, the others follow it over a BroadcastChannel and ask it to do
 * what their buttons say. When its tab goes, the browser gives the lock on to the next one.
 */
import { type PhoneErrorCode, PhoneError } from "../api";

type Message =
  /** A new tab wants to know how things are. */
  | { type: "join" }
  | { type: "state"; state: unknown }
  | { type: "ask"; key: string; what: unknown }
  /** It is being done. A tab that does not say so soon is asleep. */
  | { type: "taken"; key: string }
  | { type: "answer"; key: string; error: { code: PhoneErrorCode; message: string } | undefined };

export interface TabsHandlers<State, Ask> {
  /** This tab is the phone now. */
  lead(last: State | undefined): void;
  /** It no longer is. */
  follow(): void;
  told(state: State): void;
  /** What the others are told. */
  state(): State;
  carryOut(ask: Ask): Promise<void>;
  /** Whether it can be given up now. */
  idle(): boolean;
}

interface Waiting {
  resolve(): void;
  reject(error: PhoneError): void;
  taken(): void;
}

/** What the tabs have in common; a test gives others. */
export interface TabsWorld {
  readonly locks: LockManager;
  channel(): BroadcastChannel;
}

const NAME = "trunkline-phone";
/** A tab that does not take an order within this long is asleep. */
const TAKEN_MS = 2_500;
/** A person may have to allow the microphone. */
const DONE_MS = 60_000;
/** A tab that asked for the phone and then did not take it. */
const HANDED_MS = 3_000;
const YIELD = "yield";

export class Tabs<State, Ask> {
  private life: AbortController | undefined;
  private queued: AbortController | undefined;
  private channel: BroadcastChannel | undefined;
  private leading = false;
  private release: (() => void) | undefined;
  private last: State | undefined;
  private readonly waiting = new Map<string, Waiting>();
  private handing: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly handlers: TabsHandlers<State, Ask>,
    private readonly world: () => TabsWorld | undefined,
  ) {}

  get here(): boolean {
    return this.leading;
  }

  start(): void {
    this.life = new AbortController();
    const world = this.world();
    // Without locks (a page that is not secure) the tabs cannot agree; such a page has no microphone either.
    if (!world) {
      this.lead();
      return;
    }
    this.channel = world.channel();
    this.channel.onmessage = ({ data }: MessageEvent<Message>) => this.heard(data);
    this.say({ type: "join" });
    this.queue(world.locks);
  }

  stop(): void {
    if (!this.life) return;
    this.life.abort();
    this.life = undefined;
    clearTimeout(this.handing);
    if (this.leading) this.unlead();
    this.queued?.abort();
    this.release?.();
    this.release = undefined;
    this.channel?.close();
    this.channel = undefined;
    this.last = undefined;
    for (const one of [...this.waiting.values()]) one.reject(new PhoneError("offline", "the phone is off"));
  }

  /** To the tabs that follow. */
  tell(): void {
    if (this.leading) this.say({ type: "state", state: this.handlers.state() });
  }

  ask(what: Ask): Promise<void> {
    return this.leading ? this.handlers.carryOut(what) : this.send(what);
  }

  async takeOver(): Promise<void> {
    const world = this.world();
    if (this.leading || !world || !this.life) return;
    try {
      await this.send(YIELD);
    } catch (error) {
      // One that sleeps gives no answer. It has no call, as far as anybody was told: then it is not asked.
      if (!(error instanceof PhoneError) || error.code !== "not-here" || !this.handlers.idle()) throw error;
    }
    this.queued?.abort();
    await new Promise<void>((resolve, reject) => this.hold(world.locks, { steal: true }, resolve, reject));
  }

  private send(what: Ask | typeof YIELD): Promise<void> {
    if (!this.channel) return Promise.reject(new PhoneError("offline", "the phone is off"));
    const key = Array.from(crypto.getRandomValues(new Uint32Array(3)), String).join("-");
    return new Promise((resolve, reject) => {
      const over = () => {
        clearTimeout(timer);
        this.waiting.delete(key);
      };
      const late = (code: PhoneErrorCode) => () => {
        over();
        reject(new PhoneError(code, "the tab that is the phone does not answer"));
      };
      let timer = setTimeout(late("not-here"), TAKEN_MS);
      this.waiting.set(key, {
        resolve: () => {
          over();
          resolve();
        },
        reject: (error) => {
          over();
          reject(error);
        },
        taken: () => {
          clearTimeout(timer);
          timer = setTimeout(late("failed"), DONE_MS);
        },
      });
      this.say({ type: "ask", key, what });
    });
  }

  private say(message: Message): void {
    this.channel?.postMessage(message);
  }

  private heard(message: Message): void {
    switch (message.type) {
      case "join":
        this.tell();
        return;
      case "state":
        if (this.leading) return;
        this.last = message.state as State;
        this.handlers.told(this.last);
        return;
      case "ask":
        if (this.leading) void this.serve(message.key, message.what as Ask | typeof YIELD);
        return;
      case "taken":
        this.waiting.get(message.key)?.taken();
        return;
      case "answer": {
        const waiting = this.waiting.get(message.key);
        if (message.error) waiting?.reject(new PhoneError(message.error.code, message.error.message));
        else waiting?.resolve();
      }
    }
  }

  private async serve(key: string, what: Ask | typeof YIELD): Promise<void> {
    this.say({ type: "taken", key });
    try {
      if (what === YIELD) this.hand();
      else await this.handlers.carryOut(what);
      this.say({ type: "answer", key, error: undefined });
    } catch (error) {
      const code = error instanceof PhoneError ? error.code : "failed";
      this.say({ type: "answer", key, error: { code, message: error instanceof Error ? error.message : String(error) } });
    }
  }

  private hand(): void {
    if (!this.handlers.idle()) throw new PhoneError("busy", "a call runs on this tab");
    this.last = this.handlers.state();
    this.unlead();
    this.handing = setTimeout(() => this.lead(), HANDED_MS);
  }

  private queue(locks: LockManager): void {
    if (!this.life || this.life.signal.aborted) return;
    this.queued = new AbortController();
    this.hold(locks, { signal: this.queued.signal });
  }

  /** Leads for as long as the lock is held: until this tab stops, or another takes it away. */
  private hold(locks: LockManager, options: LockOptions, got?: () => void, failed?: (error: unknown) => void): void {
    const { life } = this;
    locks
      .request(NAME, options, () => {
        if (life !== this.life || !life) return undefined;
        this.lead();
        got?.();
        return new Promise<void>((release) => (this.release = release));
      })
      .catch((error: unknown) => {
        clearTimeout(this.handing);
        if (life !== this.life || !life) return;
        // We gave up our place in the queue ourselves.
        if (options.signal?.aborted) return;
        // Another tab is the phone now.
        this.release = undefined;
        if (this.leading) this.unlead();
        failed?.(error);
        this.queue(locks);
        this.say({ type: "join" });
      });
  }

  private lead(): void {
    clearTimeout(this.handing);
    if (this.leading || !this.life) return;
    this.leading = true;
    this.handlers.lead(this.last);
    this.tell();
  }

  private unlead(): void {
    this.leading = false;
    this.handlers.follow();
  }
}

export function browserTabs(): TabsWorld | undefined {
  const locks = navigator.locks as LockManager | null | undefined;
  if (!locks || typeof BroadcastChannel === "undefined") return undefined;
  return { locks, channel: () => new BroadcastChannel(NAME) };
}
