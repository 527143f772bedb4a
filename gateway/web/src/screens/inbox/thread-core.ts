/**
 * The messages of one conversation: pages and the journal's word go in, the thread in its order comes out.
 *
 * Each message is as the newest place of the journal has it that told of it (`as_of_seq` of its page, `seq` of an event): pages may overlap, and may
 * come in any order.
 */
import type { Message, MessagePage, MessageState } from "./api";
import type { Told } from "./core";

interface Held {
  readonly message: Message;
  readonly asOf: number;
}

/** What an event says of a message that is known; the rest is read. */
const STATES: Readonly<Record<string, MessageState>> = {
  "message.sent": "sent",
  "message.delivered": "delivered",
  "message.read": "read",
  "message.uncertain": "uncertain",
  "message.queued": "queued",
  "message.canceled": "canceled",
};

/** What is to be read after an event: what follows the newest, or one message again. */
export type Wanted = { readonly what: "newer" } | { readonly what: "again"; readonly id: string };

export function inOrder(a: Message, b: Message): number {
  const [x, y] = [Date.parse(a.at), Date.parse(b.at)];
  return x !== y ? x - y : a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

export class ThreadCore {
  private readonly held = new Map<string, Held>();
  private order: readonly Message[] | undefined;
  private earlier: string | undefined;
  /** Whether anything was read at all. */
  ready = false;

  /** Whether there are messages before the first one. */
  get before(): string | undefined {
    return this.earlier;
  }

  take(page: MessagePage, how: "newest" | "earlier" | "other"): void {
    for (const message of page.items) this.put(message, page.as_of_seq);
    if (how !== "other") {
      // The newest page is read again after a cut: what is known before it stays reachable only if the two meet.
      if (how === "earlier" || !this.ready || !page.items.some((one) => one.id === this.messages()[0]?.id)) this.earlier = page.next_before ?? undefined;
      this.ready = true;
    }
  }

  /** The answer to a request of one's own: holds no place of the journal, so it adds and never replaces what the journal told. */
  add(message: Message): void {
    if (!this.held.has(message.id)) this.put(message, 0);
    else if (this.held.get(message.id)?.asOf === 0) this.put(message, 0);
  }

  private put(message: Message, asOf: number): void {
    const known = this.held.get(message.id);
    if (known && known.asOf > asOf) return;
    this.held.set(message.id, { message, asOf });
    this.order = undefined;
  }

  event({ kind, seq, data, subject }: Told): Wanted | undefined {
    const id = typeof data.message_id === "string" ? data.message_id : subject.type === "message" ? subject.id : undefined;
    // What happened to the conversation stands in the thread as a line.
    if (id === undefined) return { what: "newer" };
    const known = this.held.get(id);
    if (!known) return { what: "newer" };
    if (seq <= known.asOf) return undefined;
    // One that waits to be taken back is told of by the same word.
    const state = kind === "message.queued" && data.state === "scheduled" ? "scheduled" : STATES[kind];
    if (state) {
      this.held.set(id, { message: { ...known.message, state, failure: null }, asOf: seq });
      this.order = undefined;
      return undefined;
    }
    return { what: "again", id };
  }

  has(id: string): boolean {
    return this.held.has(id);
  }

  get(id: string): Message | undefined {
    return this.held.get(id)?.message;
  }

  messages(): readonly Message[] {
    this.order ??= [...this.held.values()].map((one) => one.message).sort(inOrder);
    return this.order;
  }

  newest(): Message | undefined {
    return this.messages().at(-1);
  }

  /** The message that stands before this one: what follows it is this one. */
  previous(id: string): Message | undefined {
    const all = this.messages();
    return all[all.findIndex((one) => one.id === id) - 1];
  }

  /** The newest message that whoever writes has before their eyes. */
  seen(): string | undefined {
    return this.messages().findLast((one) => one.direction !== "event")?.id;
  }

  clear(): void {
    this.held.clear();
    this.order = undefined;
    this.earlier = undefined;
    this.ready = false;
  }
}

/** A little less than the server waits: what is offered still works. */
export const UNDO_MS = 4500;
/** Longer than the server waits before a message leaves that was not put off. */
export const PUT_OFF_MS = 8000;

/** It waits only so long as it can be taken back, and then leaves; what was put off by its writer waits for its time. */
export function isLeaving({ state, send_at, at }: Pick<Message, "state" | "send_at" | "at">): boolean {
  return state === "scheduled" && (!send_at || Date.parse(send_at) - Date.parse(at) < PUT_OFF_MS);
}

export type Block =
  | { readonly type: "day"; readonly key: string; readonly at: string }
  /** What is new begins here. */
  | { readonly type: "new"; readonly key: string }
  | { readonly type: "group"; readonly key: string; readonly messages: readonly Message[] }
  | { readonly type: "event"; readonly key: string; readonly message: Message }
  | { readonly type: "call"; readonly key: string; readonly message: Message };

/** Messages of one writer that follow each other within this time stand together. */
const TOGETHER_MS = 5 * 60_000;

function together(a: Message, b: Message): boolean {
  return a.direction === b.direction && a.author.type === b.author.type && (a.author.id ?? a.author.name) === (b.author.id ?? b.author.name) && Date.parse(b.at) - Date.parse(a.at) < TOGETHER_MS;
}

/** The day of a moment in somebody's zone. */
export function dayOf(at: string, zone?: string): string {
  return new Intl.DateTimeFormat("en-CA", { year: "numeric", month: "2-digit", day: "2-digit", ...(zone ? { timeZone: zone } : {}) }).format(new Date(at));
}

export function blocks(messages: readonly Message[], { zone, newFrom }: { zone?: string | undefined; newFrom?: string | undefined } = {}): Block[] {
  const made: Block[] = [];
  let day = "";
  let group: Message[] = [];
  const close = () => {
    const first = group[0];
    if (first) made.push({ type: "group", key: first.id, messages: group });
    group = [];
  };
  for (const message of messages) {
    const its = dayOf(message.at, zone);
    if (its !== day) {
      close();
      made.push({ type: "day", key: `day-${its}`, at: message.at });
      day = its;
    }
    if (message.id === newFrom) {
      close();
      made.push({ type: "new", key: "new" });
    }
    if (message.kind === "call") {
      close();
      made.push({ type: "call", key: message.id, message });
    } else if (message.direction === "event") {
      close();
      made.push({ type: "event", key: message.id, message });
    } else {
      const last = group.at(-1);
      if (last && !together(last, message)) close();
      group.push(message);
    }
  }
  close();
  return made;
}
