/** What the settings of the inbox ask of the server. The shapes are those of `gateway/src/inbox_tools`. */
import { type Channel, type Colour, type Page, ask } from "../inbox/api";
import { etagOf } from "../shared/etag";
import type { Hours } from "../shared/opening";

export interface Stored {
  readonly id: string;
  readonly updated_at: string;
  /** Whose own it is; nobody's in particular: everybody's. */
  readonly user_id?: string | null;
}

export interface InboxLabel extends Stored {
  readonly name: string;
  readonly colour: Colour;
}
export interface WriteLabel {
  readonly name: string;
  readonly colour: Colour;
}

export interface CannedReply extends Stored {
  readonly shortcut: string;
  readonly text: string;
}
export interface WriteCannedReply {
  readonly shortcut: string;
  readonly text: string;
  readonly personal: boolean;
}

export type Step =
  | { readonly do: "reply" | "note"; readonly text: string }
  | { readonly do: "label" | "unlabel"; readonly label_id: string }
  | { readonly do: "assign"; readonly agent_id?: string; readonly team_id?: string; readonly queue_id?: string }
  | { readonly do: "priority"; readonly priority: number }
  | { readonly do: "snooze"; readonly minutes: number }
  | { readonly do: "pending" | "resolve" | "reopen" }
  | { readonly do: "spam"; readonly spam: boolean };

export interface Macro extends Stored {
  readonly name: string;
  readonly steps: readonly Step[];
}
export interface WriteMacro {
  readonly name: string;
  readonly steps: readonly Step[];
}

export interface PolicyApplies {
  readonly queue_ids?: readonly string[];
  readonly account_ids?: readonly string[];
  readonly channels?: readonly Channel[];
  readonly min_priority?: number;
}
interface PolicyGoals {
  readonly name: string;
  readonly place: number;
  readonly applies: PolicyApplies;
  readonly first_reply_minutes: number | null;
  readonly next_reply_minutes: number | null;
  readonly resolution_minutes: number | null;
  readonly hours: Hours | null;
  readonly pauses: boolean;
}
export interface SlaPolicy extends Stored, PolicyGoals {}
export type WriteSlaPolicy = PolicyGoals;

export type ViewFilter = Readonly<Record<string, string | number | boolean>>;
export interface InboxView extends Stored {
  readonly name: string;
  readonly place: number;
  readonly filter: ViewFilter;
}
export interface WriteInboxView {
  readonly name: string;
  readonly place: number;
  readonly filter: ViewFilter;
  readonly personal: boolean;
}

export interface CsatAnswer {
  readonly id: string;
  readonly conversation_id: string;
  readonly agent_id: string | null;
  /** 1 (bad) to 5 (very good). */
  readonly score: number;
  readonly comment: string | null;
  readonly asked_at: string;
  readonly answered_at: string;
}

/** A list of things that are written whole. */
export interface Shelf<T extends Stored, W> {
  /** What others read the same list by: the inbox does. */
  readonly queryKey: readonly string[];
  list(signal?: AbortSignal): Promise<Page<T>>;
  put(before: T | undefined, wanted: W): Promise<T>;
  remove(one: T): Promise<void>;
}

function shelf<T extends Stored, W>(path: string, name: string): Shelf<T, W> {
  const of = ({ id }: Stored) => `${path}/${encodeURIComponent(id)}`;
  return {
    queryKey: ["inbox", name],
    list: (signal) => ask<Page<T>>("GET", path, signal ? { signal } : {}),
    put: (before, body) => {
      if (!before) return ask<T>("POST", path, { body });
      const etag = etagOf(before.updated_at);
      return ask<T>("PUT", of(before), { body, ...(etag ? { etag } : {}) });
    },
    remove: (one) => ask("DELETE", of(one)),
  };
}

export const labels = shelf<InboxLabel, WriteLabel>("/labels", "labels");
export const canned = shelf<CannedReply, WriteCannedReply>("/canned-replies", "canned");
export const macros = shelf<Macro, WriteMacro>("/macros", "macros");
export const policies = shelf<SlaPolicy, WriteSlaPolicy>("/sla-policies", "sla");
export const views = shelf<InboxView, WriteInboxView>("/inbox-views", "views");

export const answers = (cursor: string, signal?: AbortSignal) => ask<Page<CsatAnswer>>("GET", "/csat", { query: { limit: 50, cursor }, ...(signal ? { signal } : {}) });
