import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Problem, api, body, newKey } from "@/api";
import type { components } from "@/api";
import { Banner, Button, Combobox, DefinitionList, Dialog, Field, Input } from "@/design";
import { type Language, currentLanguage, useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { LanguageSelect } from "../shared/preferences";
import { zones } from "../shared/zones";
import { LimitFields } from "./limits-form";
import { type LimitTexts, limitsOf, tenantsKey, textsOf } from "./tenant";

type Created = components["schemas"]["CreatedTenant"];

/** Latin letters and digits of a name; what it comes to can be changed. */
export function slugOf(name: string): string {
  const plain = name.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  return plain.replace(/[^a-z0-9]+/g, "-").replace(/^[^a-z]+|-+$/g, "").slice(0, 32).replace(/-+$/, "");
}

/** A tenant with its first admin, queue and number; then how the admin signs in, once. */
export function CreateTenant({ onClose }: { onClose: () => void }) {
  const t = useT();
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [slug, setSlug] = useState<string>();
  const [zone, setZone] = useState(() => Intl.DateTimeFormat().resolvedOptions().timeZone);
  const [language, setLanguage] = useState<Language>(currentLanguage());
  const [admin, setAdmin] = useState({ name: "", email: "" });
  const [queue, setQueue] = useState("");
  const [number, setNumber] = useState("");
  const [texts, setTexts] = useState<LimitTexts>(() => textsOf({}));
  const [key] = useState(newKey);
  const limits = limitsOf(texts);
  const chosen = slug ?? slugOf(name);
  const create = useMutation({
    mutationFn: () =>
      body(
        api.POST("/api/v1/platform/tenants", {
          params: { header: { "Idempotency-Key": key } },
          body: { name: name.trim(), slug: chosen, time_zone: zone, language, admin: { name: admin.name.trim(), email: admin.email.trim() }, queue: queue.trim(), number: number.trim() || null, ...(limits ? { limits } : {}) },
        }),
      ),
    onSettled: () => queries.invalidateQueries({ queryKey: tenantsKey }),
  });
  const fields = create.error instanceof Problem ? create.error.fields : {};
  const ready = [name, chosen, admin.name, admin.email, queue].every((text) => text.trim() !== "") && limits !== undefined;
  if (create.data) return <Made created={create.data} email={admin.email.trim()} onClose={onClose} />;
  return (
    <Dialog
      open
      size="lg"
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={t("platform.create")}
      footer={
        <Button type="submit" form="create-tenant" variant="primary" busy={create.isPending} disabled={!ready}>
          {t("platform.create.submit")}
        </Button>
      }
    >
      <form
        id="create-tenant"
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (ready && !create.isPending) create.mutate();
        }}
      >
        {create.isError && <Banner tone="bad">{problemText(create.error)}</Banner>}
        {limits === undefined && <Banner tone="ring">{t("platform.limits.wrong")}</Banner>}
        <div className="grid gap-3 sm:grid-cols-2">
          <Field label={t("platform.name")} error={fields.name}>
            <Input maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
          </Field>
          <Field label={t("platform.slug")} hint={t("platform.slug.hint")} error={fields.slug}>
            <Input maxLength={32} value={chosen} onChange={(event) => setSlug(event.target.value.toLowerCase())} />
          </Field>
          <Field label={t("setup.zone")} error={fields.time_zone}>
            <Combobox value={zone} onValueChange={setZone} options={zones().map((one) => ({ value: one, label: one.replaceAll("_", " ") }))} />
          </Field>
          <Field label={t("people.language")} error={fields.language}>
            <LanguageSelect value={language} onChange={setLanguage} />
          </Field>
          <Field label={t("platform.admin.name")} error={fields["admin.name"]}>
            <Input maxLength={100} value={admin.name} onChange={(event) => setAdmin({ ...admin, name: event.target.value })} />
          </Field>
          <Field label={t("platform.admin.email")} hint={t("platform.admin.hint")} error={fields["admin.email"]}>
            <Input type="email" maxLength={254} value={admin.email} onChange={(event) => setAdmin({ ...admin, email: event.target.value })} />
          </Field>
          <Field label={t("platform.queue")} error={fields.queue}>
            <Input maxLength={100} value={queue} onChange={(event) => setQueue(event.target.value)} />
          </Field>
          <Field label={t("platform.number")} error={fields.number}>
            <Input type="tel" maxLength={30} placeholder="+39 06 1234 5678" value={number} onChange={(event) => setNumber(event.target.value)} />
          </Field>
        </div>
        <LimitFields texts={texts} onChange={setTexts} />
      </form>
    </Dialog>
  );
}

/** The one time that the password is shown. */
function Made({ created, email, onClose }: { created: Created; email: string; onClose: () => void }) {
  const t = useT();
  const password = created.one_time_password;
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={t("platform.created.title", { name: created.tenant.name })}
      description={password ? t("platform.created.once") : t("platform.created.known")}
      footer={
        <Button variant="primary" onClick={onClose}>
          {t("common.close")}
        </Button>
      }
    >
      <DefinitionList
        items={[
          { term: t("platform.admin.email"), value: email },
          ...(password ? [{ term: t("platform.created.password"), value: <span className="font-mono select-all">{password}</span> }] : []),
        ]}
      />
    </Dialog>
  );
}
