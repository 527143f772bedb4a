/** Sends what was written: it can be taken back until it leaves, and there is a question when a colleague was quicker. */
import { useEffect, useRef, useState } from "react";
import { Problem, newKey } from "@/api";
import { toast } from "@/design";
import { t } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { failed } from "./actions";
import { type Message, type NewMessage, inboxApi } from "./api";
import type { Thread } from "./thread";
import { PUT_OFF_MS, UNDO_MS, isLeaving } from "./thread-core";
import type { Uploading } from "./uploads";
import { tidy } from "./words";

/** What was written, to be put back if it is taken back. */
export interface Sent {
  readonly text: string;
  readonly note: boolean;
  readonly quoted: Message | undefined;
  readonly files: readonly Uploading[];
  /** How a template reads. */
  readonly shown?: string;
}

interface Meanwhile {
  readonly name: string;
  readonly theirs: string;
  readonly ours: string;
}

interface Options {
  thread: Thread;
  onWindowClosed: () => void;
  /** `anew`: its files have to be uploaded again. */
  onRestore: (sent: Sent, anew?: boolean) => void;
}

export function useSending({ thread, onWindowClosed, onRestore }: Options) {
  const [held, setHeld] = useState<{ message: NewMessage; sent: Sent; meanwhile: Meanwhile }>();
  const [busy, setBusy] = useState(false);
  /** The newest of one's own that can be taken back. */
  const [last, setLast] = useState<Message>();
  /** By the message, and by the key of what the server has not taken. */
  const [written] = useState(() => new Map<string, Sent>());
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);

  const undo = async (message: Message) => {
    setLast((one) => (one?.id === message.id ? undefined : one));
    try {
      const answer = await inboxApi.undo(message.id);
      thread.reread(message.id, answer);
      const sent = written.get(message.id) ?? { text: message.text, note: false, quoted: undefined, files: [] };
      written.delete(message.id);
      // What was uploaded is that message's own by now: the files are uploaded once more.
      onRestore(sent, true);
    } catch (error) {
      // It has left by now.
      toast({ title: t("inbox.undo.late"), description: problemText(error), tone: "bad" });
    }
  };

  const send = (message: NewMessage, sent: Sent, key = newKey()) => {
    written.set(key, sent);
    thread.send(message, key).then(
      (taken) => {
        written.delete(key);
        // A note cannot be taken back.
        if (taken.direction === "out") written.set(taken.id, sent);
        if (taken.direction !== "out" || !isLeaving(taken)) return;
        setLast(taken);
        clearTimeout(timer.current);
        timer.current = setTimeout(() => setLast(undefined), UNDO_MS);
        setTimeout(() => written.delete(taken.id), PUT_OFF_MS);
      },
      (error: unknown) => {
        if (!(error instanceof Problem)) return;
        if (error.code === "replied-meanwhile") {
          thread.drop(key);
          written.delete(key);
          const theirs = thread.get().messages.findLast((one) => one.direction === "out");
          setHeld({ message, sent, meanwhile: { name: theirs?.author.name ? tidy(theirs.author.name) : t("inbox.somebody"), theirs: theirs?.text ?? error.message, ours: sent.shown ?? sent.text } });
        } else if (error.code === "window-closed") {
          thread.drop(key);
          written.delete(key);
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
    last,
    undo,
    /** What the server did not take, to be changed. */
    change: (key: string) => {
      const sent = written.get(key);
      thread.drop(key);
      written.delete(key);
      if (sent) onRestore(sent);
    },
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
