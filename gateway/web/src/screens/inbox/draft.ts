/** What is being written, kept on the server: it is there on the next machine too, and in the list. */
import { useCallback, useEffect, useRef, useState } from "react";
import { type Draft, inboxApi } from "./api";
import { inbox } from "./store";

const PAUSE_MS = 800;

interface State {
  readonly text: string;
  readonly note: boolean;
}

export interface DraftState extends State {
  readonly set: (text: string, note: boolean) => void;
  readonly setNote: (note: boolean) => void;
  readonly clear: () => void;
}

/** `kept` is what the server has; it counts until somebody writes here. */
export function useDraft(id: string, kept: Draft | null | undefined, notesOnly: boolean): DraftState {
  const [own, setOwn] = useState<State>();
  const state = own ?? { text: kept?.text ?? "", note: notesOnly || (kept?.private ?? false) };
  const saved = useRef("");
  const waiting = useRef<State>(undefined);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => {
    if (kept) saved.current = kept.text;
  }, [kept]);
  const save = useCallback(() => {
    clearTimeout(timer.current);
    const next = waiting.current;
    waiting.current = undefined;
    if (!next) return;
    const text = next.text.trim() === "" ? "" : next.text;
    inbox.markDraft(id, text !== "");
    if (text === "" && saved.current === "") return;
    saved.current = text;
    // What was not kept now is kept with the next letter, or stays in this page.
    inboxApi.draft(id, { text, private: next.note }).catch(() => undefined);
  }, [id]);
  const keep = useCallback(
    (next: State) => {
      setOwn(next);
      waiting.current = next;
      clearTimeout(timer.current);
      timer.current = setTimeout(save, PAUSE_MS);
    },
    [save],
  );
  useEffect(() => {
    addEventListener("pagehide", save);
    return () => {
      removeEventListener("pagehide", save);
      save();
    };
  }, [save]);
  const { text, note } = state;
  return {
    text,
    note,
    set: (next, asNote) => keep({ text: next, note: notesOnly || asNote }),
    setNote: (asNote) => (text === "" ? setOwn({ text, note: notesOnly || asNote }) : keep({ text, note: notesOnly || asNote })),
    clear: () => {
      setOwn({ text: "", note });
      waiting.current = { text: "", note };
      save();
    },
  };
}
