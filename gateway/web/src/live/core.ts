/**
 * The stream's client, without clock and socket: inputs go in with the time at which they happened, and all that has to be done comes out.
 *
 * Invariant: after `handle` returns, everything that follows from the input is in `drain()`, and `dueAt` says when `tick` wants to be called.
 * For any sequence of cuts, repeats and resets, each event is delivered once and in order, from the snapshot on.
 */
import { type ClientFrame, type JournalEvent, type Position, type ResetReason, parseFrame } from "./protocol";

export type State = "live" | "catching_up" | "offline" | "connecting";
/** Why there is no live connection. */
export type Reason = "starting" | "network" | "silent" | "server" | "too_many" | "forbidden" | "snapshot" | "signed_out";

export interface Connection {
  readonly state: State;
  /** Events that are still to come before this is level with the journal. */
  readonly behind: number;
  /** The last event that is shown. */
  readonly seq: number;
  /** When the next attempt is made (ms), while offline. */
  readonly retryAt: number | null;
  readonly reason: Reason | null;
}

export type Input =
  | { type: "start"; position?: Position | undefined; tokenExpiresAt?: number | undefined }
  | { type: "ticket"; ticket: string }
  /** `status` 0: no answer came. */
  | { type: "ticket_failed"; status: number; retryAfterMs?: number | undefined }
  | { type: "opened" }
  | { type: "frame"; text: string }
  | { type: "closed"; code: number }
  | { type: "snapshot"; attempt: number; asOfSeq: number }
  | { type: "snapshot_failed"; attempt: number; status: number }
  /** A new access token is there. */
  | { type: "token"; token: string; expiresAt: number }
  | { type: "renewal_failed"; status: number }
  | { type: "tick" }
  /** The machine may have slept or changed its network: `online`, the page shown again. */
  | { type: "woke" }
  | { type: "network_lost" }
  | { type: "stop" };

export type Effect =
  | { type: "fetch_ticket" }
  | { type: "connect"; ticket: string }
  | { type: "disconnect" }
  | { type: "send"; frame: ClientFrame }
  /** Everything shown is void until the snapshot is there. */
  | { type: "load_snapshot"; attempt: number; reason: ResetReason | "first" }
  /** The snapshot of this attempt is what is shown from now on. One that comes too late is never asked for by this. */
  | { type: "take_snapshot"; attempt: number }
  | { type: "deliver"; event: JournalEvent; position: Position }
  | { type: "signal"; kind: string; data: Record<string, unknown> }
  | { type: "moved"; position: Position }
  | { type: "renew_token" }
  | { type: "signed_out" }
  | { type: "connection"; connection: Connection };

/** Silence after which the server is asked for a sign of life. A page never sees the protocol's own pings. */
export const PROBE_AFTER_MS = 8_000;
/** Time for that sign. */
export const PROBE_LIMIT_MS = 4_000;
/** Time for a ticket, a handshake and a hello. */
export const OPEN_LIMIT_MS = 10_000;
export const BACKOFF_FIRST_MS = 500;
export const BACKOFF_LIMIT_MS = 15_000;
/** The token is renewed so long before its end. */
export const RENEW_BEFORE_MS = 60_000;
/** A tick that comes so late means that the machine slept. */
export const SLEPT_MS = 5_000;
const TOO_MANY_MS = 5_000;

type Phase = "idle" | "ticket" | "opening" | "snapshot" | "following" | "waiting" | "stopped";

export class StreamCore {
  private phase: Phase = "idle";
  private position: Position | undefined;
  private epoch = "";
  private head = 0;
  private caughtUp = false;
  private everLive = false;
  private failures = 0;
  private reason: Reason | null = "starting";
  /** Phase deadline: the opening's limit, the end of the wait, the probe. */
  private deadline = Number.POSITIVE_INFINITY;
  private probing = false;
  private renewAt = Number.POSITIVE_INFINITY;
  private renewing = false;
  /** A refused ticket or a closed stream asked for a new token; only once in a row. */
  private awaitingToken = false;
  private refused = 0;
  private resetReason: ResetReason | "first" = "first";
  private effects: Effect[] = [];
  private told: Connection | undefined;

  /** `random` gives numbers from 0 to 1. `attempt`: how many snapshots others have asked for before, whose late answers are none of ours. */
  constructor(
    private readonly random: () => number,
    private attempt = 0,
  ) {}

  /** The attempt whose snapshot would be taken; every other may be given up. */
  get awaited(): number | undefined {
    return this.phase === "snapshot" ? this.attempt : undefined;
  }

  /** When `tick` is wanted. */
  get dueAt(): number {
    return Math.min(this.deadline, this.renewAt);
  }

  drain(): Effect[] {
    const effects = this.effects;
    this.effects = [];
    return effects;
  }

  handle(now: number, input: Input): void {
    if (this.phase !== "stopped" || input.type === "start") this.take(now, input);
    this.tell();
  }

