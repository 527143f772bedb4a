/**
 * A push service for Firefox, on loopback: browsers hold a socket to it (Mozilla's autopush protocol, as `dom/push` of Firefox speaks it), and
 * whoever has an endpoint posts to it (RFC 8030). What is posted is passed on as it came: only the browser can open it.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";

/** What a browser says. */
interface Said {
  messageType?: "hello" | "register" | "unregister" | "ack" | "nack";
  channelID?: string;
  updates?: { version: string; code: number }[];
}

/** What a browser says of a notification: it was opened and given to the page's worker; it could not be opened. */
export const DELIVERED = 100;
export const NOT_OPENED = 101;

export class PushService {
  private readonly channels = new Map<string, WebSocket>();
  private readonly posted: IncomingMessage["headers"][] = [];
  private readonly codes: number[] = [];
  private readonly listeners = new Set<() => void>();

  private constructor(
    private readonly server: Server,
    private readonly sockets: WebSocketServer,
  ) {}

  static async start(): Promise<PushService> {
    const server = createServer();
    const service = new PushService(server, new WebSocketServer({ server }));
    server.on("request", (request, answer) => void service.take(request, answer));
    service.sockets.on("connection", (socket) => socket.on("message", (text: Buffer) => service.heard(socket, text.toString())));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return service;
  }

  private get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Preferences of a Firefox that uses it, and is asked for no leave to notify. */
  get preferences(): Record<string, unknown> {
    return {
      "dom.push.enabled": true,
      "dom.push.connection.enabled": true,
      "dom.push.serverURL": `ws://127.0.0.1:${String(this.port)}/`,
      "dom.push.testing.allowInsecureServerURL": true,
      "permissions.default.desktop-notification": 1,
      // Its own windows: there is no desktop to show anything.
      "alerts.useSystemBackend": false,
    };
  }

  /** Headers of what was posted so far. */
  get posts(): readonly IncomingMessage["headers"][] {
    return this.posted;
  }

  /** What the browser said of the first so many notifications. */
  async told(count: number): Promise<readonly number[]> {
    await this.until(() => this.codes.length >= count, `${String(count)} notifications told of`);
    return this.codes;
  }

  /** Where a browser's notifications are posted to. */
  get endpoint(): string {
    return `http://127.0.0.1:${String(this.port)}/wpush/${[...this.channels.keys()].at(-1) ?? ""}`;
  }

  async end(): Promise<void> {
    for (const socket of this.sockets.clients) socket.terminate();
    this.sockets.close();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private heard(socket: WebSocket, text: string): void {
    const { messageType, channelID = "", updates = [] } = JSON.parse(text) as Said;
    const say = (words: object) => {
      socket.send(JSON.stringify(words));
    };
    switch (messageType) {
      case "hello":
        say({ messageType, uaid: randomUUID().replaceAll("-", ""), status: 200, use_webpush: true, broadcasts: {} });
        break;
      case "register":
        this.channels.set(channelID, socket);
        say({ messageType, channelID, status: 200, pushEndpoint: `http://127.0.0.1:${String(this.port)}/wpush/${channelID}` });
        break;
      case "unregister":
        this.channels.delete(channelID);
        say({ messageType, channelID, status: 200 });
        break;
      case "ack":
        this.codes.push(...updates.map((one) => one.code));
        break;
      case "nack":
        // It was opened and given to the worker, but could not be shown.
        break;
      default:
        // An empty object asks whether somebody is there.
        say({});
    }
    for (const listener of this.listeners) listener();
  }

  private async take(request: IncomingMessage, answer: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const channelID = request.url?.split("/").at(-1) ?? "";
    const socket = this.channels.get(channelID);
    this.posted.push(request.headers);
    if (!socket) {
      answer.writeHead(410).end();
      return;
    }
    const headers = { encoding: request.headers["content-encoding"] };
    const data = Buffer.concat(pieces).toString("base64url");
    socket.send(JSON.stringify({ messageType: "notification", channelID, version: randomBytes(8).toString("hex"), data, headers }));
    answer.writeHead(201, { location: `http://127.0.0.1:${String(this.port)}/m/${channelID}` }).end();
  }

  private until(is: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = setTimeout(() => {
        this.listeners.delete(look);
        reject(new Error(`not within 30 s: ${what}`));
      }, 30_000);
      const look = () => {
        if (!is()) return;
        clearTimeout(end);
        this.listeners.delete(look);
        resolve();
      };
      this.listeners.add(look);
      look();
    });
  }
}
