/** Where one can go, for the navigation, the palette and the title. */
import { ArrowLeftRight, AudioLines, Building2, ChartColumn, Clock, Gauge, Headset, Inbox, KeyRound, ListChecks, ListOrdered, LogIn, type LucideIcon, Monitor, Phone, PhoneIncoming, PhoneMissed, PhoneOutgoing, ScrollText, Server, Settings, ShieldCheck, SlidersHorizontal, Store, UserCog, UserPlus, Users, Webhook, Workflow } from "lucide-react";
import { useMemo } from "react";
import { useMe } from "@/api";
import { type TextKey, currentLanguage, useT } from "@/i18n";

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
    | "/settings/hooks"
    | "/settings/jobs"
    | "/settings/sites"
    | "/settings/channels"
    | "/settings/numbers"
    | "/settings/trunks"
    | "/settings/hours"
    | "/settings/inbox"
    | "/settings/dialing"
    | "/settings/flows"
    | "/settings/sounds"
    | "/settings/usage";
  title: string;
  icon: LucideIcon;
  shortcut?: string;
  /** Reached from there, and from the palette: the rail has room for what is needed all day. */
  under?: "/settings";
}

/** `needs`: one of these permissions; nothing where everybody may. */
type Listed = Omit<Place, "title"> & { title: TextKey; needs?: readonly string[] };
const SETTINGS = { under: "/settings" } as const;

const PLACES: readonly Listed[] = [
  { to: "/inbox", title: "common.nav.inbox", icon: Inbox, shortcut: "g i", needs: ["conversations:read"] },
  { to: "/calls", title: "common.nav.calls", icon: Phone, shortcut: "g c" },
  { to: "/worklist", title: "common.nav.worklist", icon: PhoneMissed, shortcut: "g r", needs: ["calls:read"] },
  { to: "/queues", title: "common.nav.queues", icon: ListOrdered, shortcut: "g q" },
  { to: "/agents", title: "common.nav.agents", icon: Users, shortcut: "g a" },
  { to: "/board", title: "people.board", icon: Monitor, shortcut: "g b", needs: ["reports:read", "calls:supervise"] },
  { to: "/devices", title: "common.nav.devices", icon: Headset, shortcut: "g d" },
  { to: "/setup", title: "common.nav.setup", icon: Building2, needs: ["setup:run"] },
  { to: "/audit", title: "common.nav.audit", icon: ScrollText, needs: ["audit:read"] },
  { to: "/platform", title: "common.nav.platform", icon: Server, needs: ["platform:manage"] },
  { to: "/reports", title: "calls.reports", icon: ChartColumn, needs: ["reports:read"], ...SETTINGS },
  { to: "/settings", title: "common.nav.settings", icon: Settings, shortcut: "g s" },
  { to: "/settings/all", title: "common.nav.all-settings", icon: SlidersHorizontal, ...SETTINGS },
  { to: "/settings/security", title: "common.nav.security", icon: UserCog, ...SETTINGS },
  { to: "/settings/members", title: "common.nav.members", icon: UserPlus, needs: ["members:read"], ...SETTINGS },
  { to: "/settings/sign-in", title: "common.nav.sign-in", icon: LogIn, needs: ["sign_in:manage"], ...SETTINGS },
  { to: "/settings/roles", title: "common.nav.roles", icon: ShieldCheck, needs: ["roles:read"], ...SETTINGS },
  { to: "/settings/api-keys", title: "common.nav.keys", icon: KeyRound, needs: ["api_keys:manage"], ...SETTINGS },
  { to: "/settings/jobs", title: "common.nav.jobs", icon: ListChecks, shortcut: "g j", needs: ["jobs:read"], ...SETTINGS },
  { to: "/settings/sites", title: "common.nav.sites", icon: Store, needs: ["sites:read"], ...SETTINGS },
  { to: "/settings/channels", title: "common.nav.channels", icon: Headset, needs: ["channels:read"], ...SETTINGS },
  { to: "/settings/numbers", title: "common.nav.numbers", icon: PhoneIncoming, needs: ["telephony:read"], ...SETTINGS },
  { to: "/settings/hours", title: "common.nav.hours", icon: Clock, needs: ["telephony:read"], ...SETTINGS },
  { to: "/settings/trunks", title: "common.nav.trunks", icon: ArrowLeftRight, needs: ["telephony:read"], ...SETTINGS },
  { to: "/settings/flows", title: "common.nav.flows", icon: Workflow, needs: ["telephony:read"], ...SETTINGS },
  { to: "/settings/sounds", title: "common.nav.sounds", icon: AudioLines, needs: ["telephony:read"], ...SETTINGS },
  { to: "/settings/hooks", title: "common.nav.hooks", icon: Webhook, needs: ["telephony:read"], ...SETTINGS },
  { to: "/settings/inbox", title: "common.nav.inbox-settings", icon: Inbox, needs: ["conversations:read"], ...SETTINGS },
  { to: "/settings/dialing", title: "calls.direction.outbound", icon: PhoneOutgoing, needs: ["dialing:read"], ...SETTINGS },
  { to: "/settings/usage", title: "common.nav.usage", icon: Gauge, needs: ["usage:read"], ...SETTINGS },
];

export function usePlaces(): readonly Place[] {
  const t = useT();
  const language = currentLanguage();
  const permissions = useMe()?.permissions;
  return useMemo(
    () => PLACES.filter(({ needs }) => !needs || needs.some((one) => permissions?.includes(one))).map((one) => ({ ...one, title: t(one.title) })),
    // The texts are another language's when it changes.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [t, language, permissions],
  );
}
