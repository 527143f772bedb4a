import { useCallback, useMemo, useReducer } from "react";
import { nodeOf } from "./edit";
import { type History, begun, changed, redone, undone } from "./history";
import type { Definition, FlowNode } from "./model";

interface State {
  readonly history: History;
  readonly selection: ReadonlySet<string>;
}

type Action =
  | { readonly type: "change"; readonly next: Definition | ((now: Definition) => Definition); readonly part: string; readonly at: number; readonly select?: ReadonlySet<string> }
  | { readonly type: "undo" | "redo" }
  | { readonly type: "reset"; readonly definition: Definition }
  | { readonly type: "select"; readonly ids: ReadonlySet<string> };

function reduce(state: State, action: Action): State {
  switch (action.type) {
    case "change": {
      const next = typeof action.next === "function" ? action.next(state.history.now) : action.next;
      return kept({ history: changed(state.history, next, action.part, action.at), selection: action.select ?? state.selection });
    }
    case "undo":
      return kept({ ...state, history: undone(state.history) });
    case "redo":
      return kept({ ...state, history: redone(state.history) });
    case "reset":
      return kept({ ...state, history: begun(action.definition) });
    case "select":
      return kept({ ...state, selection: action.ids });
  }
}

/** What is gone is not chosen. */
function kept(state: State): State {
  const ids = [...state.selection].filter((id) => nodeOf(state.history.now, id));
  return ids.length === state.selection.size ? state : { ...state, selection: new Set(ids) };
}

export interface Editor {
  readonly definition: Definition;
  readonly selection: ReadonlySet<string>;
  /** The one node that is chosen, when it is one. */
  readonly chosen: FlowNode | undefined;
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  /** `part`: changes of the same part join each other. */
  change: (next: Definition | ((now: Definition) => Definition), part?: string, select?: ReadonlySet<string>) => void;
  undo: () => void;
  redo: () => void;
  /** From the beginning, with another definition. */
  reset: (definition: Definition) => void;
  select: (...ids: string[]) => void;
}

export function useEditor(first: Definition): Editor {
  const [state, act] = useReducer(reduce, first, (definition): State => ({ history: begun(definition), selection: new Set() }));
  const { now, past, future } = { now: state.history.now, past: state.history.past.length, future: state.history.future.length };
  const change = useCallback<Editor["change"]>((next, part = "", select) => act({ type: "change", next, part, at: Date.now(), ...(select ? { select } : {}) }), []);
  const undo = useCallback(() => act({ type: "undo" }), []);
  const redo = useCallback(() => act({ type: "redo" }), []);
  const reset = useCallback((definition: Definition) => act({ type: "reset", definition }), []);
  const select = useCallback((...ids: string[]) => act({ type: "select", ids: new Set(ids) }), []);
  const { selection } = state;
  return useMemo(
    () => ({
      definition: now,
      selection,
      chosen: selection.size === 1 ? nodeOf(now, [...selection][0]) : undefined,
      canUndo: past > 0,
      canRedo: future > 0,
      change,
      undo,
      redo,
      reset,
      select,
    }),
    [now, selection, past, future, change, undo, redo, reset, select],
  );
}
