import { RouterProvider, createMemoryHistory, createRootRoute, createRoute, createRouter } from "@tanstack/react-router";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, beforeAll, expect, test } from "vitest";
import { loadArea, setLanguage } from "@/i18n";
import { timeline } from "./timeline";
import { TimelineList } from "./timeline-list";

const AT = "2026-11-20T10:00:00Z";

beforeAll(async () => {
  await setLanguage("en");
  await loadArea("call");
  await loadArea("incall");
});
afterEach(cleanup);

test("a call back leads to the call in which it was asked for", async () => {
  const event = { seq: 1, id: "e1", kind: "call.started", at: AT, subject: { type: "call", id: "b" }, actor: null, data: { direction: "outbound", from: "+1", to: "+3906", callback_of: "c" } };
  const entries = timeline([event], AT, { agent: () => undefined, queue: () => undefined, number: (value) => value });
  const root = createRootRoute({ component: () => <TimelineList entries={entries} error={null} place={() => 0} onSeek={() => undefined} running={false} /> });
  const call = createRoute({ getParentRoute: () => root, path: "/calls/$callId", component: () => null });
  render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { enabled: false } } })}>
      <RouterProvider router={createRouter({ routeTree: root.addChildren([call]), history: createMemoryHistory() }) as never} />
    </QueryClientProvider>,
  );
  const link = await screen.findByRole("link", { name: "their earlier call" });
  expect(link.getAttribute("href")).toBe("/calls/c");
  expect(link.parentElement?.textContent).toBe("Call back of their earlier call");
  expect(screen.getByText("+3906")).toBeTruthy();
});
