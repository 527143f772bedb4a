import { useState } from "react";
import { PageHeader, Tabs } from "@/design";
import { useT } from "@/i18n";
import { DncList } from "./dnc-list";
import { MarksList } from "./marks-list";
import { RulesForm } from "./rules-form";
import { TryNumber } from "./try-number";

/** Whom the company calls: its rules, whom it does not call, whom it marked. */
export default function Dialing() {
  const t = useT();
  const [tab, setTab] = useState("rules");
  return (
    <div className="flex min-h-full flex-col">
      <PageHeader title={t("dialing.title")} description={t("dialing.about")} />
      <div className="w-full max-w-4xl p-5 max-sm:p-3">
        <Tabs
          value={tab}
          onValueChange={setTab}
          tabs={[
            { value: "rules", label: t("dialing.tab.rules") },
            { value: "dnc", label: t("dialing.tab.dnc") },
            { value: "marks", label: t("dialing.tab.marks") },
          ]}
        >
          <div className="grid gap-4 pt-4">
            {tab === "rules" && (
              <>
                <TryNumber />
                <RulesForm />
              </>
            )}
            {tab === "dnc" && <DncList />}
            {tab === "marks" && <MarksList />}
          </div>
        </Tabs>
      </div>
    </div>
  );
}
