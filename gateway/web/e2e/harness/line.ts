/** A stretch of network that can be cut, or go silent without a word. */
import { type AddressInfo, type Server, type Socket, connect, createServer } from "node:net";

export class Line {
  private plugged = true;
  private frozen = false;
  private readonly pairs = new Set<[Socket, Socket]>();
  /** WebSocket handshakes of the stream that came so far. */
  streams = 0;

  private constructor(
    private readonly server: Server,
    private target: number,
  ) {}

  static async start(target: number): Promise<Line> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const line = new Line(server, target);
    server.on("connection", (near) => line.pass(near));
    return line;
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.server.address() as AddressInfo).port)}`;
  }

  /** How many sockets of the stream are open through it now. */
  get openStreams(): number {
    return [...this.pairs].filter(([near]) => STREAMS.has(near)).length;
  }

  private pass(near: Socket): void {
    if (!this.plugged) {
      near.destroy();
      return;
    }
    const far = connect(this.target, "127.0.0.1");
    const pair: [Socket, Socket] = [near, far];
    this.pairs.add(pair);
    const over = () => {
      this.pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    for (const socket of pair) socket.on("error", over).on("close", over);
    near.on("data", (data) => {
      if (data.subarray(0, 64).toString("latin1").includes("GET /api/v1/stream?")) {
        this.streams += 1;
        STREAMS.add(near);
      }
      if (!this.frozen) far.write(data);
    });
    far.on("data", (data) => {
      if (!this.frozen) near.write(data);
    });
  }

  /** Every connection breaks, and new ones as they come, until `mend`. */
  cut(): void {
    this.plugged = false;
    for (const pair of [...this.pairs]) for (const socket of pair) socket.destroy();
  }

  /** Nothing passes and nobody is told: what a dead radio link looks like. */
  freeze(): void {
    this.frozen = true;
  }

  /** Connections pass again; those that were frozen have lost bytes and are broken. */
  mend(): void {
    if (this.frozen) for (const pair of [...this.pairs]) for (const socket of pair) socket.destroy();
    this.frozen = false;
    this.plugged = true;
  }

  async end(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

const STREAMS = new WeakSet<Socket>();
