import { Skeleton } from "@/design";
import { useT } from "@/i18n";

/** While a screen is on its way. */
export function Pending() {
  const t = useT();
  return (
    <div role="status" aria-busy="true" aria-label={t("common.loading")} className="grid gap-6 p-5">
      <Skeleton width={180} height={24} />
      <Skeleton lines={6} height={18} />
    </div>
  );
}
