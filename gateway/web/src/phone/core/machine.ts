/**
 * What the phone does, without a wire, a sound or a clock: inputs change its state and give effects to be carried out.
 *
 * A call is an entry that is replaced when it changes, so that whoever shows it can compare by identity. Rules that hold always (and are tested
 * over random histories): at most one call talks; a call that is talked in never ends because the line is away; the bell rings only
 * while a call waits for an answer.
 */
import type { MissedCall, PhoneCall, PhoneErrorCode, Quality, Registration } from "../api";
import { LineCore, type LineEffect, type LineInput } from "./line";

export type Action =
  | { type: "answer"; id: string }
  | { type: "hang_up"; id: string }
  | { type: "mute"; id: string; muted: boolean }
  | { type: "hold"; id: string; held: boolean }
  | { type: "digits"; id: string; digits: string }
  | { type: "dial"; number: string };

/** What is known of a call from its INVITE. */
export interface Invitation {
  readonly id: string;
  readonly callId: string | undefined;
  readonly peer: string;
  readonly peerName: string | undefined;
  readonly queue: string | undefined;
  /** The call that the gateway rings again because a page asked for it. */
  readonly reattach: string | undefined;
  /** Asked for from a panel of this person's, such as a number to call: it is answered by itself. */
  readonly dial?: boolean;
}

/** What the next page has to know of a call: nobody who was muted may be heard because they reloaded. */
export interface Kept {
  readonly callId: string;
  readonly muted: boolean;
  readonly held: boolean;
}

/** What the journal says of a call that a page left behind. */
export interface Left {
  readonly peer: string;
  readonly queue: string | undefined;
  readonly startedAt: number;
  readonly answeredAt: number | undefined;
}

export type Input =
  | { type: "line"; input: LineInput }
  | { type: "act"; request: number; action: Action }
  /** The work of an action is done, or failed. */
  | { type: "done"; request: number; ok: boolean }
  | { type: "incoming"; call: Invitation }
  /** A dialled call has its name in SIP. */
  | { type: "dialing"; request: number; id: string }
  | { type: "accepted"; id: string }
  /** Answering by itself came to nothing, as without a microphone: it rings for the person. */
  | { type: "not_answered"; id: string }
  | { type: "ended"; id: string; by: "us" | "them"; answeredElsewhere: boolean }
  /** Sound goes, or does not: what ICE and DTLS say. */
  | { type: "media"; id: string; state: "ok" | "broken" | "failed" }
  | { type: "refreshed"; id: string; ok: boolean }
  | { type: "quality"; id: string; quality: Quality }
  /** A page of this browser left while this call ran. */
  | ({ type: "resume" } & Kept)
  | { type: "resume_known"; callId: string; left: Left | undefined }
  /** The gateway was asked to ring this phone for it. */
  | { type: "reattach_asked"; callId: string; answer: "ringing" | "gone" | "failed" }
  /** Somebody answered a call that also rang here. */
  | { type: "answered"; callId: string }
  | { type: "clear_missed" }
  | { type: "restore"; missed: readonly MissedCall[]; lastDialed: string | undefined };

export type Effect =
  | LineEffect
  | { type: "answer"; request: number | undefined; id: string }
  | { type: "hang_up"; request: number | undefined; id: string; decline: boolean }
  | { type: "mute"; request: number | undefined; id: string; muted: boolean }
  | { type: "hold"; request: number | undefined; id: string; held: boolean }
  | { type: "digits"; request: number; id: string; digits: string }
  | { type: "dial"; request: number; number: string }
  | { type: "settle"; request: number; error: PhoneErrorCode | undefined }
  /** Sends the running dialog's offer anew: the other side learns the way to us, and its answer tells whether it still knows the call. */
  | { type: "refresh"; id: string; restartIce: boolean }
  | { type: "look_up"; callId: string }
  | { type: "reattach"; callId: string }
  /** Ends a call that this page has no dialog of. */
  | { type: "end_call"; request: number; callId: string }
  /** Kept where the next page of this browser finds it. */
  | { type: "remember"; call: Kept | undefined };

/** What sounds: `bell` for everybody in the room, `knock` for an ear that is in a call, `ringback` for who waits. */
export type Sound = "none" | "bell" | "knock" | "ringback";

export interface Entry extends PhoneCall {
  /** Asked to answer, and the answer is on its way. */
  readonly answering: boolean;
  /** Hung up while the line was away: ends as soon as it is back. */
  readonly ending: boolean;
  readonly mediaBroken: boolean;
  /** Sound came before the answer: the other side plays its own ringing. */
  readonly earlySound: boolean;
  readonly iceFailed: boolean;
  /** The dialog has to be refreshed; `Infinity` while that is under way, `undefined` when it need not be. */
  readonly refreshAt: number | undefined;
  readonly refreshes: number;
}

