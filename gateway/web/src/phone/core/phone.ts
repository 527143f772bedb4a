/** The machine's hands: requests, SIP, sound, tabs, timers. It decides nothing. */
import { api, body, onSignedOut, Problem } from "@/api";
import { type JournalEvent, isCallBack, live } from "@/live";
import { type AudioSettings, type MissedCall, type PhoneActions, type PhoneCall, PhoneError, type PhoneErrorCode, type PhoneState } from "../api";
import { AudioDevices } from "./audio";
import { keepCall, keepLists, keptCall, keptLists } from "./keep";
import type { LineInput } from "./line";
import { type Action, type Effect, type Entry, type Input, PhoneMachine } from "./machine";
import { Microphones, stopTracks } from "./microphones";
import { notifyOfRing, ringIsOver } from "./notify";
import { qualityOf, type Sample, sampleOf } from "./quality";
import { type Credentials, NotReached, type Sip, type SipEvent } from "./sip";
import { followed, list, NO_PHONE, PhoneStore, same } from "./store";
import { browserTabs, Tabs } from "./tabs";

/** What a tab that follows may ask the phone's to do. */
type Ask =
  | { do: "call"; action: Action }
  | { do: "choose"; what: Partial<Pick<AudioSettings, "microphone" | "speaker" | "bell" | "ringVolume">> }
  | { do: "retry_microphone" }
  | { do: "notifications" }
  | { do: "clear_missed" };

interface Request {
  resolve(): void;
  reject(error: PhoneError): void;
}

const QUALITY_MS = 2_000;
const LOOK_AGAIN_MS = 500;

export class Phone {
  readonly store = new PhoneStore();
  private machine = new PhoneMachine(Math.random);
  private readonly tabs: Tabs<PhoneState, Ask>;
  private readonly audio: AudioDevices;
  private life: AbortController | undefined;
  private lead: AbortController | undefined;
  private sip: Sip | undefined;
  private credentials: Credentials | undefined;
  private me = "";
  private readonly inputs: Input[] = [];
  private working = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private measuring: ReturnType<typeof setInterval> | undefined;
  private readonly samples = new Map<string, Sample>();
  private readonly microphones: Microphones;
  private readonly requests = new Map<number, Request>();
  private nextRequest = 1;
  private keptLists: readonly [readonly MissedCall[], string | undefined] | undefined;
  private readonly shown = new WeakMap<Entry, PhoneCall>();

  constructor() {
    this.audio = new AudioDevices(
      () => this.publish(),
      () => this.line({ type: "woke" }),
    );
    this.microphones = new Microphones(
      () => this.audio.open(),
      (id, microphone) => this.sip?.useMicrophone(id, microphone) ?? Promise.resolve(),
    );
    this.tabs = new Tabs<PhoneState, Ask>(
      {
        lead: (last) => this.become(last),
        follow: () => this.give_up(),
        told: (state) => this.store.set(followed(this.store.state, state)),
        state: () => this.store.state,
        carryOut: (ask) => this.carryOutAsk(ask),
        idle: () => this.store.state.calls.length === 0,
      },
      browserTabs,
    );
  }

  /** Once signed in; again after a sign-out. */
  start(): () => void {
    if (!this.life) {
      this.life = new AbortController();
      this.life.signal.addEventListener("abort", onSignedOut(() => this.stop()));
      this.audio.start();
      this.tabs.start();
    }
    return () => this.stop();
  }

  stop(): void {
    if (!this.life) return;
    this.life.abort();
    this.life = undefined;
    this.tabs.stop();
    this.audio.stop();
    keepLists(undefined);
    this.store.set(NO_PHONE);
  }

  openMicrophone(): Promise<MediaStream> {
    return this.audio.open();
  }

  // Being the phone.

