/**
 * The core's hands: socket, timer, requests; and one socket for all tabs of a browser.
 *
 * The tab that holds the Web Lock has the socket, and tells the others by a BroadcastChannel. The browser gives the lock on when that tab is
 * closed or crashes, and the next one goes on behind the last event that it was told: it lacks none. (A SharedWorker would do the
 * same, but Chromium on Android has none, and a crash of it is nobody's to see.)
 */
import { api, body, newKey } from "@/api/client";
import { Problem } from "@/api/problem";
import { currentToken, heldToken, lost, onSignedOut, onToken, renew } from "@/api/session";
import { type Connection, type Effect, type Input, StreamCore } from "./core";
import type { JournalEvent, Position } from "./protocol";
import { type Call, type Handover, LiveStore, type Snapshot } from "./store";

const STARTING: Connection = { state: "connecting", behind: 0, seq: 0, retryAt: null, reason: "starting" };
/** All pages of the running calls are read, this many at a time. */
const PAGE = 200;

type Message =
  /** A new tab wants to know how things are. */
  | { type: "join"; tab: string }
  | { type: "wake" }
  /** For the tab that has joined; for all of them after a reset. */
  | { type: "state"; to: string | undefined; handover: Handover; connection: Connection }
  | { type: "event"; event: JournalEvent; position: Position }
  | { type: "moved"; position: Position }
  | { type: "signal"; kind: string; data: Record<string, unknown> }
  | { type: "connection"; connection: Connection };

/** A snapshot on its way, and once it is read, until the core has said whether it is taken. */
interface Loading {
  readonly attempt: number;
  readonly abort: AbortController;
  snapshot?: Snapshot;
}

export class Live {
  readonly store = new LiveStore();
  connection: Connection = STARTING;
  private core: StreamCore | undefined;
  private socket: WebSocket | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private channel: BroadcastChannel | undefined;
  private life: AbortController | undefined;
  private readonly connectionListeners = new Set<() => void>();
  private readonly eventListeners = new Set<(event: JournalEvent) => void>();
  private readonly signalListeners = new Set<(kind: string, data: Record<string, unknown>) => void>();
  private readonly resetListeners = new Set<() => void>();
  /** Events of a follower that came before the leader's state. */
  private early: Message[] | undefined;
  private loading: Loading | undefined;
  /** Over all cores of this page: an attempt's number never comes twice. */
  private attempts = 0;
  private readonly tab = newKey();

  /** Idempotent. Ends by itself when the sign-in ends. */
  start(): void {
    if (this.life) return;
    const life = new AbortController();
    this.life = life;
    const { signal } = life;
    this.connection = STARTING;
    life.signal.addEventListener("abort", onSignedOut(() => this.stop()));
    const locks = navigator.locks as LockManager | null | undefined;
    if (!locks || typeof BroadcastChannel === "undefined") {
      this.lead(signal);
      return;
    }
    this.channel = new BroadcastChannel("trunkline-live");
    this.channel.onmessage = ({ data }: MessageEvent<Message>) => this.told(data);
    this.early = [];
    this.channel.postMessage({ type: "join", tab: this.tab } satisfies Message);
    locks
      .request("trunkline-live", { signal }, () => {
        this.lead(signal);
        // Held until this tab is gone or signed out.
        return new Promise<void>((release) => signal.addEventListener("abort", () => release()));
      })
      .catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
  }

  stop(): void {
    if (!this.life) return;
    if (this.core) this.give({ type: "stop" });
    this.life.abort();
    this.life = undefined;
    clearTimeout(this.timer);
    this.channel?.close();
    this.channel = undefined;
    this.core = undefined;
    this.giveUp();
    this.store.clear();
    this.setConnection({ ...this.connection, state: "offline", retryAt: null, reason: "signed_out" });
  }

  /** Whether this tab has the socket: of many it is the one that acts for all. */
  get leads(): boolean {
    return this.core !== undefined;
  }

  /** Somebody does not want to wait for the next attempt. */
  wake(): void {
    if (this.core) this.give({ type: "woke" });
    else this.channel?.postMessage({ type: "wake" } satisfies Message);
  }

  onConnection = (listener: () => void): (() => void) => listen(this.connectionListeners, listener);
  onEvent = (listener: (event: JournalEvent) => void): (() => void) => listen(this.eventListeners, listener);
  onSignal = (listener: (kind: string, data: Record<string, unknown>) => void): (() => void) => listen(this.signalListeners, listener);
  /** What was read before means nothing any more: another epoch, other rights. */
  onReset = (listener: () => void): (() => void) => listen(this.resetListeners, listener);