interface Resume {
  readonly callId: string;
  /** The journal knows it and it runs. */
  known: boolean;
  asked: boolean;
  tries: number;
  nextAt: number;
  giveUpAt: number;
}

const REFRESH_AGAIN_MS = 1_000;
const REFRESH_AGAIN_CAP_MS = 10_000;
/** No answer to a refresh by then: another. The socket may have died under it. */
const REFRESH_MS = 5_000;
/** From the answer that it rings to the INVITE. */
const REATTACH_RING_MS = 6_000;
const REATTACH_AGAIN_MS = 400;
/** By then whoever was on the line has given up, or hangs on nothing. */
const REATTACH_MS = 60_000;
const MOST_MISSED = 50;

export const resumeId = (callId: string): string => `reattach-${callId}`;

export class PhoneMachine {
  readonly line: LineCore;
  calls: readonly Entry[] = [];
  missed: readonly MissedCall[] = [];
  lastDialed: string | undefined;
  private now = 0;
  private resume: Resume | undefined;
  private remembered: Kept | undefined;
  /** The last calls that were answered by anybody: the ring may be taken back before or after that is known. */
  private answered: readonly string[] = [];
  /** Dialled numbers whose call has no name yet. */
  private readonly dialing = new Map<number, string>();
  private readonly holding = new Map<number, { id: string; held: boolean }>();
  private effects: Effect[] = [];

  constructor(random: () => number) {
    this.line = new LineCore(random);
  }

  get registration(): Registration {
    return this.line.registration;
  }

  get talking(): Entry | undefined {
    return this.calls.find((call) => call.state === "active" && !call.held && !call.ending);
  }

  get sound(): Sound {
    const waits = this.calls.some((call) => call.state === "incoming" && !call.answering);
    if (waits) return this.calls.some((call) => call.state === "active" && !call.ending) ? "knock" : "bell";
    return this.calls.some((call) => call.state === "dialing" && !call.earlySound) ? "ringback" : "none";
  }

  get dueAt(): number {
    let due = this.line.dueAt;
    if (this.line.ready) for (const call of this.calls) due = Math.min(due, call.refreshAt ?? Infinity);
    if (this.resume) due = Math.min(due, this.resume.giveUpAt, this.line.ready ? this.resume.nextAt : Infinity);
    return due;
  }

  drain(): Effect[] {
    const { effects } = this;
    this.effects = [];
    return effects;
  }

  handle(now: number, input: Input): void {
    this.now = now;
    this.take(input);
    this.settleMemory();
  }

  private take(input: Input): void {
    switch (input.type) {
      case "line":
        this.lineInput(input.input);
        return;
      case "act":
        this.act(input.request, input.action);
        return;
      case "done":
        this.done(input.request, input.ok);
        return;
      case "incoming":
        this.incoming(input.call);
        return;
      case "dialing":
        this.dialed(input.request, input.id);
        return;
      case "accepted":
        this.accepted(input.id);
        return;
      case "not_answered":
        if (this.find(input.id)?.state === "incoming") this.change(input.id, { answering: false });
        return;
      case "ended":
        this.ended(input.id, input.by, input.answeredElsewhere);
        return;
      case "media":
        this.media(input.id, input.state);
        return;
      case "refreshed":
        this.refreshed(input.id, input.ok);
        return;
      case "quality":
        if (this.find(input.id)?.state === "active") this.change(input.id, { quality: input.quality });
        return;
      case "resume":
        this.resumeCall(input);
        return;
      case "resume_known":
        this.resumeKnown(input.callId, input.left);
        return;
      case "reattach_asked":
        this.reattachAsked(input.callId, input.answer);
        return;
      case "answered":
        this.wasAnswered(input.callId);
        return;
      case "clear_missed":
        this.missed = [];
        return;
      case "restore":
        this.missed = input.missed;
        this.lastDialed ??= input.lastDialed;
    }
  }

  // The line.

  private lineInput(input: LineInput): void {
    const before = this.line.ready;
    this.line.handle(this.now, input);
    this.effects.push(...this.line.drain());
    const after = this.line.ready;
    if (input.type === "stop") this.drop();
    else if (before && !after) this.lineLost();
    else if (!before && after) this.lineBack();
    if (input.type === "tick") this.tick();
    this.tryReattach();
  }

