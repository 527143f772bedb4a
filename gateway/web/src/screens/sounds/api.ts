/** What sounds ask of the server. Written by hand until the OpenAPI document has them. */
import { queryOptions } from "@tanstack/react-query";
import { Problem, authorizedFetch } from "@/api";
import { type Page, address, ask } from "../inbox/api";

export interface SoundFile {
  readonly language: string;
  readonly source: "upload" | "speech";
  /** What is spoken. */
  readonly text: string | null;
  readonly seconds: number;
  readonly bytes: number;
}

interface Use {
  readonly id: string;
  readonly name: string;
}

export interface Sound {
  readonly id: string;
  readonly name: string;
  readonly files: readonly SoundFile[];
  readonly used_by: { readonly flows: readonly Use[]; readonly queues: readonly Use[] };
}

const of = (id: string) => `/sounds/${encodeURIComponent(id)}`;
const file = (id: string, language: string) => `${of(id)}/files/${encodeURIComponent(language)}`;

export const soundsApi = {
  list: (signal?: AbortSignal) => ask<Page<Sound>>("GET", "/sounds", { query: { limit: 200 }, ...(signal ? { signal } : {}) }),
  create: (name: string) => ask<Sound>("POST", "/sounds", { body: { name } }),
  rename: (id: string, name: string) => ask<Sound>("PATCH", of(id), { body: { name } }),
  remove: (id: string) => ask("DELETE", of(id)),
  speak: (id: string, language: string, text: string) => ask<Sound>("PUT", file(id, language), { body: { text } }),
  upload: async (id: string, language: string, wav: Blob): Promise<void> => {
    const answer = await authorizedFetch(new Request(address(file(id, language)), { method: "PUT", headers: { "content-type": "audio/wav" }, body: wav }));
    if (!answer.ok) throw await Problem.of(answer);
  },
  hear: async (id: string, language: string, signal?: AbortSignal): Promise<Blob> => {
    const answer = await authorizedFetch(new Request(address(file(id, language)), { signal: signal ?? null }));
    if (!answer.ok) throw await Problem.of(answer);
    return answer.blob();
  },
  removeFile: (id: string, language: string) => ask("DELETE", file(id, language)),
};

export const soundsQuery = queryOptions({ queryKey: ["sounds"], queryFn: ({ signal }) => soundsApi.list(signal), staleTime: 0 });
