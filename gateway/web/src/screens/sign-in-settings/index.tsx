import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { components } from "@/api";
import { Problem, api, body } from "@/api";
import { Button, Card, ConfirmDialog, ErrorState, Field, Input, PageHeader, PasswordInput, Select, Skeleton, Switch, Textarea, toast } from "@/design";
import { useT } from "@/i18n";
import { accountProblem } from "../account/problem";
import { CopyButton } from "../devices/add-device";
import { ROLES } from "../members/role-choice";

type Provider = components["schemas"]["IdentityProvider"];
const MEMBERS_ONLY = "members-only";

/** What is asked of those who sign in, and where they may do it instead of here. */
export default function SignInSettings() {
  const t = useT();
  const provider = useQuery({
    queryKey: ["identity-provider"],
    queryFn: async ({ signal }) => {
      try {
        return await body(api.GET("/api/v1/identity-provider", { signal }));
      } catch (error) {
        if (error instanceof Problem && error.status === 404) return null;
        throw error;
      }
    },
  });
  return (
    <div className="flex min-h-full flex-col">
      <PageHeader title={t("common.nav.sign-in")} />
      <div className="grid w-full max-w-3xl gap-5 p-5 max-sm:p-3">
        <Card>
          <Rules />
        </Card>
        {provider.isPending ? (
          <div aria-busy="true">
            <Skeleton lines={6} />
          </div>
        ) : provider.isError ? (
          <ErrorState error={provider.error} onRetry={() => void provider.refetch()} />
        ) : (
          <Card>
            <h2 className="mb-3 text-lg font-semibold">{t("account.provider.title")}</h2>
            <p className="mb-3 text-md text-ink-2">{t("account.provider.about")}</p>
            <ProviderForm key={provider.data?.updated_at ?? ""} provider={provider.data} />
          </Card>
        )}
      </div>
    </div>
  );
}

/** What is asked of those who sign in with a password. */
function Rules() {
  const t = useT();
  const queries = useQueryClient();
  const rules = useQuery({ queryKey: ["sign-in-rules"], queryFn: ({ signal }) => body(api.GET("/api/v1/sign-in-rules", { signal })) });
  const set = useMutation({
    mutationFn: (required: boolean) => api.PUT("/api/v1/sign-in-rules", { body: { second_step_required: required } }),
    onSuccess: () => toast({ title: t("account.members.changed"), tone: "good" }),
    onError: (error) => toast({ title: t("account.failed"), description: accountProblem(error), tone: "bad" }),
    onSettled: () => queries.invalidateQueries({ queryKey: ["sign-in-rules"] }),
  });
  if (rules.isPending) return <Skeleton lines={1} />;
  if (rules.isError) return <ErrorState error={rules.error} onRetry={() => void rules.refetch()} />;
  return (
    <div className="grid gap-1">
      <Switch label={t("account.rules.second-step")} checked={set.isPending ? set.variables : rules.data.second_step_required} onCheckedChange={(required) => set.mutate(required)} />
      <p className="text-sm text-ink-3">{t("account.rules.second-step-about")}</p>
    </div>
  );
}