  /** Another tab goes on, or the person has signed out: nothing of it is ours any more. */
  private drop(): void {
    this.calls = [];
    this.resume = undefined;
    this.dialing.clear();
    // What is remembered stays: the next page asks whether that call still runs.
    this.remembered = undefined;
    this.missed = [];
    this.lastDialed = undefined;
  }

  private lineLost(): void {
    // Without the socket Asterisk lets go of what was not answered; what was talked in goes on, from the browser to Asterisk directly.
    for (const call of this.calls) {
      if (call.state === "incoming" || call.state === "dialing") this.effects.push({ type: "hang_up", request: undefined, id: call.id, decline: false });
      else if (call.state === "active") this.change(call.id, { refreshAt: undefined, refreshes: 0, interrupted: true });
    }
  }

  private lineBack(): void {
    for (const call of this.calls) {
      if (call.state !== "active") continue;
      if (call.ending) this.effects.push({ type: "hang_up", request: undefined, id: call.id, decline: false });
      else this.refresh(call);
    }
  }

  private refresh(call: Entry): void {
    this.change(call.id, { refreshAt: this.now + REFRESH_MS, refreshes: call.refreshes + 1 });
    this.effects.push({ type: "refresh", id: call.id, restartIce: call.iceFailed });
  }

  private refreshed(id: string, ok: boolean): void {
    const call = this.find(id);
    if (call?.refreshAt === undefined) return;
    if (ok) this.change(id, { refreshAt: undefined, refreshes: 0, interrupted: call.mediaBroken || !this.line.ready });
    else this.change(id, { refreshAt: this.now + Math.min(REFRESH_AGAIN_CAP_MS, REFRESH_AGAIN_MS * 2 ** call.refreshes) });
  }

  private tick(): void {
    if (this.line.ready) for (const call of this.calls) if (call.refreshAt !== undefined && this.now >= call.refreshAt) this.refresh(call);
    if (this.resume && this.now >= this.resume.giveUpAt) this.endResume();
  }

  // Calls.

  private find(id: string): Entry | undefined {
    return this.calls.find((call) => call.id === id);
  }

  private change(id: string, with_: Partial<Entry>): void {
    this.calls = this.calls.map((call) => (call.id === id ? { ...call, ...with_ } : call));
  }

  /** What needs attention first: who rings, then who talks, then who waits. */
  private add(call: Entry): void {
    const rank = (one: Entry) => (one.state === "incoming" ? 0 : one.held ? 2 : 1);
    this.calls = [...this.calls, call].sort((a, b) => rank(a) - rank(b));
  }

  private remove(id: string): void {
    this.calls = this.calls.filter((call) => call.id !== id);
    for (const [request, { id: of }] of this.holding) if (of === id) this.holding.delete(request);
  }

  private incoming(invitation: Invitation): void {
    if (invitation.reattach !== undefined) {
      const waiting = this.find(resumeId(invitation.reattach));
      if (this.resume?.callId !== invitation.reattach || !waiting) {
        // Asked for by a page that is no more.
        this.effects.push({ type: "hang_up", request: undefined, id: invitation.id, decline: true });
        return;
      }
      this.resume.nextAt = Infinity;
      const peer = waiting.peer || invitation.peer;
      const known = { peerName: waiting.peerName ?? (waiting.peer ? undefined : invitation.peerName), queue: waiting.queue ?? invitation.queue };
      this.change(waiting.id, { id: invitation.id, peer, ...known });
      this.effects.push({ type: "answer", request: undefined, id: invitation.id });
      return;
    }
    // Nobody who is being talked to is put on hold unasked.
    const answering = invitation.dial === true && !this.talking;
    this.add({ ...blank(invitation.id, invitation.dial ? "out" : "in", invitation.peer, this.now), ...pick(invitation), state: "incoming", answering });
    if (answering) this.effects.push({ type: "answer", request: undefined, id: invitation.id });
  }

  private accepted(id: string): void {
    const call = this.find(id);
    if (!call || call.state === "active") return;
    const resumed = this.resume !== undefined && call.callId === this.resume.callId;
    if (resumed) this.resume = undefined;
    if (resumed && call.muted) this.effects.push({ type: "mute", request: undefined, id, muted: true });
    if (resumed && call.held) this.effects.push({ type: "hold", request: undefined, id, held: true });
    this.change(id, { state: "active", answering: false, answeredAt: call.answeredAt ?? this.now, mediaBroken: false, interrupted: !this.line.ready });
    if (!call.held) for (const other of this.calls) if (other.id !== id) this.holdOther(other);
  }

