/**
 * SIP over WebSocket by JsSIP.
 *
 * Two habits of the library are kept from it. It opens its socket again by its own clock: here it is given a socket that seems to be lost until
 * we have opened another. And it ends a call when a request within it gets no answer: but the sound does not go through that socket, so a call
 * that is talked in goes on, and is refreshed when the socket is back.
 */
import { C, UA } from "jssip";
import type { RTCSession, TerminateOptions } from "jssip/lib/RTCSession";
import type { UAConfiguration } from "jssip/lib/UA";
import { type Credentials, NotReached, type Sip, type SipEvent } from "./sip";

/** Longer than any ring: who is rung for how long is the gateway's to say. */
const NO_ANSWER_S = 600;
/** Beyond the life of any page, and what a browser's timer can count. */
const NEVER_S = 1_000_000;
/** The credentials live as long. */
const REGISTER_S = 3_600;
const OFFER_MS = 5_000;
const ICE_MS = 1_500;
const DIGIT_MS = 160;
const DIGIT_GAP_MS = 70;

/** What stands between the library and the socket of the moment. */
class Wire {
  readonly via_transport = "WSS";
  readonly sip_uri = "sip:gateway.invalid;transport=ws";
  readonly url = "wss://gateway.invalid";
  private socket: WebSocket | undefined;
  onconnect: () => void = () => undefined;
  ondisconnect: (error: boolean, code?: number, reason?: string) => void = () => undefined;
  ondata: (data: string) => void = () => undefined;

  constructor(
    private readonly changed: (what: "opened" | "closed") => void,
    private readonly seen: (message: string) => void,
  ) {}

  /** The library asks at its start; the socket comes when the line says so. */
  connect(): void {
    return undefined;
  }

  disconnect(): void {
    this.drop();
  }

  send(data: string): boolean {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(data);
    return true;
  }

  open(url: string): void {
    this.drop();
    const socket = new WebSocket(url, "sip");
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    let opened = false;
    socket.onopen = () => {
      opened = true;
      this.changed("opened");
      this.onconnect();
    };
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      const text = typeof data === "string" ? data : new TextDecoder().decode(data);
      this.ondata(text);
      this.seen(text);
    };
    socket.onclose = ({ code, reason }) => {
      this.socket = undefined;
      if (opened) this.ondisconnect(true, code, reason);
      this.changed("closed");
    };
  }

  drop(): void {
    const { socket } = this;
    this.socket = undefined;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    const opened = socket.readyState === WebSocket.OPEN || socket.readyState === WebSocket.CLOSING;
    // Does not wait for the other side, which may be gone.
    socket.close();
    if (opened) this.ondisconnect(true);
  }
}

/** A call and what is under way in it. */
class Dialog {
  /** One offer after the other. */
  private offers: Promise<void> = Promise.resolve();
  private failed: ((why: string) => void) | undefined;

  constructor(
    readonly session: RTCSession,
    private readonly tell: (event: SipEvent) => void,
  ) {
    const terminate = session.terminate.bind(session);
    session.terminate = (options?: TerminateOptions) => {
      if (!this.survives(options)) terminate(options);
    };
    // One who offers waits for the end of the candidates; a STUN server that does not answer must not hold up the call.
    let late: ReturnType<typeof setTimeout> | undefined;
    session.on("icecandidate", ({ ready }) => {
      late ??= setTimeout(ready, ICE_MS);
    });
    session.on("sdp", (event) => {
      clearTimeout(late);
      late = undefined;
      if (event.originator === "local") event.sdp = withAddress(event.sdp);
    });
    session.on("peerconnection", ({ peerconnection }) => this.follow(peerconnection));
  }

  /** The library wants to end the call. Only we do, and who is on the line. */
  private survives(options: TerminateOptions | undefined): boolean {
    const { cause } = options ?? {};
    const lost = cause === C.causes.CONNECTION_ERROR || cause === C.causes.REQUEST_TIMEOUT || cause === C.causes.RTP_TIMEOUT;
    // A refused offer leaves the call as it was.
    const refused = cause === C.causes.WEBRTC_ERROR && this.failed !== undefined;
    if (!this.session.isEstablished() || !(lost || refused)) return false;
    this.failed?.(String(cause));
    return true;
  }

