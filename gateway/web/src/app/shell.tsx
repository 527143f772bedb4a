import { Link, Outlet, useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";
import { onSignedOut } from "@/api/session";
import { useT } from "@/i18n";
import { ConnectionBadge, useLive } from "@/live";
import { CallBar, IncomingCall } from "@/phone";
import { AgentBar } from "@/screens/agent-bar";

/** Around what needs no sign-in. */
export function Outside() {
  return <Outlet />;
}

/** Around every screen of a signed-in person: the call bar, the navigation, the agent's own state. */
export function Shell() {
  const t = useT();
  const navigate = useNavigate();
  useLive();
  useEffect(() => onSignedOut(() => void navigate({ to: "/sign-in" })), [navigate]);
  return (
    <div className="grid h-full grid-cols-[56px_1fr] grid-rows-[52px_1fr]">
      <a href="#content" className="sr-only focus:not-sr-only">
        {t("common.skip")}
      </a>
      <header className="col-span-full flex items-center gap-4 border-b border-line bg-surface px-4">
        <CallBar />
        <AgentBar />
        <ConnectionBadge />
      </header>
      <nav aria-label={t("common.nav.main")} className="border-r border-line bg-surface">
        <Link to="/calls">{t("common.nav.calls")}</Link>
        <Link to="/agents">{t("common.nav.agents")}</Link>
        <Link to="/queues">{t("common.nav.queues")}</Link>
        <Link to="/devices">{t("common.nav.devices")}</Link>
        <Link to="/settings">{t("common.nav.settings")}</Link>
      </nav>
      <main id="content" tabIndex={-1} className="min-h-0 overflow-auto">
        <Outlet />
      </main>
      <IncomingCall />
    </div>
  );
}
