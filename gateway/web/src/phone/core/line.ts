/**
 * The way to the telephone network: microphone, credentials, socket, registration. Pure: the clock and chance are arguments.
 *
 * A line that was lost comes back by itself, at a random time of a growing span (full jitter), or at once when something says that the
 * network is back. Credentials are renewed at half of their life while the line stays as it is.
 */
import type { Blocked, Registration } from "../api";

export type LineInput =
  | { type: "start" }
  | { type: "stop" }
  | { type: "microphone"; problem: Blocked | undefined }
  | { type: "credentials"; expiresAt: number }
  | { type: "credentials_failed"; status: number; retryAfterMs: number | undefined }
  | { type: "opened" }
  | { type: "closed" }
  | { type: "registered" }
  | { type: "register_failed"; status: number }
  /** The network, the machine or the page is back. */
  | { type: "woke" }
  | { type: "tick" };

export type LineEffect =
  | { type: "check_microphone" }
  | { type: "ask_credentials" }
  /** Opens a socket with the credentials that came last, and registers. */
  | { type: "open" }
  /** Lets the socket go without a word to the other side. */
  | { type: "drop" }
  /** Registers again, with the credentials that came last. */
  | { type: "register" }
  /** Says goodbye. */
  | { type: "sign_off" };

type Step = "off" | "blocked" | "microphone" | "asking" | "opening" | "registering" | "ready" | "waiting";

const BASE_MS = 500;
const CAP_MS = 15_000;
/** A socket that does not open within this long will not. */
const OPEN_MS = 10_000;
const REGISTER_MS = 8_000;
/** An answer to a registration that only asks whether the line lives. */
const PROBE_MS = 4_000;
/** What has answered just now need not be asked. */
const FRESH_MS = 5_000;
/** Credentials that end sooner are not worth a socket. */
const MARGIN_MS = 60_000;
const RENEW_AGAIN_MS = 5_000;
const RENEW_AGAIN_CAP_MS = 300_000;

/** After a refusal of this kind another try would be refused too. */
function refusal(status: number): Blocked | undefined {
  return status === 403 || status === 404 ? "no-agent" : undefined;
}

export class LineCore {
  private step: Step = "off";
  private blocked: Blocked = "unsupported";
  private attempt = 0;
  /** The step that is under way has to be over by then; when waiting, the time of the next try. */
  private deadline = Infinity;
  private expiresAt = 0;
  private heardAt = -Infinity;
  private renewAt = Infinity;
  private renewals = 0;
  private renewing = false;
  /** The last socket never opened: its key may be what was refused. */
  private stale = true;
  private reason: "network" | "server" = "network";
  private effects: LineEffect[] = [];

  constructor(private readonly random: () => number) {}

  get ready(): boolean {
    return this.step === "ready";
  }

  get dueAt(): number {
    return Math.min(this.deadline, this.step === "ready" && !this.renewing ? this.renewAt : Infinity);
  }

  get registration(): Registration {
    switch (this.step) {
      case "off":
        return { state: "off" };
      case "blocked":
        return { state: "blocked", reason: this.blocked };
      case "ready":
        return { state: "ready" };
      case "waiting":
        return { state: "lost", retryAt: this.deadline, reason: this.reason };
      default:
        return { state: "connecting" };
    }
  }

  drain(): LineEffect[] {
    const { effects } = this;
    this.effects = [];
    return effects;
  }

  handle(now: number, input: LineInput): void {
    if (input.type === "start") this.start();
    else if (input.type === "stop") this.stop();
    else if (this.step !== "off") this.running(now, input);
  }

  private start(): void {
    if (this.step !== "off" && this.step !== "blocked") return;
    this.to("microphone");
    this.effects.push({ type: "check_microphone" });
  }

  private stop(): void {
    if (this.step === "off") return;
    if (this.step !== "blocked") this.effects.push({ type: "sign_off" });
    this.forget();
    this.to("off");
  }

  private forget(): void {
    this.attempt = 0;
    this.stale = true;
    this.renewing = false;
    this.renewals = 0;
    this.renewAt = Infinity;
    this.expiresAt = 0;
  }

