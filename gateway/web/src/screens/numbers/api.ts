/** What the screen of numbers asks of the server. */
import { ask } from "../inbox/api";
import { etagOf } from "../shared/etag";
import { every } from "../shared/every";
import type { FlowName, InboundNumber, WriteNumber } from "./model";

const of = (number: string) => `/numbers/${encodeURIComponent(number)}`;

export const numbersApi = {
  list: (signal?: AbortSignal) => every<InboundNumber>("/numbers", signal),
  create: (number: WriteNumber) => ask<InboundNumber>("POST", "/numbers", { body: number }),
  change: ({ number, updated_at }: Pick<InboundNumber, "number" | "updated_at">, change: Partial<WriteNumber>) => {
    const etag = updated_at === undefined ? undefined : etagOf(updated_at);
    return ask<InboundNumber>("PATCH", of(number), { body: change, ...(etag ? { etag } : {}) });
  },
  remove: (number: string) => ask("DELETE", of(number)),
  flows: (signal?: AbortSignal) => every<FlowName>("/flows", signal),
};
