/**
 * The inbox without clock, socket and screen: pages of the list, the journal's events and one's own changes go in, rows come out.
 *
 * A line is replaced by the one with the higher `version`; what only this reader knows of it (unread, mentioned) goes by the journal's place, `seq`.
 * So pages and events may come in any order, twice or late: the same is shown in the end.
 */
import type { ContactShort, Conversation, ListedConversation, Preview } from "./api";
import { type Filter, type Flags, isOpenEnded, matches } from "./filters";

export interface Row extends Flags {
  readonly line: Conversation;
  /** `last_at` in ms: the list is sorted by it, and is long. */
  readonly when: number;
  /** The newest message was not sent. */
  readonly failed: boolean;
}

interface Entry extends Flags {
  readonly line: Conversation;
  /** How much of the journal the flags hold. */
  readonly seq: number;
  /** The message that was told to have failed, last. */
  readonly failed?: string | undefined;
}

/** What of an event is looked at. */
export interface Told {
  readonly seq: number;
  readonly kind: string;
  readonly subject: { readonly type: string; readonly id: string };
  readonly data: Readonly<Record<string, unknown>>;
}

/** Something that was asked for, and is shown before it is answered. */
interface Change {
  readonly patch: (line: Conversation) => Conversation;
  /** For each conversation the version that was there: a newer one, once it is answered, holds the change itself. */
  readonly base: Map<string, number>;
  answered: boolean;
}

/** How far the pages of a list go. */
export interface Extent {
  /** Everything that the answers held. */
  readonly ids: ReadonlySet<string>;
  /** The last line of the last page; absent once all pages are read. */
  readonly floor?: { readonly at: string; readonly id: string } | undefined;
}

const NO_FLAGS: Flags = { unread: false, draft: false, mentioned: false };

function isConversation(value: unknown): value is Conversation {
  return typeof value === "object" && value !== null && "id" in value && "version" in value && "last_at" in value;
}

function isContact(value: unknown): value is ContactShort {
  return typeof value === "object" && value !== null && "id" in value && "person_id" in value && "name" in value && "blocked" in value;
}

/** Times of one shape (RFC 3339, UTC) stand in order as texts only if they have as many digits: they are compared as times. */
function isAfter(a: string | null | undefined, b: string): boolean {
  return a !== undefined && a !== null && Date.parse(a) > Date.parse(b);
}

/** Newest first; of one moment the higher id first, as the server has it. */
function newestFirst(a: Row, b: Row): number {
  return a.when !== b.when ? b.when - a.when : a.line.id < b.line.id ? 1 : -1;
}

/** What the server says of the newest message counts; where it says nothing, what was told. */
const isFailed = ({ state, message_id }: Preview, told: string | undefined): boolean => (state ? state === "failed" || state === "uncertain" : told !== undefined && told === message_id);

/** What is tried again, or sent after all, has not failed any more. */
function failedAfter({ kind, data, subject }: Told, before: string | undefined): string | undefined {
  if (!kind.startsWith("message.")) return before;
  const id = typeof data.message_id === "string" ? data.message_id : subject.type === "message" ? subject.id : undefined;
  if (kind === "message.failed") return id;
  return id === before ? undefined : before;
}

export class InboxCore {
  private readonly entries = new Map<string, Entry>();
  private readonly changes = new Map<number, Change>();
  private next = 1;
  /** With changes put on; made anew when the entry or a change on it is another. */
  private readonly shown = new Map<string, Row>();

  /** `self`: whose inbox it is. */
  constructor(readonly self: string) {}

  /** A page of a list, or one conversation, that holds everything up to `asOf`. */
  take(items: readonly (Conversation & Partial<Flags>)[], asOf: number): void {
    for (const item of items) {
      const known = this.entries.get(item.id);
      const { unread, draft, mentioned, ...line } = item as ListedConversation;
      const newer = known && known.line.version >= line.version ? known.line : line;
      // One's own draft is told by no event.
      const flags = known && known.seq > asOf ? known : { unread: unread ?? known?.unread ?? false, mentioned: mentioned ?? known?.mentioned ?? false, draft: draft ?? known?.draft ?? false, seq: asOf };
      this.put({ failed: known?.failed, line: newer, unread: flags.unread, mentioned: flags.mentioned, draft: flags.draft, seq: flags.seq });
    }
  }

  /** The answer to a change: the line alone. */
  takeLine(line: Conversation): void {
    const known = this.entries.get(line.id);
    if (known && known.line.version >= line.version) return;
    this.put({ ...NO_FLAGS, seq: 0, ...known, line });
  }

  /** What the journal tells. Gives the conversation that it is about, if it was any of ours. */
  event(event: Told): string | undefined {
    const { data, kind, seq } = event;
    if (kind === "conversation.read" || kind === "conversation.mentioned") return this.told(event);
    if (kind.startsWith("contact.")) return this.renamed(data);
    if (!isConversation(data.conversation)) return undefined;
    const line = data.conversation;
    const known = this.entries.get(line.id);
    const newer = known && known.line.version >= line.version ? known.line : line;
    const fresh = seq > (known?.seq ?? 0);
    const unread = fresh && kind === "message.received" ? true : (known?.unread ?? false);
    const base = known ?? { ...NO_FLAGS, seq: 0 };
    this.put({ line: newer, draft: base.draft, mentioned: base.mentioned, unread, seq: fresh ? seq : base.seq, failed: fresh ? failedAfter(event, known?.failed) : known?.failed });
    return line.id;
  }