  private follow(connection: RTCPeerConnection): void {
    const say = () => {
      const state = connection.connectionState;
      if (state === "connected") this.tell({ type: "media", id: this.session.id, state: "ok" });
      else if (state === "disconnected") this.tell({ type: "media", id: this.session.id, state: "broken" });
      else if (state === "failed") this.tell({ type: "media", id: this.session.id, state: "failed" });
    };
    connection.addEventListener("connectionstatechange", say);
  }

  /** `start` sends it and is told when it has been answered; false when it cannot be sent now. */
  offer(start: (done: () => void) => boolean): Promise<void> {
    const run = () =>
      new Promise<void>((resolve, reject) => {
        if (this.session.isEnded()) {
          reject(new Error("the call has ended"));
          return;
        }
        const over = (error?: Error) => {
          clearTimeout(timer);
          this.failed = undefined;
          if (error) reject(error);
          else resolve();
        };
        const timer = setTimeout(() => over(new Error("no answer")), OFFER_MS);
        this.failed = (why) => over(new Error(why));
        if (!start(() => over())) over(new Error("not now"));
      });
    const result = this.offers.then(run);
    this.offers = result.catch(() => undefined);
    return result;
  }
}

/** The answer to a registration; a challenge is the library's to answer. */
function registered(message: string): boolean {
  return /^SIP\/2\.0 2\d\d /.test(message) && /^cseq:\s*\d+\s+REGISTER\s*$/im.test(message);
}

/** Asterisk says so when it takes the ring back because somebody else has answered (RFC 3326). */
function elsewhere(message: unknown): boolean {
  const reason = message && typeof message === "object" && "getHeader" in message ? (message as { getHeader(name: string): string | undefined }).getHeader("Reason") : undefined;
  return reason !== undefined && (/cause\s*=\s*200\b/i.test(reason) || /cause\s*=\s*26\b/i.test(reason));
}

function notReached(status: number | undefined): NotReached {
  if (status === 486 || status === 600) return new NotReached("busy");
  return new NotReached(status === 401 || status === 403 || status === 603 ? "refused" : "failed");
}

export class JsSip implements Sip {
  private credentials: Credentials | undefined;
  private agent: UA | undefined;
  private agentName = "";
  private wire: Wire | undefined;
  private readonly dialogs = new Map<string, Dialog>();

  constructor(private readonly tell: (event: SipEvent) => void) {}

  use(credentials: Credentials): void {
    this.credentials = credentials;
    if (this.agent && this.agentName === credentials.username) this.sign(this.agent);
  }

  open(): void {
    const { credentials } = this;
    if (!credentials) return;
    if (this.agentName !== credentials.username) this.signOff();
    const agent = this.agent ?? this.start(credentials);
    this.sign(agent);
    this.wire?.open(credentials.socketUrl);
  }

  drop(): void {
    this.wire?.drop();
  }

  register(): void {
    // A registration that waits for an answer which was lost would keep the next from being sent.
    this.agent?.register();
  }

  signOff(): void {
    const { agent } = this;
    this.agent = undefined;
    this.agentName = "";
    this.wire = undefined;
    this.dialogs.clear();
    if (!agent) return;
    agent.removeAllListeners();
    agent.stop();
  }

