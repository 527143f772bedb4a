import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useCan } from "@/api";
import { settingsQuery } from "@/api/settings";
import { ErrorState, PageHeader, SegmentedControl, Skeleton } from "@/design";
import { useT } from "@/i18n";
import { SettingList } from "./list";

/** The levels below the platform's. */
type Mine = "user" | "session" | "tenant";

/** Every setting there is: for oneself, for this sign-in, and for the whole company by those who may. */
export default function AllSettings() {
  const t = useT();
  const mayManage = useCan("settings:manage");
  const list = useQuery({ ...settingsQuery, refetchOnMount: "always" });
  const [level, setLevel] = useState<Mine>("user");
  const levels: Mine[] = mayManage ? ["user", "session", "tenant"] : ["user", "session"];
  return (
    <div className="flex min-h-full flex-col">
      <PageHeader title={t("common.nav.all-settings")} description={t("company.settings.about")} />
      <div className="grid w-full max-w-4xl gap-4 p-5 max-sm:p-3">
        <div className="grid gap-1">
          <div>
            <SegmentedControl label={t("company.settings.for")} value={level} onValueChange={(next) => setLevel(levels.find((one) => one === next) ?? "user")} options={levels.map((one) => ({ value: one, label: t(`company.for.${one}`) }))} />
          </div>
          <p className="text-sm text-ink-3">{t(`company.for.${level}-about`)}</p>
        </div>
        {list.isError ? (
          <ErrorState error={list.error} onRetry={() => void list.refetch()} />
        ) : list.isPending ? (
          <div aria-busy="true">
            <Skeleton lines={8} />
          </div>
        ) : (
          <SettingList settings={list.data} level={level} mayChange={level !== "tenant" || mayManage} queryKey={settingsQuery.queryKey} />
        )}
      </div>
    </div>
  );
}
