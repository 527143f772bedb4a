import { type RefObject, useEffect, useRef } from "react";
import { type Copied, copied, readCopied } from "./edit";
import type { Definition } from "./model";

interface Options {
  root: RefObject<HTMLElement | null>;
  definition: Definition;
  selection: ReadonlySet<string>;
  readOnly: boolean;
  onPaste: (copy: Copied) => void;
  onCut: () => void;
}

const typing = () => document.activeElement instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);
const busy = () => typing() || document.querySelector('[role="dialog"][data-state="open"], [role="alertdialog"]') !== null;

/** Steps go by the system's own clipboard: into another flow, another tab, another company. Texts that are marked or typed stay the browser's. */
export function useClipboard(options: Options): void {
  const latest = useRef(options);
  useEffect(() => {
    latest.current = options;
  });
  useEffect(() => {
    const copy = (event: ClipboardEvent) => {
      const { definition, selection, readOnly, onCut } = latest.current;
      if (busy() || selection.size === 0 || document.getSelection()?.isCollapsed === false) return;
      event.clipboardData?.setData("text/plain", JSON.stringify(copied(definition, selection), null, 1));
      event.preventDefault();
      if (event.type === "cut" && !readOnly) onCut();
    };
    const paste = (event: ClipboardEvent) => {
      if (busy() || latest.current.readOnly) return;
      const read = readCopied(event.clipboardData?.getData("text/plain") ?? "");
      if (!read) return;
      event.preventDefault();
      latest.current.onPaste(read);
    };
    document.addEventListener("copy", copy);
    document.addEventListener("cut", copy);
    document.addEventListener("paste", paste);
    return () => {
      document.removeEventListener("copy", copy);
      document.removeEventListener("cut", copy);
      document.removeEventListener("paste", paste);
    };
  }, []);
}