  private start(credentials: Credentials): UA {
    const wire = new Wire(
      (what) => {
        if (this.wire === wire) this.tell({ type: what });
      },
      (message) => {
        if (this.wire === wire && registered(message)) this.tell({ type: "registered" });
      },
    );
    const settings: UAConfiguration = {
      sockets: [wire as unknown as NonNullable<Exclude<UAConfiguration["sockets"], unknown[]>>],
      uri: credentials.uri,
      authorization_user: credentials.username,
      password: credentials.password,
      register: true,
      register_expires: REGISTER_S,
      // A gateway that is away for longer than a timer of RFC 4028 must not cost the call; Asterisk notices a dead browser by its silence.
      session_timers: false,
      no_answer_timeout: NO_ANSWER_S,
      connection_recovery_min_interval: NEVER_S,
      connection_recovery_max_interval: NEVER_S,
      user_agent: "Trunkline panel",
    };
    const agent = new UA(settings);
    agent.on("registrationFailed", ({ response, cause }) => {
      // That the socket went is told by the socket. Silence on one that is open is as good as a refusal.
      if (this.agent !== agent || cause === C.causes.CONNECTION_ERROR) return;
      this.tell({ type: "register_failed", status: (response as { status_code?: number } | null)?.status_code ?? 408 });
    });
    agent.on("newRTCSession", (event: { originator: string; session: RTCSession; request: { getHeader(name: string): string | undefined } }) => {
      this.begin(event.session);
      if (event.originator === "remote") this.ring(event.session, (name) => event.request.getHeader(name)?.trim() || undefined);
    });
    this.agent = agent;
    this.agentName = credentials.username;
    this.wire = wire;
    agent.start();
    return agent;
  }

  /** The library keeps a digest of the first password: with it, a new one would never be used. */
  private sign(agent: UA): void {
    const settings = (agent as unknown as { configuration: { password: string | null; ha1: string | null } }).configuration;
    settings.ha1 = null;
    settings.password = this.credentials?.password ?? null;
  }

  private begin(session: RTCSession): void {
    const id = session.id;
    this.dialogs.set(id, new Dialog(session, this.tell));
    const ended = ({ originator, message }: { originator: string; message?: unknown }) => {
      if (!this.dialogs.delete(id)) return;
      this.tell({ type: "ended", id, by: originator === "remote" ? "them" : "us", answeredElsewhere: elsewhere(message) });
    };
    session.on("ended", ended);
    session.on("failed", ended);
    session.on("confirmed", () => this.tell({ type: "accepted", id }));
  }

  private ring(session: RTCSession, header: (name: string) => string | undefined): void {
    const from = session.remote_identity;
    const name: string | undefined = from.display_name || undefined;
    const peer = from.uri.user ?? "";
    this.tell({
      type: "incoming",
      call: {
        id: session.id,
        callId: header("X-Trunkline-Call") ?? header("X-Trunkline-Reattach"),
        peer: /^(anonymous|asterisk)$/i.test(peer) ? "" : peer,
        // Asterisk repeats the number where there is no name.
        peerName: name === peer ? undefined : name,
        queue: decoded(header("X-Trunkline-Queue")),
        reattach: header("X-Trunkline-Reattach"),
        dial: header("X-Trunkline-Dial") !== undefined,
      },
    });
  }

  private get(id: string): Dialog {
    const dialog = this.dialogs.get(id);
    if (!dialog) throw new Error("there is no such call");
    return dialog;
  }

  private get media(): { pcConfig: RTCConfiguration } {
    return { pcConfig: { iceServers: [...(this.credentials?.iceServers ?? [])], bundlePolicy: "max-bundle" } };
  }

