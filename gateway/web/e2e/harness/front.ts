/** Serves `dist` and passes everything else on to the gateway: for a gateway that was built without the panel's files. */
import { createReadStream, existsSync, readFileSync, statSync } from "node:fs";
import { type IncomingMessage, type Server, createServer, request } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const DIST = fileURLToPath(new URL("../../dist", import.meta.url));
const TYPES: Record<string, string> = { ".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml" };
/** What is the gateway's. */
const PASSED = /^\/(api|ws|dev|health|metrics)(\/|\?|$)/;

export class Front {
  private constructor(private readonly server: Server) {}

  get url(): string {
    return `http://127.0.0.1:${String((this.server.address() as AddressInfo).port)}`;
  }

  /** Whether `dist` is another panel than the one whose page this is. */
  static isNewerThan(page: string): boolean {
    const path = join(DIST, "index.html");
    return existsSync(path) ? readFileSync(path, "utf8") !== page : !page.includes('id="root"');
  }

  static async start(gateway: string): Promise<Front> {
    if (!existsSync(join(DIST, "index.html"))) throw new Error("the panel is not built: npm run build");
    const { hostname, port } = new URL(gateway);
    const server = createServer((incoming, outgoing) => {
      const path = incoming.url ?? "/";
      if (PASSED.test(path)) {
        const onward = request({ hostname, port, path, method: incoming.method, headers: incoming.headers }, (answer) => {
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(outgoing);
        });
        onward.on("error", () => outgoing.destroy());
        incoming.pipe(onward);
        return;
      }
      const asked = join(DIST, normalize(new URL(path, gateway).pathname));
      const file = existsSync(asked) && statSync(asked).isFile() ? asked : join(DIST, "index.html");
      outgoing.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" });
      createReadStream(file).pipe(outgoing);
    });
    server.on("upgrade", (incoming: IncomingMessage, near, head) => {
      const far = connect(Number(port), hostname, () => {
        const headers = incoming.rawHeaders.map((text, at) => (at % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join("");
        far.write(`${incoming.method ?? "GET"} ${incoming.url ?? "/"} HTTP/1.1\r\n${headers}\r\n`);
        far.write(head);
        near.pipe(far).pipe(near);
      });
      far.on("error", () => near.destroy()).on("close", () => near.destroy());
      near.on("error", () => far.destroy()).on("close", () => far.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new Front(server);
  }

  async end(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
