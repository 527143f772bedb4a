import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCan } from "@/api";
import { PageHeader, Tabs } from "@/design";
import { useT } from "@/i18n";
import { Roles } from "./roles";
import { Teams } from "./teams";

/** Who may do what, and who works together. */
export default function RolesAndTeams() {
  const t = useT();
  const navigate = useNavigate();
  const search: Record<string, unknown> = useSearch({ strict: false });
  const seesRoles = useCan("roles:read");
  const tab = search.tab === "teams" || !seesRoles ? "teams" : "roles";
  const tabs = [...(seesRoles ? [{ value: "roles", label: t("access.roles") }] : []), { value: "teams", label: t("access.teams") }];
  return (
    <div className="flex min-h-full flex-col">
      <PageHeader title={t("common.nav.roles")} description={t("access.roles.about")} />
      <Tabs
        className="grid w-full max-w-4xl gap-4 p-5 max-sm:p-3"
        value={tab}
        onValueChange={(next) => void navigate({ to: "/settings/roles", search: (next === "teams" ? { tab: "teams" } : {}) as never, replace: true })}
        tabs={tabs}
      >
        {tab === "roles" ? <Roles /> : <Teams />}
      </Tabs>
    </div>
  );
}
