/** What the screen of opening hours asks of the server. */
import { ask } from "../inbox/api";
import { etagOf } from "../shared/etag";
import { every } from "../shared/every";
import type { Schedule, WriteOverride, WriteSchedule } from "./model";

const of = (id: string) => `/schedules/${encodeURIComponent(id)}`;

export const schedulesApi = {
  list: (signal?: AbortSignal) => every<Schedule>("/schedules", signal),
  create: (schedule: WriteSchedule) => ask<Schedule>("POST", "/schedules", { body: schedule }),
  change: ({ id, updated_at }: Pick<Schedule, "id" | "updated_at">, change: Partial<WriteSchedule>) => {
    const etag = updated_at === undefined ? undefined : etagOf(updated_at);
    return ask<Schedule>("PATCH", of(id), { body: change, ...(etag ? { etag } : {}) });
  },
  remove: (id: string) => ask("DELETE", of(id)),
  override: (id: string, override: WriteOverride) => ask<unknown>("PUT", `${of(id)}/override`, { body: override }),
  endOverride: (id: string) => ask<unknown>("DELETE", `${of(id)}/override`),
  overrideAll: (override: WriteOverride) => ask<unknown>("PUT", "/schedules/override", { body: override }),
  endAllOverrides: () => ask<unknown>("DELETE", "/schedules/override"),
};
