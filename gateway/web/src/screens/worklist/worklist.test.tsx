import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider, createMemoryHistory, createRootRoute, createRoute, createRouter } from "@tanstack/react-router";
import { act, cleanup, configure, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import axe from "axe-core";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { Toaster, dismiss } from "@/design";
import { loadArea, setLanguage } from "@/i18n";
import { live } from "@/live";
import Worklist from ".";

vi.setConfig({ testTimeout: 30_000 });
configure({ asyncUtilTimeout: 5_000 });
vi.mock("@/api/session", async (original) => ({ ...(await original<object>()), currentToken: () => Promise.resolve({ value: "t", expiresAt: Infinity }) }));

const AT = "2026-11-30T09:00:00.000001Z";
const row = (id: string, more: object = {}) => ({ id, call_id: "c1", queue_id: null, number: "+15550107", contact_id: null, contact_name: null, why: "missed", at: AT, last_in_at: AT, calls: 1, state: "open", attempts: 0, last_attempt_at: null, last_call_id: null, until: null, taken_by: null, taken_by_name: null, ended_at: null, ended_by_name: null, note: "", voicemail_id: null, ...more });
const voicemail = (id: string, more: object = {}) => ({ id, call_id: "c1", queue_id: null, from: "+15550108", contact_name: null, conversation_id: null, at: AT, state: "ready", length_ms: 31_000, done_at: null, done_by_name: null, ...more });
let permissions: string[];
let reach: string;
let asked: string[];
let read: URL[];
let lists: Record<string, object[]>;
let answers: Record<string, () => Response>;

beforeAll(async () => {
  await setLanguage("en");
  await loadArea("worklist");
  document.documentElement.lang = "en";
  document.title = "To return";
});
beforeEach(() => {
  permissions = ["calls:read", "calls:control", "calls:dial"];
  reach = "queues";
  [asked, read, answers] = [[], [], {}];
  lists = { callbacks: [], voicemails: [] };
  vi.stubGlobal("fetch", (request: Request) => {
    const url = new URL(request.url);
    const path = url.pathname.replace("/api/v1/", "");
    const what = `${request.method} ${path}`;
    if (request.method === "GET") read.push(url);
    else asked.push(what);
    const given = answers[what];
    if (given) return Promise.resolve(given());
    if (path === "me") return Promise.resolve(Response.json({ permissions, reach, tenant: { id: "t", name: "Alpenhof", time_zone: "Europe/Zurich" }, user: { id: "me", name: "Aline Rochat" } }));
    if (path === "callbacks/counts") return Promise.resolve(Response.json({ open: 2, mine: 0, voicemails: 1 }));
    if (request.method === "GET" && path in lists) return Promise.resolve(Response.json({ items: lists[path], next_cursor: null, as_of_seq: 1 }));
    return Promise.resolve(Response.json(path.startsWith("voicemails/") ? voicemail("v1") : row("r1")));
  });
});
afterEach(() => {
  for (let id = 1; id < 60; id += 1) act(() => dismiss(id));
  cleanup();
  vi.unstubAllGlobals();
});

function show(search = ""): void {
  const root = createRootRoute();
  const route = createRoute({ getParentRoute: () => root, path: "/worklist", validateSearch: (raw): Record<string, unknown> => raw, component: Worklist });
  const call = createRoute({ getParentRoute: () => root, path: "/calls/$callId", component: () => null });
  const router = createRouter({ routeTree: root.addChildren([route, call]), history: createMemoryHistory({ initialEntries: [`/worklist${search}`] }) });
  render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <RouterProvider router={router as never} />
      <Toaster />
    </QueryClientProvider>,
  );
}