  private become(last: PhoneState | undefined): void {
    const lead = new AbortController();
    this.lead = lead;
    const { signal } = lead;
    this.machine = new PhoneMachine(Math.random);
    this.keptLists = undefined;
    const woke = () => {
      if (document.visibilityState === "visible") this.line({ type: "woke" });
    };
    window.addEventListener("online", woke, { signal });
    document.addEventListener("visibilitychange", woke, { signal });
    let before = live.connection.state;
    // The stream asks all the time whether the gateway is there; the telephone's socket need not.
    const stream = live.onConnection(() => {
      const { state } = live.connection;
      if (state === "live" && before !== "live") this.line({ type: "woke" });
      before = state;
    });
    const events = live.onEvent((event) => {
      if (hasSomebody(event)) this.give({ type: "answered", callId: event.subject.id });
    });
    signal.addEventListener("abort", stream);
    signal.addEventListener("abort", events);
    void this.identify(signal, last);
  }

  /** A user is an agent by the same id. */
  private async identify(signal: AbortSignal, last: PhoneState | undefined): Promise<void> {
    this.publish();
    for (;;) {
      try {
        this.me = (await body(api.GET("/api/v1/me", { signal }))).user.id;
        break;
      } catch (error) {
        if (signal.aborted || (error instanceof Problem && !error.passing)) return;
        await pause(LOOK_AGAIN_MS * (1 + Math.random()), signal);
      }
    }
    if (signal.aborted) return;
    const lists = last ?? keptLists(this.me);
    if (lists) this.give({ type: "restore", missed: lists.missed, lastDialed: lists.lastDialed });
    const call = keptCall(this.me);
    if (call) this.give({ type: "resume", ...call });
    this.line({ type: "start" });
  }

  private give_up(): void {
    this.line({ type: "stop" });
    this.lead?.abort();
    this.lead = undefined;
    clearTimeout(this.timer);
    this.credentials = undefined;
    this.sip = undefined;
    for (const request of this.requests.values()) request.reject(new PhoneError("offline", "the phone is off"));
    this.requests.clear();
    this.microphones.releaseAll();
    this.samples.clear();
    this.silence();
    this.publish();
  }

  private line(input: LineInput): void {
    if (this.lead) this.give({ type: "line", input });
  }

  private give(input: Input): void {
    if (!this.lead) return;
    this.inputs.push(input);
    // What an effect tells at once comes after it.
    if (this.working) return;
    this.working = true;
    for (let next = this.inputs.shift(); next; next = this.inputs.shift()) {
      this.machine.handle(Date.now(), next);
      for (const effect of this.machine.drain()) this.carryOut(effect);
    }
    this.working = false;
    this.publish();
    clearTimeout(this.timer);
    const { dueAt } = this.machine;
    if (Number.isFinite(dueAt)) this.timer = setTimeout(() => this.line({ type: "tick" }), Math.max(0, dueAt - Date.now()));
  }

  private carryOut(effect: Effect): void {
    switch (effect.type) {
      case "check_microphone":
        void this.audio.check().then((problem) => this.line({ type: "microphone", problem }));
        return;
      case "ask_credentials":
        void this.askCredentials();
        return;
      case "open":
        void this.open();
        return;
      case "drop":
        this.sip?.drop();
        return;
      case "register":
        this.sip?.register();
        return;
      case "sign_off":
        this.sip?.signOff();
        this.sip = undefined;
        return;
      case "answer":
        this.work(effect.request, () => this.answer(effect.id), effect.id);
        return;
      case "hang_up":
        this.work(effect.request, () => this.sip?.hangUp(effect.id, effect.decline));
        return;
      case "mute":
        this.work(effect.request, () => this.sip?.setMuted(effect.id, effect.muted));
        return;
      case "hold":
        this.work(effect.request, () => this.sip?.setHeld(effect.id, effect.held));
        return;
      case "digits":
        this.work(effect.request, () => this.sip?.sendDigits(effect.id, effect.digits));
        return;
      case "dial":
        this.work(effect.request, () => this.dial(effect.request, effect.number));
        return;
      case "settle":
        this.settle(effect.request, effect.error);
        return;
      case "refresh":
        this.sip?.refresh(effect.id, effect.restartIce).then(
          () => this.give({ type: "refreshed", id: effect.id, ok: true }),
          () => this.give({ type: "refreshed", id: effect.id, ok: false }),
        );
        return;
      case "look_up":
        void this.lookUp(effect.callId);
        return;
      case "reattach":
        void this.reattach(effect.callId);
        return;
      case "end_call":
        this.work(effect.request, async () => {
          await api.POST("/api/v1/calls/{id}/hangup", { params: { path: { id: effect.callId } } });
        });
        return;
      case "remember":
        keepCall(this.me, effect.call);
    }
  }

