import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Problem, api, body, useMe } from "@/api";
import { Badge, Banner, Button, DefinitionList, Dialog, ErrorState, Field, Input, RelativeTime, Skeleton, Textarea, toast } from "@/design";
import { useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { Meters } from "../usage/meters";
import { LimitFields } from "./limits-form";
import { STATE_TONES, type Tenant, limitsOf, tenantsKey, textsOf } from "./tenant";

/** One tenant: what it has used, what it may use, and whether it is at work. */
export function TenantSheet({ tenant }: { tenant: Tenant }) {
  const t = useT();
  const usage = useQuery({
    queryKey: [...tenantsKey, tenant.id, "usage"],
    queryFn: ({ signal }) => body(api.GET("/api/v1/platform/tenants/{id}/usage", { params: { path: { id: tenant.id } }, signal })),
    refetchOnMount: "always",
  });
  return (
    <div className="grid gap-5">
      <DefinitionList
        items={[
          {
            term: t("platform.state"),
            value: (
              <Badge tone={STATE_TONES[tenant.state]} dot>
                {t(`platform.state.${tenant.state}`)}
              </Badge>
            ),
          },
          { term: t("platform.slug"), value: <span className="font-mono text-sm">{tenant.slug}</span> },
          ...(tenant.suspended_reason ? [{ term: t("platform.reason"), value: tenant.suspended_reason }] : []),
          ...(tenant.delete_at ? [{ term: t("platform.delete-at"), value: <RelativeTime at={tenant.delete_at} /> }] : []),
          { term: t("platform.members"), value: String(tenant.members) },
          { term: t("setup.zone"), value: tenant.time_zone },
          { term: t("platform.created"), value: <RelativeTime at={tenant.created_at} /> },
        ]}
      />
      <Standing tenant={tenant} />
      <section>
        <h3 className="mb-2 text-md font-semibold">{t("common.nav.usage")}</h3>
        {usage.isError ? <ErrorState error={usage.error} onRetry={() => void usage.refetch()} /> : usage.isPending ? <Skeleton lines={5} /> : <Meters usage={usage.data} />}
      </section>
      <LimitsForm key={tenant.updated_at} tenant={tenant} />
    </div>
  );
}

function useChange(done?: () => void) {
  const t = useT();
  const queries = useQueryClient();
  return {
    onSuccess: (changed: Tenant) => {
      toast({ title: t("platform.changed", { name: changed.name, state: t(`platform.state.${changed.state}`) }), tone: "good" as const });
      done?.();
    },
    onSettled: () => queries.invalidateQueries({ queryKey: tenantsKey }),
  };
}

function LimitsForm({ tenant }: { tenant: Tenant }) {
  const t = useT();
  const [texts, setTexts] = useState(() => textsOf(tenant.limits));
  const limits = limitsOf(texts);
  const changed = JSON.stringify(texts) !== JSON.stringify(textsOf(tenant.limits));
  const save = useMutation({
    mutationFn: () => body(api.PATCH("/api/v1/platform/tenants/{id}", { params: { path: { id: tenant.id } }, body: limits ?? {} })),
    onError: (error) => toast({ title: t("platform.not-changed"), description: problemText(error), tone: "bad" }),
    ...useChange(),
  });
  return (
    <form
      className="grid gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        if (limits && changed && !save.isPending) save.mutate();
      }}
    >
      <LimitFields texts={texts} onChange={setTexts} />
      {limits === undefined && <Banner tone="ring">{t("platform.limits.wrong")}</Banner>}
      <div>
        <Button type="submit" variant="primary" busy={save.isPending} disabled={!changed || limits === undefined}>
          {t("common.save")}
        </Button>
      </div>
    </form>
  );
}