  /** Of a person that was changed, or of two that became one or two again. Gives one of their conversations. */
  private renamed(data: Told["data"]): string | undefined {
    const told = [data.contact, data.other].filter(isContact);
    let found: string | undefined;
    for (const entry of this.entries.values()) {
      const { contact } = entry.line;
      const its = told.findLast((one) => one.id === contact.id) ?? told.find((one) => one.person_id === contact.person_id);
      if (!its) continue;
      // Whoever stands for somebody else by now is called as they are.
      const named = told.find((one) => one.id === its.person_id) ?? its;
      if (contact.name === named.name && contact.blocked === named.blocked && contact.person_id === its.person_id) continue;
      this.put({ ...entry, line: { ...entry.line, contact: { ...contact, person_id: its.person_id, name: named.name, blocked: named.blocked } } });
      found = entry.line.id;
    }
    return found;
  }

  private told({ data, kind, seq, subject }: Told): string | undefined {
    const id = typeof data.conversation_id === "string" ? data.conversation_id : subject.id;
    const known = this.entries.get(id);
    if (!known) return undefined;
    if (seq <= known.seq) return id;
    if (kind === "conversation.mentioned") this.put({ ...known, mentioned: true, seq });
    else {
      const readAt = typeof data.read_at === "string" ? data.read_at : undefined;
      // Whoever has looked has seen their name too.
      this.put({ ...known, unread: readAt === undefined || isAfter(known.line.last_in_at, readAt), mentioned: known.mentioned && readAt === undefined, seq });
    }
    return id;
  }

  /** Seen by this reader just now; the server's own word comes by an event. */
  markRead(id: string, unread: boolean): void {
    const known = this.entries.get(id);
    if (known && known.unread !== unread) this.put({ ...known, unread });
  }

  markDraft(id: string, draft: boolean): void {
    const known = this.entries.get(id);
    if (known && known.draft !== draft) this.put({ ...known, draft });
  }

  private put(entry: Entry): void {
    const { id } = entry.line;
    this.entries.set(id, entry);
    this.shown.delete(id);
    for (const [number, change] of this.changes) {
      const base = change.base.get(id);
      if (change.answered && base !== undefined && entry.line.version > base) this.release(number, change, id);
    }
  }

  private release(number: number, change: Change, id: string): void {
    change.base.delete(id);
    this.shown.delete(id);
    if (change.base.size === 0) this.changes.delete(number);
  }

  /** Shows a change before it is answered. */
  begin(ids: readonly string[], patch: (line: Conversation) => Conversation): number {
    const number = this.next++;
    const base = new Map(ids.flatMap((id) => [[id, this.entries.get(id)?.line.version ?? 0] as const]));
    this.changes.set(number, { patch, base, answered: false });
    for (const id of ids) this.shown.delete(id);
    return number;
  }

  /** It was done: shown until the line itself says so. */
  settle(number: number, answer?: unknown): void {
    const change = this.changes.get(number);
    if (isConversation(answer)) this.takeLine(answer);
    if (!change) return;
    change.answered = true;
    for (const [id, base] of [...change.base]) {
      if ((this.entries.get(id)?.line.version ?? 0) > base) this.release(number, change, id);
    }
  }

  /** It was not done: as if it had never been shown. */
  fail(number: number): void {
    const change = this.changes.get(number);
    if (!change) return;
    this.changes.delete(number);
    for (const id of change.base.keys()) this.shown.delete(id);
  }

  row(id: string): Row | undefined {
    const entry = this.entries.get(id);
    if (!entry) return undefined;
    const known = this.shown.get(id);
    if (known) return known;
    let { line } = entry;
    for (const change of this.changes.values()) if (change.base.has(id)) line = change.patch(line);
    const row: Row = { line, unread: entry.unread, draft: entry.draft, mentioned: entry.mentioned, when: Date.parse(line.last_at), failed: isFailed(line.last, entry.failed) };
    this.shown.set(id, row);
    return row;
  }

  /** The rows of a list, newest first. What lies beneath the last page is left out until its page is read: there would be holes. */
  rows(filter: Filter, { ids, floor }: Extent): readonly Row[] {
    const found: Row[] = [];
    const open = isOpenEnded(filter);
    const floorAt = floor ? Date.parse(floor.at) : 0;
    for (const id of this.entries.keys()) {
      const listed = ids.has(id);
      if (!listed && !open) continue;
      const row = this.row(id);
      // Where one is named stays there once it is read, for as long as the list is looked at.
      if (!row || !matches(listed && filter.mentioned ? { ...filter, mentioned: false } : filter, row.line, row, this.self)) continue;
      if (!listed && floor && (row.when < floorAt || (row.when === floorAt && row.line.id < floor.id))) continue;
      found.push(row);
    }
    return found.sort(newestFirst);
  }

  clear(): void {
    this.entries.clear();
    this.changes.clear();
    this.shown.clear();
  }
}
