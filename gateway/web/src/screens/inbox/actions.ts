/** What is done to conversations: shown at once, asked for, taken back if it was refused; and by hand, for as long as its toast stands. */
import { useMemo } from "react";
import { toast, undoable } from "@/design";
import { t } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { type Assignee, type Conversation, inboxApi } from "./api";
import { inbox } from "./store";

type Patch = (line: Conversation) => Conversation;

/** One thing that can be done to one conversation or to many. */
export interface Deed {
  readonly done: string;
  readonly patch: Patch;
  readonly one: (id: string) => Promise<Conversation | undefined>;
  /** `action` of `POST /conversations/bulk`. */
  readonly many: Readonly<Record<string, unknown>>;
  /** What takes it back, for one conversation as it was before; absent: nothing does. */
  readonly back?: (before: Conversation) => Deed;
}

/** As the server takes them. */
const MOST_AT_ONCE = 100;
const MOST_MACRO = 25;

function chunks<T>(all: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) => all.slice(index * size, (index + 1) * size));
}

const now = () => new Date().toISOString();

export const deeds = {
  resolve: (): Deed => ({
    done: t("inbox.done.resolved"),
    patch: (line) => ({ ...line, state: "resolved", snoozed_until: null, resolved_at: now(), waiting_since: null, sla: null }),
    one: (id) => inboxApi.act(id, "resolve"),
    many: { do: "resolve" },
    back: (before) => restore(before),
  }),
  reopen: (): Deed => ({
    done: t("inbox.done.reopened"),
    patch: (line) => ({ ...line, state: "open", snoozed_until: null, resolved_at: null }),
    one: (id) => inboxApi.act(id, "reopen"),
    many: { do: "reopen" },
    back: (before) => restore(before),
  }),
  pending: (): Deed => ({
    done: t("inbox.done.pending"),
    patch: (line) => ({ ...line, state: "pending", snoozed_until: null, resolved_at: null }),
    one: (id) => inboxApi.act(id, "pending"),
    many: { do: "pending" },
    back: (before) => restore(before),
  }),
  snooze: (until: string): Deed => ({
    done: t("inbox.done.snoozed"),
    patch: (line) => ({ ...line, state: "snoozed", snoozed_until: until, resolved_at: null }),
    one: (id) => inboxApi.snooze(id, until),
    many: { do: "snooze", minutes: Math.max(1, Math.round((Date.parse(until) - Date.now()) / 60_000)) },
    back: (before) => restore(before),
  }),
  assign: (to: Assignee, name: string): Deed => ({
    done: t("inbox.done.assigned", { name }),
    patch: (line) => ({ ...line, agent_id: to.agent_id ?? null, team_id: to.team_id ?? null, queue_id: to.queue_id ?? (to.agent_id ? line.queue_id : null) }),
    one: (id) => inboxApi.assign(id, to),
    many: { do: "assign", ...to },
    back: ({ agent_id, team_id, queue_id }) => deeds.assign({ ...(agent_id ? { agent_id } : {}), ...(team_id ? { team_id } : {}), ...(queue_id ? { queue_id } : {}) }, ""),
  }),
  priority: (priority: number): Deed => ({
    done: t("inbox.done.priority"),
    patch: (line) => ({ ...line, priority }),
    one: (id) => inboxApi.change(id, { priority }),
    many: { do: "priority", priority },
    back: (before) => deeds.priority(before.priority),
  }),
  spam: (spam: boolean): Deed => ({
    done: spam ? t("inbox.done.spam") : t("inbox.done.not-spam"),
    patch: (line) => ({ ...line, spam }),
    one: (id) => inboxApi.change(id, { spam }),
    many: { do: "spam", spam },
    back: (before) => deeds.spam(before.spam),
  }),
  label: (label: string, on: boolean): Deed => ({
    done: on ? t("inbox.done.labelled") : t("inbox.done.unlabelled"),
    patch: (line) => ({ ...line, label_ids: labelled(line, label, on) }),
    one: (id) => {
      const line = inbox.core.row(id)?.line;
      return inboxApi.change(id, { label_ids: line ? labelled(line, label, on) : on ? [label] : [] });
    },
    many: { do: on ? "label" : "unlabel", label_id: label },
    back: () => deeds.label(label, !on),
  }),
};

function labelled(line: Conversation, label: string, on: boolean): readonly string[] {
  const others = line.label_ids.filter((one) => one !== label);
  return on ? [...others, label].sort() : others;
}

/** To the state that it was in. */
function restore(before: Conversation): Deed {
  if (before.state === "resolved") return deeds.resolve();
  if (before.state === "pending") return deeds.pending();
  if (before.state === "snoozed" && before.snoozed_until && Date.parse(before.snoozed_until) > Date.now()) return deeds.snooze(before.snoozed_until);
  return deeds.reopen();
}

export function failed(error: unknown): void {
  toast({ title: t("inbox.failed"), description: problemText(error), tone: "bad" });
}

/** Whether it was done. */
export async function carryOut(deed: Deed, ids: readonly string[], { quiet = false }: { quiet?: boolean } = {}): Promise<boolean> {
  const before = ids.flatMap((id) => inbox.core.row(id)?.line ?? []);
  let undo: (() => void) | undefined;
  try {
    if (ids.length > 1) {
      const bulks: string[] = [];
      undo = () => void Promise.all(bulks.map((bulk) => inboxApi.undoBulk(bulk))).catch(failed);
      for (const some of chunks(ids, MOST_AT_ONCE)) {
        await inbox.optimistic(some, deed.patch, async () => {
          bulks.push((await inboxApi.bulk(some, deed.many)).id);
        });
      }
    } else {
      await Promise.all(ids.map((id) => inbox.optimistic([id], deed.patch, () => deed.one(id))));
      const { back } = deed;
      if (back) undo = () => before.forEach((line) => void carryOut(back(line), [line.id], { quiet: true }));
    }
  } catch (error) {
    failed(error);
    return false;
  }
  if (!quiet) {
    const title = ids.length > 1 ? t("inbox.done.many", { what: deed.done, n: ids.length }) : deed.done;
    if (undo) undoable({ title, undo });
    else toast({ title, tone: "good" });
  }
  return true;
}

export async function markRead(ids: readonly string[], unread: boolean): Promise<void> {
  for (const id of ids) inbox.markRead(id, unread);
  try {
    await Promise.all(ids.map((id) => inboxApi.act(id, unread ? "unread" : "read")));
  } catch (error) {
    for (const id of ids) inbox.markRead(id, !unread);
    failed(error);
  }
}

export async function runMacro(macro: string, ids: readonly string[], name: string): Promise<void> {
  try {
    const ran: string[] = [];
    for (const some of chunks(ids, MOST_MACRO)) ran.push((await inboxApi.runMacro(macro, some)).id);
    // What was written to a customer stays written; the rest goes back.
    undoable({ title: t("inbox.done.macro", { name }), undo: () => void Promise.all(ran.map((one) => inboxApi.undoBulk(one))).catch(failed) });
  } catch (error) {
    failed(error);
  }
}

/** A map by id, made once for a list. */
export function useById<T extends { readonly id: string }>(all: readonly T[]): ReadonlyMap<string, T> {
  return useMemo(() => new Map(all.map((one) => [one.id, one])), [all]);
}
