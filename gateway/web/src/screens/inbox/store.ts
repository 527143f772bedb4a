/** The inbox of whoever is signed in: follows the journal from the moment it is first looked at, and reads pages when a screen asks for them. */
import { useCallback, useEffect, useSyncExternalStore } from "react";
import { onSignedOut } from "@/api";
import { live } from "@/live";
import { type Conversation, inboxApi } from "./api";
import { InboxCore, type Row, type Told } from "./core";
import { type Filter, type Flags, keyOf, queryOf } from "./filters";

const PAGE = 100;
/** Events that come in a burst are drawn together. */
const FRAME_MS = 40;

export interface List {
  readonly rows: readonly Row[];
  readonly loading: boolean;
  readonly more: boolean;
  readonly error: unknown;
}

interface Kept {
  readonly filter: Filter;
  ids: Set<string>;
  floor: { at: string; id: string } | undefined;
  cursor: string | undefined;
  /** The answer that is awaited: another that comes is of a list that was given up. */
  asked: number;
  loading: boolean;
  read: boolean;
  error: unknown;
  shown: List;
}

const EMPTY: List = { rows: [], loading: true, more: false, error: undefined };

export class InboxStore {
  core: InboxCore;
  private readonly lists = new Map<string, Kept>();
  private readonly listeners = new Set<() => void>();
  private readonly eventListeners = new Set<(id: string | undefined, event: Told) => void>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asked = 0;
  private started = false;

  constructor(self: string) {
    this.core = new InboxCore(self);
  }

  /** Idempotent. */
  start(self: string): void {
    if (this.core.self !== self) {
      this.core = new InboxCore(self);
      this.lists.clear();
    }
    if (this.started) return;
    this.started = true;
    live.onEvent((event) => {
      const id = this.core.event(event);
      if (id !== undefined) this.changed();
      for (const listener of this.eventListeners) listener(id, event);
    });
    // Another epoch, other rights: what was read means nothing any more.
    live.onReset(() => {
      this.core.clear();
      for (const list of this.lists.values()) this.reload(list);
      this.changed();
    });
    onSignedOut(() => {
      this.core.clear();
      this.lists.clear();
    });
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Every event, with the conversation that it is about. */
  onEvent = (listener: (id: string | undefined, event: Told) => void): (() => void) => {
    this.eventListeners.add(listener);
    return () => this.eventListeners.delete(listener);
  };

  private changed(now = false): void {
    if (now) {
      clearTimeout(this.timer);
      this.draw();
    } else this.timer ??= setTimeout(() => this.draw(), FRAME_MS);
  }

  private draw(): void {
    this.timer = undefined;
    for (const list of this.lists.values()) this.show(list);
    for (const listener of this.listeners) listener();
  }

  private show(list: Kept): void {
    const rows = this.core.rows(list.filter, list);
    if (list.filter.mentioned) for (const row of rows) list.ids.add(row.line.id);
    const { shown } = list;
    const [loading, more] = [list.loading, list.cursor !== undefined];
    // A list in which nothing changed is not drawn anew.
    const same = rows.length === shown.rows.length && rows.every((row, index) => row === shown.rows[index]);
    if (same && shown.loading === loading && shown.more === more && shown.error === list.error) return;
    list.shown = { rows: same ? shown.rows : rows, loading, more, error: list.error };
  }

  list(filter: Filter): List {
    return this.lists.get(keyOf(filter))?.shown ?? EMPTY;
  }

  /** Reads the first page unless it is there. */
  want(filter: Filter): void {
    const key = keyOf(filter);
    const known = this.lists.get(key);
    // What was found by words is found anew each time.
    if (known && (known.loading || (known.read && filter.q === undefined))) return;
    const list: Kept = known ?? { filter, ids: new Set(), floor: undefined, cursor: undefined, asked: 0, loading: false, read: false, error: undefined, shown: EMPTY };
    this.lists.set(key, list);
    this.reload(list);
  }

  retry(filter: Filter): void {
    const list = this.lists.get(keyOf(filter));
    if (list) this.reload(list);
  }

  private reload(list: Kept): void {
    list.cursor = undefined;
    list.read = false;
    void this.read(list, true);
  }

  more(filter: Filter): void {
    const list = this.lists.get(keyOf(filter));
    if (list && !list.loading && list.cursor !== undefined && !list.error) void this.read(list, false);
  }

  private async read(list: Kept, first: boolean): Promise<void> {
    const asked = ++this.asked;
    list.asked = asked;
    list.loading = true;
    list.error = undefined;
    this.changed(true);
    try {
      const page = await inboxApi.list({ ...queryOf(list.filter), limit: PAGE, cursor: list.cursor });
      if (list.asked !== asked) return;
      this.core.take(page.items, page.as_of_seq);
      if (first) list.ids = new Set();
      for (const item of page.items) list.ids.add(item.id);
      const last = page.items.at(-1);
      list.cursor = page.next_cursor ?? undefined;
      list.floor = list.cursor === undefined ? undefined : last ? { at: last.last_at, id: last.id } : list.floor;
      list.read = true;
    } catch (error) {
      if (list.asked !== asked) return;
      list.error = error;
    }
    list.loading = false;
    this.changed(true);
  }

  /** A conversation that is not in any list that was read. */
  take(detail: Conversation): void {
    this.core.takeLine(detail);
    this.changed(true);
  }

  /** One that was read with all that a list has of it. */
  takeRead(detail: Conversation & Partial<Flags>, asOf: number): void {
    this.core.take([detail], asOf);
    this.changed(true);
  }

  markRead(id: string, unread: boolean): void {
    this.core.markRead(id, unread);
    this.changed(true);
  }

  markDraft(id: string, draft: boolean): void {
    this.core.markDraft(id, draft);
    this.changed(true);
  }

  /** Shows it at once, asks for it, and takes it back if it was refused. Throws what the server answers. */
  async optimistic(ids: readonly string[], patch: (line: Conversation) => Conversation, ask: () => Promise<unknown>): Promise<void> {
    const change = this.core.begin(ids, patch);
    this.changed(true);
    try {
      const answer = await ask();
      this.core.settle(change, answer);
    } catch (error) {
      this.core.fail(change);
      throw error;
    } finally {
      this.changed(true);
    }
  }
}

export const inbox = new InboxStore("");

export function useList(filter: Filter, self: string): List {
  const key = keyOf(filter);
  useEffect(() => {
    if (!self) return;
    inbox.start(self);
    inbox.want(JSON.parse(key) as Filter);
  }, [key, self]);
  return useSyncExternalStore(
    inbox.subscribe,
    useCallback(() => inbox.list(JSON.parse(key) as Filter), [key]),
  );
}

export function useRow(id: string | undefined): Row | undefined {
  return useSyncExternalStore(
    inbox.subscribe,
    useCallback(() => (id === undefined ? undefined : inbox.core.row(id)), [id]),
  );
}