/** What axe can see without a layout. */
async function accessible(): Promise<void> {
  const { violations } = await axe.run(document.body, { rules: { "color-contrast": { enabled: false }, region: { enabled: false }, "aria-hidden-focus": { enabled: false } } });
  expect(violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" ")}`)).toEqual([]);
}

describe("calls to return", () => {
  test("are taken, and put back by Undo", async () => {
    lists.callbacks = [row("r1", { calls: 3, attempts: 1 })];
    show();
    const list = await screen.findByRole("list", { name: "Calls to return" });
    expect(within(list).getByText(/called 3 times/)).toBeTruthy();
    await accessible();
    fireEvent.click(await within(list).findByRole("button", { name: "Take" }));
    fireEvent.click(await screen.findByRole("button", { name: "Undo" }));
    await waitFor(() => expect(asked).toEqual(["POST callbacks/r1/take", "POST callbacks/r1/release"]));
  });

  test("that the router makes say since when they are in line, lead to that call, and are taken as before", async () => {
    lists.callbacks = [row("r1", { in_line: { call_id: "b1", since: AT } }), row("r2", { in_line: null }), row("r3", { state: "done", in_line: { call_id: "b3", since: AT }, ended_at: AT })];
    show();
    const chip = await screen.findByRole("link", { name: /^In line since / });
    expect(chip.getAttribute("href")).toBe("/calls/b1");
    expect(chip.textContent).toMatch(/10:00/);
    fireEvent.focus(chip);
    expect(await screen.findByRole("tooltip", { name: /free first is rung/ })).toBeTruthy();
    await accessible();
    fireEvent.click((await screen.findAllByRole("button", { name: "Take" }))[0] as HTMLElement);
    await waitFor(() => expect(asked).toEqual(["POST callbacks/r1/take"]));
  });

  test("that are being made, or have been, are not in line any more", async () => {
    const call = { direction: "outbound" as const, asterisk: "main", from: "+15550100", to: "+15550107", state: "ringing" as const, queued_at: AT, started_at: AT, estimated: false, gaps: [], dispositions: [], notes: [], tags: [], legs: [] };
    const leg = { id: "l", kind: "agent" as const, agent_id: "ben", started_at: AT, answered_at: AT };
    live.store.load({ agents: { items: [], as_of_seq: 1 }, queues: { items: [], as_of_seq: 1 }, calls: { items: [{ ...call, id: "b1", legs: [leg] }, { ...call, id: "b2", state: "active", answered_at: AT, legs: [leg] }], as_of_seq: 1 } });
    lists.callbacks = ["b1", "b2"].map((call_id) => row(`r-${call_id}`, { in_line: { call_id, since: AT } }));
    show();
    expect((await screen.findByRole("link", { name: "Being called now" })).getAttribute("href")).toBe("/calls/b1");
    expect(screen.queryByRole("link", { name: /^In line/ })).toBeNull();
    act(() => live.store.clear());
  });

  test("that a colleague has can be neither called nor closed, but by who sees all", async () => {
    lists.callbacks = [row("r1", { taken_by: "other", taken_by_name: "Jonas Steiner" })];
    show();
    expect(await screen.findByText(/Jonas Steiner calls/)).toBeTruthy();
    const close = await screen.findByRole<HTMLButtonElement>("button", { name: "Close without a call" });
    expect([close.disabled, screen.queryByRole("button", { name: "Call" }), screen.queryByRole("button", { name: "Put back" })]).toEqual([true, null, null]);
    cleanup();
    reach = "all";
    show();
    expect(await screen.findByRole("button", { name: "Put back" })).toBeTruthy();
  });

  test("are closed, and opened again by Undo; who was quicker is told", async () => {
    lists.callbacks = [row("r1")];
    show();
    fireEvent.click(await screen.findByRole("button", { name: "Close without a call" }));
    fireEvent.click(await screen.findByRole("button", { name: "Undo" }));
    await waitFor(() => expect(asked).toEqual(["POST callbacks/r1/close", "POST callbacks/r1/reopen"]));
    answers["POST callbacks/r1/take"] = () => Response.json({ status: 409, code: "taken", detail: "Jonas Steiner has it" }, { status: 409 });
    const take = await screen.findByRole<HTMLButtonElement>("button", { name: "Take" });
    await waitFor(() => expect(take.disabled).toBe(false));
    fireEvent.click(take);
    expect((await screen.findAllByText(/That did not work/)).length).toBeGreaterThan(0);
  });

  test("that are over say how, and nothing is offered to who may only look", async () => {
    permissions = ["calls:read"];
    lists.callbacks = [row("r1", { state: "unreached", attempts: 3, ended_at: AT }), row("r2", { state: "closed", note: "Wrote a letter", ended_at: AT })];
    show("?state=done");
    expect(await screen.findByText("Not reached")).toBeTruthy();
    expect(screen.getByText(/Wrote a letter/)).toBeTruthy();
    expect(screen.queryByRole("button", { name: "Open again" })).toBeNull();
    expect(read.some((url) => url.pathname.endsWith("/callbacks") && url.searchParams.get("state") === "done")).toBe(true);
  });

  test("teach while there is none, and tell when they cannot be read", async () => {
    show();
    expect(await screen.findByText("Nobody is to be called back")).toBeTruthy();
    cleanup();
    answers["GET callbacks"] = () => Response.json({ status: 503, code: "unavailable", detail: "away" }, { status: 503 });
    show();
    expect(await screen.findByRole("button", { name: "Try again" })).toBeTruthy();
  });
});

describe("voicemails", () => {
  test("are marked done, and not after all by Undo", async () => {
    lists.voicemails = [voicemail("v1"), voicemail("v2", { state: "fetching" }), voicemail("v3", { state: "lost" })];
    show("?what=voicemails");
    const list = await screen.findByRole("list", { name: "Voicemails" });
    expect(within(list).getByText("The message is on its way")).toBeTruthy();
    expect(within(list).getByText("The message is lost")).toBeTruthy();
    await accessible();
    const done = await within(list).findAllByRole("button", { name: "Done" });
    fireEvent.click(done[0] as HTMLElement);
    fireEvent.click(await screen.findByRole("button", { name: "Undo" }));
    await waitFor(() => expect(asked).toEqual(["POST voicemails/v1/done", "POST voicemails/v1/reopen"]));
  });
});
