import { useQueryClient } from "@tanstack/react-query";
import { Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { PhoneCall } from "lucide-react";
import { Suspense, lazy, useEffect, useRef, useState } from "react";
import { useCan, useMe } from "@/api";
import { onSignedOut } from "@/api/session";
import { Toaster, prepareToAnnounce } from "@/design";
import { loadArea, useT } from "@/i18n";
import { ConnectionBadge, useAgent, useLive, useLiveReady } from "@/live";
import { CallBar, IncomingCall, PhoneNotices, startPhone } from "@/phone";
import { AgentBar } from "@/screens/agent-bar";
import { SetupBanner } from "@/screens/setup/banner";
import { onKeyDown, useCommand } from "./commands";
import { type Place, usePlaces } from "./places";
import { Navigation } from "./navigation";
import { onceOpened } from "./once-opened";
import { retried } from "./retried";
import { useTheme } from "./theme";

const RequiredSecondStep = lazy(async () => {
  const [, screen] = await Promise.all([loadArea("account"), import("@/screens/security/required")]);
  return screen;
});
const OwnPassword = lazy(() => import("./own-password"));
const Palette = onceOpened(async () => (await import("./palette")).Palette);
const Banners = lazy(async () => {
  await retried(() => loadArea("company"));
  return { default: (await retried(() => import("@/screens/usage/banner"))).Banners };
});
const NoticeBanners = lazy(async () => ({ default: (await retried(() => import("@/screens/in-call/notice-banners"))).NoticeBanners }));
const ChannelBanners = lazy(async () => {
  await retried(() => loadArea("channels"));
  return { default: (await retried(() => import("@/screens/channels/banner"))).ChannelBanners };
});
const ShortcutList = onceOpened(async () => (await import("./shortcut-list")).ShortcutList);

/** Around what needs no sign-in. */
export function Outside() {
  useEffect(() => {
    prepareToAnnounce();
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, []);
  return (
    <>
      <Outlet />
      <Toaster />
    </>
  );
}

/** Around every screen of a signed-in person: the call bar, the navigation, the agent's own state. */
export function Shell() {
  const t = useT();
  const navigate = useNavigate();
  const places = usePlaces();
  useLive();
  useObeyed();
  useEffect(() => onSignedOut(() => void navigate({ to: "/sign-in" })), [navigate]);
  const me = useMe();
  // Who takes no calls needs no phone, and is not asked for the microphone.
  const agent = useAgent(me?.user.id ?? "");
  const works = agent !== undefined && me?.user.must_change_password === false && !me.user.must_set_up_second_step;
  useEffect(() => (works ? startPhone() : undefined), [works]);
  useTitle(places);
  if (me?.user.must_change_password) {
    return (
      <Suspense fallback={null}>
        <OwnPassword />
      </Suspense>
    );
  }
  if (me?.user.must_set_up_second_step) {
    return (
      <Suspense fallback={null}>
        <RequiredSecondStep />
      </Suspense>
    );
  }
  return (
    <div className="grid h-full grid-cols-[60px_minmax(0,1fr)] grid-rows-[auto_minmax(0,1fr)] max-sm:grid-cols-1 max-sm:grid-rows-[auto_minmax(0,1fr)_auto]">
      <a href="#content" className="sr-only z-50 rounded-md bg-accent px-3 py-2 text-accent-ink focus:not-sr-only focus:absolute focus:start-2 focus:top-2">
        {t("common.skip")}
      </a>
      <header className="col-span-full flex min-h-14 flex-wrap items-center gap-x-4 gap-y-1 border-b border-line bg-surface px-4 py-1.5 max-sm:px-2">
        <Brand />
        <div className="min-w-0 flex-1 max-sm:has-[section]:order-first max-sm:has-[section]:basis-full">
          <CallBar />
        </div>
        <AgentBar />
        <ConnectionBadge />
      </header>
      <Navigation places={places} />
      <Content />
      <IncomingCall />
      <Keys places={places} />
    </div>
  );
}

/** The settings are read once the screen lives. */
function useObeyed(): void {
  const queries = useQueryClient();
  useEffect(() => {
    let end: (() => void) | undefined;
    let gone = false;
    void import("./obey").then(({ obey }) => {
      if (!gone) end = obey(queries);
    });
    return () => {
      gone = true;
      end?.();
    };
  }, [queries]);
}

/** Whose panel this is; makes room for a call where there is little. */
function Brand() {
  const t = useT();
  const tenant = useMe()?.tenant.name;
  return (
    <div className="flex items-center gap-2.5 max-md:[header:has(section)_&]:hidden">
      <span aria-hidden className="grid size-8 place-items-center rounded-md bg-accent text-accent-ink">
        <PhoneCall size={17} />
      </span>
      <span className="max-w-40 truncate text-md font-semibold max-lg:sr-only">{tenant ?? t("common.product")}</span>
    </div>
  );
}

/** The screen itself. Whoever goes to another is set down at its beginning, not left on a link that is gone. */
function Content() {
  const main = useRef<HTMLElement>(null);
  const seesUsage = useCan("usage:read");
  const managesChannels = useCan("channels:manage");
  const me = useMe();
  // There is nothing to compare with before the journal's place is known.
  const ready = useLiveReady();
  const path = useRouterState({ select: (state) => state.resolvedLocation?.pathname });
  const seen = useRef(path);
  useEffect(() => {
    if (seen.current !== undefined && path !== seen.current) main.current?.focus({ preventScroll: true });
    seen.current = path;
  }, [path]);
  return (
    <main ref={main} id="content" tabIndex={-1} className="flex min-h-0 flex-col overflow-auto outline-none">
      <SetupBanner />
      {seesUsage && (
        <Suspense fallback={null}>
          <Banners />
        </Suspense>
      )}
      {ready && managesChannels && (
        <Suspense fallback={null}>
          <ChannelBanners />
        </Suspense>
      )}
      {ready && me && (
        <Suspense fallback={null}>
          <NoticeBanners key={me.user.id} self={me.user.id} />
        </Suspense>
      )}
      <PhoneNotices />
      <div className="min-h-0 flex-1">
        <Outlet />
      </div>
    </main>
  );
}

function useTitle(places: readonly Place[]): void {
  const t = useT();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const here = places.findLast((one) => path === one.to || path.startsWith(`${one.to}/`));
  const title = here ? `${here.title} · ${t("common.product")}` : t("common.product");
  useEffect(() => {
    document.title = title;
  }, [title]);
}

function Keys({ places }: { places: readonly Place[] }) {
  const t = useT();
  const [palette, setPalette] = useState(false);
  const [list, setList] = useState(false);
  const [, setTheme] = useTheme();
  const group = t("common.group.general");
  useCommand({ id: "palette", title: t("common.palette.title"), group, shortcut: "ctrl+k", run: () => setPalette(true) });
  useCommand({ id: "shortcuts", title: t("common.shortcuts.title"), group, shortcut: "?", run: () => setList(true) });
  useCommand({ id: "theme-light", title: `${t("common.theme.title")}: ${t("common.theme.light")}`, group, run: () => setTheme("light") });
  useCommand({ id: "theme-dark", title: `${t("common.theme.title")}: ${t("common.theme.dark")}`, group, run: () => setTheme("dark") });
  useCommand({ id: "theme-system", title: `${t("common.theme.title")}: ${t("common.theme.system")}`, group, run: () => setTheme("system") });
  return (
    <>
      {places.map((place) => (
        <Go key={place.to} place={place} />
      ))}
      <Palette open={palette} onOpenChange={setPalette} />
      <ShortcutList open={list} onOpenChange={setList} />
    </>
  );
}

function Go({ place }: { place: Place }) {
  const t = useT();
  const navigate = useNavigate();
  useCommand({ id: `go-${place.to}`, title: place.title, group: t("common.group.go"), ...(place.shortcut ? { shortcut: place.shortcut } : {}), run: () => void navigate({ to: place.to }) });
  return null;
}