  private lead(signal: AbortSignal): void {
    if (signal.aborted) return;
    this.early = undefined;
    this.core = new StreamCore(Math.random, this.attempts);
    const woke = () => {
      if (document.visibilityState === "visible") this.give({ type: "woke" });
    };
    window.addEventListener("online", woke, { signal });
    window.addEventListener("offline", () => this.give({ type: "network_lost" }), { signal });
    document.addEventListener("visibilitychange", woke, { signal });
    signal.addEventListener("abort", onToken((token) => this.give({ type: "token", token: token.value, expiresAt: token.expiresAt })));
    this.give({ type: "start", position: this.store.at, tokenExpiresAt: heldToken()?.expiresAt });
  }

  /** What was asked for one core is no answer for the next: somebody else may have signed in. */
  private giveTo(core: StreamCore, input: Input): void {
    if (core === this.core) this.give(input);
  }

  private give(input: Input): void {
    const { core } = this;
    if (!core) return;
    core.handle(Date.now(), input);
    for (const effect of core.drain()) this.carryOut(effect);
    if (this.loading && this.loading.attempt !== core.awaited) this.giveUp();
    this.store.flush();
    clearTimeout(this.timer);
    if (Number.isFinite(core.dueAt)) this.timer = setTimeout(() => this.give({ type: "tick" }), Math.max(0, core.dueAt - Date.now()));
  }

  private carryOut(effect: Effect): void {
    switch (effect.type) {
      case "fetch_ticket":
        void this.fetchTicket();
        return;
      case "connect":
        this.connect(effect.ticket);
        return;
      case "disconnect":
        this.drop();
        return;
      case "send":
        if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(effect.frame));
        return;
      case "load_snapshot":
        void this.loadSnapshot(effect.attempt);
        return;
      case "take_snapshot":
        this.takeSnapshot(effect.attempt);
        return;
      case "renew_token": {
        const { core } = this;
        // A new token comes by `onToken`.
        renew().catch((error: unknown) => core && this.giveTo(core, { type: "renewal_failed", status: statusOf(error) }));
        return;
      }
      case "signed_out":
        lost();
        return;
      case "connection":
        if (effect.connection.state === "live" && this.connection.state !== "live" && this.store.ready) void this.askWhoIsReachable();
        this.setConnection(effect.connection);
        this.tell({ type: "connection", connection: effect.connection });
        return;
      case "deliver":
        this.tell({ type: "event", event: effect.event, position: effect.position });
        this.delivered(effect.event, effect.position);
        return;
      case "moved":
        this.store.moveTo(effect.position);
        this.tell({ type: "moved", position: effect.position });
        return;
      case "signal":
        this.tell({ type: "signal", kind: effect.kind, data: effect.data });
        this.signalled(effect.kind, effect.data);
    }
  }

  private async fetchTicket(): Promise<void> {
    const { core } = this;
    const signal = this.life?.signal;
    if (!core) return;
    try {
      await currentToken();
      const { ticket } = await body(api.POST("/api/v1/stream/tickets", { signal }));
      this.giveTo(core, { type: "ticket", ticket });
    } catch (error) {
      const retryAfter = error instanceof Problem ? error.retryAfter : undefined;
      this.giveTo(core, { type: "ticket_failed", status: statusOf(error), retryAfterMs: retryAfter === undefined ? undefined : retryAfter * 1000 });
    }
  }

  private connect(ticket: string): void {
    this.drop();
    const url = `${location.origin.replace(/^http/, "ws")}/api/v1/stream?ticket=${encodeURIComponent(ticket)}`;
    const socket = new WebSocket(url, "trunkline.v1");
    this.socket = socket;
    socket.onmessage = ({ data }: MessageEvent<string>) => {
      if (this.socket === socket) this.give({ type: "frame", text: data });
    };
    socket.onclose = ({ code }) => {
      if (this.socket !== socket) return;
      this.socket = undefined;
      this.give({ type: "closed", code });
    };
  }

  /** Does not wait for the close's answer: a dead socket never gives one. */
  private drop(): void {
    const { socket } = this;
    this.socket = undefined;
    if (!socket) return;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
  }

  /** Reads it; whether it is still wanted when it is there is the core's to say. */
  private async loadSnapshot(attempt: number): Promise<void> {
    this.giveUp();
    const loading: Loading = { attempt, abort: new AbortController() };
    this.loading = loading;
    this.attempts = attempt;
    try {
      loading.snapshot = await readSnapshot(loading.abort.signal);
      if (this.loading === loading) this.give({ type: "snapshot", attempt, asOfSeq: LiveStore.oldest(loading.snapshot) });
    } catch (error) {
      if (this.loading === loading) this.give({ type: "snapshot_failed", attempt, status: statusOf(error) });
    }
  }

  private takeSnapshot(attempt: number): void {
    const { loading } = this;
    if (loading?.attempt !== attempt || !loading.snapshot) return;
    this.loading = undefined;
    this.store.load(loading.snapshot);
    for (const listener of this.resetListeners) listener();
    this.tellState();
  }

  private giveUp(): void {
    this.loading?.abort.abort();
    this.loading = undefined;
  }

  /** The journal knows nothing of phones coming and going, and nobody was told while the stream was away. */
  private async askWhoIsReachable(): Promise<void> {
    const { core } = this;
    const told = new Set<unknown>();
    const forget = this.onSignal((kind, data) => (kind === "agent.reachable" ? told.add(data.agent_id) : undefined));
    try {
      const { items } = await everyPage((cursor) => body(api.GET("/api/v1/agents", { params: { query: { limit: PAGE, cursor } } })));
      // What a signal said meanwhile is newer.
      const changed = items.filter(({ id, reachable }) => !told.has(id) && this.store.agent(id)?.reachable !== reachable);
      if (core !== this.core) return;
      for (const { id, reachable } of changed) this.carryOut({ type: "signal", kind: "agent.reachable", data: { agent_id: id, reachable } });
      this.store.flush();
    } catch {
      // The stream is lost again with the network, and asks anew when it is back.
    } finally {
      forget();
    }
  }

  private delivered(event: JournalEvent, position: Position): void {
    this.store.moveTo(position);
    this.store.apply(event);
    for (const listener of this.eventListeners) listener(event);
    for (const [id, seq] of this.store.wanted()) void this.readCall(id, seq);
  }

  /** A call that came into sight when it had begun already. */
  private async readCall(id: string, seq: number): Promise<void> {
    const signal = this.life?.signal;
    let call: Call | undefined;
    try {
      call = await body(api.GET("/api/v1/calls/{id}", { params: { path: { id } }, signal }));
    } catch {
      // Out of sight after all, or the line is away: its next event asks again.
    }
    if (signal?.aborted) return;
    this.store.adopt(id, seq, call);
    this.store.flush();
    for (const [again, at] of this.store.wanted()) void this.readCall(again, at);
  }

  private signalled(kind: string, data: Record<string, unknown>): void {
    this.store.signal(kind, data);
    for (const listener of this.signalListeners) listener(kind, data);
  }

  private setConnection(next: Connection): void {
    this.connection = next;
    for (const listener of this.connectionListeners) listener();
  }

  private tell(message: Message): void {
    if (this.core) this.channel?.postMessage(message);
  }

  private tellState(to?: string): void {
    const handover = this.store.give();
    if (handover) this.tell({ type: "state", to, handover, connection: this.connection });
  }

  /** What another tab says. */
  private told(message: Message): void {
    if (this.core) {
      if (message.type === "join") this.tellState(message.tab);
      else if (message.type === "wake") this.give({ type: "woke" });
      return;
    }
    if (message.type === "state") {
      // Another tab has joined. What this one shows is good.
      if (message.to !== undefined && message.to !== this.tab) return;
      this.store.take(message.handover);
      this.setConnection(message.connection);
      const early = this.early ?? [];
      this.early = undefined;
      for (const listener of this.resetListeners) listener();
      for (const one of early) this.follow(one);
    } else if (this.early) this.early.push(message);
    else this.follow(message);
  }

  private follow(message: Message): void {
    const through = this.store.at?.through ?? 0;
    if (message.type === "event") {
      if (message.position.through <= through) return;
      this.delivered(message.event, message.position);
      this.store.flush();
    } else if (message.type === "moved") {
      if (message.position.through > through) this.store.moveTo(message.position);
    } else if (message.type === "signal") {
      this.signalled(message.kind, message.data);
      this.store.flush();
    } else if (message.type === "connection") this.setConnection(message.connection);
  }
}

