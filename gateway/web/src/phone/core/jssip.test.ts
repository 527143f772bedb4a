import { createHash } from "node:crypto";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { JsSip, withAddress } from "./jssip";
import type { SipEvent } from "./sip";

/** The socket as a test sees it, with the other side of SIP in the test's hands. */
class FakeSocket {
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static all: FakeSocket[] = [];
  readyState = 0;
  binaryType = "blob";
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  sent: string[] = [];

  constructor(readonly url: string) {
    FakeSocket.all.push(this);
  }
  send(text: string): void {
    this.sent.push(text);
  }
  close(): void {
    this.readyState = 3;
  }
  opens(): void {
    this.readyState = 1;
    this.onopen?.();
  }
  breaks(): void {
    this.readyState = 3;
    this.onclose?.({ code: 1006, reason: "" });
  }
  says(text: string): void {
    this.onmessage?.({ data: text.replaceAll("\n", "\r\n") });
  }
}

const SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 127.0.0.1\r\na=sendrecv\r\n";

class FakeConnection extends EventTarget {
  static last: FakeConnection | undefined;
  iceGatheringState = "complete";
  iceConnectionState = "connected";
  connectionState = "connected";
  signalingState = "stable";
  localDescription = { sdp: SDP };
  offers: unknown[] = [];
  track = { kind: "audio", enabled: true };
  constructor() {
    super();
    FakeConnection.last = this;
  }
  addTrack(): void {
    return undefined;
  }
  getSenders = () => [{ track: this.track }];
  getReceivers = () => [];
  setRemoteDescription = () => Promise.resolve();
  setLocalDescription(): Promise<void> {
    setTimeout(() => this.dispatchEvent(new Event("icegatheringstatechange")));
    return Promise.resolve();
  }
  createAnswer = () => Promise.resolve({ type: "answer", sdp: SDP });
  createOffer(options: unknown) {
    this.offers.push(options);
    return Promise.resolve({ type: "offer", sdp: SDP });
  }
  close(): void {
    this.connectionState = "closed";
  }
}

let events: SipEvent[] = [];
let sip: JsSip;

beforeEach(() => {
  FakeSocket.all = [];
  events = [];
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("RTCPeerConnection", FakeConnection);
  vi.stubGlobal("RTCSessionDescription", Object);
  sip = new JsSip((event) => events.push(event));
  sip.use(credentials("one"));
});
afterEach(() => {
  sip.signOff();
  vi.unstubAllGlobals();
});

const credentials = (password: string) => ({ uri: "sip:demo-web-1@example.org", username: "demo-web-1", password, socketUrl: `wss://example.org/ws/sip?key=${password}`, iceServers: [] });

function last(): FakeSocket {
  const socket = FakeSocket.all.at(-1);
  if (!socket) throw new Error("no socket");
  return socket;
}

const header = (message: string, name: string) => new RegExp(`^${name}: (.*)$`, "im").exec(message)?.[1]?.trim() ?? "";

/** Answers the newest request of this kind. */
function answer(status: string, method: string, more = "", content = ""): void {
  const request = [...last().sent].reverse().find((text) => text.startsWith(method));
  if (request === undefined) throw new Error(`no ${method}`);
  const to = header(request, "To");
  const lines = [
    `SIP/2.0 ${status}`,
    `Via: ${header(request, "Via")}`,
    `To: ${to.includes("tag=") ? to : `${to};tag=z`}`,
    `From: ${header(request, "From")}`,
    `Call-ID: ${header(request, "Call-ID")}`,
    `CSeq: ${header(request, "CSeq")}`,
    ...(more ? [more] : []),
    ...(content ? ["Content-Type: application/sdp"] : []),
    `Content-Length: ${String(content.length)}`,
  ];
  last().onmessage?.({ data: `${lines.join("\r\n")}\r\n\r\n${content}` });
}

function register(password: string): void {
  answer("401 Unauthorized", "REGISTER", 'WWW-Authenticate: Digest realm="trunkline", nonce="n", algorithm=MD5, qop="auth"');
  const signed = header(last().sent.at(-1) ?? "", "Authorization");
  const part = (name: string) => new RegExp(`${name}="?([^",]*)`).exec(signed)?.[1] ?? "";
  const md5 = (text: string) => createHash("md5").update(text).digest("hex");
  const expected = md5(`${md5(`demo-web-1:trunkline:${password}`)}:n:${part("nc")}:${part("cnonce")}:auth:${md5("REGISTER:sip:example.org")}`);
  expect(part("response")).toBe(expected);
  answer("200 OK", "REGISTER", `Contact: ${header(last().sent.at(-1) ?? "", "Contact").replace(/;expires=\d+/, "")};expires=600`);
}