  private take(now: number, input: Input): void {
    switch (input.type) {
      case "start":
        this.position = input.position;
        if (input.tokenExpiresAt !== undefined) this.tokenUntil(now, input.tokenExpiresAt);
        this.connect(now);
        return;
      case "ticket":
        if (this.phase !== "ticket") return;
        this.phase = "opening";
        this.effects.push({ type: "connect", ticket: input.ticket });
        return;
      case "ticket_failed":
        if (this.phase === "ticket") this.ticketFailed(now, input.status, input.retryAfterMs);
        return;
      case "opened":
        return;
      case "frame":
        this.frame(now, input.text);
        return;
      case "closed":
        if (this.connected) this.closed(now, input.code);
        return;
      case "snapshot":
        if (this.phase === "snapshot" && input.attempt === this.attempt) this.snapshot(now, input.asOfSeq);
        return;
      case "snapshot_failed":
        if (this.phase !== "snapshot" || input.attempt !== this.attempt) return;
        this.effects.push({ type: "disconnect" });
        if (input.status === 401) this.newToken(now);
        else this.retry(now, "snapshot");
        return;
      case "token":
        this.renewing = false;
        this.tokenUntil(now, input.expiresAt);
        if (this.connected) this.send({ type: "auth", token: input.token });
        if (this.awaitingToken) {
          this.awaitingToken = false;
          this.connect(now);
        }
        return;
      case "renewal_failed":
        this.renewing = false;
        if (input.status === 401) {
          this.stop("signed_out");
          this.effects.push({ type: "signed_out" });
        } else {
          // The token still holds for a while; a stream that it ends is opened again later.
          this.renewAt = now + this.backoff(2);
          if (this.awaitingToken) {
            this.awaitingToken = false;
            this.retry(now, "network");
          }
        }
        return;
      case "tick":
        this.tick(now);
        return;
      case "woke":
        if (this.phase === "waiting") this.connect(now);
        else if (this.phase === "following") this.probe(now);
        return;
      case "network_lost":
        if (this.connected || this.phase === "ticket") {
          this.effects.push({ type: "disconnect" });
          this.retry(now, "network");
        }
        return;
      case "stop":
        if (this.connected) this.effects.push({ type: "disconnect" });
        this.stop("signed_out");
    }
  }

  private get connected(): boolean {
    return this.phase === "opening" || this.phase === "snapshot" || this.phase === "following";
  }

  private connect(now: number): void {
    this.phase = "ticket";
    this.deadline = now + OPEN_LIMIT_MS;
    this.effects.push({ type: "fetch_ticket" });
  }

  private tick(now: number): void {
    if (now >= this.renewAt && !this.renewing) this.renew();
    if (now < this.deadline) return;
    const late = now - this.deadline;
    if (this.phase === "waiting") this.connect(now);
    else if (this.phase === "following" && (!this.probing || late > SLEPT_MS)) {
      // Also after a sleep: the answer may be lying there, unread.
      this.probe(now);
    } else if (this.connected || this.phase === "ticket") {
      this.effects.push({ type: "disconnect" });
      this.retry(now, this.phase === "following" ? "silent" : "network");
    }
  }

  /** Subscribing again is answered by `caught_up`, and changes nothing: events that come twice are known by their number. */
  private probe(now: number): void {
    this.probing = true;
    this.deadline = now + PROBE_LIMIT_MS;
    this.subscribe();
  }

  private frame(now: number, text: string): void {
    if (!this.connected) return;
    const frame = parseFrame(text);
    if (!frame) return;
    if (this.phase === "following") {
      this.probing = false;
      this.deadline = now + PROBE_AFTER_MS;
    }
    switch (frame.type) {
      case "hello":
        this.epoch = frame.epoch;
        this.head = frame.head;
        if (!this.position) this.load(now, this.resetReason);
        else {
          this.phase = "following";
          this.caughtUp = false;
          this.deadline = now + PROBE_AFTER_MS;
          this.subscribe();
        }
        return;
      case "event":
        this.event(now, frame.event);
        return;
      case "skipped":
        if (this.phase === "following" && this.position && frame.through > this.position.through) {
          this.position = { epoch: this.position.epoch, through: frame.through };
          this.effects.push({ type: "moved", position: this.position });
        }
        return;
      case "caught_up":
        if (this.phase !== "following" || !this.position) return;
        if (frame.seq > this.position.through) {
          this.position = { epoch: this.position.epoch, through: frame.seq };
          this.effects.push({ type: "moved", position: this.position });
        }
        this.head = Math.max(this.head, frame.seq);
        this.caughtUp = true;
        this.everLive = true;
        this.failures = 0;
        this.refused = 0;
        return;
      case "signal":
        this.effects.push({ type: "signal", kind: frame.kind, data: frame.data });
        return;
      case "reset":
        this.load(now, frame.reason);
        return;
      case "error":
        return;
    }
  }

  private event(now: number, event: JournalEvent): void {
    if (this.phase !== "following" || !this.position) return;
    if (event.seq <= this.position.through) return;
    if (event.seq !== this.position.through + 1) {
      // Something is missing. What was seen is good: ask for what comes behind it, on a new connection.
      this.effects.push({ type: "disconnect" });
      this.retry(now, "server");
      return;
    }
    this.position = { epoch: this.position.epoch, through: event.seq, lastId: event.id };
    this.head = Math.max(this.head, event.seq);
    this.effects.push({ type: "deliver", event, position: this.position });
  }

