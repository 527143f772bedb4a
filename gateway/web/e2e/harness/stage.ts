/** A whole stack (PostgreSQL, Asterisk, gateway, demo tenant), driven through `trunkline-stage`. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Carrier, type CarrierAddress } from "./carrier";
import { Front } from "./front";
import { Line } from "./line";

interface Ready {
  url: string;
  sip_port: number;
  ari_url: string;
  password: string;
  log: string;
  asterisk_log: string;
  carrier: CarrierAddress | null;
}

type Answer = Record<string, unknown>;
interface Waiting {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

function program(): string {
  const target = process.env.CARGO_TARGET_DIR;
  const root = fileURLToPath(new URL("../../../../target", import.meta.url));
  const candidates = [process.env.TRUNKLINE_STAGE, target && `${target}/debug/trunkline-stage`, `${root}/debug/trunkline-stage`];
  candidates.push(`${homedir()}/.cache/trunkline/target/debug/trunkline-stage`);
  const found = candidates.find((path) => path && existsSync(path));
  if (!found) throw new Error("trunkline-stage is not built: cargo build -p trunkline -p trunkline-stack --bins");
  return found;
}

export class Stage {
  private next = 1;
  private readonly waiting = new Map<number, Waiting>();

  private constructor(
    private readonly child: ChildProcessWithoutNullStreams,
    /** What the gateway itself listens on. */
    readonly gateway: Ready,
    /** Between the browser and the gateway: can be cut. */
    readonly line: Line,
    private readonly front: Front | undefined,
  ) {}

  /** `settings`: further configuration of the gateway, such as `TRUNKLINE_ACCESS_TOKEN_SECONDS`; `carrier`: a second Asterisk for trunks to lead to. */
  static async start(settings: Record<string, string> = {}, { carrier = false } = {}): Promise<Stage> {
    const words = Object.entries(settings).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
    if (carrier) words.push("--carrier");
    const child = spawn(program(), words, { stdio: ["pipe", "pipe", "pipe"] });
    let said = "";
    child.stderr.on("data", (text: Buffer) => (said += text.toString()));
    const lines = createInterface({ input: child.stdout });
    const ready = await new Promise<Ready>((resolve, reject) => {
      lines.once("line", (line) => resolve((JSON.parse(line) as { ready: Ready }).ready));
      child.once("exit", (code) => reject(new Error(`trunkline-stage ended with ${String(code)}: ${said}`)));
    });
    // A gateway that was built before the panel, or without it, still answers the API: then the files come from `dist`.
    const embedded = await (await fetch(ready.url, { headers: { accept: "text/html" } })).text();
    const front = Front.isNewerThan(embedded) ? await Front.start(ready.url) : undefined;
    const line = await Line.start(Number(new URL(front?.url ?? ready.url).port));
    const stage = new Stage(child, ready, line, front);
    lines.on("line", (text) => stage.answered(text));
    child.once("exit", () => {
      for (const one of stage.waiting.values()) one.reject(new Error(`trunkline-stage ended: ${said}`));
    });
    return stage;
  }

  /** Where a browser finds the panel, through the line. */
  get url(): string {
    return this.line.url;
  }

  get password(): string {
    return this.gateway.password;
  }

  /** Of a stage that was started with one. */
  get carrier(): Carrier {
    if (!this.gateway.carrier) throw new Error("this stage has no carrier");
    return new Carrier(this.gateway.carrier);
  }

  private answered(text: string): void {
    const { id, ok, error } = JSON.parse(text) as { id: number; ok?: Answer; error?: string };
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (ok) waiting?.resolve(ok);
    else waiting?.reject(new Error(error ?? text));
  }

  /** Any request of `trunkline-stage`'s. */
  do<T extends Answer = Answer>(what: string, args: Answer = {}): Promise<T> {
    const id = this.next++;
    const answer = new Promise<T>((resolve, reject) => {
      this.waiting.set(id, { resolve: resolve as (answer: Answer) => void, reject });
    });
    this.child.stdin.write(`${JSON.stringify({ ...args, id, do: what })}\n`);
    return answer.catch((error: unknown) => {
      throw new Error(`${what} ${JSON.stringify(args)}: ${error instanceof Error ? error.message : String(error)}`);
    });
  }

  /** `kill -9`. */
  readonly killGateway = () => this.do("kill_gateway");
  readonly startGateway = () => this.do("start_gateway");
  readonly killAsterisk = () => this.do("kill_asterisk");
  readonly startAsterisk = () => this.do("start_asterisk");
  readonly stopPostgres = () => this.do("stop_postgres");
  readonly startPostgres = () => this.do("start_postgres");
  /** Keeps a copy of the database; the gateway restarts for it. */
  readonly keepDatabase = () => this.do("keep_database");
  /** Goes back to the kept copy, in a new epoch. */
  readonly restoreDatabase = () => this.do("restore_database");

  /** A customer who dials a number (`+15550100` is sales) and sends a tone. */
  async customerCall(to = "+15550100", options: { from?: string; hz?: number } = {}): Promise<Customer> {
    const { customer } = await this.do<{ customer: string }>("customer_call", { to, ...options });
    return new Customer(this, customer);
  }

  /** A customer of SIPp's, a trunk's stand-in: dials, presses `keys` and sends a tone once answered, and hangs up when they have talked. Resolves when the call is over. */
  sippCall(to = "+15550100", options: { from?: string; hz?: number; keys?: string; talk_ms?: number } = {}) {
    return this.do<{ succeeded: number; failed: number; errors: string }>("sipp_call", { to, ...options });
  }

  /** SQL beside the gateway, as the database's administrator. */
  sql(statement: string) {
    return this.do<{ said: string }>("psql", { sql: statement });
  }

  /** A desk phone with credentials of `POST /agents/{id}/devices`, obeyed like a customer. */
  async deskPhone(username: string, password: string, options: { hz?: number; answers?: boolean } = {}): Promise<Customer> {
    const { customer } = await this.do<{ customer: string }>("customer_phone", { username, password, ...options });
    return new Customer(this, customer);
  }

  /** Share of a tone in each channel (left agent, right customer), 0 to 1, in the clearest half second. */
  recordingTones(recording: string, hz: { left?: number; right?: number }) {
    return this.do<{ seconds: number; left: number | null; right: number | null }>("recording_tones", { recording_id: recording, ...hz });
  }

  /** A request to the API as somebody else than the browser's user, beside the line. */
  async api(email = "admin@demo.test"): Promise<ApiUser> {
    const answer = await fetch(`${this.gateway.url}/api/v1/auth/login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ email, password: this.password }),
    });
    const { access_token, user } = (await answer.json()) as { access_token: string; user: { id: string } };
    return new ApiUser(this.gateway.url, access_token, user.id);
  }

  /** Ends everything and waits until nothing is left. */
  async end(): Promise<void> {
    await this.line.end();
    await this.front?.end();
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.stdin.end();
    await ended;
  }
}

export class ApiUser {
  constructor(
    private readonly base: string,
    private readonly token: string,
    readonly id: string,
  ) {}

  async send<T = unknown>(method: string, path: string, content?: unknown): Promise<T> {
    const headers: Record<string, string> = { authorization: `Bearer ${this.token}` };
    if (content !== undefined) headers["content-type"] = "application/json";
    const answer = await fetch(`${this.base}/api/v1${path}`, { method, headers, body: content === undefined ? null : JSON.stringify(content) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${String(answer.status)} ${text}`);
    return (text ? JSON.parse(text) : undefined) as T;
  }
}

