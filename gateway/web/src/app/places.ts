/** Where one can go, for the navigation, the palette and the title. */
import { Building2, ChartColumn, Gauge, Headset, Inbox, KeyRound, ListChecks, ListOrdered, LogIn, type LucideIcon, Monitor, Phone, PhoneMissed, PhoneOutgoing, ScrollText, Server, Settings, ShieldCheck, SlidersHorizontal, Store, UserCog, UserPlus, Users } from "lucide-react";
import { useMemo } from "react";
import { useCan } from "@/api";
import { useT } from "@/i18n";

export interface Place {
  to:
    | "/inbox"
    | "/calls"
    | "/worklist"
    | "/agents"
    | "/queues"
    | "/board"
    | "/devices"
    | "/setup"
    | "/audit"
    | "/platform"
    | "/reports"
    | "/settings"
    | "/settings/all"
    | "/settings/security"
    | "/settings/members"
    | "/settings/sign-in"
    | "/settings/roles"
    | "/settings/api-keys"
    | "/settings/jobs"
    | "/settings/sites"
    | "/settings/channels"
    | "/settings/inbox"
    | "/settings/dialing"
    | "/settings/usage";
  title: string;
  icon: LucideIcon;
  shortcut?: string;
  /** Reached from there, and from the palette: the rail has room for what is needed all day. */
  under?: "/settings";
}

export function usePlaces(): readonly Place[] {
  const t = useT();
  const mayRead = useCan("conversations:read");
  const mayCalls = useCan("calls:read");
  const mayRun = useCan("setup:run");
  const mayAudit = useCan("audit:read");
  const mayRoles = useCan("roles:read");
  const mayMembers = useCan("members:read");
  const mayProvider = useCan("sign_in:manage");
  const mayKeys = useCan("api_keys:manage");
  const mayReadJobs = useCan("jobs:read");
  const maySites = useCan("sites:read");
  const mayChannels = useCan("channels:read");
  const mayDialing = useCan("dialing:read");
  const mayUsage = useCan("usage:read");
  const mayReports = useCan("reports:read");
  const maySupervise = useCan("calls:supervise");
  const mayPlatform = useCan("platform:manage");
  return useMemo(
    () => [
      ...(mayRead ? [{ to: "/inbox" as const, title: t("common.nav.inbox"), icon: Inbox, shortcut: "g i" }] : []),
      { to: "/calls", title: t("common.nav.calls"), icon: Phone, shortcut: "g c" },
      ...(mayCalls ? [{ to: "/worklist" as const, title: t("common.nav.worklist"), icon: PhoneMissed, shortcut: "g r" }] : []),
      { to: "/queues", title: t("common.nav.queues"), icon: ListOrdered, shortcut: "g q" },
      { to: "/agents", title: t("common.nav.agents"), icon: Users, shortcut: "g a" },
      ...(mayReports || maySupervise ? [{ to: "/board" as const, title: t("people.board"), icon: Monitor, shortcut: "g b" }] : []),
      { to: "/devices", title: t("common.nav.devices"), icon: Headset, shortcut: "g d" },
      ...(mayRun ? [{ to: "/setup" as const, title: t("common.nav.setup"), icon: Building2 }] : []),
      ...(mayAudit ? [{ to: "/audit" as const, title: t("common.nav.audit"), icon: ScrollText }] : []),
      ...(mayPlatform ? [{ to: "/platform" as const, title: t("common.nav.platform"), icon: Server }] : []),
      ...(mayReports ? [{ to: "/reports" as const, title: t("calls.reports"), icon: ChartColumn, under: "/settings" as const }] : []),
      { to: "/settings", title: t("common.nav.settings"), icon: Settings, shortcut: "g s" },
      { to: "/settings/all", title: t("common.nav.all-settings"), icon: SlidersHorizontal, under: "/settings" },
      { to: "/settings/security", title: t("common.nav.security"), icon: UserCog, under: "/settings" },
      ...(mayMembers ? [{ to: "/settings/members" as const, title: t("common.nav.members"), icon: UserPlus, under: "/settings" as const }] : []),
      ...(mayProvider ? [{ to: "/settings/sign-in" as const, title: t("common.nav.sign-in"), icon: LogIn, under: "/settings" as const }] : []),
      ...(mayRoles ? [{ to: "/settings/roles" as const, title: t("common.nav.roles"), icon: ShieldCheck, under: "/settings" as const }] : []),
      ...(mayKeys ? [{ to: "/settings/api-keys" as const, title: t("common.nav.keys"), icon: KeyRound, under: "/settings" as const }] : []),
      ...(mayReadJobs ? [{ to: "/settings/jobs" as const, title: t("common.nav.jobs"), icon: ListChecks, shortcut: "g j", under: "/settings" as const }] : []),
      ...(maySites ? [{ to: "/settings/sites" as const, title: t("common.nav.sites"), icon: Store, under: "/settings" as const }] : []),
      ...(mayChannels ? [{ to: "/settings/channels" as const, title: t("common.nav.channels"), icon: Headset, under: "/settings" as const }] : []),
      ...(mayRead ? [{ to: "/settings/inbox" as const, title: t("common.nav.inbox-settings"), icon: Inbox, under: "/settings" as const }] : []),
      ...(mayDialing ? [{ to: "/settings/dialing" as const, title: t("calls.direction.outbound"), icon: PhoneOutgoing, under: "/settings" as const }] : []),
      ...(mayUsage ? [{ to: "/settings/usage" as const, title: t("common.nav.usage"), icon: Gauge, under: "/settings" as const }] : []),
    ],
    [t, mayRead, mayCalls, mayRun, mayAudit, mayMembers, mayProvider, mayRoles, mayKeys, mayReadJobs, maySites, mayChannels, mayUsage, mayReports, maySupervise, mayPlatform, mayDialing],
  );
}
