/** A draft that saves itself. No React here: the screen is told what it should show. */
import { Problem } from "@/api";
import type { Held } from "./api";
import type { Definition } from "./model";

export type SaveState =
  | { readonly state: "saved"; readonly at: number | undefined }
  | { readonly state: "waiting" }
  | { readonly state: "saving" }
  /** `again`: it is tried again by itself. */
  | { readonly state: "failed"; readonly error: unknown; readonly again: boolean }
  /** Somebody else changed it meanwhile. Nothing is saved until it is said which of the two holds. */
  | { readonly state: "conflict" };

interface Options {
  save: (definition: Definition, etag: string | undefined) => Promise<Held>;
  etag: string | undefined;
  onState: (state: SaveState) => void;
  onSaved: (held: Held, definition: Definition) => void;
  /** Milliseconds without a change. */
  quiet?: number;
}

const RETRIES_MS = [2_000, 5_000, 15_000, 30_000];

export class DraftSaver {
  private readonly options: Options;
  private etag: string | undefined;
  private wanted: Definition | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private running: Promise<void> | undefined;
  private failures = 0;
  private conflict = false;

  constructor(options: Options) {
    this.options = options;
    this.etag = options.etag;
  }

  /** Whether something is not with the server yet. */
  get dirty(): boolean {
    return this.wanted !== undefined || this.running !== undefined;
  }

  change(definition: Definition): void {
    this.wanted = definition;
    if (this.conflict) return;
    this.options.onState({ state: "waiting" });
    this.later(this.options.quiet ?? 800);
  }

  /** Saves at once what is not saved. False when it did not come to be. */
  async flush(): Promise<boolean> {
    clearTimeout(this.timer);
    while (this.running) await this.running;
    if (this.wanted && !this.conflict) await this.run();
    return this.wanted === undefined && !this.conflict;
  }

  /** What is here holds, whatever somebody else did. */
  async overwrite(etag: string | undefined): Promise<boolean> {
    this.conflict = false;
    this.etag = etag;
    return this.flush();
  }

  /** Nothing is kept back any more: what is here is what the server has. */
  settle(etag: string | undefined): void {
    clearTimeout(this.timer);
    this.wanted = undefined;
    this.conflict = false;
    this.failures = 0;
    this.etag = etag;
    this.options.onState({ state: "saved", at: undefined });
  }

  /** The server told of the draft anew. What is changed here meanwhile is still to be saved, against that. */
  told(etag: string | undefined): void {
    this.etag = etag;
    if (!this.dirty) this.settle(etag);
  }

  /** The screen is left. */
  end(): void {
    clearTimeout(this.timer);
    if (this.wanted && !this.conflict && !this.running) void this.run();
  }

  private later(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.flush(), ms);
  }

  private run(): Promise<void> {
    const definition = this.wanted;
    if (!definition) return Promise.resolve();
    this.options.onState({ state: "saving" });
    this.running = this.options
      .save(definition, this.etag)
      .then(
        (held) => {
          this.etag = held.etag;
          this.failures = 0;
          if (this.wanted === definition) this.wanted = undefined;
          this.options.onSaved(held, definition);
          if (this.wanted === undefined) this.options.onState({ state: "saved", at: Date.now() });
          else this.later(this.options.quiet ?? 800);
        },
        (error: unknown) => this.failed(error),
      )
      .finally(() => {
        this.running = undefined;
      });
    return this.running;
  }

  private failed(error: unknown): void {
    if (error instanceof Problem && error.status === 412) {
      this.conflict = true;
      this.options.onState({ state: "conflict" });
      return;
    }
    const again = error instanceof Problem && error.passing;
    this.options.onState({ state: "failed", error, again });
    if (again) this.later((error.retryAfter ?? 0) * 1000 || (RETRIES_MS[Math.min(this.failures, RETRIES_MS.length - 1)] ?? 30_000));
    this.failures += 1;
  }
}