export class Customer {
  constructor(
    private readonly stage: Stage,
    readonly name: string,
  ) {}

  /** The next `ringing`, `progress`, `established`, `audio`, `incoming` or `closed`. */
  wait(what: "ringing" | "progress" | "established" | "audio" | "incoming" | "closed", withinMs = 20_000) {
    return this.stage.do("customer_wait", { customer: this.name, what, within_ms: withinMs });
  }
  /** In sound that is newer than this request. */
  hears(hz: number, withinMs = 20_000) {
    return this.stage.do("customer_hears", { customer: this.name, hz, within_ms: withinMs });
  }
  hearsSilence(withinMs = 20_000) {
    return this.stage.do("customer_hears_silence", { customer: this.name, within_ms: withinMs });
  }
  /** Neither silence nor any tone. */
  hearsMusic(withinMs = 20_000) {
    return this.stage.do("customer_hears_music", { customer: this.name, within_ms: withinMs });
  }
  answer() {
    return this.stage.do("customer_answer", { customer: this.name });
  }
  /** Puts the agent on hold. */
  hold() {
    return this.stage.do("customer_hold", { customer: this.name });
  }
  resume() {
    return this.stage.do("customer_resume", { customer: this.name });
  }
  hangUp() {
    return this.stage.do("customer_hangup", { customer: this.name });
  }
  async log(): Promise<string> {
    return (await this.stage.do<{ text: string }>("customer_log", { customer: this.name })).text;
  }
}