function listen<T>(set: Set<T>, listener: T): () => void {
  set.add(listener);
  return () => set.delete(listener);
}

function statusOf(error: unknown): number {
  return error instanceof Problem ? error.status : 0;
}

async function everyPage<T>(page: (cursor: string | undefined) => Promise<{ items: T[]; as_of_seq: number; next_cursor?: string | null }>) {
  const items: T[] = [];
  let cursor: string | undefined;
  let asOf: number | undefined;
  do {
    const next = await page(cursor);
    items.push(...next.items);
    // The first page is the oldest: what changed since then comes again as an event.
    asOf ??= next.as_of_seq;
    cursor = next.next_cursor ?? undefined;
  } while (cursor);
  return { items, as_of_seq: asOf };
}

async function readSnapshot(signal: AbortSignal): Promise<Snapshot> {
  const [agents, queues, calls] = await Promise.all([
    everyPage((cursor) => body(api.GET("/api/v1/agents", { params: { query: { limit: PAGE, cursor } }, signal }))),
    everyPage((cursor) => body(api.GET("/api/v1/queues", { params: { query: { limit: PAGE, cursor } }, signal }))),
    everyPage((cursor) => body(api.GET("/api/v1/calls", { params: { query: { state: "new,queued,ringing,active", limit: PAGE, cursor } }, signal }))),
  ]);
  return { agents, queues, calls };
}

/** The page's one. */
export const live = new Live();