function ProviderForm({ provider }: { provider: Provider | null }) {
  const t = useT();
  const queries = useQueryClient();
  const [name, setName] = useState(provider?.name ?? "");
  const [issuer, setIssuer] = useState(provider?.issuer ?? "");
  const [client, setClient] = useState(provider?.client_id ?? "");
  const [secret, setSecret] = useState("");
  const [domains, setDomains] = useState(provider?.allowed_domains.join("\n") ?? "");
  const [newcomers, setNewcomers] = useState<string>(provider?.auto_role ?? MEMBERS_ONLY);
  const [removing, setRemoving] = useState(false);
  const changed = () => queries.invalidateQueries({ queryKey: ["identity-provider"] });
  const save = useMutation({
    mutationFn: () =>
      body(
        api.PUT("/api/v1/identity-provider", {
          body: {
            name: name.trim(),
            issuer: issuer.trim(),
            client_id: client.trim(),
            // Absent: what is kept stays.
            ...(secret === "" ? {} : { client_secret: secret }),
            allowed_domains: domains.split(/[\s,;]+/).filter(Boolean),
            auto_role: ROLES.find((role) => role === newcomers) ?? null,
          },
        }),
      ),
    onSuccess: () => {
      toast({ title: t("account.provider.saved"), tone: "good" });
      void changed();
    },
  });
  const remove = useMutation({
    mutationFn: () => api.DELETE("/api/v1/identity-provider"),
    onSuccess: () => toast({ title: t("account.provider.removed"), tone: "good" }),
    onError: (error) => toast({ title: t("account.failed"), description: accountProblem(error), tone: "bad" }),
    onSettled: changed,
  });
  const fields: Partial<Record<string, string>> = save.error instanceof Problem ? save.error.fields : {};
  const other = save.error && Object.keys(fields).length === 0 ? accountProblem(save.error) : undefined;
  // Wanted there before anything can be saved here.
  const redirect = provider?.redirect_uri ?? `${location.origin}/api/v1/auth/oidc/callback`;
  const complete = [name, issuer, client, domains].every((text) => text.trim() !== "");
  return (
    <form
      noValidate
      className="grid gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (complete && !save.isPending) save.mutate();
      }}
    >
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label={t("account.provider.name")} error={fields.name}>
          <Input maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
        </Field>
        <Field label={t("account.provider.issuer")} hint={t("account.provider.issuer-hint")} error={fields.issuer}>
          <Input type="url" inputMode="url" value={issuer} onChange={(event) => setIssuer(event.target.value)} />
        </Field>
        <Field label={t("account.provider.client")} error={fields.client_id}>
          <Input autoComplete="off" value={client} onChange={(event) => setClient(event.target.value)} />
        </Field>
        <Field label={t("account.provider.secret")} hint={t(provider?.has_client_secret ? "account.provider.secret-kept" : "account.provider.secret-hint")} error={fields.client_secret}>
          <PasswordInput autoComplete="off" value={secret} onChange={(event) => setSecret(event.target.value)} />
        </Field>
        <Field label={t("account.provider.domains")} hint={t("account.provider.domains-hint")} error={fields.allowed_domains}>
          <Textarea value={domains} onChange={(event) => setDomains(event.target.value)} />
        </Field>
        <Field label={t("account.provider.newcomers")} error={fields.auto_role}>
          <Select
            value={newcomers}
            onValueChange={setNewcomers}
            options={[{ value: MEMBERS_ONLY, label: t("account.provider.members-only") }, ...ROLES.map((role) => ({ value: role as string, label: t("account.provider.becomes", { role: t(`setup.role.${role}`) }) }))]}
          />
        </Field>
      </div>
      <div>
        <p className="text-sm font-medium text-ink-2">{t("account.provider.redirect")}</p>
        <p className="flex items-center gap-2">
          <code className="min-w-0 font-mono text-sm break-all">{redirect}</code>
          <CopyButton text={redirect} label={t("common.copy")} />
        </p>
      </div>
      {other && (
        <p role="alert" className="text-sm text-bad">
          {other}
        </p>
      )}
      <div className="flex flex-wrap gap-2">
        <Button type="submit" variant="primary" busy={save.isPending} disabled={!complete}>
          {t("common.save")}
        </Button>
        {provider && (
          <Button variant="danger" onClick={() => setRemoving(true)}>
            {t("account.provider.remove")}
          </Button>
        )}
      </div>
      <ConfirmDialog
        open={removing}
        onOpenChange={setRemoving}
        title={t("account.provider.remove")}
        description={t("account.provider.remove-text")}
        confirm={t("account.provider.remove")}
        onConfirm={async () => {
          await remove.mutateAsync().catch(() => undefined);
        }}
      />
    </form>
  );
}
