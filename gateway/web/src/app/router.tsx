import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { signedIn } from "@/api/session";
import { loadArea } from "@/i18n";
import { Failed } from "./failed";
import { NotFound } from "./not-found";
import { Pending } from "./pending";
import { Outside, Shell } from "./shell";

const root = createRootRoute({ component: Outside, notFoundComponent: NotFound });

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  validateSearch: (search): { next?: string; problem?: string; tenant?: string } => ({
    ...(typeof search.next === "string" && search.next.startsWith("/") ? { next: search.next } : {}),
    ...(typeof search.problem === "string" ? { problem: search.problem } : {}),
    ...(typeof search.tenant === "string" ? { tenant: search.tenant } : {}),
  }),
  loader: () => loadArea("account"),
  component: lazyRouteComponent(() => import("@/screens/sign-in")),
});

// Where letters lead. What a link carries stands behind `#`, which browsers send to nobody.
const forgot = createRoute({ getParentRoute: () => root, path: "/forgot-password", loader: () => loadArea("account"), component: lazyRouteComponent(() => import("@/screens/account/forgot")) });
const reset = createRoute({ getParentRoute: () => root, path: "/reset-password", loader: () => loadArea("account"), component: lazyRouteComponent(() => import("@/screens/account/reset")) });
const verify = createRoute({ getParentRoute: () => root, path: "/verify-email", loader: () => loadArea("account"), component: lazyRouteComponent(() => import("@/screens/account/verify")) });
const join = createRoute({ getParentRoute: () => root, path: "/join", loader: () => loadArea("account"), component: lazyRouteComponent(() => import("@/screens/account/join")) });

const design = createRoute({
  getParentRoute: () => root,
  path: "/design",
  loader: () => loadArea("sound"),
  component: lazyRouteComponent(() => import("@/screens/design")),
});

/** Everything that asks for a signed-in person. */
const inside = createRoute({
  getParentRoute: () => root,
  id: "inside",
  component: Shell,
  beforeLoad: async ({ location }) => {
    if (!(await signedIn())) throw redirect({ to: "/sign-in", search: { next: location.href } });
  },
});

const home = createRoute({
  getParentRoute: () => inside,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/calls" });
  },
});

const calls = createRoute({
  getParentRoute: () => inside,
  path: "/calls",
  // The screen reads its filters from the address itself: `src/screens/calls/filters.ts`.
  validateSearch: (search): Record<string, unknown> => search,
  component: lazyRouteComponent(() => import("@/screens/calls")),
});

const worklist = createRoute({
  getParentRoute: () => inside,
  path: "/worklist",
  // The screen reads what is asked for from the address itself.
  validateSearch: (search): Record<string, unknown> => search,
  loader: () => Promise.all([loadArea("worklist"), loadArea("dialing")]),
  component: lazyRouteComponent(() => import("@/screens/worklist")),
});

const inbox = createRoute({
  getParentRoute: () => inside,
  path: "/inbox",
  // The screen reads view, filters and the open conversation from the address itself: `src/screens/inbox/filters.ts`.
  validateSearch: (search): Record<string, unknown> => search,
  loader: () => Promise.all([loadArea("inbox"), loadArea("incall"), loadArea("worklist")]),
  component: lazyRouteComponent(() => import("@/screens/inbox")),
});

const call = createRoute({
  getParentRoute: () => inside,
  path: "/calls/$callId",
  loader: () => Promise.all([loadArea("call"), loadArea("work"), loadArea("dialing"), loadArea("incall")]),
  component: lazyRouteComponent(() => import("@/screens/call")),
});

