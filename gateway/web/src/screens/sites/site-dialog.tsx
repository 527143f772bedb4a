import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Problem, api, body, newKey } from "@/api";
import type { components } from "@/api";
import { Button, Checkbox, Combobox, Dialog, ErrorState, Field, Input, Skeleton, Textarea, grouped, toast } from "@/design";
import { useT } from "@/i18n";
import { useQueues } from "@/live";
import { problemText } from "../calls/problem-text";
import { zones } from "../shared/zones";

export type Site = components["schemas"]["Site"];

/** Stands for the company's zone: a choice has no empty value. */
const COMPANY = "company";

export function SiteDialog({ site, onClose }: { site: Site | undefined; onClose: () => void }) {
  const t = useT();
  const queries = useQueryClient();
  const queues = useQueues();
  const [name, setName] = useState(site?.name ?? "");
  const [address, setAddress] = useState(site?.address ?? "");
  const [zone, setZone] = useState(site?.time_zone ?? COMPANY);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set(site?.numbers));
  const [key] = useState(newKey);
  const numbers = useQuery({ queryKey: ["numbers"], queryFn: ({ signal }) => body(api.GET("/api/v1/numbers", { params: { query: { limit: 200 } }, signal })), refetchOnMount: "always" });
  const save = useMutation({
    mutationFn: () => {
      const wanted = { name: name.trim(), address: address.trim(), time_zone: zone === COMPANY ? null : zone, numbers: [...chosen] };
      return site ? body(api.PATCH("/api/v1/sites/{id}", { params: { path: { id: site.id } }, body: wanted })) : body(api.POST("/api/v1/sites", { params: { header: { "Idempotency-Key": key } }, body: wanted }));
    },
    onSuccess: async (saved) => {
      toast({ title: t("company.site.saved", { name: saved.name }), tone: "good" });
      await Promise.all([queries.invalidateQueries({ queryKey: ["sites"] }), queries.invalidateQueries({ queryKey: ["numbers"] })]);
      onClose();
    },
  });
  const fields = save.error instanceof Problem ? save.error.fields : {};
  const wrong = save.error ? (fields.name ?? problemText(save.error)) : undefined;
  const toggle = (number: string, on: boolean) => {
    const next = new Set(chosen);
    if (on) next.add(number);
    else next.delete(number);
    setChosen(next);
  };
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={site ? t("company.site.edit", { name: site.name }) : t("company.site.add")}
      footer={
        <Button type="submit" form="site" variant="primary" busy={save.isPending} disabled={name.trim() === ""}>
          {t("common.save")}
        </Button>
      }
    >
      <form
        id="site"
        className="grid gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim() && !save.isPending) save.mutate();
        }}
      >
        <Field label={t("company.name")} error={wrong}>
          <Input maxLength={60} value={name} onChange={(event) => setName(event.target.value)} />
        </Field>
        <Field label={t("company.site.address")} error={fields.address}>
          <Textarea rows={3} maxLength={500} value={address} onChange={(event) => setAddress(event.target.value)} />
        </Field>
        <Field label={t("setup.zone")} error={fields.time_zone}>
          <Combobox value={zone} onValueChange={setZone} options={[{ value: COMPANY, label: t("company.site.company-zone") }, ...zones().map((one) => ({ value: one, label: one }))]} />
        </Field>
        <fieldset className="grid gap-1">
          <legend className="mb-1 text-sm font-medium text-ink-2">{t("company.site.numbers")}</legend>
          {numbers.isError ? (
            <ErrorState error={numbers.error} onRetry={() => void numbers.refetch()} />
          ) : numbers.isPending ? (
            <Skeleton lines={2} />
          ) : numbers.data.items.length === 0 ? (
            <p className="text-md text-ink-3">{t("company.site.none-there")}</p>
          ) : (
            numbers.data.items.map(({ number, queue_id }) => (
              <Checkbox
                key={number}
                label={`${grouped(number)} · ${queues.find((queue) => queue.id === queue_id)?.name ?? ""}`}
                checked={chosen.has(number)}
                onCheckedChange={(on) => toggle(number, on)}
              />
            ))
          )}
        </fieldset>
      </form>
    </Dialog>
  );
}