/** Suspending, resuming, deleting, and thinking better of it. */
function Standing({ tenant }: { tenant: Tenant }) {
  const t = useT();
  const own = useMe()?.tenant.id === tenant.id;
  const [asking, setAsking] = useState<"suspend" | "delete">();
  const path = { path: { id: tenant.id } };
  const onError = (error: Error) => toast({ title: t("platform.not-changed"), description: problemText(error), tone: "bad" });
  const resume = useMutation({ mutationFn: () => body(api.DELETE("/api/v1/platform/tenants/{id}/suspension", { params: path })), onError, ...useChange() });
  const keep = useMutation({ mutationFn: () => body(api.DELETE("/api/v1/platform/tenants/{id}/deletion", { params: path })), onError, ...useChange() });
  if (tenant.state === "removing") return null;
  if (own) return <p className="text-sm text-ink-3">{t("platform.own")}</p>;
  return (
    <div className="flex flex-wrap gap-2">
      {tenant.state === "active" ? (
        <Button onClick={() => setAsking("suspend")}>{t("platform.suspend")}</Button>
      ) : (
        <Button busy={resume.isPending} onClick={() => resume.mutate()}>
          {t("platform.resume")}
        </Button>
      )}
      {tenant.state === "to_be_deleted" ? (
        <Button busy={keep.isPending} onClick={() => keep.mutate()}>
          {t("platform.keep")}
        </Button>
      ) : (
        <Button variant="danger" onClick={() => setAsking("delete")}>
          {t("platform.delete")}
        </Button>
      )}
      {asking === "suspend" && <Suspend tenant={tenant} onClose={() => setAsking(undefined)} />}
      {asking === "delete" && <Delete tenant={tenant} onClose={() => setAsking(undefined)} />}
    </div>
  );
}

function Suspend({ tenant, onClose }: { tenant: Tenant; onClose: () => void }) {
  const t = useT();
  const [reason, setReason] = useState("");
  const suspend = useMutation({ mutationFn: () => body(api.POST("/api/v1/platform/tenants/{id}/suspension", { params: { path: { id: tenant.id } }, body: { reason: reason.trim() } })), ...useChange(onClose) });
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={t("platform.suspend.title", { name: tenant.name })}
      description={t("platform.suspend.about")}
      footer={
        <Button type="submit" form="suspend" variant="danger" busy={suspend.isPending} disabled={reason.trim() === ""}>
          {t("platform.suspend")}
        </Button>
      }
    >
      <form
        id="suspend"
        onSubmit={(event) => {
          event.preventDefault();
          if (reason.trim() && !suspend.isPending) suspend.mutate();
        }}
      >
        <Field label={t("platform.reason")} hint={t("platform.reason.hint")} error={suspend.error ? problemText(suspend.error) : undefined}>
          <Textarea rows={2} maxLength={300} value={reason} onChange={(event) => setReason(event.target.value)} />
        </Field>
      </form>
    </Dialog>
  );
}

function Delete({ tenant, onClose }: { tenant: Tenant; onClose: () => void }) {
  const t = useT();
  const [slug, setSlug] = useState("");
  const [days, setDays] = useState("30");
  const number = Number(days);
  const fits = slug === tenant.slug && Number.isInteger(number) && number >= 1 && number <= 365;
  const remove = useMutation({ mutationFn: () => body(api.POST("/api/v1/platform/tenants/{id}/deletion", { params: { path: { id: tenant.id } }, body: { slug, days: number } })), ...useChange(onClose) });
  const fields = remove.error instanceof Problem ? remove.error.fields : {};
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={t("platform.delete.title", { name: tenant.name })}
      description={t("platform.delete.about")}
      footer={
        <Button type="submit" form="delete" variant="danger" busy={remove.isPending} disabled={!fits}>
          {t("platform.delete")}
        </Button>
      }
    >
      <form
        id="delete"
        className="grid gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          if (fits && !remove.isPending) remove.mutate();
        }}
      >
        {remove.isError && !fields.slug && !fields.days && <Banner tone="bad">{problemText(remove.error)}</Banner>}
        <Field label={t("platform.delete.slug", { slug: tenant.slug })} error={fields.slug}>
          <Input autoComplete="off" value={slug} onChange={(event) => setSlug(event.target.value)} />
        </Field>
        <Field label={t("platform.delete.days")} hint={t("platform.delete.days-hint")} error={fields.days}>
          <Input type="number" min={1} max={365} className="w-24" value={days} onChange={(event) => setDays(event.target.value)} />
        </Field>
      </form>
    </Dialog>
  );
}