const agents = createRoute({ getParentRoute: () => inside, path: "/agents", loader: () => Promise.all([loadArea("work"), loadArea("incall")]), component: lazyRouteComponent(() => import("@/screens/agents")) });
const queues = createRoute({ getParentRoute: () => inside, path: "/queues", loader: () => loadArea("work"), component: lazyRouteComponent(() => import("@/screens/queues")) });
const queueRules = createRoute({
  getParentRoute: () => inside,
  path: "/queues/$queueId",
  loader: () => Promise.all([loadArea("routing"), loadArea("work")]),
  component: lazyRouteComponent(() => import("@/screens/queue-rules")),
});
const board = createRoute({
  getParentRoute: () => inside,
  path: "/board",
  // Which queue, and whether it is on a wall.
  validateSearch: (search): Record<string, unknown> => search,
  loader: () => Promise.all([loadArea("board"), loadArea("work")]),
  component: lazyRouteComponent(() => import("@/screens/board")),
});
const devices = createRoute({ getParentRoute: () => inside, path: "/devices", loader: () => loadArea("devices"), component: lazyRouteComponent(() => import("@/screens/devices")) });
const setup = createRoute({ getParentRoute: () => inside, path: "/setup", loader: () => loadArea("wizard"), component: lazyRouteComponent(() => import("@/screens/setup")) });
const audit = createRoute({
  getParentRoute: () => inside,
  path: "/audit",
  // The screen reads its filters from the address itself: `src/screens/audit/filters.ts`.
  validateSearch: (search): Record<string, unknown> => search,
  loader: () => loadArea("audit"),
  component: lazyRouteComponent(() => import("@/screens/audit")),
});
const jobs = createRoute({
  getParentRoute: () => inside,
  path: "/settings/jobs",
  validateSearch: (search): Record<string, unknown> => search,
  loader: () => loadArea("jobs"),
  component: lazyRouteComponent(() => import("@/screens/jobs")),
});
const settings = createRoute({ getParentRoute: () => inside, path: "/settings", loader: () => Promise.all([loadArea("sound"), loadArea("notify")]), component: lazyRouteComponent(() => import("@/screens/settings")) });
const roles = createRoute({
  getParentRoute: () => inside,
  path: "/settings/roles",
  validateSearch: (search): Record<string, unknown> => search,
  loader: () => loadArea("access"),
  component: lazyRouteComponent(() => import("@/screens/roles")),
});
const apiKeys = createRoute({ getParentRoute: () => inside, path: "/settings/api-keys", loader: () => loadArea("access"), component: lazyRouteComponent(() => import("@/screens/api-keys")) });
const hooks = createRoute({ getParentRoute: () => inside, path: "/settings/hooks", loader: () => loadArea("hooks"), component: lazyRouteComponent(() => import("@/screens/hooks")) });
const allSettings = createRoute({ getParentRoute: () => inside, path: "/settings/all", loader: () => loadArea("company"), component: lazyRouteComponent(() => import("@/screens/all-settings")) });
const sites = createRoute({ getParentRoute: () => inside, path: "/settings/sites", loader: () => loadArea("company"), component: lazyRouteComponent(() => import("@/screens/sites")) });
const channels = createRoute({
  getParentRoute: () => inside,
  path: "/settings/channels",
  validateSearch: (search): Record<string, unknown> => search,
  loader: () => loadArea("channels"),
  component: lazyRouteComponent(() => import("@/screens/channels")),
});
const numbers = createRoute({
  getParentRoute: () => inside,
  path: "/settings/numbers",
  // What is open stands in the address.
  validateSearch: (search): Record<string, unknown> => search,
  loader: () => Promise.all([loadArea("numbers"), loadArea("hours")]),
  component: lazyRouteComponent(() => import("@/screens/numbers")),
});
const hours = createRoute({
  getParentRoute: () => inside,
  path: "/settings/hours",
  // What is open stands in the address.
  validateSearch: (search): Record<string, unknown> => search,
  loader: () => loadArea("hours"),
  component: lazyRouteComponent(() => import("@/screens/hours")),
});
const trunks = createRoute({
  getParentRoute: () => inside,
  path: "/settings/trunks",
  // What is open stands in the address.
  validateSearch: (search): Record<string, unknown> => search,
  loader: () => loadArea("trunks"),
  component: lazyRouteComponent(() => import("@/screens/trunks")),
});
const inboxSettings = createRoute({
  getParentRoute: () => inside,
  path: "/settings/inbox",
  validateSearch: (search): Record<string, unknown> => search,
  loader: () => Promise.all([loadArea("inbox"), loadArea("inboxtools")]),
  component: lazyRouteComponent(() => import("@/screens/inbox-settings")),
});
const dialing = createRoute({
  getParentRoute: () => inside,
  path: "/settings/dialing",
  loader: () => loadArea("dialing"),
  component: lazyRouteComponent(() => import("@/screens/dialing")),
});
const flows = createRoute({ getParentRoute: () => inside, path: "/settings/flows", loader: () => loadArea("flows"), component: lazyRouteComponent(() => import("@/screens/flows")) });
const flow = createRoute({
  getParentRoute: () => inside,
  path: "/settings/flows/$flowId",
  // How it is shown, and which version or call beside it.
  validateSearch: (search): Record<string, unknown> => search,
  loader: () => Promise.all([loadArea("flows"), loadArea("trace"), loadArea("sounds")]),
  component: lazyRouteComponent(() => import("@/screens/flows/editor")),
});
const sounds = createRoute({ getParentRoute: () => inside, path: "/settings/sounds", loader: () => loadArea("sounds"), component: lazyRouteComponent(() => import("@/screens/sounds")) });
const usage = createRoute({ getParentRoute: () => inside, path: "/settings/usage", loader: () => loadArea("company"), component: lazyRouteComponent(() => import("@/screens/usage")) });
const platform = createRoute({
  getParentRoute: () => inside,
  path: "/platform",
  validateSearch: (search): Record<string, unknown> => search,
  loader: () => Promise.all([loadArea("company"), loadArea("platform")]),
  component: lazyRouteComponent(() => import("@/screens/platform")),
});

const reports = createRoute({
  getParentRoute: () => inside,
  path: "/reports",
  // The screen reads what is wanted from the address itself: `src/screens/reports/period.ts`.
  validateSearch: (search): Record<string, unknown> => search,
  loader: () => loadArea("reports"),
  component: lazyRouteComponent(() => import("@/screens/reports")),
});

const security = createRoute({ getParentRoute: () => inside, path: "/settings/security", loader: () => loadArea("account"), component: lazyRouteComponent(() => import("@/screens/security")) });
const members = createRoute({ getParentRoute: () => inside, path: "/settings/members", loader: () => loadArea("account"), component: lazyRouteComponent(() => import("@/screens/members")) });

const provider = createRoute({ getParentRoute: () => inside, path: "/settings/sign-in", loader: () => loadArea("account"), component: lazyRouteComponent(() => import("@/screens/sign-in-settings")) });

export const router = createRouter({
  routeTree: root.addChildren([
    signIn,
    forgot,
    reset,
    verify,
    join,
    design,
    inside.addChildren([home, inbox, calls, call, agents, queues, board, devices, setup, audit, settings, security, members, provider, roles, apiKeys, jobs, allSettings, sites, channels, numbers, hours, trunks, inboxSettings, usage, platform, reports, queueRules, dialing, flows, flow, sounds, hooks, worklist]),
  ]),
  defaultPreload: "intent",
  defaultErrorComponent: Failed,
  defaultPendingComponent: Pending,
  defaultPendingMs: 300,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
