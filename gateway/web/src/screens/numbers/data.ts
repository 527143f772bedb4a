import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { useCan } from "@/api";
import type { Option } from "@/design";
import { t, useT } from "@/i18n";
import { useAgents, useEvents, useLiveReady, useQueues } from "@/live";
import { numbersApi } from "./api";
import { HANG_UP, choiceOf } from "./draft";
import type { FlowName, Target } from "./model";

export function useNumbers() {
  const mayRead = useCan("telephony:read");
  return useQuery({ queryKey: ["numbers", "all"], enabled: mayRead, queryFn: ({ signal }) => numbersApi.list(signal), refetchOnMount: "always", refetchOnWindowFocus: "always" });
}

/** What somebody else changes shows at once. */
export function useNumbersTold(): void {
  const queries = useQueryClient();
  useEvents(["number.*", "flow.*"], (event) => void queries.invalidateQueries({ queryKey: [event.kind.startsWith("flow.") ? "flows" : "numbers"] }));
}

const NO_FLOWS: readonly FlowName[] = [];

export interface Targets {
  /** Where a number may lead. */
  readonly options: readonly Option[];
  /** What a target is called; undefined for one that is gone. */
  nameOf(target: Target): string | undefined;
}

export function useTargets(): Targets {
  useT();
  const mayRead = useCan("telephony:read");
  const queues = useQueues();
  const agents = useAgents();
  const ready = useLiveReady();
  const list = useQuery({ queryKey: ["flows", "names"], enabled: mayRead, queryFn: ({ signal }) => numbersApi.flows(signal), refetchOnMount: "always", retry: false });
  const flows = list.data ?? NO_FLOWS;
  const known = list.isSuccess;
  return useMemo(() => {
    const named = (text: string, name: string) => ({ label: t(text === "queue" ? "numbers.to.queue" : text === "flow" ? "numbers.to.flow" : "numbers.to.agent", { name }) });
    const byName = <T extends { name: string }>(all: readonly T[]) => [...all].sort((a, b) => a.name.localeCompare(b.name));
    const options: Option[] = [
      ...byName(queues).map((one) => ({ value: `queue:${one.id}`, ...named("queue", one.name) })),
      ...byName(flows).map((one) => ({ value: `flow:${one.id}`, ...(one.published === null ? { label: t("numbers.to.flow-draft", { name: one.name }), disabled: true } : named("flow", one.name)) })),
      ...byName(agents).map((one) => ({ value: `agent:${one.id}`, ...named("agent", one.name) })),
      { value: HANG_UP, label: t("numbers.to.hang_up") },
    ];
    const names = new Map(options.map((one) => [one.value, one.label]));
    return {
      options,
      nameOf: (target) => {
        const name = names.get(choiceOf(target));
        // What is not read yet is not gone.
        const unread = target.type === "flow" ? !known : !ready;
        return name ?? (unread ? "…" : undefined);
      },
    };
  }, [queues, agents, flows, known, ready]);
}