function up(): void {
  sip.open();
  last().opens();
  register("one");
}

/** The newest request of ours has the user part of our contact: Asterisk calls it by that. */
function invite(more = ""): void {
  const contact = /sip:([^@]+)@/.exec(header(last().sent.find((text) => text.startsWith("REGISTER")) ?? FakeSocket.all[0]?.sent[0] ?? "", "Contact"))?.[1] ?? "";
  const lines = [
    `INVITE sip:${contact}@10.0.0.1 SIP/2.0`,
    "Via: SIP/2.0/WSS 10.0.0.2;branch=z9hG4bKx",
    'From: "Ada Lovelace" <sip:+15550001@10.0.0.2>;tag=f',
    "To: <sip:demo-web-1@example.org>",
    "Call-ID: c1",
    "CSeq: 7 INVITE",
    "Contact: <sip:asterisk@10.0.0.2;transport=ws>",
    "Max-Forwards: 70",
    ...(more ? [more] : []),
    "Content-Type: application/sdp",
    `Content-Length: ${String(SDP.length)}`,
  ];
  last().onmessage?.({ data: `${lines.join("\r\n")}\r\n\r\n${SDP}` });
}

/** A request within the dialog. */
function within(method: string, more = ""): void {
  const answered = FakeSocket.all.flatMap((one) => one.sent).find((text) => text.startsWith("SIP/2.0 200") && header(text, "CSeq") === "7 INVITE");
  const lines = [
    `${method} sip:demo-web-1@10.0.0.1 SIP/2.0`,
    `Via: SIP/2.0/WSS 10.0.0.2;branch=z9hG4bK${method}`,
    "From: <sip:+15550001@10.0.0.2>;tag=f",
    `To: ${header(answered ?? "", "To")}`,
    "Call-ID: c1",
    `CSeq: ${method === "ACK" ? "7" : "8"} ${method}`,
    "Max-Forwards: 70",
    ...(more ? [more] : []),
    "Content-Length: 0",
  ];
  last().onmessage?.({ data: `${lines.join("\r\n")}\r\n\r\n` });
}

const types = () => events.map((event) => event.type);
const stream = { getTracks: () => [], getAudioTracks: () => [], getVideoTracks: () => [] } as unknown as MediaStream;

async function talking(): Promise<string> {
  up();
  invite();
  const ring = events.find((event) => event.type === "incoming");
  if (ring?.type !== "incoming") throw new Error("no ring");
  const answered = sip.answer(ring.call.id, stream);
  await vi.waitFor(() => expect(last().sent.at(-1)).toMatch(/^SIP\/2\.0 200/));
  within("ACK");
  await answered;
  expect(types()).toContain("accepted");
  return ring.call.id;
}

test("registers with the password of the moment, on the socket that is open", () => {
  up();
  expect(types()).toEqual(["opened", "registered"]);
  sip.use(credentials("two"));
  sip.register();
  register("two");
  expect(FakeSocket.all).toHaveLength(1);
  expect(types()).toEqual(["opened", "registered", "registered"]);
});

test("a refused registration says how", () => {
  sip.open();
  last().opens();
  answer("403 Forbidden", "REGISTER");
  expect(events.at(-1)).toEqual({ type: "register_failed", status: 403 });
});

test("tells who rings, for which call and queue", () => {
  up();
  invite("X-Trunkline-Call: 0197\r\nX-Trunkline-Queue: Caff%C3%A8 %26 Co");
  expect(events.at(-1)).toMatchObject({ type: "incoming", call: { callId: "0197", peer: "+15550001", peerName: "Ada Lovelace", queue: "Caffè & Co", reattach: undefined, dial: false } });
});

test("a ring for a call that is taken up again", () => {
  up();
  invite("X-Trunkline-Reattach: 0197");
  expect(events.at(-1)).toMatchObject({ type: "incoming", call: { callId: "0197", reattach: "0197" } });
});

test("a ring for what was asked for from the panel", () => {
  up();
  invite("X-Trunkline-Call: 0197\r\nX-Trunkline-Dial: 0197");
  expect(events.at(-1)).toMatchObject({ type: "incoming", call: { callId: "0197", dial: true, reattach: undefined } });
});

