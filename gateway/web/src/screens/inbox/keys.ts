/** What the keys do in the inbox; the palette and the list of keys know it too. */
import { useCommand, useShortcut } from "@/app/commands";
import { useT } from "@/i18n";
import { usePhone } from "@/phone";
import type { Asked } from "./dialogs";

interface Keys {
  /** Something is open or chosen, and one may write. */
  acts: boolean;
  canReply: boolean;
  move: (step: 1 | -1) => void;
  open: () => void;
  select: () => void;
  resolve: () => void;
  reply: (tab: "reply" | "note") => void;
  ask: (what: Asked) => void;
  unread: () => void;
  onlyUnread: () => void;
  selectAll: () => void;
  leave: () => void;
  create: (() => void) | undefined;
}

export function useKeys({ acts, canReply, move, open, select, resolve, reply, ask, unread, onlyUnread, selectAll, leave, create }: Keys): void {
  const t = useT();
  // A call has keys of its own, and they come first: `r` pauses its recording, `c` brings somebody in.
  const free = usePhone().calls.length === 0;
  const group = t("common.nav.inbox");
  useShortcut("j", () => move(1), { title: t("inbox.key.next"), group });
  useShortcut("k", () => move(-1), { title: t("inbox.key.previous"), group });
  useShortcut("o", open, { title: t("inbox.key.open"), group });
  useShortcut("enter", open, {});
  useShortcut("x", select, { title: t("inbox.key.select"), group });
  useShortcut("shift+x", selectAll, { title: t("inbox.choose-all"), group });
  useShortcut("shift+u", onlyUnread, { title: t("inbox.only-unread"), group });
  useShortcut("escape", leave, { title: t("inbox.key.leave"), group });
  useCommand({ id: "inbox-resolve", title: t("inbox.key.resolve"), group, shortcut: "e", run: resolve, when: acts });
  useCommand({ id: "inbox-reply", title: t("inbox.reply"), group, ...(free ? { shortcut: "r" } : {}), run: () => reply("reply"), when: canReply });
  useShortcut("shift+r", () => reply("reply"), { ...(free ? {} : { title: t("inbox.reply"), group }), when: canReply });
  useCommand({ id: "inbox-note", title: t("inbox.key.note"), group, shortcut: "n", run: () => reply("note"), when: canReply });
  useCommand({ id: "inbox-assign", title: t("inbox.assign"), group, shortcut: "a", run: () => ask("assign"), when: acts });
  useCommand({ id: "inbox-label", title: t("inbox.label"), group, shortcut: "l", run: () => ask("label"), when: acts });
  useCommand({ id: "inbox-snooze", title: t("inbox.snooze"), group, shortcut: "s", run: () => ask("snooze"), when: acts });
  useCommand({ id: "inbox-priority", title: t("inbox.priority"), group, shortcut: "p", run: () => ask("priority"), when: acts });
  useCommand({ id: "inbox-macro", title: t("inbox.macro"), group, shortcut: "shift+m", run: () => ask("macro"), when: acts });
  useCommand({ id: "inbox-unread", title: t("inbox.mark-unread"), group, shortcut: "u", run: unread, when: acts });
  useCommand({ id: "inbox-new", title: t("inbox.new"), group, ...(free ? { shortcut: "c" } : {}), run: () => create?.(), when: create !== undefined });
}