  private running(now: number, input: LineInput): void {
    switch (input.type) {
      case "microphone":
        if (input.problem !== undefined) this.block(input.problem);
        else if (this.step === "microphone") this.ask();
        return;
      case "credentials":
        this.granted(now, input.expiresAt);
        return;
      case "credentials_failed":
        this.notGranted(now, input.status, input.retryAfterMs);
        return;
      case "opened":
        if (this.step !== "opening") return;
        this.stale = false;
        this.to("registering", now + REGISTER_MS);
        return;
      case "closed":
        if (this.step === "opening" || this.step === "registering" || this.step === "ready") this.wait(now, "network");
        return;
      case "registered":
        if (this.step !== "registering" && this.step !== "ready") return;
        this.attempt = 0;
        this.heardAt = now;
        this.to("ready");
        return;
      case "register_failed":
        if (this.step !== "registering" && this.step !== "ready") return;
        this.effects.push({ type: "drop" });
        // The password is no longer the one that Asterisk knows: another is.
        if (input.status === 401 || input.status === 403) this.stale = true;
        this.wait(now, "server");
        return;
      case "woke":
        this.woke(now);
        return;
      case "tick":
        this.tick(now);
    }
  }

  private granted(now: number, expiresAt: number): void {
    this.expiresAt = expiresAt;
    this.renewAt = now + Math.max(expiresAt - now, 0) / 2;
    this.renewals = 0;
    this.stale = false;
    if (this.step === "asking") this.open(now);
    // A registration in the new name, so that the line is known to go on with it. It is not lost if that gets no answer: a closed socket tells.
    else if (this.renewing && this.step === "ready") this.probe(now);
    this.renewing = false;
  }

  private notGranted(now: number, status: number, retryAfterMs: number | undefined): void {
    const blocked = refusal(status);
    if (this.renewing) {
      this.renewing = false;
      if (blocked) this.block(blocked);
      else {
        const span = Math.min(RENEW_AGAIN_CAP_MS, RENEW_AGAIN_MS * 2 ** this.renewals);
        this.renewals += 1;
        this.renewAt = now + Math.max(retryAfterMs ?? 0, span * (0.5 + this.random() / 2));
      }
    } else if (this.step === "asking") {
      if (blocked) this.block(blocked);
      else this.wait(now, status === 0 ? "network" : "server", retryAfterMs);
    }
  }

  private woke(now: number): void {
    if (this.step === "waiting") this.again(now);
    else if (this.step === "ready" && this.deadline === Infinity && now - this.heardAt >= FRESH_MS) this.probe(now);
    else if (this.step === "blocked" && this.blocked !== "insecure" && this.blocked !== "unsupported" && this.blocked !== "no-agent") this.start();
  }

  private tick(now: number): void {
    if (now >= this.deadline) {
      if (this.step === "waiting") this.again(now);
      else if (this.step === "opening" || this.step === "registering" || this.step === "ready") {
        this.effects.push({ type: "drop" });
        this.wait(now, "network");
      }
    }
    if (this.step === "ready" && !this.renewing && now >= this.renewAt) {
      this.renewing = true;
      this.effects.push({ type: "ask_credentials" });
    }
  }

  private probe(now: number): void {
    this.deadline = now + PROBE_MS;
    this.effects.push({ type: "register" });
  }

  private ask(): void {
    this.to("asking");
    this.effects.push({ type: "ask_credentials" });
  }

  private open(now: number): void {
    // Until it has opened, nobody knows whether its key is still taken.
    this.stale = true;
    this.to("opening", now + OPEN_MS);
    this.effects.push({ type: "open" });
  }

  private again(now: number): void {
    if (this.stale || this.expiresAt - now < MARGIN_MS) this.ask();
    else this.open(now);
  }

  private wait(now: number, reason: "network" | "server", atLeast = 0): void {
    this.renewing = false;
    this.reason = reason;
    const span = Math.min(CAP_MS, BASE_MS * 2 ** Math.min(this.attempt, 10));
    this.attempt += 1;
    this.to("waiting", now + Math.max(atLeast, span * this.random()));
  }

  private block(reason: Blocked): void {
    if (this.step !== "blocked" && this.step !== "microphone") this.effects.push({ type: "sign_off" });
    this.forget();
    this.blocked = reason;
    this.to("blocked");
  }

  private to(step: Step, deadline = Infinity): void {
    this.step = step;
    this.deadline = deadline;
  }
}
