import { useQuery } from "@tanstack/react-query";
import { api, body } from "@/api";
import type { components } from "@/api";
import { Checkbox } from "@/design";
import { type TextKey, useT } from "@/i18n";

export type Permission = components["schemas"]["PermissionView"];
export type Reach = components["schemas"]["Reach"];

/** The server's table: what may be permitted, and which built-in roles have it. It changes only with the server's version. */
export function usePermissions() {
  return useQuery({
    queryKey: ["permissions"],
    queryFn: ({ signal }) => body(api.GET("/api/v1/permissions", { signal })),
    staleTime: Infinity,
  });
}

/** What a permission allows, in the reader's language; the server's own sentence for one that the catalogue does not know yet. */
export function usePermissionText(): (permission: { name: string; description?: string }) => string {
  const t = useT();
  return ({ name, description }) => {
    const key = `access.permission.${name}`;
    const text = t(key as TextKey);
    return text === key ? (description ?? name) : text;
  };
}

/** Permissions to tick, by what they are about. What the reader does not have cannot be given. */
export function PermissionPicker({ permissions, chosen, onChange }: { permissions: readonly Permission[]; chosen: ReadonlySet<string>; onChange: (chosen: ReadonlySet<string>) => void }) {
  const t = useT();
  const text = usePermissionText();
  const areas = [...new Set(permissions.map((one) => one.name.slice(0, one.name.indexOf(":"))))];
  const toggle = (name: string, on: boolean) => {
    const next = new Set(chosen);
    if (on) next.add(name);
    else next.delete(name);
    onChange(next);
  };
  return (
    <fieldset className="grid gap-3">
      <legend className="mb-1 text-sm font-medium text-ink-2">{t("access.permissions")}</legend>
      <div className="grid gap-x-6 gap-y-3 sm:grid-cols-2">
        {areas.map((area) => (
          <div key={area} className="grid content-start gap-1">
            {permissions
              .filter((one) => one.name.startsWith(`${area}:`))
              .map((one) => (
                <Checkbox
                  key={one.name}
                  label={
                    <span className="grid">
                      {text(one)}
                      <span className="font-mono text-xs text-ink-3">{one.name}</span>
                    </span>
                  }
                  checked={chosen.has(one.name)}
                  disabled={!one.yours}
                  onCheckedChange={(on) => toggle(one.name, on)}
                />
              ))}
          </div>
        ))}
      </div>
      {permissions.some((one) => !one.yours) && <p className="text-sm text-ink-3">{t("access.not-yours")}</p>}
    </fieldset>
  );
}
