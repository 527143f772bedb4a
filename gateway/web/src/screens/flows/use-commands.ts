import { type RefObject, useEffect, useState } from "react";
import { useCommand } from "@/app/commands";
import { announce } from "@/design";
import { useT } from "@/i18n";
import { placed } from "./edit";
import { arranged } from "./layout";
import type { Editor } from "./use-editor";

/** Whether somebody types in the editor: then the browser's own undo is meant. */
function useTyping(root: RefObject<HTMLElement | null>): boolean {
  const [typing, setTyping] = useState(false);
  useEffect(() => {
    const element = root.current;
    if (!element) return;
    const look = () => setTyping(element.contains(document.activeElement) && /^(INPUT|TEXTAREA)$/.test(document.activeElement?.tagName ?? ""));
    const later = () => queueMicrotask(look);
    element.addEventListener("focusin", look);
    element.addEventListener("focusout", later);
    return () => {
      element.removeEventListener("focusin", look);
      element.removeEventListener("focusout", later);
    };
  }, [root]);
  return typing;
}

interface Options {
  root: RefObject<HTMLElement | null>;
  editor: Editor;
  readOnly: boolean;
  onDuplicate: () => void;
  onRemove: () => void;
  onTry: () => void;
}

/** What can be done from the keyboard and the palette. Gives what arranges the nodes. */
export function useCommands({ root, editor, readOnly, onDuplicate, onRemove, onTry }: Options): () => void {
  const t = useT();
  const { canUndo, canRedo, undo, redo, selection, select, definition, change } = editor;
  const group = t("common.nav.flows");
  const idle = !useTyping(root) && !readOnly;
  const arrange = () => {
    change((now) => placed(now, arranged(now)));
    announce(t("flows.arranged"));
  };
  useCommand({ id: "flow-undo", title: t("flows.undo"), group, shortcut: "ctrl+z", run: undo, when: idle && canUndo });
  useCommand({ id: "flow-redo", title: t("flows.redo"), group, shortcut: "ctrl+shift+z", run: redo, when: idle && canRedo });
  useCommand({ id: "flow-redo-y", title: t("flows.redo"), group, shortcut: "ctrl+y", run: redo, when: idle && canRedo });
  useCommand({ id: "flow-arrange", title: t("flows.arrange"), group, run: arrange, when: !readOnly });
  useCommand({ id: "flow-duplicate", title: t("flows.duplicate-steps"), group, shortcut: "ctrl+d", run: onDuplicate, when: idle && selection.size > 0 });
  useCommand({ id: "flow-delete", title: t("flows.delete-steps"), group, shortcut: "delete", run: onRemove, when: idle && selection.size > 0 });
  useCommand({ id: "flow-all", title: t("flows.select-all"), group, shortcut: "ctrl+a", run: () => select(...definition.nodes.map((node) => node.id)), when: idle });
  useCommand({ id: "flow-try", title: t("flows.try"), group, run: onTry });
  return arrange;
}
