/** The thread of one conversation while it is looked at: its pages, what the journal tells of it, and what is on its way from here. */
import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { Problem, newKey } from "@/api";
import { live } from "@/live";
import { type Message, type NewMessage, inboxApi } from "./api";
import type { Told } from "./core";
import { inbox } from "./store";
import { ThreadCore } from "./thread-core";

const PAGE = 50;
/** Changes that come in a burst are read together. */
const GATHER_MS = 60;

/** A message that the server has not taken yet. */
export interface Leaving {
  readonly key: string;
  readonly message: NewMessage;
  readonly at: string;
  /** Why it was not taken. */
  readonly error: unknown;
}

export interface ThreadState {
  readonly messages: readonly Message[];
  readonly leaving: readonly Leaving[];
  readonly ready: boolean;
  readonly error: unknown;
  /** There are older messages. */
  readonly more: boolean;
  readonly loadingMore: boolean;
}

const START: ThreadState = { messages: [], leaving: [], ready: false, error: undefined, more: false, loadingMore: false };

export class Thread {
  private readonly core = new ThreadCore();
  private state: ThreadState = START;
  private leaving: readonly Leaving[] = [];
  private error: unknown;
  private loadingMore = false;
  private readonly listeners = new Set<() => void>();
  private readonly again = new Set<string>();
  private newer = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private reading = false;
  private over = false;

  constructor(readonly id: string) {}

  start(): () => void {
    this.over = false;
    const off = inbox.onEvent((of, event) => this.heard(of, event));
    const offReset = live.onReset(() => {
      this.core.clear();
      void this.load();
    });
    void this.load();
    return () => {
      this.over = true;
      clearTimeout(this.timer);
      off();
      offReset();
    };
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  get = (): ThreadState => this.state;

  message(id: string): Message | undefined {
    return this.core.get(id);
  }

  /** The newest message that whoever writes has before their eyes. */
  seen(): string | undefined {
    return this.core.seen();
  }

  private tell(): void {
    this.state = { messages: this.core.messages(), leaving: this.leaving, ready: this.core.ready, error: this.error, more: this.core.before !== undefined, loadingMore: this.loadingMore };
    for (const listener of this.listeners) listener();
  }

  load = async (): Promise<void> => {
    this.error = undefined;
    try {
      const page = await inboxApi.messages(this.id, { limit: PAGE });
      this.core.take(page, "newest");
    } catch (error) {
      this.error = error;
    }
    this.tell();
  };

  earlier = async (): Promise<void> => {
    const { before } = this.core;
    if (before === undefined || this.loadingMore) return;
    this.loadingMore = true;
    this.tell();
    try {
      this.core.take(await inboxApi.messages(this.id, { before, limit: PAGE }), "earlier");
    } catch (error) {
      this.error = error;
    }
    this.loadingMore = false;
    this.tell();
  };

  private heard(of: string | undefined, event: Told): void {
    const its = typeof event.data.conversation_id === "string" ? event.data.conversation_id : of;
    if (its !== this.id || event.kind === "conversation.read" || event.kind === "conversation.mentioned") return;
    // Of a file that has come since the message tells itself.
    const wanted = this.core.event(event);
    if (wanted?.what === "newer") this.newer = true;
    else if (wanted) this.again.add(wanted.id);
    this.tell();
    if (this.newer || this.again.size > 0) this.timer ??= setTimeout(() => void this.catchUp(), GATHER_MS);
  }

  /** Reads what the journal told of and the thread does not hold. */
  private async catchUp(): Promise<void> {
    this.timer = undefined;
    if (this.over) return;
    if (this.reading || !this.core.ready) {
      this.timer = setTimeout(() => void this.catchUp(), GATHER_MS);
      return;
    }
    this.reading = true;
    const [newer, again] = [this.newer, [...this.again]];
    this.newer = false;
    this.again.clear();
    try {
      const newest = this.core.newest()?.id;
      if (newer) {
        // From a moment before the newest: providers' clocks differ, and one may have slipped in beneath it.
        const all = this.core.messages();
        const after = all.at(-6)?.id;
        let page = await inboxApi.messages(this.id, newest && after ? { after, limit: 200 } : { limit: PAGE });
        this.core.take(page, "other");
        while (page.next_after) {
          page = await inboxApi.messages(this.id, { after: page.next_after, limit: 200 });
          this.core.take(page, "other");
        }
      }
      if (again.length > 3) this.core.take(await inboxApi.messages(this.id, { limit: PAGE }), "other");
      else {
        for (const id of again) {
          const after = this.core.previous(id)?.id;
          this.core.take(await inboxApi.messages(this.id, after ? { after, limit: 1 } : { limit: PAGE }), "other");
        }
      }
    } catch (error) {
      // Without an answer it is tried again when the line is back: `reset` or the next event.
      if (error instanceof Problem && error.passing) {
        this.newer ||= newer;
        for (const id of again) this.again.add(id);
        this.timer = setTimeout(() => void this.catchUp(), 2000);
      }
    }
    this.reading = false;
    this.tell();
  }

  /** Sends it, shown at once as on its way. Throws what the server has against it, with the message left to be tried again. */
  async send(message: NewMessage, key = newKey()): Promise<Message> {
    this.leaving = [...this.leaving.filter((one) => one.key !== key), { key, message, at: new Date().toISOString(), error: undefined }];
    this.tell();
    try {
      const taken = await inboxApi.send(this.id, message);
      this.leaving = this.leaving.filter((one) => one.key !== key);
      this.core.add(taken);
      this.tell();
      return taken;
    } catch (error) {
      this.leaving = this.leaving.map((one) => (one.key === key ? { ...one, error } : one));
      this.tell();
      throw error;
    }
  }

  drop(key: string): void {
    this.leaving = this.leaving.filter((one) => one.key !== key);
    this.tell();
  }

  /** Something was done to a message of the thread: it is read again at once, the event aside. */
  reread(id: string, answer?: Message): void {
    if (answer && typeof answer === "object" && "conversation_id" in answer) this.core.add(answer);
    this.again.add(id);
    this.tell();
    this.timer ??= setTimeout(() => void this.catchUp(), GATHER_MS);
  }
}

export function useThread(id: string): { thread: Thread; state: ThreadState } {
  const [thread] = useState(() => new Thread(id));
  useEffect(() => thread.start(), [thread]);
  return { thread, state: useSyncExternalStore(thread.subscribe, thread.get) };
}

/** What somebody does not have to be asked for again: the latest of a function. */
export function useLatest<A extends unknown[], R>(run: (...args: A) => R): (...args: A) => R {
  const latest = useRef(run);
  useEffect(() => {
    latest.current = run;
  });
  return useCallback((...args: A) => latest.current(...args), []);
}
