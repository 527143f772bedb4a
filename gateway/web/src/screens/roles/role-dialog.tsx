import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Problem, api, body, newKey, useMe } from "@/api";
import { Button, Dialog, Field, Input, RadioGroup, toast } from "@/design";
import { useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { type Permission, PermissionPicker, type Reach } from "../shared/permissions";
import type { CustomRole } from "./roles";

/** Makes a role, or changes one. */
export function RoleDialog({ role, permissions, onClose }: { role: CustomRole | undefined; permissions: readonly Permission[]; onClose: () => void }) {
  const t = useT();
  const me = useMe();
  const queries = useQueryClient();
  const [name, setName] = useState(role?.name ?? "");
  const [reach, setReach] = useState<Reach>(role?.reach ?? "member");
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set(role?.permissions));
  const [key] = useState(newKey);
  const save = useMutation({
    mutationFn: () => {
      const wanted = { name: name.trim(), reach, permissions: [...chosen] };
      return role
        ? body(api.PATCH("/api/v1/roles/{id}", { params: { path: { id: role.id } }, body: wanted }))
        : body(api.POST("/api/v1/roles", { params: { header: { "Idempotency-Key": key } }, body: wanted }));
    },
    onSuccess: async (saved) => {
      toast({ title: t("access.role.saved", { name: saved.name }), tone: "good" });
      await queries.invalidateQueries({ queryKey: ["roles"] });
      onClose();
    },
  });
  const wrong = save.error ? (save.error instanceof Problem ? (save.error.fields.name ?? problemText(save.error)) : problemText(save.error)) : undefined;
  return (
    <Dialog
      open
      size="lg"
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={role ? t("access.role.edit", { name: role.name }) : t("access.role.add")}
      description={t("access.role.about")}
      footer={
        <Button type="submit" form="role" variant="primary" busy={save.isPending} disabled={name.trim() === ""}>
          {t("common.save")}
        </Button>
      }
    >
      <form
        id="role"
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim() && !save.isPending) save.mutate();
        }}
      >
        <Field label={t("access.name")} error={wrong} className="max-w-sm">
          <Input maxLength={60} value={name} onChange={(event) => setName(event.target.value)} />
        </Field>
        <div className="grid gap-1">
          <p className="text-sm font-medium text-ink-2">{t("access.reach")}</p>
          <RadioGroup
            label={t("access.reach")}
            value={reach}
            onValueChange={(next) => setReach(next === "all" ? "all" : "member")}
            options={[
              { value: "member", label: t("access.reach.member"), description: t("access.reach.member-about") },
              { value: "all", label: t("access.reach.all"), description: t("access.reach.all-about"), disabled: me?.reach !== "all" },
            ]}
          />
        </div>
        <PermissionPicker permissions={permissions} chosen={chosen} onChange={setChosen} />
      </form>
    </Dialog>
  );
}
