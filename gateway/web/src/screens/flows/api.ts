/** All that flows ask of the server. */
import { Problem, authorizedFetch } from "@/api";
import { type Page, address, ask } from "../inbox/api";
import { etagOf } from "../shared/etag";
import { type Compared, type Definition, type Flow, type FlowLine, type Simulate, type Simulated, type Step, type Version, type VersionDetail } from "./model";
import { fromWire, toWire } from "./wire";

/** A flow as it was read, with what a change of its draft is compared with. */
export interface Held {
  readonly flow: Flow;
  readonly etag: string | undefined;
}

const of = (id: string) => `/flows/${encodeURIComponent(id)}`;
const during = (signal: AbortSignal | undefined) => (signal ? { signal } : {});

/** With the answer's own tag: the draft's, which no list carries. */
async function held(method: "GET" | "PUT", path: string, { body, etag, signal }: { body?: unknown; etag?: string | undefined; signal?: AbortSignal | undefined } = {}): Promise<Held> {
  const headers: Record<string, string> = {};
  if (body !== undefined) headers["content-type"] = "application/json";
  if (etag) headers["if-match"] = etag;
  const answer = await authorizedFetch(new Request(address(path), { method, headers, body: body === undefined ? null : JSON.stringify(body), signal: signal ?? null }));
  if (!answer.ok) throw await Problem.of(answer);
  const flow = wholeFlow((await answer.json()) as Flow);
  const changed = flow.draft?.updated_at ?? flow.updated_at;
  return { flow, etag: answer.headers.get("etag") ?? (changed ? etagOf(changed) : undefined) };
}

function wholeFlow(flow: Flow): Flow {
  return {
    ...flow,
    draft: flow.draft ? { ...flow.draft, faults: flow.draft.faults ?? [], definition: fromWire(flow.draft.definition) } : null,
    published: flow.published ? { ...flow.published, definition: fromWire(flow.published.definition) } : null,
  };
}

export interface Schedule {
  readonly id: string;
  readonly name: string;
  readonly open_now?: boolean;
}

/** What of a past call is needed to choose it. */
export interface PastCall {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly started_at: string;
  readonly direction: string;
}

export const flowsApi = {
  list: async (signal?: AbortSignal): Promise<Page<FlowLine>> => {
    const page = await ask<Page<FlowLine>>("GET", "/flows", { query: { limit: 200 }, ...during(signal) });
    return { ...page, items: page.items.map((flow) => ({ ...flow, numbers: (flow.numbers as readonly (string | { readonly number: string })[] | undefined)?.map((one) => (typeof one === "string" ? one : one.number)) ?? [] })) };
  },
  one: (id: string, signal?: AbortSignal) => held("GET", of(id), { signal }),
  create: (name: string, definition?: Definition) => ask<Flow>("POST", "/flows", { body: { name, ...(definition ? { definition: toWire(definition) } : {}) } }),
  rename: (id: string, name: string) => ask<Flow>("PATCH", of(id), { body: { name } }),
  remove: (id: string) => ask("DELETE", of(id)),
  /** The server says 412 when somebody else was quicker; without a tag it writes over what is there. */
  saveDraft: (id: string, definition: Definition, etag: string | undefined) => held("PUT", `${of(id)}/draft`, { body: { definition: toWire(definition) }, etag }),
  dropDraft: (id: string) => ask("DELETE", `${of(id)}/draft`),
  publish: (id: string, note: string) => ask<Flow>("POST", `${of(id)}/publish`, { body: note.trim() === "" ? {} : { note: note.trim() } }),
  versions: (id: string, signal?: AbortSignal) => ask<Page<Version>>("GET", `${of(id)}/versions`, { query: { limit: 200 }, ...during(signal) }),
  version: async (id: string, version: number, signal?: AbortSignal): Promise<VersionDetail> => {
    const read = await ask<VersionDetail>("GET", `${of(id)}/versions/${String(version)}`, during(signal));
    return { ...read, definition: fromWire(read.definition) };
  },
  restore: (id: string, version: number) => ask<Flow>("POST", `${of(id)}/versions/${String(version)}/restore`),
  simulate: (id: string, what: Simulate, signal?: AbortSignal) => ask<Simulated>("POST", `${of(id)}/simulate`, { body: { ...what, ...(what.definition ? { definition: toWire(what.definition) } : {}) }, ...during(signal) }),
  compare: (call: string, flow: string, version: "draft" | number) => ask<Compared>("POST", `/calls/${encodeURIComponent(call)}/simulate`, { body: { flow_id: flow, version } }),
  trace: (call: string, signal?: AbortSignal) => ask<{ steps: readonly Step[] }>("GET", `/calls/${encodeURIComponent(call)}/trace`, during(signal)),
  schedules: (signal?: AbortSignal) => ask<Page<Schedule>>("GET", "/schedules", { query: { limit: 200 }, ...during(signal) }),
  pastCalls: (signal?: AbortSignal) => ask<Page<PastCall>>("GET", "/calls", { query: { limit: 50, direction: "inbound" }, ...during(signal) }),
};

