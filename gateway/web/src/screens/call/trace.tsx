import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { Problem, useCan } from "@/api";
import { Card, Combobox, ErrorState, Field, Skeleton } from "@/design";
import { useT } from "@/i18n";
import { useAgents, useEvents, useQueues } from "@/live";
import { flowsApi } from "../flows/api";
import { flowsQuery } from "../flows/data";
import { StepList } from "../flows/step-list";

/** Why a call went where it went: what decided, in order. Nothing at all for a call that nothing decided about. */
export function Trace({ id }: { id: string }) {
  const t = useT();
  const queries = useQueryClient();
  const agents = useAgents();
  const queues = useQueues();
  const mayTry = useCan("telephony:read");
  const flows = useQuery({ ...flowsQuery, enabled: mayTry }).data?.items;
  const queryKey = useMemo(() => ["call", id, "trace"], [id]);
  const trace = useQuery({ queryKey, queryFn: ({ signal }) => flowsApi.trace(id, signal), retry: false });
  useEvents(["call.*"], (event) => {
    if (event.subject.id === id) void queries.invalidateQueries({ queryKey });
  });
  const names = useMemo(() => new Map([...queues, ...agents, ...(flows ?? [])].map((one) => [one.id, one.name])), [agents, queues, flows]);
  const nameOf = (one: unknown) => (typeof one === "string" ? names.get(one) : undefined);
  const steps = trace.data?.steps;
  // Nothing decided, or nothing is told.
  if (steps?.length === 0 || (trace.error instanceof Problem && (trace.error.status === 403 || trace.error.status === 404))) return null;
  return (
    <Card>
      <section aria-label={t("trace.title")}>
        <h2 className="text-sm font-semibold">{t("trace.title")}</h2>
        <p className="mb-3 text-sm text-ink-3">{t("trace.about")}</p>
        {trace.isError ? (
          <ErrorState error={trace.error} onRetry={() => void trace.refetch()} />
        ) : !steps ? (
          <div aria-busy="true">
            <Skeleton lines={3} />
          </div>
        ) : (
          <>
            <StepList steps={steps} nameOf={nameOf} label={t("trace.title")} />
            {flows && flows.length > 0 && <Otherwise call={id} flows={flows} usual={steps.map((step) => step.data.flow_id).find((one): one is string => typeof one === "string" && flows.some((flow) => flow.id === one))} />}
          </>
        )}
      </section>
    </Card>
  );
}

/** Leads to a flow's editor, with this call beside it. */
function Otherwise({ call, flows, usual }: { call: string; flows: readonly { id: string; name: string }[]; usual: string | undefined }) {
  const t = useT();
  const [flow, setFlow] = useState(usual ?? flows[0]?.id);
  return (
    <div className="mt-3 flex flex-wrap items-end gap-2 border-t border-line pt-3">
      <Field label={t("trace.try")} className="min-w-0 flex-1 basis-52">
        <Combobox value={flow} onValueChange={setFlow} options={flows.map((one) => ({ value: one.id, label: one.name }))} />
      </Field>
      {flow !== undefined && (
        <Link to="/settings/flows/$flowId" params={{ flowId: flow }} search={{ call } as never} className="inline-flex h-8 items-center rounded-md border border-line-strong px-3 text-md font-medium hover:bg-sunken">
          {t("trace.try-go")}
        </Link>
      )}
    </div>
  );
}
