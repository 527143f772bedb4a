import { CircleAlert, CircleCheck, TriangleAlert } from "lucide-react";
import { EmptyState } from "@/design";
import { useT } from "@/i18n";
import type { Places } from "./data";
import type { Definition } from "./model";
import type { LocalFault } from "./validate";
import { faultText, refName } from "./words";

/** All that is wrong, the errors first; each leads to its place. */
export function FaultList({ faults, places, definition, onGo }: { faults: readonly LocalFault[]; places: Places; definition: Definition; onGo: (fault: LocalFault) => void }) {
  const t = useT();
  if (faults.length === 0) return <EmptyState icon={<CircleCheck size={28} />} title={t("flows.faults-none")} text={t("flows.faults-none-text")} />;
  const sorted = [...faults.filter((one) => one.severity === "error"), ...faults.filter((one) => one.severity === "warning")];
  return (
    <div className="grid gap-2">
      <p className="text-sm text-ink-2">{t("flows.faults-help")}</p>
      <ul aria-label={t("flows.faults")} className="grid gap-1">
        {sorted.map((fault, at) => {
          const node = definition.nodes.find((one) => one.id === fault.node);
          return (
            <li key={`${fault.node ?? ""} ${fault.field ?? ""} ${fault.code} ${String(at)}`}>
              <button type="button" data-fault={fault.code} onClick={() => onGo(fault)} className="flex w-full items-start gap-2 rounded-md border border-line bg-surface px-2.5 py-1.5 text-start hover:bg-sunken">
                {fault.severity === "error" ? <CircleAlert size={16} aria-hidden className="mt-0.5 shrink-0 text-bad" /> : <TriangleAlert size={16} aria-hidden className="mt-0.5 shrink-0 text-ring" />}
                <span className="grid min-w-0">
                  <span className="text-md font-medium [overflow-wrap:anywhere]">
                    <span className="sr-only">{t(`flows.severity.${fault.severity}`)}: </span>
                    {node ? refName(node, places) : t("flows.fault-whole")}
                  </span>
                  <span className="text-sm text-ink-2">{faultText(fault)}</span>
                </span>
              </button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
