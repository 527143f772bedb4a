import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider, createMemoryHistory, createRootRoute, createRoute, createRouter } from "@tanstack/react-router";
import { act, cleanup, configure, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import axe from "axe-core";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { Toaster, dismiss } from "@/design";
import { loadArea, setLanguage } from "@/i18n";
import Flows from ".";
import FlowEditor from "./editor";
import type { Definition, Flow } from "./model";

vi.setConfig({ testTimeout: 30_000 });
configure({ asyncUtilTimeout: 5_000 });
vi.mock("@/api/session", async (original) => ({ ...(await original<object>()), currentToken: () => Promise.resolve({ value: "t", expiresAt: Infinity }) }));
vi.mock("@/live", () => ({ useLiveReady: () => true, useQueues: () => [{ id: "q1", name: "Sales" }, { id: "q2", name: "Support" }], useAgents: () => [{ id: "a1", name: "Aline Rochat" }], useEvents: () => undefined }));

const AT = "2026-11-30T09:00:00.000001Z";
const definition: Definition = {
  start: "menu",
  language: "en",
  nodes: [
    { id: "menu", name: "Choice", x: 0, y: 0, do: { type: "menu", say: [{ text: "Press 1" }], keys: { "1": "sales" }, timeout_seconds: 5, tries: 3, wrong: [], otherwise: "bye" } },
    { id: "sales", name: "", x: 350, y: 0, do: { type: "queue", queue_id: "q1", priority: 0 } },
    { id: "bye", name: "", x: 350, y: 200, do: { type: "hang_up", say: [], reason: "completed" } },
  ],
};
const published = { version: 2, definition, at: AT, by: "me", note: null };
let permissions: string[];
let asked: { what: string; body: unknown; etag: string | null }[];
let flow: Flow;
let answers: Record<string, () => Response>;

beforeAll(async () => {
  await setLanguage("en");
  await Promise.all([loadArea("flows"), loadArea("trace"), loadArea("sounds")]);
  document.documentElement.lang = "en";
  document.title = "Flows";
  Element.prototype.scrollIntoView = () => Promise.resolve() as never;
});
beforeEach(() => {
  permissions = ["telephony:read", "telephony:manage"];
  [asked, answers] = [[], {}];
  flow = { id: "f1", name: "Main", draft: null, published, updated_at: AT };
  let tag = 1;
  vi.stubGlobal("fetch", async (request: Request) => {
    const path = new URL(request.url).pathname.replace("/api/v1/", "");
    const what = `${request.method} ${path}`;
    const text = request.method === "GET" ? "" : await request.text();
    if (request.method !== "GET") asked.push({ what, body: text ? JSON.parse(text) : undefined, etag: request.headers.get("if-match") });
    const given = answers[what];
    if (given) return given();
    const page = (items: unknown[]) => Response.json({ items, next_cursor: null });
    if (path === "me") return Response.json({ permissions, reach: "all", tenant: { id: "t", name: "Alpenhof", time_zone: "Europe/Zurich" }, user: { id: "me", name: "Aline Rochat" } });
    if (what === "GET flows") return page([{ id: "f1", name: "Main", published: { version: 2, at: AT, by: "me" }, has_draft: true, draft_faults: 2, numbers: ["+390612345678"], updated_at: AT }]);
    if (what === "GET flows/f1") return Response.json(flow, { headers: { etag: `"${String(tag)}"` } });
    if (what === "PUT flows/f1/draft") {
      tag += 1;
      flow = { ...flow, draft: { definition: (JSON.parse(text) as { definition: Definition }).definition, updated_at: AT, by: "me", faults: [] } };
      return Response.json(flow, { headers: { etag: `"${String(tag)}"` } });
    }
    if (what === "POST flows/f1/publish") {
      flow = { ...flow, draft: null, published: { ...published, version: 3, definition: flow.draft?.definition ?? definition } };
      return Response.json(flow);
    }
    if (what === "DELETE flows/f1") return new Response(null, { status: 204 });
    if (what === "POST flows") return Response.json({ ...flow, id: "new" }, { status: 201 });
    return page([]);
  });
});
afterEach(async () => {
  // What is not saved yet would be saved into the next test.
  await waitFor(() => expect(document.querySelector('[data-save="waiting"], [data-save="saving"]')).toBeNull());
  for (let id = 1; id < 60; id += 1) act(() => dismiss(id));
  cleanup();
  vi.unstubAllGlobals();
});

function show(path: string): void {
  const root = createRootRoute();
  const list = createRoute({ getParentRoute: () => root, path: "/settings/flows", component: Flows });
  const editor = createRoute({ getParentRoute: () => root, path: "/settings/flows/$flowId", validateSearch: (raw): Record<string, unknown> => raw, component: FlowEditor });
  const router = createRouter({ routeTree: root.addChildren([list, editor]), history: createMemoryHistory({ initialEntries: [path] }) });
  render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <RouterProvider router={router as never} />
      <Toaster />
    </QueryClientProvider>,
  );
}

