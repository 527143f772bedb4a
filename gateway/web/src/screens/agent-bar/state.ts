import { useMutation } from "@tanstack/react-query";
import { api, body } from "@/api";
import { toast } from "@/design";
import { useT } from "@/i18n";
import type { LiveAgent } from "@/live";
import { problemText } from "../calls/problem-text";

export type Wanted = LiveAgent["state"];

export interface Pause {
  state: Wanted;
  reason: string | null;
  since: string;
  set: (state: Wanted, reason?: string) => void;
}

/** My state, shown as I asked for it until the stream says it; as it was when the server refuses. */
export function usePause(agent: LiveAgent): Pause {
  const t = useT();
  const change = useMutation({
    mutationFn: ({ state, reason }: { state: Wanted; reason?: string | undefined; at: string }) => body(api.PUT("/api/v1/agents/me/state", { body: { state, ...(reason ? { reason } : {}) } })),
    onError: (error) => toast({ title: t("people.state.failed"), description: problemText(error), tone: "bad" }),
  });
  const asked = change.variables;
  // Until the answer is here, and after it until the stream has caught up with it.
  const pending = asked !== undefined && change.status !== "error" && Date.parse(agent.state_since) < Date.parse(asked.at) - CLOCKS_MS;
  const shown = pending && !(change.isSuccess && agent.state === asked.state && (agent.reason ?? undefined) === asked.reason);
  return {
    state: shown ? asked.state : agent.state,
    reason: shown ? (asked.reason ?? null) : (agent.reason ?? null),
    since: shown ? asked.at : agent.state_since,
    set: (state, reason) => change.mutate({ state, reason, at: new Date().toISOString() }),
  };
}

/** How far this machine's clock may be from the server's before the timer would be wrong anyway. */
const CLOCKS_MS = 2000;
