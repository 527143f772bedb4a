import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, body, useCan } from "@/api";
import type { components } from "@/api";
import { Card, ErrorState, PageHeader, SegmentedControl, Skeleton } from "@/design";
import { useT } from "@/i18n";
import { CopyButton } from "../devices/add-device";
import { type Way, snippet } from "./snippets";
import { HookTokens } from "./tokens";
import { TryHook } from "./try-hook";

type Described = components["schemas"]["Hooks"];
type HookInfo = components["schemas"]["HookInfo"];

/** Dialplan hooks: what to paste, what each sets, a way to try them, and the tokens for HTTP. */
export default function Hooks() {
  const t = useT();
  const mayManage = useCan("telephony:manage");
  const described = useQuery({ queryKey: ["hooks"], queryFn: ({ signal }) => body(api.GET("/api/v1/hooks", { signal })) });
  const [way, setWay] = useState<Way>("subroutine");
  return (
    <div className="flex min-h-full flex-col">
      <PageHeader title={t("common.nav.hooks")} description={t("hooks.about")} />
      <div className="grid w-full max-w-4xl grid-cols-[minmax(0,1fr)] gap-4 p-5 max-sm:p-3">
        {described.isPending ? (
          <div aria-busy="true">
            <Skeleton lines={8} />
          </div>
        ) : described.isError ? (
          <ErrorState error={described.error} onRetry={() => void described.refetch()} />
        ) : (
          <>
            <div className="grid gap-2">
              <SegmentedControl
                label={t("hooks.way")}
                value={way}
                onValueChange={(next) => setWay(next as Way)}
                options={[
                  { value: "subroutine", label: t("hooks.way.subroutine") },
                  { value: "agi", label: t("hooks.way.agi") },
                  { value: "http", label: t("hooks.way.http") },
                ]}
              />
              <p className="text-md text-ink-2">{described.data.agi === null && way !== "http" ? t("hooks.agi-off") : t(`hooks.way-text.${way}`, { ms: described.data.deadline_ms })}</p>
            </div>
            {described.data.items.map((hook) => (
              <HookCard key={hook.hook} hook={hook} way={way} described={described.data} />
            ))}
            {mayManage && <TryHook />}
            <HookTokens mayManage={mayManage} />
          </>
        )}
      </div>
    </div>
  );
}

function HookCard({ hook, way, described }: { hook: HookInfo; way: Way; described: Described }) {
  const t = useT();
  const text = snippet(hook.hook, way, { agi: described.agi ?? "127.0.0.1:4573", url: described.url });
  const title = `hook-${hook.hook}`;
  return (
    <Card className="grid grid-cols-[minmax(0,1fr)] gap-3">
      <section aria-labelledby={title} className="grid grid-cols-[minmax(0,1fr)] gap-3">
        <div>
          <h2 id={title} className="font-mono font-medium">
            {hook.hook}
          </h2>
          <p className="text-md text-ink-2">{t(`hooks.about.${hook.hook}`)}</p>
        </div>
        <div className="flex items-start gap-3 rounded-md bg-sunken px-3 py-2">
          <pre className="min-w-0 flex-1 font-mono text-sm break-words whitespace-pre-wrap" role="group" aria-label={t("hooks.paste", { hook: hook.hook })}>
            {text}
          </pre>
          <CopyButton text={text} label={`${t("common.copy")}: ${hook.hook}`} />
        </div>
        <details>
          <summary className="cursor-pointer text-md text-ink-2">{t("hooks.variables", { n: hook.variables.length })}</summary>
          <table className="mt-2 w-full text-left text-sm">
            <thead className="text-ink-3">
              <tr>
                <th className="py-1 pr-3 font-normal">{t("hooks.variable")}</th>
                <th className="py-1 pr-3 font-normal">{t("hooks.meaning")}</th>
                <th className="py-1 font-normal">{t("hooks.fallback")}</th>
              </tr>
            </thead>
            <tbody className="divide-y divide-line">
              {[...hook.variables, { name: "TRUNKLINE_HOOK", fallback: "away" }].map((variable) => (
                <tr key={variable.name}>
                  <td className="py-1 pr-3 align-top font-mono break-all sm:whitespace-nowrap">{variable.name}</td>
                  <td className="py-1 pr-3 align-top text-ink-2">{t(`hooks.var.${variable.name as "TRUNKLINE_OPEN"}`)}</td>
                  <td className="py-1 align-top font-mono">{variable.fallback === "" ? <span className="font-sans text-ink-3">{t("hooks.empty")}</span> : variable.fallback}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      </section>
    </Card>
  );
}