  /** At most one talks. */
  private holdOther(other: Entry): void {
    if (other.state !== "active" || other.held || other.ending) return;
    this.change(other.id, { held: true });
    this.effects.push({ type: "hold", request: undefined, id: other.id, held: true });
  }

  private ended(id: string, by: "us" | "them", answeredElsewhere: boolean): void {
    const call = this.find(id);
    if (!call) return;
    if (call.state === "reattaching" && this.resume) {
      // The ring for it was taken back, or could not be answered: the old leg is still there.
      this.change(id, { id: resumeId(this.resume.callId) });
      this.resume.nextAt = this.now + REATTACH_AGAIN_MS;
      return;
    }
    this.remove(id);
    if (call.state === "incoming" && call.direction === "in" && by === "them" && !answeredElsewhere && !call.answering) this.miss(call);
  }

  /** Somebody has talked to them: there is nobody to call back. */
  private wasAnswered(callId: string): void {
    this.answered = [callId, ...this.answered].slice(0, MOST_MISSED);
    if (this.missed.some((one) => one.callId === callId)) this.missed = this.missed.filter((one) => one.callId !== callId);
  }

  private miss(call: Entry): void {
    const { id, callId, peer, peerName, queue } = call;
    if (callId !== undefined && this.answered.includes(callId)) return;
    this.missed = [{ id, callId, peer, peerName, queue, at: this.now }, ...this.missed].slice(0, MOST_MISSED);
  }

  private media(id: string, state: "ok" | "broken" | "failed"): void {
    const call = this.find(id);
    if (!call) return;
    const broken = state !== "ok";
    if (call.state === "dialing") {
      if (!broken) this.change(id, { earlySound: true });
      return;
    }
    if (call.state !== "active") return;
    const failed = state === "failed";
    this.change(id, { mediaBroken: broken, iceFailed: failed, interrupted: broken || !this.line.ready || call.refreshAt !== undefined });
    const now = this.find(id);
    if (failed && this.line.ready && now && now.refreshAt === undefined) this.refresh(now);
  }

  // What the person asks for.