test.each([
  ["", false],
  ['Reason: SIP;cause=200;text="Call completed elsewhere"', true],
  ["Reason: Q.850;cause=16", false],
])("a ring that is taken back, because of %j", (reason, answeredElsewhere) => {
  up();
  invite();
  const text = ["CANCEL sip:demo-web-1@10.0.0.1 SIP/2.0", "Via: SIP/2.0/WSS 10.0.0.2;branch=z9hG4bKx", "From: <sip:+15550001@10.0.0.2>;tag=f", "To: <sip:demo-web-1@example.org>", "Call-ID: c1", "CSeq: 7 CANCEL", "Max-Forwards: 70"];
  last().says(`${[...text, ...(reason ? [reason] : []), "Content-Length: 0"].join("\n")}\n\n`);
  expect(events.at(-1)).toMatchObject({ type: "ended", by: "them", answeredElsewhere });
});

test("a call goes on when its socket goes, and is refreshed on the next", async () => {
  const id = await talking();
  last().breaks();
  sip.open();
  last().opens();
  register("one");
  expect(types()).not.toContain("ended");
  const refreshed = sip.refresh(id, true);
  await vi.waitFor(() => expect(last().sent.at(-1)).toMatch(/^INVITE/));
  expect(header(last().sent.at(-1) ?? "", "Call-ID")).toBe("c1");
  expect(FakeConnection.last?.offers).toEqual([{ iceRestart: true }]);
  answer("200 OK", "INVITE", "Contact: <sip:asterisk@10.0.0.2;transport=ws>", SDP);
  await refreshed;
  within("BYE");
  expect(events.at(-1)).toMatchObject({ type: "ended", id, by: "them" });
});

test("nor does a refresh whose socket goes end it", async () => {
  const id = await talking();
  const refreshed = expect(sip.refresh(id, false)).rejects.toThrow();
  await vi.waitFor(() => expect(last().sent.at(-1)).toMatch(/^INVITE/));
  last().breaks();
  await refreshed;
  expect(types()).not.toContain("ended");
});

test("a call that the other side knows no more has ended", async () => {
  const id = await talking();
  void sip.refresh(id, false).catch(() => undefined);
  await vi.waitFor(() => expect(last().sent.at(-1)).toMatch(/^INVITE/));
  answer("481 Call/Transaction Does Not Exist", "INVITE");
  expect(events.at(-1)).toMatchObject({ type: "ended", id });
});

test("a hold that is refused leaves the call as it was", async () => {
  const id = await talking();
  const held = expect(sip.setHeld(id, true)).rejects.toThrow();
  await vi.waitFor(() => expect(last().sent.at(-1)).toMatch(/a=sendonly/));
  answer("488 Not Acceptable Here", "INVITE");
  await held;
  expect(types()).not.toContain("ended");
  await vi.waitFor(() => expect(last().sent.at(-1)).toMatch(/a=sendrecv/));
});

test("sound that fails is told, and ends nothing", async () => {
  const id = await talking();
  const connection = FakeConnection.last;
  if (!connection) throw new Error("no connection");
  connection.connectionState = connection.iceConnectionState = "failed";
  connection.dispatchEvent(new Event("iceconnectionstatechange"));
  connection.dispatchEvent(new Event("connectionstatechange"));
  expect(events.at(-1)).toEqual({ type: "media", id, state: "failed" });
});

test("signing off ends calls and registration", async () => {
  await talking();
  sip.signOff();
  expect(last().sent.some((text) => text.startsWith("BYE"))).toBe(true);
  expect(last().sent.some((text) => text.startsWith("REGISTER") && header(text, "Expires") === "0")).toBe(true);
});

test("no address of nobody, which would be taken for a hold", () => {
  const firefox = "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\na=candidate:0 1 UDP 2122187007 10.0.0.7 40123 typ host\r\n";
  expect(withAddress(firefox)).toBe(firefox.replace("audio 9", "audio 40123").replace("0.0.0.0", "10.0.0.7"));
  const named = firefox.replace("10.0.0.7", "6f1e.local");
  expect(withAddress(named)).toBe(named.replace("0.0.0.0", "192.0.2.1"));
  const chromium = firefox.replace("audio 9", "audio 40123").replace("0.0.0.0", "10.0.0.7");
  expect(withAddress(chromium)).toBe(chromium);
});
