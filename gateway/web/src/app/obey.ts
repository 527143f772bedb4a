/** Reads the settings of whoever is signed in, and has the panel obey them: at the start, and whenever one changes. */
import type { QueryClient } from "@tanstack/react-query";
import { type Setting, changeSetting, settingsQuery } from "@/api/settings";
import { LANGUAGES, currentLanguage, setLanguage } from "@/i18n";
import { live } from "@/live";
import { startPush } from "@/push/page";
import { setPreferences } from "./preferences";
import { isThemeKept, rememberTheme, setTheme } from "./theme";

export function apply(settings: readonly Setting[]): void {
  const of = (key: string) => settings.find((one) => one.key === key);
  const said = (key: string) => {
    const one = of(key);
    return one && one.source !== "default" ? one.value : undefined;
  };
  const clock = said("looks.clock");
  const zone = of("looks.time_zone");
  setPreferences({
    compact: said("looks.density") === "compact",
    hour12: clock === "12" ? true : clock === "24" ? false : undefined,
    zone: typeof zone?.value === "string" && zone.source !== "default" ? zone.value : undefined,
    notifications: of("phone.notifications")?.value !== false,
  });
  const theme = of("looks.theme");
  // What somebody chose in this browser before there were settings counts until somebody says otherwise.
  if (theme && (theme.source !== "default" || !isThemeKept())) setTheme(theme.value === "light" || theme.value === "dark" ? theme.value : "system");
  const language = LANGUAGES.find((one) => one === said("looks.language"));
  if (language && language !== currentLanguage()) void setLanguage(language);
}

/** From now on, until the function is called that it gives. */
export function obey(queries: QueryClient): () => void {
  const read = () => void queries.fetchQuery(settingsQuery).then(apply, () => undefined);
  read();
  const unsubscribe = queries.getQueryCache().subscribe(({ query, type }) => {
    if (type === "updated" && query.queryKey[0] === "settings" && query.state.data) apply(query.state.data as readonly Setting[]);
  });
  const off = live.onEvent((event) => {
    // The first of them brings what tells of them.
    if (/^(conversation|message|sla)\.(assigned|opened|reopened|mentioned|received|breached)$/.test(event.kind)) void import("./notify-inbox").then(({ told }) => told(event, queries));
    if (event.kind === "settings.changed") void queries.invalidateQueries({ queryKey: settingsQuery.queryKey }).then(read);
  });
  rememberTheme((theme) => {
    // Locked: it goes back to what it is.
    void changeSetting("user", "looks.theme", { value: theme })
      .catch(() => undefined)
      .then(() => queries.invalidateQueries({ queryKey: settingsQuery.queryKey }))
      .then(read);
  });
  const unpush = startPush(queries, (conversation) => {
    // Not from the start: the router's screens bring this module.
    void import("./router").then(({ router }) => router.navigate({ to: "/inbox", search: (conversation ? { c: conversation } : {}) as never }));
  });
  return () => {
    unpush();
    unsubscribe();
    off();
    rememberTheme(undefined);
  };
}
