import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { type Held, flowsApi } from "./api";
import { flowQuery } from "./data";
import type { Definition, Fault, Flow } from "./model";
import { DraftSaver, type SaveState } from "./saving";

export interface Draft {
  readonly flow: Flow;
  readonly state: SaveState;
  /** What the server found in what was saved last; nothing while something newer is here. */
  readonly serverFaults: readonly Fault[];
  change: (definition: Definition) => void;
  flush: () => Promise<boolean>;
  /** Reads the flow anew, and gives what is there. */
  reload: () => Promise<Flow>;
  /** Reads what is published, and leaves alone what is changed here. */
  refresh: () => Promise<void>;
  overwrite: () => Promise<void>;
}

const NONE: readonly Fault[] = [];

/** The draft of a flow, which is saved by itself while it is changed. */
export function useDraft(id: string, read: Held): Draft {
  // What is saved is read as well: the draft began with what was there first.
  const [first] = useState(read);
  const queries = useQueryClient();
  const [flow, setFlow] = useState(first.flow);
  const [state, setState] = useState<SaveState>({ state: "saved", at: undefined });
  const [found, setFound] = useState<{ readonly definition: Definition | undefined; readonly faults: readonly Fault[] }>({ definition: first.flow.draft?.definition, faults: first.flow.draft?.faults ?? NONE });
  const [here, setHere] = useState<Definition | undefined>(first.flow.draft?.definition);
  const saver = useRef<DraftSaver>(undefined);
  useEffect(() => {
    const made = new DraftSaver({
      save: (definition, etag) => flowsApi.saveDraft(id, definition, etag),
      etag: first.etag,
      onState: setState,
      onSaved: (held, definition) => {
        setFlow(held.flow);
        setFound({ definition, faults: held.flow.draft?.faults ?? NONE });
        queries.setQueryData(flowQuery(id).queryKey, held);
      },
    });
    saver.current = made;
    // Whoever closes the window is told that something is not saved.
    const leaving = (event: BeforeUnloadEvent) => {
      if (made.dirty) event.preventDefault();
    };
    window.addEventListener("beforeunload", leaving);
    return () => {
      window.removeEventListener("beforeunload", leaving);
      made.end();
    };
  }, [id, first.etag, queries]);
  const change = useCallback((definition: Definition) => {
    setHere(definition);
    saver.current?.change(definition);
  }, []);
  const flush = useCallback(() => saver.current?.flush() ?? Promise.resolve(true), []);
  const reload = useCallback(async () => {
    const held = await flowsApi.one(id);
    saver.current?.settle(held.etag);
    setFlow(held.flow);
    setFound({ definition: held.flow.draft?.definition, faults: held.flow.draft?.faults ?? NONE });
    setHere(held.flow.draft?.definition);
    queries.setQueryData(flowQuery(id).queryKey, held);
    return held.flow;
  }, [id, queries]);
  const refresh = useCallback(async () => {
    const held = await flowsApi.one(id);
    setFlow(held.flow);
    if (!saver.current?.dirty) {
      setFound({ definition: held.flow.draft?.definition, faults: held.flow.draft?.faults ?? NONE });
      setHere(held.flow.draft?.definition);
    }
    saver.current?.told(held.etag);
    queries.setQueryData(flowQuery(id).queryKey, held);
  }, [id, queries]);
  const overwrite = useCallback(async () => {
    const held = await flowsApi.one(id);
    await saver.current?.overwrite(held.etag);
  }, [id]);
  return { flow, state, serverFaults: found.definition === here ? found.faults : NONE, change, flush, reload, refresh, overwrite };
}
