import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider, createMemoryHistory, createRootRoute, createRoute, createRouter } from "@tanstack/react-router";
import { act, cleanup, configure, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import axe from "axe-core";
import fc from "fast-check";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { Toaster, dismiss } from "@/design";
import { loadArea, setLanguage } from "@/i18n";
import { etagOf } from "../shared/etag";
import InboxSettings from ".";
import { GOALS, isGoal } from "./goals";
import { DOES, isWhole, moved, newStep } from "./steps";
import { insert } from "./variables";

vi.setConfig({ testTimeout: 30_000 });
configure({ asyncUtilTimeout: 5_000 });
vi.mock("@/api/session", async (original) => ({ ...(await original<object>()), currentToken: () => Promise.resolve({ value: "t", expiresAt: Infinity }) }));

const AT = "2026-11-30T09:00:00.000001Z";
let permissions: string[];
let asked: { what: string; body: unknown; etag: string | null }[];
let lists: Record<string, object[]>;
let answers: Record<string, () => Response>;

beforeAll(async () => {
  await setLanguage("en");
  await Promise.all([loadArea("inbox"), loadArea("inboxtools")]);
  document.documentElement.lang = "en";
  document.title = "Inbox settings";
});
beforeEach(() => {
  permissions = ["conversations:read", "conversations:write", "inbox_tools:manage"];
  [asked, answers] = [[], {}];
  lists = { labels: [{ id: "vip", name: "VIP", colour: "purple", updated_at: AT }], "canned-replies": [], macros: [], "sla-policies": [], "inbox-views": [] };
  vi.stubGlobal("fetch", async (request: Request) => {
    const path = new URL(request.url).pathname.replace("/api/v1/", "");
    const what = `${request.method} ${path}`;
    const text = request.method === "GET" ? "" : await request.text();
    if (request.method !== "GET") asked.push({ what, body: text ? JSON.parse(text) : undefined, etag: request.headers.get("if-match") });
    const given = answers[what];
    if (given) return given();
    if (path === "me") return Response.json({ permissions, reach: "all", tenant: { id: "t", name: "Alpenhof", time_zone: "Europe/Zurich" }, user: { id: "me", name: "Aline Rochat" } });
    if (request.method === "GET") return Response.json({ items: lists[path] ?? [], next_cursor: null, as_of_seq: 1 });
    if (request.method === "DELETE") return new Response(null, { status: 204 });
    return Response.json({ id: "new", updated_at: AT, ...(JSON.parse(text) as object) });
  });
});
afterEach(() => {
  for (let id = 1; id < 60; id += 1) act(() => dismiss(id));
  cleanup();
  vi.unstubAllGlobals();
});

function show(tab: string): void {
  const root = createRootRoute();
  const route = createRoute({ getParentRoute: () => root, path: "/settings/inbox", validateSearch: (raw): Record<string, unknown> => raw, component: InboxSettings });
  const router = createRouter({ routeTree: root.addChildren([route]), history: createMemoryHistory({ initialEntries: [`/settings/inbox?tab=${tab}`] }) });
  render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <RouterProvider router={router as never} />
      <Toaster />
    </QueryClientProvider>,
  );
}
const dialog = () => screen.findByRole("dialog");
const type = (field: HTMLElement, value: string) => fireEvent.change(field, { target: { value } });
const refused = (status: number, more: object = {}) => () => Response.json({ status, code: "x", detail: "The server said no.", ...more }, { status });

