/** Files on their way into a message: chosen, pasted or dropped, uploaded at once, with their progress. */
import { useCallback, useEffect, useRef, useState } from "react";
import { newKey } from "@/api";
import { t } from "@/i18n";
import { problemText } from "../calls/problem-text";
import type { Attachment, MediaSort } from "./api";
import { MOST_BYTES, sortOf, upload } from "./files";
import { sizeText } from "./words";

export interface Uploading {
  readonly key: string;
  readonly file: File;
  readonly name: string;
  readonly bytes: number;
  /** As the browser has it. */
  readonly type: string;
  readonly sort: MediaSort;
  /** 0 to 1. */
  readonly part: number;
  readonly attachment: Attachment | undefined;
  readonly error: string | undefined;
}

export interface Uploads {
  readonly items: readonly Uploading[];
  /** All that was chosen is there. */
  readonly ready: boolean;
  readonly add: (files: readonly File[], sort?: MediaSort) => void;
  /** What was there before comes back. */
  readonly put: (items: readonly Uploading[]) => void;
  readonly remove: (key: string) => void;
  readonly clear: () => void;
}

export function useUploads(): Uploads {
  const [items, setItems] = useState<readonly Uploading[]>([]);
  const running = useRef(new Map<string, () => void>());
  const change = useCallback((key: string, part: Partial<Uploading>) => setItems((all) => all.map((one) => (one.key === key ? { ...one, ...part } : one))), []);
  const add = useCallback(
    (files: readonly File[], sort?: MediaSort) => {
      for (const file of files) {
        const key = newKey();
        const item: Uploading = { key, file, name: file.name, bytes: file.size, type: file.type, sort: sort ?? sortOf(file.type), part: 0, attachment: undefined, error: undefined };
        if (file.size > MOST_BYTES) {
          setItems((all) => [...all, { ...item, error: t("inbox.file.too-large", { size: sizeText(MOST_BYTES) }) }]);
          continue;
        }
        setItems((all) => [...all, item]);
        const { done, abort } = upload(file, file.name, item.sort, (part) => change(key, { part }));
        running.current.set(key, abort);
        done
          .then(
            (attachment) => change(key, { attachment, part: 1 }),
            (error: unknown) => change(key, { error: problemText(error) }),
          )
          .finally(() => running.current.delete(key));
      }
    },
    [change],
  );
  const remove = useCallback((key: string) => {
    running.current.get(key)?.();
    setItems((all) => all.filter((one) => one.key !== key));
  }, []);
  const put = useCallback((before: readonly Uploading[]) => setItems((all) => [...before.filter((one) => !all.some((other) => other.key === one.key)), ...all]), []);
  const clear = useCallback(() => setItems([]), []);
  useEffect(() => {
    const all = running.current;
    return () => {
      for (const abort of all.values()) abort();
    };
  }, []);
  return { items, ready: items.every((one) => one.attachment !== undefined), add, put, remove, clear };
}
