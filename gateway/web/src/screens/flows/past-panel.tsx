import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Banner, Button, Combobox, ErrorState, Field, Skeleton, formatDateTime, grouped, useZone } from "@/design";
import { useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { flowsApi } from "./api";
import type { Places } from "./data";
import type { Definition, Step } from "./model";
import { StepList } from "./step-list";
import { endsText } from "./words";

interface Props {
  flow: string;
  /** The call that one came from. */
  call: string | undefined;
  definition: Definition;
  places: Places;
  /** What is typed is with the server: it is the server's draft that is tried. */
  flush: () => Promise<boolean>;
  hasDraft: boolean;
  version: number | undefined;
  onPath: (steps: readonly Step[] | undefined) => void;
  onGo: (node: string) => void;
}

/** A call that was, run through the draft: what would have changed. */
export function PastPanel({ flow, call: from, definition, places, flush, hasDraft, version, onPath, onGo }: Props) {
  const t = useT();
  const zone = useZone();
  const [call, setCall] = useState(from);
  const calls = useQuery({ queryKey: ["flow-calls"], queryFn: ({ signal }) => flowsApi.pastCalls(signal), staleTime: 0 });
  const compare = useMutation({
    mutationFn: async (id: string) => {
      await flush();
      return flowsApi.compare(id, flow, hasDraft || version === undefined ? "draft" : version);
    },
  });
  const { data } = compare;
  useEffect(() => {
    onPath(data?.would);
  }, [data, onPath]);
  useEffect(() => () => onPath(undefined), [onPath]);
  const items = calls.data?.items ?? [];
  const options = items.map((one) => ({ value: one.id, label: `${formatDateTime(one.started_at, { ...(zone ? { zone } : {}), dateStyle: "short", timeStyle: "short" })} · ${grouped(one.from)}` }));
  const shown = call !== undefined && !items.some((one) => one.id === call) ? [{ value: call, label: call }, ...options] : options;
  return (
    <div className="grid gap-4">
      <div>
        <h2 className="text-lg font-semibold">{t("flows.past-title")}</h2>
        <p className="text-sm text-ink-2">{t("flows.past-about")}</p>
      </div>
      {calls.isError ? (
        <ErrorState error={calls.error} onRetry={() => void calls.refetch()} />
      ) : calls.isPending ? (
        <Skeleton lines={2} />
      ) : shown.length === 0 ? (
        <p className="text-ink-2">{t("flows.past-none")}</p>
      ) : (
        <form
          className="flex items-end gap-2"
          onSubmit={(event) => {
            event.preventDefault();
            if (call !== undefined && !compare.isPending) compare.mutate(call);
          }}
        >
          <Field label={t("flows.past-call")} className="min-w-0 flex-1">
            <Combobox value={call} onValueChange={setCall} options={shown} />
          </Field>
          <Button type="submit" variant="primary" busy={compare.isPending} disabled={call === undefined}>
            {t("flows.past-run")}
          </Button>
        </form>
      )}
      {compare.isError && (
        <Banner tone="bad" className="rounded-md">
          <div role="alert">
            {t("flows.past-failed")}: {problemText(compare.error)}
          </div>
        </Banner>
      )}
      {data && (
        <div className="grid gap-4 border-t border-line pt-3">
          <p role="status" className={`rounded-md px-3 py-2 font-medium ${data.differs_at === null ? "bg-live-soft" : "bg-ring-soft"}`}>
            {data.differs_at === null ? t("flows.past-same") : endsText(data.ends, definition, places)}
          </p>
          <div className="grid grid-cols-2 gap-3 max-sm:grid-cols-1" data-compared>
            <section className="min-w-0">
              <h3 className="mb-2 text-sm font-semibold">{t("flows.past-was")}</h3>
              <StepList steps={data.was} nameOf={places.nameOf} label={t("flows.past-was")} differsAt={data.differs_at} />
            </section>
            <section className="min-w-0">
              <h3 className="mb-2 text-sm font-semibold">{t("flows.past-would")}</h3>
              <StepList steps={data.would} nameOf={places.nameOf} label={t("flows.past-would")} differsAt={data.differs_at} onGo={onGo} />
            </section>
          </div>
        </div>
      )}
    </div>
  );
}