  // Requests.

  private work(request: number | undefined, run: () => Promise<void> | void, answering?: string): void {
    const over = (error: PhoneErrorCode | undefined) => {
      if (error !== undefined && answering !== undefined) this.give({ type: "not_answered", id: answering });
      if (request === undefined) return;
      this.give({ type: "done", request, ok: error === undefined });
      this.settle(request, error);
    };
    void (async () => run())().then(
      () => over(undefined),
      (error: unknown) => over(error instanceof PhoneError ? error.code : "failed"),
    );
  }

  private settle(request: number, error: PhoneErrorCode | undefined): void {
    const waiting = this.requests.get(request);
    this.requests.delete(request);
    if (error === undefined) waiting?.resolve();
    else waiting?.reject(new PhoneError(error, error));
  }

  private act(action: Action): Promise<void> {
    if (!this.lead) return Promise.reject(new PhoneError("offline", "the phone is off"));
    return new Promise((resolve, reject) => {
      const request = this.nextRequest;
      this.nextRequest += 1;
      this.requests.set(request, { resolve, reject });
      this.give({ type: "act", request, action });
    });
  }

  private async askCredentials(): Promise<void> {
    const signal = this.lead?.signal;
    try {
      const { data, response } = await api.POST("/api/v1/softphone/session", { signal });
      if (!data) throw Problem.noAnswer();
      const { sip_uri, username, password, ws_url, ice_servers, expires_at } = data;
      const iceServers = ice_servers.map(({ urls, username: user, credential }) => ({ urls, username: user ?? undefined, credential: credential ?? undefined }));
      const credentials: Credentials = { uri: sip_uri, username, password, socketUrl: ws_url, iceServers };
      if (signal?.aborted) return;
      this.credentials = credentials;
      this.sip?.use(credentials);
      // By the server's clock, which may be another than ours.
      const now = Date.parse(response.headers.get("date") ?? "") || Date.now();
      this.line({ type: "credentials", expiresAt: Date.now() + Date.parse(expires_at) - now });
    } catch (error) {
      if (signal?.aborted) return;
      const { status, retryAfter } = error instanceof Problem ? error : { status: 0, retryAfter: undefined };
      this.line({ type: "credentials_failed", status, retryAfterMs: retryAfter === undefined ? undefined : retryAfter * 1000 });
    }
  }

  private async open(): Promise<void> {
    const { lead } = this;
    try {
      if (!this.sip) {
        const { JsSip } = await import("./jssip");
        if (lead !== this.lead || !lead) return;
        const sip: Sip = new JsSip((event) => {
          if (this.sip === sip) this.heard(event);
        });
        this.sip = sip;
      }
      if (!this.credentials) return;
      this.sip.use(this.credentials);
      this.sip.open();
    } catch {
      // The network went before the program for it had come.
      if (lead === this.lead) this.line({ type: "closed" });
    }
  }

  private heard(event: SipEvent): void {
    switch (event.type) {
      case "opened":
      case "closed":
      case "registered":
      case "register_failed":
        this.line(event);
        return;
      case "incoming":
        this.give(event);
        if (event.call.reattach === undefined && !event.call.dial) notifyOfRing(event.call, toCallBack(event.call.callId));
        return;
      case "ended":
        this.release(event.id);
        ringIsOver(event.id);
        this.give(event);
        return;
      case "accepted":
        ringIsOver(event.id);
        this.give(event);
        return;
      default:
        this.give(event);
    }
  }

