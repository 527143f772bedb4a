/** Sends what was written: with five seconds to take it back, and with a question when a colleague was quicker. */
import { useState } from "react";
import { Problem } from "@/api";
import { toast, undoable } from "@/design";
import { t } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { failed } from "./actions";
import { type Message, type NewMessage, inboxApi } from "./api";
import type { Thread } from "./thread";
import { tidy } from "./words";

/** What was written, to be put back if it is taken back. */
export interface Sent {
  readonly text: string;
  readonly note: boolean;
  readonly quoted: Message | undefined;
  /** How a template reads. */
  readonly shown?: string;
}

interface Meanwhile {
  readonly name: string;
  readonly theirs: string;
  readonly ours: string;
}

/** A little less than the server waits: what is offered still works. */
const UNDO_MS = 4500;

interface Options {
  thread: Thread;
  onWindowClosed: () => void;
  onRestore: (sent: Sent) => void;
}

export function useSending({ thread, onWindowClosed, onRestore }: Options) {
  const [held, setHeld] = useState<{ message: NewMessage; sent: Sent; meanwhile: Meanwhile }>();
  const [busy, setBusy] = useState(false);

  const undo = async (message: Message, sent: Sent) => {
    try {
      const answer = await inboxApi.undo(message.id);
      thread.reread(message.id, answer);
      onRestore(sent);
    } catch (error) {
      // It has left by now.
      toast({ title: t("inbox.undo.late"), description: problemText(error), tone: "bad" });
    }
  };

  const send = (message: NewMessage, sent: Sent) => {
    const key = String(Date.now()) + Math.random().toString(36).slice(2);
    thread.send(message, key).then(
      (taken) => {
        if (taken.direction === "out" && taken.state === "scheduled") {
          // The seconds that the server waits; of what is to be sent later its own line in the thread takes back.
          undoable({ title: message.send_at ? t("inbox.scheduled") : t("inbox.sent"), undo: () => void undo(taken, sent), ...(message.send_at ? {} : { within: UNDO_MS }) });
        }
      },
      (error: unknown) => {
        if (!(error instanceof Problem)) return;
        if (error.code === "replied-meanwhile") {
          thread.drop(key);
          const theirs = thread.get().messages.findLast((one) => one.direction === "out");
          setHeld({ message, sent, meanwhile: { name: theirs?.author.name ? tidy(theirs.author.name) : t("inbox.somebody"), theirs: theirs?.text ?? error.message, ours: sent.shown ?? sent.text } });
        } else if (error.code === "window-closed") {
          thread.drop(key);
          onRestore(sent);
          onWindowClosed();
          toast({ title: t("inbox.window.closed"), description: error.message, tone: "bad" });
        }
        // Whatever else it is stands in the thread, with what can be done.
      },
    );
  };

  return {
    busy,
    send,
    meanwhile: held?.meanwhile,
    look: () => {
      if (held) onRestore(held.sent);
      setHeld(undefined);
    },
    anyway: () => {
      if (held) send({ ...held.message, anyway: true }, held.sent);
      setHeld(undefined);
    },
    /** Whether it was changed. */
    edit: async (message: Message, text: string): Promise<boolean> => {
      setBusy(true);
      try {
        thread.reread(message.id, await inboxApi.edit(message.id, text));
        return true;
      } catch (error) {
        failed(error);
        return false;
      } finally {
        setBusy(false);
      }
    },
  };
}
