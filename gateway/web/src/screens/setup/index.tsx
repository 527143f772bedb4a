import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { components } from "@/api";
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
  return (
    <div className="flex min-h-full flex-col">
      <PageHeader title={t("common.nav.setup")} description={done ? t("setup.done.about") : t("setup.about")} />
      <div className="mx-auto grid w-full max-w-4xl gap-6 p-5 max-sm:p-3">
        {state.isPending ? (
          <div aria-busy="true">
            <Skeleton lines={6} height={22} />
          </div>
        ) : state.isError ? (
          <ErrorState error={state.error} onRetry={() => void state.refetch()} />
        ) : (
          <>
            {done ? <Done result={done} /> : state.data.demo ? <Wizard onDone={setDone} /> : <p className="text-md text-ink-2">{t("setup.own")}</p>}
            {state.data.demo_present && <Demo inside={state.data.demo === true} removing={state.data.removing === true} own={done !== undefined || state.data.needed === false} />}
          </>
        )}
      </div>
    </div>
  );
}