  private async lookUp(callId: string): Promise<void> {
    const signal = this.lead?.signal;
    for (;;) {
      try {
        const call = await body(api.GET("/api/v1/calls/{id}", { params: { path: { id: callId } }, signal }));
        const mine = call.state === "active" && call.agent_id === this.me;
        const queue = live.store.allQueues().find((one) => one.id === call.queue_id)?.name;
        const peer = call.direction === "inbound" ? call.from : call.to;
        const answeredAt = call.answered_at ? Date.parse(call.answered_at) : undefined;
        this.give({ type: "resume_known", callId, left: mine ? { peer, queue, startedAt: Date.parse(call.started_at), answeredAt } : undefined });
        return;
      } catch (error) {
        if (!signal || signal.aborted) return;
        if (error instanceof Problem && !error.passing) {
          this.give({ type: "resume_known", callId, left: undefined });
          return;
        }
        await pause(LOOK_AGAIN_MS, signal);
      }
    }
  }

  private async reattach(callId: string): Promise<void> {
    const signal = this.lead?.signal;
    try {
      await api.POST("/api/v1/calls/{id}/reattach", { params: { path: { id: callId } }, signal });
      this.give({ type: "reattach_asked", callId, answer: "ringing" });
    } catch (error) {
      if (signal?.aborted) return;
      const gone = error instanceof Problem && (error.status === 404 || error.status === 403);
      this.give({ type: "reattach_asked", callId, answer: gone ? "gone" : "failed" });
    }
  }

  // Microphone and sound.

  private async answer(id: string): Promise<void> {
    const microphone = await this.microphones.take();
    const { sip } = this;
    if (!sip) {
      stopTracks(microphone);
      throw new PhoneError("offline", "the phone is off");
    }
    this.microphones.use(id, microphone);
    try {
      await sip.answer(id, microphone);
    } catch (error) {
      this.release(id);
      throw error;
    }
  }

  private async dial(request: number, number: string): Promise<void> {
    const microphone = await this.microphones.take();
    if (!this.sip) {
      stopTracks(microphone);
      throw new PhoneError("offline", "the phone is off");
    }
    const { id, reached } = this.sip.dial(number, microphone);
    this.microphones.use(id, microphone);
    this.give({ type: "dialing", request, id });
    try {
      await reached;
    } catch (error) {
      throw new PhoneError(error instanceof NotReached ? error.code : "failed", "the call came to nothing");
    }
  }

  private release(id: string): void {
    this.microphones.release(id);
    this.samples.delete(id);
  }

  private async measure(): Promise<void> {
    for (const call of this.machine.calls) {
      if (call.state !== "active" || call.held) continue;
      const report = await this.sip?.stats(call.id).catch(() => undefined);
      const sample = report && sampleOf(report as unknown as Iterable<[string, unknown]>);
      if (!sample) continue;
      const quality = qualityOf(this.samples.get(call.id), sample);
      this.samples.set(call.id, sample);
      if (quality) this.give({ type: "quality", id: call.id, quality });
    }
  }

  // What is shown, and what sounds.

  private publish(): void {
    if (!this.life) return;
    const { audio } = this;
    const { state } = this.store;
    if (!this.lead) {
      // What is plugged in is told by the tab that uses it.
      this.store.set({ ...state, here: false });
      return;
    }
    const { calls, missed, lastDialed, registration, talking } = this.machine;
    audio.sound(this.machine.sound);
    const heard = talking ?? calls.find((call) => call.state === "dialing");
    audio.hear(heard && this.sip?.heard(heard.id));
    this.warn(calls.some((call) => call.state !== "incoming"));
    const measured = calls.some((call) => call.state === "active" && !call.held);
    if (measured && this.measuring === undefined) this.measuring = setInterval(() => void this.measure(), QUALITY_MS);
    else if (!measured && this.measuring !== undefined) {
      clearInterval(this.measuring);
      this.measuring = undefined;
    }
    if (this.keptLists?.[0] !== missed || this.keptLists[1] !== lastDialed) {
      this.keptLists = [missed, lastDialed];
      if (this.me !== "") keepLists({ user: this.me, missed, lastDialed });
    }
    const line = same(state.registration, registration) ? state.registration : registration;
    const next: PhoneState = { registration: line, here: true, calls: list(state.calls, calls.map((call) => this.show(call))), missed, lastDialed, audio: audio.settings };
    if (same(state, next)) return;
    this.store.set(next);
    this.tabs.tell();
  }

