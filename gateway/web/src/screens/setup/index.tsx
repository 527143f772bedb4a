import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Problem, type components, useCan, useMe } from "@/api";
import { ErrorState, PageHeader, Skeleton } from "@/design";
import { useT } from "@/i18n";
import { Demo } from "./demo";
import { Done } from "./done";
import { setupQuery } from "./query";
import { Wizard } from "./wizard";

export type Result = components["schemas"]["SetUp"];

/** From the demo to a company of one's own; and away with the demo. */
export default function SetupScreen() {
  const t = useT();
  // No event tells of a removal's end: the one thing that is asked for again, and only while it goes on.
  const state = useQuery({ ...setupQuery, refetchInterval: (query) => (query.state.data?.removing ? 2000 : false) });
  const [done, setDone] = useState<Result>();
  const queries = useQueryClient();
  const me = useMe();
  const may = useCan("setup:run");
  const finish = (result: Result) => {
    setDone(result);
    void queries.invalidateQueries({ queryKey: setupQuery.queryKey });
  };
  return (
    <div className="flex min-h-full flex-col">
      <PageHeader title={t("common.nav.setup")} description={done ? t("wizard.done.about") : t("wizard.about")} />
      <div className="mx-auto grid w-full max-w-4xl gap-6 p-5 max-sm:p-3">
        {me && !may ? (
          <ErrorState error={new Problem({ status: 403, code: "forbidden" })} />
        ) : state.isPending || !me ? (
          <div aria-busy="true">
            <Skeleton lines={6} height={22} />
          </div>
        ) : state.isError ? (
          <ErrorState error={state.error} onRetry={() => void state.refetch()} />
        ) : (
          <>
            {done ? <Done result={done} /> : state.data.demo ? <Wizard onDone={finish} /> : <p className="text-md text-ink-2">{t("wizard.own")}</p>}
            {/* Not beneath the passwords: whoever is in the demo is signed out with it, and they would be lost. */}
            {state.data.demo_present && !done && <Demo inside={state.data.demo === true} removing={state.data.removing === true} own={state.data.needed === false} />}
          </>
        )}
      </div>
    </div>
  );
}