  private load(now: number, reason: ResetReason | "first"): void {
    this.position = undefined;
    this.resetReason = reason;
    this.phase = "snapshot";
    this.caughtUp = false;
    this.attempt += 1;
    this.deadline = now + 3 * OPEN_LIMIT_MS;
    this.effects.push({ type: "load_snapshot", attempt: this.attempt, reason });
  }

  private snapshot(now: number, asOfSeq: number): void {
    this.position = { epoch: this.epoch, through: asOfSeq };
    this.resetReason = "first";
    this.phase = "following";
    this.deadline = now + PROBE_AFTER_MS;
    this.effects.push({ type: "moved", position: this.position });
    this.effects.push({ type: "take_snapshot", attempt: this.attempt });
    this.subscribe();
  }

  private subscribe(): void {
    if (!this.position) return;
    const { epoch, through, lastId } = this.position;
    this.send({ type: "subscribe", after: through, epoch, ...(lastId === undefined ? {} : { after_id: lastId }) });
  }

  private send(frame: ClientFrame): void {
    this.effects.push({ type: "send", frame });
  }

  private ticketFailed(now: number, status: number, retryAfterMs = 0): void {
    if (status === 401) this.newToken(now);
    else if (status === 403) this.stop("forbidden");
    else if (status === 429) this.retry(now, "too_many", Math.max(retryAfterMs, TOO_MANY_MS));
    else this.retry(now, status === 0 ? "network" : "server", retryAfterMs);
  }

  private closed(now: number, code: number): void {
    switch (code) {
      case 1001:
      case 1013:
        // A server that stops is replaced by another; one that we did not read is read from where we were.
        this.retry(now, "server", 0, this.failures === 0);
        return;
      case 4400:
        // Our own fault. Whatever it was, a clean start does not repeat it.
        this.position = undefined;
        this.retry(now, "server");
        return;
      case 4401:
        this.newToken(now);
        return;
      case 4403:
        this.stop("forbidden");
        return;
      case 4429:
        this.retry(now, "too_many", TOO_MANY_MS);
        return;
      default:
        this.retry(now, "network");
    }
  }

  /** The server does not take the token: get another; if that one is refused too, wait as after any failure. */
  private newToken(now: number): void {
    this.refused += 1;
    if (this.refused > 1) {
      this.retry(now, "server");
      return;
    }
    this.phase = "waiting";
    this.reason = "network";
    this.deadline = now + OPEN_LIMIT_MS;
    this.awaitingToken = true;
    this.caughtUp = false;
    if (!this.renewing) this.renew();
  }

  private renew(): void {
    this.renewing = true;
    this.renewAt = Number.POSITIVE_INFINITY;
    this.effects.push({ type: "renew_token" });
  }

  private tokenUntil(now: number, expiresAt: number): void {
    // A short life must not make a loop of it: half of it at the latest.
    this.renewAt = Math.max(expiresAt - RENEW_BEFORE_MS, now + (expiresAt - now) / 2);
  }

  private retry(now: number, reason: Reason, atLeastMs = 0, atOnce = false): void {
    this.phase = "waiting";
    this.caughtUp = false;
    this.probing = false;
    this.reason = reason;
    this.deadline = now + (atOnce ? 0 : atLeastMs + this.backoff(this.failures));
    this.failures += 1;
  }

  /** Full jitter: the whole of the wait is drawn, so that a thousand panels do not come back together. */
  private backoff(failures: number): number {
    return this.random() * Math.min(BACKOFF_LIMIT_MS, BACKOFF_FIRST_MS * 2 ** Math.min(failures, 10));
  }

  private stop(reason: Reason): void {
    this.phase = "stopped";
    this.reason = reason;
    this.caughtUp = false;
    this.deadline = Number.POSITIVE_INFINITY;
    this.renewAt = Number.POSITIVE_INFINITY;
  }

  get connection(): Connection {
    const seq = this.position?.through ?? 0;
    const offline = this.phase === "waiting" || this.phase === "stopped";
    const state: State =
      this.phase === "following" && this.caughtUp ? "live"
      : offline || (this.everLive && (this.phase === "ticket" || this.phase === "opening")) ? "offline"
      : this.phase === "following" || (this.everLive && this.phase === "snapshot") ? "catching_up"
      : "connecting";
    return {
      state,
      behind: state === "catching_up" ? Math.max(0, this.head - seq) : 0,
      seq,
      retryAt: this.phase === "waiting" ? this.deadline : null,
      reason: state === "live" || state === "catching_up" ? null : this.reason,
    };
  }

  private tell(): void {
    const next = this.connection;
    const last = this.told;
    if (last && last.state === next.state && last.behind === next.behind && last.retryAt === next.retryAt && last.reason === next.reason && last.seq === next.seq) return;
    this.told = next;
    this.effects.push({ type: "connection", connection: next });
  }
}
