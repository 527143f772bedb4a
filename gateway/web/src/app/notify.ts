/** Whether somebody is told of an event of the inbox, and how. Pure: `notify-inbox` does it. */
import type { Setting } from "@/api/settings";
import type { JournalEvent } from "@/live";

export const REASONS = ["assigned", "mentioned", "unassigned", "message", "sla"] as const;
export type Reason = (typeof REASONS)[number];

export interface Wishes {
  readonly on: Readonly<Record<Reason, boolean>>;
  readonly sound: boolean;
  readonly desktop: boolean;
  /** Minutes of the day, by the clock of the device. */
  readonly quiet: { readonly from: number; readonly until: number } | undefined;
}

/** Whose eyes they are, and where they are. */
export interface Reader {
  readonly self: string;
  /** Queues in which they work. */
  readonly queues: ReadonlySet<string>;
}

export interface Moment {
  /** Minutes of the day. */
  readonly minute: number;
  /** Somebody looks at this page, or at another of ours in this browser. */
  readonly looking: boolean;
  /** At this very conversation. */
  readonly sees: boolean;
  /** They talk to somebody: a chime would be in their ear. */
  readonly talking: boolean;
}

export interface Told {
  readonly where: "desktop" | "page";
  readonly sound: boolean;
}

const minuteOf = (value: unknown, otherwise: number): number => {
  const [, hours, minutes] = /^(\d\d):(\d\d)$/.exec(typeof value === "string" ? value : "") ?? [];
  return hours === undefined ? otherwise : Number(hours) * 60 + Number(minutes);
};

/** What the cascade says; before it is known, and of what it does not know, as delivered. */
export function wishesOf(settings: readonly Pick<Setting, "key" | "value">[]): Wishes {
  const of = (name: string) => settings.find((one) => one.key === `inbox.${name}`)?.value;
  const yes = (name: string) => of(name) !== false;
  return {
    on: { assigned: yes("notify_assigned"), mentioned: yes("notify_mentioned"), unassigned: yes("notify_unassigned"), message: yes("notify_message"), sla: yes("notify_sla") },
    sound: yes("sound"),
    desktop: yes("desktop"),
    quiet: of("quiet") === true ? { from: minuteOf(of("quiet_from"), 22 * 60), until: minuteOf(of("quiet_until"), 7 * 60) } : undefined,
  };
}

/** Past midnight is the same night; from and until alike is the whole day. */
export function isQuiet(quiet: Wishes["quiet"], minute: number): boolean {
  if (!quiet) return false;
  const { from, until } = quiet;
  return from < until ? minute >= from && minute < until : minute >= from || minute < until;
}

interface Line {
  readonly agent_id?: string | null;
  readonly queue_id?: string | null;
  readonly channel?: string;
  readonly spam?: boolean;
}

const record = (value: unknown): Readonly<Record<string, unknown>> => (typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {});

/** Why an event is this reader's to know; nothing that they did themselves is. */
export function reasonOf(event: Pick<JournalEvent, "kind" | "data" | "actor">, { self, queues }: Reader): Reason | undefined {
  if (event.actor?.id === self) return undefined;
  // The scope of a mention is whoever is mentioned.
  if (event.kind === "conversation.mentioned") return "mentioned";
  const line = event.data.conversation as Line | undefined;
  // Calls ring; nobody has to look at spam, or at whoever is blocked.
  if (!line || line.spam || event.data.quiet === true || line.channel === "call") return undefined;
  const mine = line.agent_id === self;
  switch (event.kind) {
    case "conversation.assigned":
      return mine && record(event.data.from).agent_id !== self ? "assigned" : undefined;
    case "conversation.opened":
    case "conversation.reopened":
      if (mine) return event.kind === "conversation.opened" ? "assigned" : undefined;
      return !line.agent_id && (!line.queue_id || queues.has(line.queue_id)) ? "unassigned" : undefined;
    case "message.received":
      return mine ? "message" : undefined;
    case "sla.breached":
      return mine ? "sla" : undefined;
    default:
      return undefined;
  }
}

/** How it is told; `undefined`: not at all. */
export function howTold(reason: Reason, wishes: Wishes, now: Moment): Told | undefined {
  if (!wishes.on[reason] || now.sees || isQuiet(wishes.quiet, now.minute)) return undefined;
  const sound = wishes.sound && !now.talking;
  if (now.looking) return { where: "page", sound };
  return wishes.desktop ? { where: "desktop", sound } : sound ? { where: "page", sound } : undefined;
}
