import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Problem, api, body, newKey } from "@/api";
import { Button, Dialog, ErrorState, Field, Input, Select, Skeleton, Textarea } from "@/design";
import { useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { PermissionPicker, usePermissions } from "../shared/permissions";
import type { ApiKey } from ".";

const DAYS = ["30", "90", "365"] as const;
const KEEP = "keep";
const NEVER = "never";

/** Makes a key, or changes one. */
export function KeyDialog({ apiKey, onClose, onMade }: { apiKey: ApiKey | undefined; onClose: () => void; onMade: (token: string) => void }) {
  const t = useT();
  const queries = useQueryClient();
  const catalogue = usePermissions();
  const [name, setName] = useState(apiKey?.name ?? "");
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set(apiKey?.permissions));
  const [addresses, setAddresses] = useState(apiKey?.allowed_addresses.join("\n") ?? "");
  const [limit, setLimit] = useState(apiKey?.requests_per_second?.toString() ?? "");
  const [ends, setEnds] = useState<string>(apiKey ? KEEP : "90");
  const [key] = useState(newKey);
  const save = useMutation({
    mutationFn: async (): Promise<string | undefined> => {
      const expires = ends === KEEP ? {} : { expires_at: ends === NEVER ? null : new Date(Date.now() + Number(ends) * 86_400_000).toISOString() };
      const wanted = {
        name: name.trim(),
        permissions: [...chosen],
        allowed_addresses: addresses.split(/[\s,]+/).filter((one) => one !== ""),
        requests_per_second: limit.trim() === "" ? null : Number(limit),
        ...expires,
      };
      if (apiKey) {
        await body(api.PATCH("/api/v1/api-keys/{id}", { params: { path: { id: apiKey.id } }, body: wanted }));
        return undefined;
      }
      return (await body(api.POST("/api/v1/api-keys", { params: { header: { "Idempotency-Key": key } }, body: wanted }))).token;
    },
    onSuccess: async (token) => {
      await queries.invalidateQueries({ queryKey: ["api-keys"] });
      onClose();
      if (token !== undefined) onMade(token);
    },
  });
  const fields = save.error instanceof Problem ? save.error.fields : {};
  const wrongAddress = Object.entries(fields).find(([field]) => field.startsWith("allowed_addresses"))?.[1];
  const known = fields.name ?? wrongAddress ?? fields.requests_per_second;
  const other = save.error && known === undefined ? (fields.permissions ?? problemText(save.error)) : undefined;
  const options = [...(apiKey ? [{ value: KEEP, label: t("access.key.ends-keep") }] : []), ...DAYS.map((days) => ({ value: days, label: t("access.key.ends-days", { n: Number(days) }) })), { value: NEVER, label: t("access.key.ends-never") }];
  return (
    <Dialog
      open
      size="lg"
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={apiKey ? t("access.key.edit", { name: apiKey.name }) : t("access.key.add")}
      description={t("access.key.about")}
      footer={
        <Button type="submit" form="api-key" variant="primary" busy={save.isPending} disabled={name.trim() === "" || chosen.size === 0}>
          {apiKey ? t("common.save") : t("access.key.create")}
        </Button>
      }
    >
      <form
        id="api-key"
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim() && chosen.size > 0 && !save.isPending) save.mutate();
        }}
      >
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label={t("access.name")} hint={t("access.key.name-hint")} error={fields.name}>
            <Input maxLength={60} value={name} onChange={(event) => setName(event.target.value)} />
          </Field>
          <Field label={t("access.key.ends")}>
            <Select value={ends} onValueChange={setEnds} options={options} />
          </Field>
          <Field label={t("access.key.addresses")} hint={t("access.key.addresses-hint")} error={wrongAddress}>
            <Textarea value={addresses} onChange={(event) => setAddresses(event.target.value)} />
          </Field>
          <Field label={t("access.key.limit")} hint={t("access.key.limit-hint")} error={fields.requests_per_second}>
            <Input type="number" inputMode="numeric" min={1} max={10000} value={limit} onChange={(event) => setLimit(event.target.value)} />
          </Field>
        </div>
        {catalogue.isPending ? (
          <div aria-busy="true">
            <Skeleton lines={5} />
          </div>
        ) : catalogue.isError ? (
          <ErrorState error={catalogue.error} onRetry={() => void catalogue.refetch()} />
        ) : (
          <PermissionPicker permissions={catalogue.data.permissions} chosen={chosen} onChange={setChosen} />
        )}
        {other && (
          <p role="alert" className="text-sm text-bad">
            {other}
          </p>
        )}
      </form>
    </Dialog>
  );
}
