/** Reads the settings of whoever is signed in, and has the panel obey them: at the start, and whenever one changes. */
import type { QueryClient } from "@tanstack/react-query";
import { type Setting, changeSetting, settingsQuery } from "@/api/settings";
import { LANGUAGES, currentLanguage, setLanguage } from "@/i18n";
import { live } from "@/live";
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

/** Nothing of a first screen waits for it: it begins with the first touch, when the page is left for another, or after a while. */
const LATER_MS = 15_000;
const TOUCHES = ["pointerdown", "keydown", "visibilitychange"] as const;

function later(begin: () => Promise<() => void>): () => void {
  let end: (() => void) | undefined;
  let state: "waiting" | "begun" | "over" = "waiting";
  const start = () => {
    settle();
    if (state !== "waiting") return;
    state = "begun";
    void begin().then(
      (stop) => {
        if (state === "over") stop();
        else end = stop;
      },
      // The server went away in that moment: with the next start, then.
      () => undefined,
    );
  };
  const timer = setTimeout(start, LATER_MS);
  for (const touch of TOUCHES) document.addEventListener(touch, start);
  const settle = () => {
    clearTimeout(timer);
    for (const touch of TOUCHES) document.removeEventListener(touch, start);
  };
  return () => {
    settle();
    state = "over";
    end?.();
  };
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
  const unpush = later(async () => {
    const [{ startPush }, { router }] = await Promise.all([import("@/push/page"), import("./router")]);
    return startPush(queries, (conversation) => void router.navigate({ to: "/inbox", search: (conversation ? { c: conversation } : {}) as never }));
  });
  return () => {
    unpush();
    unsubscribe();
    off();
    rememberTheme(undefined);
  };
}
