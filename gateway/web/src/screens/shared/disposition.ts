/** What a call came to: what may be said, what was said, and what is being said. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, body, newKey } from "@/api";
import type { components } from "@/api";

export type Disposition = components["schemas"]["CallDisposition"];
type Call = components["schemas"]["Call"];
/** The server leaves nothing out of its answers. */
export type Works = Required<components["schemas"]["QueueWorks"]>;

/** How a queue works, with the mark of its state. */
export function worksQuery(id: string) {
  return {
    queryKey: ["queue-routing", id],
    queryFn: async ({ signal }: { signal: AbortSignal }) => {
      const { data, response } = await api.GET("/api/v1/queues/{id}/routing", { params: { path: { id } }, signal });
      return { works: data as Works, etag: response.headers.get("etag") ?? undefined };
    },
  };
}

export interface Choice {
  readonly code: string | undefined;
  readonly note: string;
}

/** What stands in the form: what was changed there, else what was said before. */
export function choiceOf(said: Disposition | undefined, edited: Partial<Choice>): Choice & { readonly changed: boolean } {
  const code = edited.code ?? said?.code;
  const note = edited.note ?? said?.note ?? "";
  return { code, note, changed: code !== undefined && (code !== said?.code || note.trim() !== (said?.note ?? "")) };
}

/** The form of one agent for one call. */
export function useDisposition(callId: string | undefined, agentId: string, queueId?: string | null) {
  const queries = useQueryClient();
  const [edited, edit] = useState<Partial<Choice>>({});
  const [key, setKey] = useState(newKey);
  const call = useQuery({
    queryKey: ["call", callId],
    enabled: callId !== undefined,
    queryFn: ({ signal }) => body(api.GET("/api/v1/calls/{id}", { params: { path: { id: callId ?? "" } }, signal })),
  });
  const queue = queueId ?? call.data?.queue_id ?? "";
  const works = useQuery({ ...worksQuery(queue), enabled: queue !== "" });
  const said = call.data?.dispositions.find((one) => one.agent_id === agentId);
  const choice = choiceOf(said, edited);
  const save = useMutation({
    mutationFn: () => body(api.POST("/api/v1/calls/{id}/disposition", { params: { path: { id: callId ?? "" }, header: { "Idempotency-Key": key } }, body: { code: choice.code ?? "", ...(choice.note.trim() ? { note: choice.note.trim() } : {}) } })),
    onSuccess: (now) => {
      queries.setQueryData<Call>(["call", callId], (known) => known && { ...known, dispositions: [...known.dispositions.filter((one) => one.agent_id !== agentId), now] });
      edit({});
    },
    // The next one is another request, whatever became of this.
    onSettled: () => setKey(newKey()),
  });
  return {
    call: call.data,
    works: works.data?.works,
    choices: works.data?.works.routing.dispositions ?? [],
    required: works.data?.works.routing.disposition_required ?? false,
    said,
    choice,
    edit: (part: Partial<Choice>) => edit((now) => ({ ...now, ...part })),
    save,
  };
}
