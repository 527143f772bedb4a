/** A screen on its own, at its address, before a server that keeps what it is sent. */
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider, createMemoryHistory, createRootRoute, createRoute, createRouter } from "@tanstack/react-router";
import { render } from "@testing-library/react";
import axe from "axe-core";
import type { FunctionComponent } from "react";
import { expect, vi } from "vitest";
import { Toaster } from "@/design";

export interface Asked {
  /** `PUT schedules/1/override` */
  readonly what: string;
  readonly body: unknown;
}

/** `lists` by their path; `answers` by what is asked, before anything else. */
export class Server {
  readonly asked: Asked[] = [];
  readonly answers: Record<string, (body: unknown) => Response> = {};
  permissions: readonly string[] = ["telephony:read", "telephony:manage"];
  constructor(readonly lists: Record<string, readonly object[]>) {
    vi.stubGlobal("fetch", async (request: Request) => {
      const path = decodeURIComponent(new URL(request.url).pathname.replace("/api/v1/", ""));
      const what = `${request.method} ${path}`;
      const text = request.method === "GET" ? "" : await request.text();
      const body: unknown = text ? JSON.parse(text) : undefined;
      if (request.method !== "GET") this.asked.push({ what, body });
      const given = this.answers[what];
      if (given) return given(body);
      if (path === "me") return Response.json({ permissions: this.permissions, reach: "all", tenant: { id: "t", name: "Alpenhof", time_zone: "Europe/Rome" }, user: { id: "me", name: "Ada" } });
      if (request.method === "GET") {
        const one = Object.entries(this.lists).flatMap(([list, items]) => (path.startsWith(`${list}/`) ? items.filter((item) => "id" in item && item.id === path.slice(list.length + 1)) : []))[0];
        return Response.json(one ?? { items: this.lists[path] ?? [], next_cursor: null, as_of_seq: 1 });
      }
      if (request.method === "DELETE" || path.endsWith("override")) return new Response(null, { status: 204 });
      return Response.json({ id: "new", ...(body as object) });
    });
  }
}

export const refused = (status: number, more: object = {}) => () => Response.json({ status, code: "x", detail: "The server said no.", ...more }, { status });

export function show(path: string, at: string, component: FunctionComponent): void {
  const root = createRootRoute();
  const route = createRoute({ getParentRoute: () => root, path, validateSearch: (raw): Record<string, unknown> => raw, component });
  const elsewhere = createRoute({ getParentRoute: () => root, path: "$", component: () => null });
  const router = createRouter({ routeTree: root.addChildren([route, elsewhere]), history: createMemoryHistory({ initialEntries: [at] }) });
  render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <RouterProvider router={router as never} />
      <Toaster />
    </QueryClientProvider>,
  );
}

/** What axe can see without a layout. */
export async function accessible(): Promise<void> {
  const { violations } = await axe.run(document.body, { rules: { "color-contrast": { enabled: false }, region: { enabled: false }, "page-has-heading-one": { enabled: false }, "aria-hidden-focus": { enabled: false } } });
  expect(violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" ")}`)).toEqual([]);
}
