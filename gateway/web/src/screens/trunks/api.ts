/** What the screen of trunks asks of the server. */
import { ask } from "../inbox/api";
import { etagOf } from "../shared/etag";
import { every } from "../shared/every";
import type { Imported, Trunk, WriteTrunk } from "./model";

const of = (id: string) => `/trunks/${encodeURIComponent(id)}`;

export const trunksApi = {
  list: (signal?: AbortSignal) => every<Trunk>("/trunks", signal),
  one: (id: string, signal?: AbortSignal) => ask<Trunk>("GET", of(id), signal ? { signal } : {}),
  create: (trunk: WriteTrunk) => ask<Trunk>("POST", "/trunks", { body: trunk }),
  change: ({ id, updated_at }: Pick<Trunk, "id" | "updated_at">, change: Partial<WriteTrunk>) => {
    const etag = etagOf(updated_at);
    return ask<Trunk>("PATCH", of(id), { body: change, ...(etag ? { etag } : {}) });
  },
  remove: (id: string) => ask("DELETE", of(id)),
  /** What a `pjsip.conf` would make; made only with `apply`. */
  read: (text: string, apply: boolean) => ask<Imported>("POST", "/trunks/import", { body: { text, ...(apply ? { apply } : {}) } }),
};