/** The same flow in words: what is done there is done to the flow. */
async function list(): Promise<HTMLElement> {
  show("/settings/flows/f1");
  fireEvent.click(await screen.findByRole("radio", { name: "List" }));
  return screen.findByRole("list", { name: "Steps of the flow" });
}
const saved = () => waitFor(() => expect(asked.some((one) => one.what === "PUT flows/f1/draft")).toBe(true));
const sent = () => (asked.findLast((one) => one.what === "PUT flows/f1/draft")?.body as { definition: Definition }).definition;
const type = (field: HTMLElement, value: string) => fireEvent.change(field, { target: { value } });
const refused = (status: number, more: object = {}) => () => Response.json({ status, code: "x", detail: "The server said no.", ...more }, { status });

async function accessible(): Promise<void> {
  const { violations } = await axe.run(document.body, { rules: { "color-contrast": { enabled: false }, region: { enabled: false }, "page-has-heading-one": { enabled: false }, "aria-hidden-focus": { enabled: false } } });
  expect(violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" ")}`)).toEqual([]);
}

describe("the list of flows", () => {
  test("says what is published, what is wrong with drafts, and which numbers lead there", async () => {
    show("/settings/flows");
    const row = (await screen.findByRole("link", { name: "Main" })).closest("li");
    expect(row?.textContent).toContain("Version 2");
    expect(row?.textContent).toContain("Draft with 2 faults");
    expect(row?.textContent).toContain("+39 061 234 5678");
    await accessible();
  });

  test("makes one that begins with what was chosen", async () => {
    show("/settings/flows");
    fireEvent.click(await screen.findByRole("button", { name: "New flow" }));
    const form = within(await screen.findByRole("dialog"));
    type(form.getByRole("textbox", { name: "Name" }), " Night ");
    fireEvent.click(form.getByRole("radio", { name: /A menu with two choices/ }));
    await accessible();
    fireEvent.click(form.getByRole("button", { name: "Create" }));
    await waitFor(() => expect(asked[0]).toMatchObject({ what: "POST flows", body: { name: "Night", definition: { start: "menu", nodes: [{ do: { keys: { "1": "queue", "2": "queue_2" } } }, { do: { queue_id: "q1" } }, { do: { queue_id: "q2" } }] } } }));
  });

  test("makes one that begins with nothing, when nothing was chosen", async () => {
    show("/settings/flows");
    fireEvent.click(await screen.findByRole("button", { name: "New flow" }));
    const form = within(await screen.findByRole("dialog"));
    type(form.getByRole("textbox", { name: "Name" }), "Bare");
    fireEvent.click(form.getByRole("radio", { name: /^Nothing/ }));
    fireEvent.click(form.getByRole("button", { name: "Create" }));
    await waitFor(() => expect(asked[0]).toMatchObject({ what: "POST flows", body: { name: "Bare", definition: { start: "", nodes: [] } } }));
  });

  test("says why one that is in use stays", async () => {
    show("/settings/flows");
    answers["DELETE flows/f1"] = refused(409);
    fireEvent.keyDown(await screen.findByRole("button", { name: "More for Main" }), { key: "Enter" });
    fireEvent.click(await screen.findByRole("menuitem", { name: "Delete" }));
    fireEvent.click(within(await screen.findByRole("alertdialog")).getByRole("button", { name: "Delete" }));
    expect((await screen.findAllByText(/A number or another flow leads to it/)).length).toBeGreaterThan(0);
  });

  test("changes nothing for who may only look", async () => {
    permissions = ["telephony:read"];
    show("/settings/flows");
    await screen.findByRole("link", { name: "Main" });
    expect(screen.queryByRole("button", { name: "New flow" })).toBeNull();
    expect(screen.queryByRole("button", { name: "More for Main" })).toBeNull();
  });
});

describe("a flow that is worked on", () => {
  test("is told in words, in order, with its ways as links", async () => {
    const steps = await list();
    expect(within(steps).getAllByRole("button", { name: /^(Choice|To a queue|Hang up)/ }).map((one) => one.textContent)).toEqual(["Choice", "To a queue", "Hang up"]);
    within(steps).getByRole("link", { name: "Key 1: leads to 2. Sales" });
    within(steps).getByRole("link", { name: "No choice made: leads to 3. Hang up" });
    await accessible();
  });

  test("is saved by itself, with the state that one has seen", async () => {
    const steps = await list();
    fireEvent.click(within(steps).getByRole("button", { name: "Choice, Menu" }));
    type(await screen.findByRole("textbox", { name: "Name of the step" }), "What do you want?");
    await accessible();
    await saved();
    expect(asked.at(-1)?.etag).toBe('"1"');
    expect(sent().nodes[0]?.name).toBe("What do you want?");
    await screen.findByText("Draft saved");
    // The next with the tag of the last.
    type(screen.getByRole("textbox", { name: "Name of the step" }), "Choice");
    await waitFor(() => expect(asked.at(-1)?.etag).toBe('"2"'));
  });

  test("has an error beside its field, is not published with it, and the list of faults leads there", async () => {
    const steps = await list();
    fireEvent.click(within(steps).getByRole("button", { name: "Choice, Menu" }));
    fireEvent.click(await screen.findByRole("button", { name: "Add a key: 2" }));
    const field = await screen.findByRole("combobox", { name: "Key 2" });
    expect(field.getAttribute("aria-invalid")).toBe("true");
    const publish = screen.getByRole("button", { name: "Publish" });
    expect(publish.getAttribute("aria-disabled")).toBe("true");
    fireEvent.click(publish);
    const faults = await screen.findByRole("list", { name: "Faults" });
    await accessible();
    fireEvent.click(within(faults).getByRole("button", { name: /Choice/ }));
    await waitFor(() => expect(document.activeElement?.getAttribute("aria-invalid")).toBe("true"));
    expect(asked.some((one) => one.what.endsWith("/publish"))).toBe(false);
  });

  test("grows by a step after a way out, and what is done is taken back and done again", async () => {
    await list();
    fireEvent.click(screen.getByRole("button", { name: "Choice, Menu" }));
    fireEvent.click(await screen.findByRole("button", { name: "Add a key: 2" }));
    fireEvent.click(await screen.findByRole("button", { name: "Add a step after Key 2" }));
    fireEvent.click(within(await screen.findByRole("dialog")).getByRole("button", { name: /^Call somebody/ }));
    await screen.findByRole("heading", { name: "Call somebody" });
    await waitFor(() => expect(sent().nodes.map((node) => node.id)).toEqual(["menu", "sales", "bye", "dial"]));
    expect(sent().nodes[0]?.do).toMatchObject({ keys: { "1": "sales", "2": "dial" } });
    fireEvent.click(screen.getByRole("button", { name: "Undo" }));
    fireEvent.click(screen.getByRole("button", { name: "Undo" }));
    await waitFor(() => expect(sent()).toEqual(definition));
    fireEvent.click(screen.getByRole("button", { name: "Redo" }));
    await waitFor(() => expect(sent().nodes[0]?.do).toMatchObject({ keys: { "1": "sales", "2": "" } }));
  });

  test("offers variables while a text is typed", async () => {
    const steps = await list();
    fireEvent.click(within(steps).getByRole("button", { name: "Choice, Menu" }));
    const text = (await screen.findByRole("textbox", { name: "Text that is spoken, Part 1" })) as HTMLTextAreaElement;
    type(text, "Hello {{caller.n");
    const offered = await screen.findByRole("listbox", { name: "Variables" });
    expect(within(offered).getAllByRole("option").map((one) => one.firstChild?.textContent)).toEqual(["caller.number", "caller.name"]);
    fireEvent.keyDown(text, { key: "ArrowDown" });
    fireEvent.keyDown(text, { key: "Enter" });
    await waitFor(() => expect(text.value).toBe("Hello {{caller.name}}"));
    expect(screen.queryByRole("listbox", { name: "Variables" })).toBeNull();
  });

  test("asks which of two holds when somebody else was quicker", async () => {
    const steps = await list();
    answers["PUT flows/f1/draft"] = refused(412);
    fireEvent.click(within(steps).getByRole("button", { name: "Choice, Menu" }));
    type(await screen.findByRole("textbox", { name: "Name of the step" }), "Mine");
    await screen.findByText(/Somebody else has changed this draft/);
    delete answers["PUT flows/f1/draft"];
    fireEvent.click(screen.getByRole("button", { name: "Keep mine" }));
    await screen.findByText("Draft saved");
    expect(sent().nodes[0]?.name).toBe("Mine");
    answers["PUT flows/f1/draft"] = refused(412);
    type(screen.getByRole("textbox", { name: "Name of the step" }), "Mine again");
    await screen.findByText(/Somebody else has changed this draft/);
    delete answers["PUT flows/f1/draft"];
    flow = { ...flow, draft: { definition: { ...definition, nodes: definition.nodes.map((node) => ({ ...node, name: "Theirs" })) }, updated_at: AT, by: "x", faults: [] } };
    fireEvent.click(screen.getByRole("button", { name: "Show theirs" }));
    await waitFor(() => expect(screen.getByRole("textbox", { name: "Name of the step" })).toHaveProperty("value", "Theirs"));
    expect(screen.queryByText(/Somebody else/)).toBeNull();
  });

  test("is published with what changes said, and with a note; what the server refuses is told where it is", async () => {
    const steps = await list();
    // There is nothing to publish yet.
    expect(screen.getByRole("button", { name: "Publish" }).getAttribute("aria-disabled")).toBe("true");
    fireEvent.click(within(steps).getByRole("button", { name: "Choice, Menu" }));
    type(await screen.findByRole("textbox", { name: "Name of the step" }), "New words");
    fireEvent.click(screen.getByRole("button", { name: "Publish" }));
    let form = within(await screen.findByRole("dialog"));
    form.getByText(/New words: Name of the step/);
    type(form.getByRole("textbox", { name: /What is new/ }), "Christmas");
    await accessible();
    answers["POST flows/f1/publish"] = refused(422, { errors: [{ field: "nodes.sales.queue_id", message: "This queue was closed a moment ago" }] });
    fireEvent.click(form.getByRole("button", { name: "Publish" }));
    fireEvent.click(await screen.findByRole("button", { name: /This queue was closed a moment ago/ }));
    await screen.findByRole("heading", { name: "To a queue" });
    delete answers["POST flows/f1/publish"];
    type(screen.getByRole("textbox", { name: "Name of the step" }), "Sellers");
    fireEvent.click(screen.getByRole("button", { name: "Publish" }));
    form = within(await screen.findByRole("dialog"));
    type(form.getByRole("textbox", { name: /What is new/ }), "Christmas");
    fireEvent.click(form.getByRole("button", { name: "Publish" }));
    expect((await screen.findAllByText("Version 3 is published")).length).toBeGreaterThan(0);
    // What was typed was with the server first.
    const order = asked.map((one) => one.what);
    expect(order.lastIndexOf("PUT flows/f1/draft")).toBeLessThan(order.lastIndexOf("POST flows/f1/publish"));
    expect(asked.findLast((one) => one.what.endsWith("/publish"))?.body).toEqual({ note: "Christmas" });
    await screen.findByText("As published");
  });

  test("is tried with the keys that it asks for, and with what is not saved yet", async () => {
    const steps = await list();
    answers["POST flows/f1/simulate"] = () => {
      const { keys } = asked.findLast((one) => one.what.endsWith("/simulate"))?.body as { keys: { digits: string }[] };
      const path = [{ at: AT, node: "menu", name: "Choice", type: "menu", what: "wrong_key", data: { key: "9" } }];
      return Response.json(keys.length === 0 ? { path, ends: { type: "waiting", node: "menu", for: "key" } } : { path: [...path, { at: "2026-11-30T09:00:05Z", node: "sales", name: null, type: "queue", what: "queue", data: { queue_id: "q1" } }], ends: { type: "queue", queue_id: "q1" } });
    };
    expect(steps).toBeDefined();
    fireEvent.click(screen.getByRole("button", { name: "Try it" }));
    type(await screen.findByRole("textbox", { name: "Number that calls" }), "+41 79 555 01 00");
    fireEvent.click(screen.getByRole("button", { name: "Call" }));
    const pad = await screen.findByRole("group", { name: "Keypad" });
    await accessible();
    fireEvent.click(within(pad).getByRole("button", { name: "1" }));
    await screen.findByText("Ends: waits in Sales");
    const path = within(screen.getByRole("list", { name: "What happens" }));
    expect(path.getAllByRole("listitem").map((one) => one.textContent)).toEqual(["0:00Choice – 9 is not a choice, asked again", "0:05Queue – waits in Sales"]);
    expect(asked.findLast((one) => one.what.endsWith("/simulate"))?.body).toMatchObject({ version: "draft", definition, from: "+41795550100", to: "+390612345678", keys: [{ node: "menu", digits: "1" }], http: [], picks_up: true });
    fireEvent.click(screen.getByRole("button", { name: "One back" }));
    await screen.findByRole("group", { name: "Keypad" });
  });

  test("is only looked at by who may not change it", async () => {
    permissions = ["telephony:read"];
    const steps = await list();
    fireEvent.click(within(steps).getByRole("button", { name: "Choice, Menu" }));
    expect((await screen.findByRole("textbox", { name: "Name of the step" })).closest("fieldset")).toHaveProperty("disabled", true);
    expect(screen.queryByRole("button", { name: "Publish" })).toBeNull();
    expect(screen.queryByRole("button", { name: "More for Choice" })).toBeNull();
  });

  test("tells when it cannot be read", async () => {
    answers["GET flows/f1"] = refused(500);
    show("/settings/flows/f1");
    await screen.findByRole("button", { name: "Try again" });
  });
});