  answer(id: string, microphone: MediaStream): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const { session } = this.get(id);
      session.on("confirmed", () => resolve());
      session.on("failed", ({ cause }) => reject(new Error(cause)));
      session.on("ended", ({ cause }) => reject(new Error(cause)));
      session.answer({ ...this.media, mediaStream: microphone, mediaConstraints: { audio: true, video: false } });
    });
  }

  dial(number: string, microphone: MediaStream): { id: string; reached: Promise<void> } {
    if (!this.agent) throw new Error("the phone is off");
    const session = this.agent.call(number, { ...this.media, mediaStream: microphone, mediaConstraints: { audio: true, video: false } });
    const reached = new Promise<void>((resolve, reject) => {
      session.on("progress", () => resolve());
      session.on("confirmed", () => resolve());
      session.on("failed", ({ originator, message }) => {
        // Whoever hangs up before it rings has got what they wanted.
        if (originator === "local") resolve();
        else reject(notReached((message as { status_code?: number } | null)?.status_code));
      });
    });
    return { id: session.id, reached };
  }

  hangUp(id: string, decline: boolean): void {
    const session = this.dialogs.get(id)?.session;
    if (!session || session.isEnded()) return;
    session.terminate(decline ? { status_code: 603, reason_phrase: "Decline" } : undefined);
  }

  setMuted(id: string, muted: boolean): void {
    const { session } = this.get(id);
    if (muted) session.mute({ audio: true });
    else session.unmute({ audio: true });
  }

  async setHeld(id: string, held: boolean): Promise<void> {
    const dialog = this.get(id);
    const { session } = dialog;
    const change = (to: boolean) => (done: () => void) => {
      if (session.isOnHold().local === to) {
        done();
        return true;
      }
      return to ? session.hold({}, done) : session.unhold({}, done);
    };
    try {
      await dialog.offer(change(held));
    } catch (error) {
      // The line is there and the other side would not: as before. Without a line the wish stays, and goes with the refresh.
      if (this.agent?.isConnected() && session.isOnHold().local === held) void dialog.offer(change(!held)).catch(() => undefined);
      throw error;
    }
  }

  refresh(id: string, restartIce: boolean): Promise<void> {
    const dialog = this.get(id);
    const options = restartIce ? { rtcOfferConstraints: { iceRestart: true } } : {};
    return dialog.offer((done) => dialog.session.renegotiate(options, done));
  }

  async sendDigits(id: string, digits: string): Promise<void> {
    const sender = this.sender(id)?.dtmf;
    if (!sender?.canInsertDTMF) throw new Error("digits cannot be sent");
    const { session } = this.get(id);
    const sent = new Promise<void>((resolve) => {
      const heard = ({ tone }: RTCDTMFToneChangeEvent) => {
        if (tone !== "") return;
        sender.removeEventListener("tonechange", heard);
        resolve();
      };
      sender.addEventListener("tonechange", heard);
      session.on("ended", () => resolve());
    });
    // Behind those that still sound: a fast typist loses none.
    sender.insertDTMF(sender.toneBuffer + digits, DIGIT_MS, DIGIT_GAP_MS);
    await sent;
  }

  private sender(id: string): RTCRtpSender | undefined {
    return this.get(id)
      .session.connection.getSenders()
      .find((one) => one.track?.kind === "audio");
  }

  async useMicrophone(id: string, microphone: MediaStream): Promise<void> {
    const { session } = this.get(id);
    const [track] = microphone.getAudioTracks();
    const { local, remote } = session.isOnHold();
    if (track) track.enabled = !(session.isMuted().audio || local || remote);
    await this.sender(id)?.replaceTrack(track ?? null);
  }

  heard(id: string): MediaStream | undefined {
    const connection = this.dialogs.get(id)?.session.connection as RTCPeerConnection | null | undefined;
    const tracks = connection?.getReceivers().map((one) => one.track) ?? [];
    return tracks.length > 0 ? new MediaStream(tracks) : undefined;
  }

  async stats(id: string): Promise<RTCStatsReport | undefined> {
    return (this.dialogs.get(id)?.session.connection as RTCPeerConnection | null | undefined)?.getStats();
  }
}

/**
 * Firefox names no address besides its candidates, and to Asterisk `0.0.0.0` is a call on hold (as in RFC 2543): it would be held from its first
 * moment, and never again. RFC 8839 wants the default candidate there.
 */
export function withAddress(sdp: string): string {
  const [, address, port] = /^a=candidate:\S+ 1 udp \d+ (\d+\.\d+\.\d+\.\d+) (\d+) typ /im.exec(sdp) ?? [];
  // Without one (names in place of addresses), an address that leads nowhere (RFC 5737): ICE finds the way.
  const addressed = sdp.replaceAll(/^c=IN IP4 0\.0\.0\.0/gm, `c=IN IP4 ${address ?? "192.0.2.1"}`);
  return addressed === sdp || port === undefined ? addressed : addressed.replace(/^m=audio 9 /m, `m=audio ${port} `);
}

/** A queue's name comes percent-encoded: a header cannot hold every sign. */
function decoded(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text);
  } catch {
    return text;
  }
}
