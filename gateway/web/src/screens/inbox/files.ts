/** Files of messages: fetched with the sign-in that the browser would not send by itself, and uploaded with their progress told. */
import { useEffect, useState } from "react";
import { Problem, currentToken, newKey } from "@/api";
import { type Attachment, type MediaSort, address } from "./api";

/** Pictures that were seen lately; one that is looked at again is not fetched again. */
const KEPT = 60;
const kept = new Map<string, Promise<string>>();

async function fetchFile(path: string): Promise<string> {
  const { value } = await currentToken();
  // Takes as long as it takes: a film may be large, and the line slow.
  const answer = await fetch(address(path), { headers: { authorization: `Bearer ${value}` } }).catch(() => {
    throw Problem.noAnswer();
  });
  if (!answer.ok) throw await Problem.of(answer);
  return URL.createObjectURL(await answer.blob());
}

function urlOf(path: string): Promise<string> {
  const known = kept.get(path);
  if (known) {
    kept.delete(path);
    kept.set(path, known);
    return known;
  }
  const made = fetchFile(path);
  kept.set(path, made);
  made.catch(() => kept.delete(path));
  for (const [old, url] of kept) {
    if (kept.size <= KEPT) break;
    kept.delete(old);
    void url.then((one) => URL.revokeObjectURL(one)).catch(() => undefined);
  }
  return made;
}

const filePath = (id: string, small: boolean) => `/attachments/${id}${small ? "/thumbnail" : ""}`;

export interface Fetched {
  readonly url: string | undefined;
  readonly error: unknown;
}

/** The address of a file within this page, once it is wanted. */
export function useFile(id: string, { small = false, wanted = true }: { small?: boolean; wanted?: boolean } = {}): Fetched {
  return useFetched(filePath(id, small), wanted);
}

/** The same of anything that the API gives as a file. */
export function useFetched(path: string, wanted: boolean): Fetched {
  const [state, setState] = useState<{ path: string } & Fetched>({ path: "", url: undefined, error: undefined });
  useEffect(() => {
    if (!wanted) return;
    let over = false;
    urlOf(path).then(
      (url) => !over && setState({ path, url, error: undefined }),
      (error: unknown) => !over && setState({ path, url: undefined, error }),
    );
    return () => {
      over = true;
    };
  }, [path, wanted]);
  return state.path === path ? state : { url: undefined, error: undefined };
}

export async function saveAttachment(attachment: Attachment): Promise<void> {
  const link = document.createElement("a");
  link.href = await urlOf(filePath(attachment.id, false));
  link.download = attachment.file_name ?? attachment.id;
  link.click();
}

/** As the gateway's own limit. */
export const MOST_BYTES = 100_000_000;

/** What sort of file a message has it as; pictures that providers take as pictures, the rest as documents. */
export function sortOf(type: string): MediaSort {
  if (/^image\/(jpeg|png|webp)$/.test(type)) return "image";
  if (type === "image/gif") return "animation";
  if (type.startsWith("video/")) return "video";
  return type.startsWith("audio/") ? "audio" : "document";
}

export interface Upload {
  readonly done: Promise<Attachment>;
  readonly abort: () => void;
}

/** `fetch` tells nothing of what has been sent so far: hence the older way. */
export function upload(file: Blob, name: string, sort: MediaSort, onProgress: (part: number) => void): Upload {
  const request = new XMLHttpRequest();
  let given = false;
  const done = (async () => {
    const { value } = await currentToken();
    return new Promise<Attachment>((resolve, reject) => {
      if (given) {
        reject(new DOMException("given up", "AbortError"));
        return;
      }
      request.open("POST", address("/attachments", { file_name: name, sort }));
      request.setRequestHeader("authorization", `Bearer ${value}`);
      request.setRequestHeader("content-type", file.type || "application/octet-stream");
      request.setRequestHeader("idempotency-key", newKey());
      request.upload.onprogress = ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0);
      request.onerror = () => reject(Problem.noAnswer());
      request.onabort = () => reject(new DOMException("given up", "AbortError"));
      request.onload = () => {
        if (request.status >= 200 && request.status < 300) resolve(JSON.parse(request.responseText) as Attachment);
        else void Problem.of(new Response(request.responseText, { status: request.status || 500 })).then(reject);
      };
      request.send(file);
    });
  })();
  return {
    done,
    abort: () => {
      given = true;
      request.abort();
    },
  };
}
