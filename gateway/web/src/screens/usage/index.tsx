import { useQuery } from "@tanstack/react-query";
import { RefreshCw } from "lucide-react";
import { Card, ErrorState, IconButton, PageHeader, Skeleton, formatDateTime } from "@/design";
import { useT } from "@/i18n";
import { Meters } from "./meters";
import { usageQuery } from "./query";

/** What the company may use, and has used. */
export default function UsageScreen() {
  const t = useT();
  const usage = useQuery({ ...usageQuery, refetchOnMount: "always", refetchOnWindowFocus: "always" });
  return (
    <div className="flex min-h-full flex-col">
      <PageHeader
        title={t("common.nav.usage")}
        description={t("company.usage.about")}
        actions={
          <IconButton label={t("company.usage.refresh")} variant="secondary" onClick={() => void usage.refetch()}>
            <RefreshCw size={15} aria-hidden className={usage.isFetching ? "animate-spin" : undefined} />
          </IconButton>
        }
      />
      <div className="grid w-full max-w-2xl gap-4 p-5 max-sm:p-3">
        {usage.isError ? (
          <ErrorState error={usage.error} onRetry={() => void usage.refetch()} />
        ) : usage.isPending ? (
          <div aria-busy="true">
            <Skeleton lines={6} />
          </div>
        ) : (
          <Card>
            <h2 className="mb-3 text-lg font-semibold first-letter:uppercase">{formatDateTime(`${usage.data.month}T12:00:00Z`, { month: "long", year: "numeric", zone: "UTC" })}</h2>
            <Meters usage={usage.data} />
          </Card>
        )}
      </div>
    </div>
  );
}
