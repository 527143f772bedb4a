import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Gauge } from "lucide-react";
import { Suspense, lazy, useState } from "react";
import { Banner } from "@/design";
import { loadArea, useT } from "@/i18n";
import { useEvents } from "@/live";
import { useAlarm } from "../dialing/alarm";
import { usageQuery } from "./query";
import { usedText } from "./words";

/** Comes with its texts when there is one. */
const AlarmBanner = lazy(async () => {
  await loadArea("dialing");
  return { default: (await import("../dialing/alarm-banner")).AlarmBanner };
});

/** What those who steer the company have to know at once. */
export function Banners() {
  const { alarm, dismiss } = useAlarm();
  return (
    <>
      {alarm && (
        <Suspense fallback={null}>
          <AlarmBanner words={alarm.words} onDismiss={dismiss} />
        </Suspense>
      )}
      <UsageBanner />
    </>
  );
}

/** Above every screen of those who may know, when a limit is near or reached. */
function UsageBanner() {
  const t = useT();
  const queries = useQueryClient();
  const { data } = useQuery(usageQuery);
  const [hidden, setHidden] = useState<string>();
  useEvents(["limit.*"], () => void queries.invalidateQueries({ queryKey: usageQuery.queryKey }));
  const tight = (data?.items ?? []).filter((used) => used.standing !== "fine");
  const state = tight.map((used) => `${used.resource} ${used.standing}`).join(", ");
  if (tight.length === 0 || hidden === state) return null;
  const reached = tight.some((used) => used.standing === "reached");
  return (
    <Banner
      tone={reached ? "bad" : "ring"}
      icon={<Gauge size={16} aria-hidden />}
      onDismiss={() => setHidden(state)}
      action={
        <Link to="/settings/usage" className="inline-flex h-7 items-center rounded-md border border-line-strong bg-surface px-2.5 text-sm font-medium text-ink hover:bg-sunken">
          {t("common.nav.usage")}
        </Link>
      }
    >
      {reached ? t("company.usage.banner.reached") : t("company.usage.banner.near")} {tight.map((used) => `${t(`company.usage.${used.resource}`)}: ${usedText(used)}`).join(" · ")}
    </Banner>
  );
}