  private silence(): void {
    clearInterval(this.measuring);
    this.measuring = undefined;
    this.warn(false);
    this.audio.sound("none");
    this.audio.hear(undefined);
  }

  private show(entry: Entry): PhoneCall {
    const known = this.shown.get(entry);
    if (known) return known;
    const { id, callId, direction, peer, peerName, queue, muted, held, interrupted, startedAt, answeredAt, quality } = entry;
    // What this person asked for does not ring: it is on its way.
    const state = entry.state === "incoming" && direction === "out" && entry.answering ? "dialing" : entry.state;
    const call: PhoneCall = { id, callId, direction, peer, peerName, queue, state, muted, held, interrupted, startedAt, answeredAt, quality };
    this.shown.set(entry, call);
    return call;
  }

  private readonly stay = (event: BeforeUnloadEvent) => event.preventDefault();
  private warning = false;

  /** Only while there is something to lose: the listener alone keeps a page out of the browser's back-and-forward cache. */
  private warn(wanted: boolean): void {
    if (wanted === this.warning) return;
    this.warning = wanted;
    if (wanted) window.addEventListener("beforeunload", this.stay);
    else window.removeEventListener("beforeunload", this.stay);
  }

  // What any tab may ask for.

  private async carryOutAsk(ask: Ask): Promise<void> {
    switch (ask.do) {
      case "call":
        return this.act(ask.action);
      case "choose":
        this.audio.choose(ask.what);
        if ("microphone" in ask.what) await this.microphones.change();
        return;
      case "retry_microphone":
        this.line({ type: "start" });
        return;
      case "notifications":
        this.audio.noteNotifications();
        return;
      case "clear_missed":
        this.give({ type: "clear_missed" });
    }
  }

  private call(action: Action): Promise<void> {
    return this.tabs.ask({ do: "call", action });
  }

  private choose(what: Partial<Pick<AudioSettings, "microphone" | "speaker" | "bell" | "ringVolume">>): Promise<void> {
    return this.tabs.ask({ do: "choose", what });
  }

  readonly actions: PhoneActions = {
    answer: (id) => this.call({ type: "answer", id }),
    hangUp: (id) => this.call({ type: "hang_up", id }),
    setMuted: (id, muted) => this.call({ type: "mute", id, muted }),
    setHeld: (id, held) => this.call({ type: "hold", id, held }),
    sendDigits: (id, digits) => this.call({ type: "digits", id, digits }),
    dial: (number) => this.call({ type: "dial", number }),
    takeOver: () => this.tabs.takeOver(),
    retryMicrophone: async () => {
      // The browser asks the person in the tab that they look at; what they say holds for all.
      const problem = await this.audio.check();
      if (problem !== undefined) throw new PhoneError("microphone", problem);
      await this.tabs.ask({ do: "retry_microphone" });
    },
    chooseMicrophone: (microphone) => this.choose({ microphone }),
    chooseSpeaker: (speaker) => this.choose({ speaker }),
    chooseBell: (bell) => this.choose({ bell }),
    setRingVolume: (volume) => {
      const ringVolume = Math.min(1, Math.max(0, volume));
      this.choose({ ringVolume }).catch(() => undefined);
    },
    testSound: (which) => this.audio.test(which),
    askForNotifications: async () => {
      if (typeof Notification === "undefined") return;
      await Notification.requestPermission();
      await this.tabs.ask({ do: "notifications" });
    },
    clearMissed: () => {
      this.tabs.ask({ do: "clear_missed" }).catch(() => undefined);
    },
  };
}

/** Nobody has missed a call that somebody took, or that need not be made any more. */
function hasSomebody({ kind, subject, data }: JournalEvent): boolean {
  if (kind === "call.dialled") return live.store.call(subject.id)?.direction === "outbound";
  return kind === "call.answered" || (kind === "call.ended" && data.end_reason === "withdrawn");
}

/** Whom the router has in line, where it rings for them. */
function toCallBack(callId: string | undefined): string | undefined {
  const call = callId === undefined ? undefined : live.store.call(callId);
  return call && isCallBack(call) ? call.to : undefined;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
