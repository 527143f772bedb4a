/** Where one can go, for the navigation, the palette and the title. */
import { Building2, Headset, ListChecks, ListOrdered, type LucideIcon, Phone, ScrollText, Settings, Users } from "lucide-react";
import { useMemo } from "react";
import { useCan } from "@/api";
import { useT } from "@/i18n";

export interface Place {
  to: "/calls" | "/agents" | "/queues" | "/devices" | "/setup" | "/audit" | "/jobs" | "/settings";
  title: string;
  icon: LucideIcon;
  shortcut?: string;
}

export function usePlaces(): readonly Place[] {
  const t = useT();
  const mayRun = useCan("setup:run");
  const mayAudit = useCan("audit:read");
  const mayReadJobs = useCan("jobs:read");
  return useMemo(
    () => [
      { to: "/calls", title: t("common.nav.calls"), icon: Phone, shortcut: "g c" },
      { to: "/queues", title: t("common.nav.queues"), icon: ListOrdered, shortcut: "g q" },
      { to: "/agents", title: t("common.nav.agents"), icon: Users, shortcut: "g a" },
      { to: "/devices", title: t("common.nav.devices"), icon: Headset, shortcut: "g d" },
      ...(mayRun ? [{ to: "/setup" as const, title: t("common.nav.setup"), icon: Building2 }] : []),
      ...(mayAudit ? [{ to: "/audit" as const, title: t("common.nav.audit"), icon: ScrollText }] : []),
      ...(mayReadJobs ? [{ to: "/jobs" as const, title: t("common.nav.jobs"), icon: ListChecks, shortcut: "g j" }] : []),
      { to: "/settings", title: t("common.nav.settings"), icon: Settings, shortcut: "g s" },
    ],
    [t, mayRun, mayAudit, mayReadJobs],
  );
}