/** What axe can see without a layout. */
async function accessible(): Promise<void> {
  const { violations } = await axe.run(document.body, { rules: { "color-contrast": { enabled: false }, region: { enabled: false }, "page-has-heading-one": { enabled: false }, "aria-hidden-focus": { enabled: false } } });
  expect(violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" ")}`)).toEqual([]);
}

describe("what is kept for the inbox", () => {
  test("is written whole, with the state that one has seen", async () => {
    show("labels");
    fireEvent.click(await screen.findByRole("button", { name: "Change VIP" }));
    type(within(await dialog()).getByRole("textbox", { name: "Name" }), "  Very important  ");
    await accessible();
    fireEvent.click(within(await dialog()).getByRole("button", { name: "Save" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(asked).toEqual([{ what: "PUT labels/vip", body: { name: "Very important", colour: "purple" }, etag: etagOf(AT) }]);
  });

  test("keeps what was typed when somebody else was quicker, and when the server refuses a field", async () => {
    show("labels");
    fireEvent.click(await screen.findByRole("button", { name: "Change VIP" }));
    const form = within(await dialog());
    type(form.getByRole("textbox", { name: "Name" }), "Mine");
    answers["PUT labels/vip"] = refused(412);
    fireEvent.click(form.getByRole("button", { name: "Save" }));
    await form.findByText(/Somebody else has changed it meanwhile/);
    answers["PUT labels/vip"] = refused(422, { errors: [{ field: "name", message: "There is one of this name" }] });
    fireEvent.click(form.getByRole("button", { name: "Save" }));
    await form.findByText("There is one of this name");
    expect(form.queryByText(/Somebody else/)).toBeNull();
    expect(form.getByRole("textbox", { name: "Name" })).toHaveProperty("value", "Mine");
  });

  test("is asked about before it goes, and stays when it cannot", async () => {
    show("labels");
    answers["DELETE labels/vip"] = refused(500);
    fireEvent.click(await screen.findByRole("button", { name: "Remove VIP" }));
    const question = within(await screen.findByRole("alertdialog"));
    question.getByText(/Conversations that bear it lose it/);
    fireEvent.click(question.getByRole("button", { name: "Cancel" }));
    await waitFor(() => expect(screen.queryByRole("alertdialog")).toBeNull());
    expect(asked).toEqual([]);
    fireEvent.click(screen.getByRole("button", { name: "Remove VIP" }));
    fireEvent.click(within(await screen.findByRole("alertdialog")).getByRole("button", { name: "Remove" }));
    await screen.findByText("It was not removed");
    await screen.findByRole("button", { name: "Change VIP" });
  });

  test("teaches while there is none, and tells when it cannot be read", async () => {
    show("macros");
    await screen.findByText("No macros");
    await accessible();
    cleanup();
    answers["GET macros"] = refused(500);
    show("macros");
    await screen.findByRole("button", { name: "Try again" });
    delete answers["GET macros"];
    fireEvent.click(screen.getByRole("button", { name: "Try again" }));
    await screen.findByText("No macros");
  });

  test("is everybody's to read, and an operator's own to write", async () => {
    permissions = ["conversations:read", "conversations:write"];
    lists["canned-replies"] = [
      { id: "all", shortcut: "hours", text: "From 9 to 17", updated_at: AT, user_id: null },
      { id: "own", shortcut: "mine", text: "My words", updated_at: AT, user_id: "me" },
    ];
    show("canned");
    await screen.findByRole("button", { name: "Change /mine" });
    expect(screen.queryByRole("button", { name: "Change /hours" })).toBeNull();
    fireEvent.click(screen.getByRole("button", { name: "Add a reply" }));
    const form = within(await dialog());
    expect(form.getByRole("checkbox", { name: "For me alone" })).toHaveProperty("disabled", true);
    type(form.getByRole("textbox", { name: "Short word" }), "/bye");
    type(form.getByRole("textbox", { name: "Text" }), "Goodbye");
    fireEvent.click(form.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(asked[0]).toMatchObject({ what: "POST canned-replies", body: { shortcut: "bye", text: "Goodbye", personal: true }, etag: null }));
    cleanup();
    show("labels");
    await screen.findByText("VIP");
    expect(screen.queryByRole("button", { name: "Add a label" })).toBeNull();
  });
});

describe("what is typed", () => {
  test("is a goal only as a whole number of minutes, or not at all", () => {
    for (const goal of GOALS) {
      expect(["", "  ", "1", "60", " 15 ", "100000"].map((typed) => isGoal(goal, typed))).toEqual([true, true, true, true, true, true]);
      expect(["0", "-1", "1.5", "x", "1e3", "9999999"].map((typed) => isGoal(goal, typed))).toEqual([false, false, false, false, false, false]);
    }
  });

  test("begins a step that is whole, or says what it lacks", () => {
    expect(DOES.filter((does) => !isWhole(newStep(does)))).toEqual(["reply", "note", "label", "unlabel"]);
    for (const minutes of [0, 1.5, Number.NaN, 525_601]) expect(isWhole({ do: "snooze", minutes })).toBe(false);
  });

  test("is moved and lost nothing of", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer(), { maxLength: 20 }), fc.integer({ min: -1, max: 21 }), fc.integer({ min: -25, max: 25 }), (all, from, by) => {
        const next = moved(all, from, by);
        expect([...next].sort((a, b) => a - b)).toEqual([...all].sort((a, b) => a - b));
        const one = all[from];
        if (one !== undefined) expect(next.indexOf(one)).toBe(Math.max(0, Math.min(all.length - 1, from + by)));
      }),
    );
  });

  test("takes a variable where the cursor is", () => {
    expect(insert("Dear !", { start: 5, end: 5 }, "contact.name")).toEqual({ text: "Dear {{contact.name}}!", cursor: 21 });
    expect(insert("Dear X!", { start: 5, end: 6 }, "agent.name").text).toBe("Dear {{agent.name}}!");
  });
});
