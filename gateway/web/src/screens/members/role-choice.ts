/** Roles to choose from: those that are always there, and the tenant's own. */
import { useQuery } from "@tanstack/react-query";
import type { components } from "@/api";
import { api, body, useCan } from "@/api";
import { useT } from "@/i18n";

type Role = components["schemas"]["Role"];
export const ROLES: readonly Role[] = ["admin", "manager", "closer", "setter", "sales_rep", "operator", "viewer", "client"];
const OWN = "own:";

/** What is chosen for somebody who has these. */
export function choiceOf({ role, role_id: own }: { role: Role; role_id?: string | null }): string {
  return own ? OWN + own : role;
}

/** A choice as the server takes it. */
export function chosenRole(choice: string): { role: Role } | { role_id: string } {
  return choice.startsWith(OWN) ? { role_id: choice.slice(OWN.length) } : { role: choice as Role };
}

/** `present`: what somebody has, which is there before the list has come. */
export function useRoleChoices(present?: { role_id?: string | null; role_name?: string | null }): { value: string; label: string }[] {
  const t = useT();
  const mayRead = useCan("roles:read");
  const own = useQuery({ queryKey: ["roles"], enabled: mayRead, queryFn: ({ signal }) => body(api.GET("/api/v1/roles", { params: { query: { limit: 200 } }, signal })) });
  const { role_id: id, role_name: name } = present ?? {};
  const known = own.data?.items ?? (id && name ? [{ id, name }] : []);
  return [
    ...ROLES.map((one) => ({ value: one as string, label: t(`setup.role.${one}`) })),
    ...known.map(({ id, name }) => ({ value: OWN + id, label: t("account.members.own-role", { name }) })),
  ];
}
