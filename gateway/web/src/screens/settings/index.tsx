import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { useCommands } from "@/app/commands";
import { usePlaces } from "@/app/places";
import { Problem, api, body, meQuery, useCan, useMe } from "@/api";
import { settingsQuery } from "@/api/settings";
import { Button, Card, DefinitionList, Field, Input, PageHeader, Skeleton, toast } from "@/design";
import { LANGUAGES, type Language, setLanguage, useT } from "@/i18n";
import { AudioSettings } from "@/phone/ui/audio-settings";
import { problemText } from "../calls/problem-text";
import { PasswordForm } from "../shared/password";
import { LanguageSelect, ThemeControl } from "../shared/preferences";
import { Notifications } from "./notifications";

/** What is one's own: name, language, looks, sound, password. */
export default function Settings() {
  const t = useT();
  const me = useMe();
  const mayRead = useCan("conversations:read");
  return (
    <div className="flex min-h-full flex-col">
      <PageHeader title={t("common.nav.settings")} />
      <div className="grid w-full max-w-3xl gap-5 p-5 max-sm:p-3">
        <Section title={t("setup.settings.profile")}>{me ? <Profile key={me.user.id} name={me.user.name} /> : <Skeleton lines={3} />}</Section>
        <Section title={t("setup.settings.looks")}>
          <Looks language={LANGUAGES.find((one) => one === me?.user.language)} />
        </Section>
        <Section title={t("setup.settings.sound")}>
          <AudioSettings />
        </Section>
        {mayRead && (
          <Section title={t("notify.title")}>
            <Notifications />
          </Section>
        )}
        <Section title={t("setup.settings.password")}>
          <div className="max-w-sm">
            <PasswordForm onDone={() => undefined} submit={t("setup.settings.change-password")} />
          </div>
        </Section>
        {me && (
          <Section title={t("setup.settings.about")}>
            <DefinitionList
              items={[
                { term: t("people.sign-in.email"), value: me.user.email },
                { term: t("setup.role"), value: me.role_name ?? t(`setup.role.${me.user.role}`) },
                { term: t("setup.settings.company"), value: me.tenant.name },
                { term: t("setup.zone"), value: me.tenant.time_zone },
              ]}
            />
          </Section>
        )}
        <Administration />
        <Section title={t("common.shortcuts.title")}>
          <Keys />
        </Section>
        <Version />
      </div>
    </div>
  );
}

/** What else may be set, for those who may. */
function Administration() {
  const t = useT();
  const places = usePlaces().filter((place) => place.under === "/settings");
  if (places.length === 0) return null;
  return (
    <Section title={t("common.administration")}>
      <ul className="grid gap-1 sm:grid-cols-2">
        {places.map((place) => (
          <li key={place.to}>
            <Link to={place.to} className="flex items-center gap-2.5 rounded-md px-2 py-1.5 text-md font-medium hover:bg-sunken">
              <place.icon size={17} aria-hidden className="text-ink-3" />
              {place.title}
            </Link>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Keys() {
  const t = useT();
  const list = useCommands().find((one) => one.id === "shortcuts");
  return (
    <div className="flex flex-wrap items-center gap-3">
      <p className="min-w-60 flex-1 text-md text-ink-2">{t("setup.settings.keys")}</p>
      <Button shortcut="?" disabled={!list} onClick={list?.run}>
        {t("setup.settings.show-keys")}
      </Button>
    </div>
  );
}

/** Which program answers: for whoever is asked to help. Nothing when it cannot be told. */
function Version() {
  const t = useT();
  const { data } = useQuery({
    queryKey: ["version"],
    queryFn: async ({ signal }): Promise<string | null> => {
      const told: unknown = await (await fetch("/health", { signal })).json();
      return typeof told === "object" && told !== null && "version" in told && typeof told.version === "string" ? told.version : null;
    },
  });
  return data ? <p className="num text-sm text-ink-3">{t("setup.settings.version", { product: t("common.product"), version: data })}</p> : null;
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Card>
      <h2 className="mb-3 text-lg font-semibold">{title}</h2>
      {children}
    </Card>
  );
}

function useUpdate() {
  const t = useT();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (change: { name?: string; language?: Language }) => body(api.PATCH("/api/v1/me", { body: change })),
    onSuccess: () => {
      toast({ title: t("setup.settings.saved"), tone: "good" });
      return Promise.all([queries.invalidateQueries({ queryKey: meQuery.queryKey }), queries.invalidateQueries({ queryKey: settingsQuery.queryKey })]);
    },
    onError: (error) => toast({ title: t("setup.settings.not-saved"), description: problemText(error), tone: "bad" }),
  });
}

function Profile({ name: known }: { name: string }) {
  const t = useT();
  const [name, setName] = useState(known);
  const update = useUpdate();
  const wrong = update.error instanceof Problem ? update.error.fields.name : undefined;
  return (
    <form
      className="flex max-w-sm items-end gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        if (name.trim() && !update.isPending) update.mutate({ name: name.trim() });
      }}
    >
      <Field label={t("setup.person.name")} hint={t("setup.settings.name-hint")} error={wrong} className="flex-1">
        <Input maxLength={100} autoComplete="name" value={name} onChange={(event) => setName(event.target.value)} />
      </Field>
      <Button type="submit" variant="primary" busy={update.isPending} disabled={name.trim() === "" || name.trim() === known} className="mb-6">
        {t("common.save")}
      </Button>
    </form>
  );
}

function Looks({ language }: { language: Language | undefined }) {
  const t = useT();
  const update = useUpdate();
  const settings = useQuery(settingsQuery).data;
  const locked = settings?.some((one) => one.key === "looks.language" && !one.open_levels.includes("user")) ?? false;
  return (
    <div className="grid gap-4">
      <Field label={t("people.language")} className="max-w-48">
        <LanguageSelect
          {...(language && !locked ? { value: language } : {})}
          disabled={locked}
          onChange={(next) => {
            void setLanguage(next);
            update.mutate({ language: next });
          }}
        />
      </Field>
      <div className="grid gap-1">
        <p className="text-sm font-medium text-ink-2">{t("common.theme.title")}</p>
        <div>
          <ThemeControl />
        </div>
      </div>
    </div>
  );
}