  private act(request: number, action: Action): void {
    if (action.type === "dial") {
      this.dial(request, action.number);
      return;
    }
    const call = this.find(action.id);
    if (!call || call.ending) {
      this.settle(request, "no-call");
      return;
    }
    switch (action.type) {
      case "answer":
        if (call.state !== "incoming") this.settle(request, call.state === "active" ? undefined : "no-call");
        else if (!this.line.ready) this.settle(request, "offline");
        else if (call.answering) this.settle(request, undefined);
        else {
          this.change(call.id, { answering: true });
          this.effects.push({ type: "answer", request, id: call.id });
        }
        return;
      case "hang_up":
        this.hangUp(request, call);
        return;
      case "mute":
        if (call.state !== "active") this.settle(request, "no-call");
        else {
          this.change(call.id, { muted: action.muted });
          this.effects.push({ type: "mute", request, id: call.id, muted: action.muted });
        }
        return;
      case "hold":
        this.hold(request, call, action.held);
        return;
      case "digits":
        if (call.state !== "active") this.settle(request, "no-call");
        else if (!/^[0-9A-Da-d*#,]+$/.test(action.digits)) this.settle(request, "failed");
        else this.effects.push({ type: "digits", request, id: call.id, digits: action.digits.toUpperCase() });
    }
  }

  private hangUp(request: number, call: Entry): void {
    if (call.state === "reattaching") {
      if (call.callId !== undefined) this.effects.push({ type: "end_call", request, callId: call.callId });
      this.endResume();
    } else if (call.state === "active" && !this.line.ready) {
      this.change(call.id, { ending: true, muted: true });
      this.settle(request, undefined);
    } else this.effects.push({ type: "hang_up", request, id: call.id, decline: call.state === "incoming" });
  }

  private hold(request: number, call: Entry, held: boolean): void {
    if (call.state !== "active") this.settle(request, "no-call");
    else if (!this.line.ready || call.interrupted) this.settle(request, "offline");
    else if (call.held === held) this.settle(request, undefined);
    else if ([...this.holding.values()].some((one) => one.id === call.id)) this.settle(request, "busy");
    else {
      if (!held) for (const other of this.calls) if (other.id !== call.id) this.holdOther(other);
      this.holding.set(request, { id: call.id, held });
      this.change(call.id, { held });
      this.effects.push({ type: "hold", request, id: call.id, held });
    }
  }

  private dial(request: number, number: string): void {
    const wanted = number.replace(/[\s().-]/g, "");
    if (!/^\+?[0-9*#]{1,32}$/.test(wanted)) this.settle(request, "failed");
    else if (!this.line.ready) this.settle(request, "offline");
    else if (this.dialing.size > 0 || this.calls.some((call) => call.state !== "active" || (!call.held && !call.ending))) this.settle(request, "busy");
    else {
      this.lastDialed = wanted;
      this.dialing.set(request, wanted);
      this.effects.push({ type: "dial", request, number: wanted });
    }
  }

  private dialed(request: number, id: string): void {
    const number = this.dialing.get(request);
    this.dialing.delete(request);
    if (number !== undefined) this.add({ ...blank(id, "out", number, this.now), state: "dialing" });
  }

  private done(request: number, ok: boolean): void {
    this.dialing.delete(request);
    const hold = this.holding.get(request);
    this.holding.delete(request);
    // With the line away, the refresh after it tells the other side what is wanted.
    if (hold && !ok && this.line.ready) this.change(hold.id, { held: !hold.held });
    if (!ok) this.calls = this.calls.map((call) => (call.answering && call.state === "incoming" ? { ...call, answering: false } : call));
  }

  private settle(request: number, error: PhoneErrorCode | undefined): void {
    this.effects.push({ type: "settle", request, error });
  }

  // A call that a page left behind.

  private resumeCall({ callId, muted, held }: Kept): void {
    if (this.resume || this.calls.some((call) => call.callId === callId)) return;
    this.resume = { callId, known: false, asked: false, tries: 0, nextAt: this.now, giveUpAt: this.now + REATTACH_MS };
    this.add({ ...blank(resumeId(callId), "in", "", this.now), callId, muted, held, state: "reattaching", interrupted: true });
    this.effects.push({ type: "look_up", callId });
  }

  private resumeKnown(callId: string, left: Left | undefined): void {
    if (this.resume?.callId !== callId) return;
    if (!left) {
      this.endResume();
      return;
    }
    this.resume.known = true;
    const call = this.calls.find((one) => one.callId === callId);
    if (call) this.change(call.id, left);
    this.tryReattach();
  }

  private tryReattach(): void {
    const { resume } = this;
    if (!resume?.known || resume.asked || !this.line.ready || this.now < resume.nextAt) return;
    resume.asked = true;
    resume.tries += 1;
    this.effects.push({ type: "reattach", callId: resume.callId });
  }

  private reattachAsked(callId: string, answer: "ringing" | "gone" | "failed"): void {
    const { resume } = this;
    if (resume?.callId !== callId) return;
    resume.asked = false;
    if (answer === "gone") this.endResume();
    // The INVITE may have come before the answer to the request.
    else if (answer === "ringing") resume.nextAt = this.find(resumeId(callId)) ? this.now + REATTACH_RING_MS : Infinity;
    else resume.nextAt = this.now + REATTACH_AGAIN_MS * 2 ** Math.min(resume.tries, 4);
  }

  private endResume(): void {
    const { resume } = this;
    this.resume = undefined;
    const call = this.calls.find((one) => one.state === "reattaching" && one.callId === resume?.callId);
    if (!call) return;
    this.remove(call.id);
    if (call.id !== resumeId(call.callId ?? "")) this.effects.push({ type: "hang_up", request: undefined, id: call.id, decline: true });
  }

  private settleMemory(): void {
    const call = this.calls.find((one) => (one.state === "active" || one.state === "reattaching") && !one.ending && one.callId !== undefined);
    const { remembered } = this;
    if (call?.callId === remembered?.callId && call?.muted === remembered?.muted && call?.held === remembered?.held) return;
    this.remembered = call?.callId === undefined ? undefined : { callId: call.callId, muted: call.muted, held: call.held };
    this.effects.push({ type: "remember", call: this.remembered });
  }
}

function blank(id: string, direction: "in" | "out", peer: string, now: number): Entry {
  return {
    id,
    callId: undefined,
    direction,
    peer,
    peerName: undefined,
    queue: undefined,
    state: "incoming",
    muted: false,
    held: false,
    interrupted: false,
    startedAt: now,
    answeredAt: undefined,
    quality: undefined,
    answering: false,
    ending: false,
    mediaBroken: false,
    earlySound: false,
    iceFailed: false,
    refreshAt: undefined,
    refreshes: 0,
  };
}

function pick({ callId, peerName, queue }: Invitation): Pick<Entry, "callId" | "peerName" | "queue"> {
  return { callId, peerName, queue };
}
