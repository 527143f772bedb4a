/** The stand-ins of the messaging providers (`tests/providers`), as a program of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

type Name = "whatsapp" | "telegram" | "twilio";
interface Ready {
  control: string;
  settings: Record<Name, Record<string, string>>;
}

function program(): string {
  const target = process.env.CARGO_TARGET_DIR;
  const root = fileURLToPath(new URL("../../../../target", import.meta.url));
  const candidates = [process.env.TRUNKLINE_PROVIDERS, target && `${target}/debug/trunkline-providers`, `${root}/debug/trunkline-providers`, `${homedir()}/.cache/trunkline/target/debug/trunkline-providers`];
  const found = candidates.find((path) => path && existsSync(path));
  if (!found) throw new Error("trunkline-providers is not built: cargo build -p trunkline-providers --bins");
  return found;
}

export class Providers {
  private constructor(
    private readonly child: ChildProcess,
    private readonly ready: Ready,
  ) {}

  static async start(): Promise<Providers> {
    const child = spawn(program(), [], { stdio: ["pipe", "pipe", "inherit"] });
    const lines = createInterface({ input: child.stdout });
    const ready = await new Promise<Ready>((resolve, reject) => {
      lines.once("line", (line) => resolve((JSON.parse(line) as { ready: Ready }).ready));
      child.once("exit", (code) => reject(new Error(`trunkline-providers ended with ${String(code)}`)));
    });
    return new Providers(child, ready);
  }

  /** What a channel account of that type takes. */
  settings(name: Name): Record<string, string> {
    return this.ready.settings[name];
  }

  async do<T = unknown>(path: string, content?: unknown): Promise<T> {
    const answer = await fetch(`${this.ready.control}${path}`, content === undefined ? {} : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(content) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${String(answer.status)} ${text}`);
    return (text ? JSON.parse(text) : undefined) as T;
  }

  /** It serves until its input ends. */
  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.stdin?.end();
    await ended;
  }
}
