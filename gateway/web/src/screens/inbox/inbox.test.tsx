import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider, createMemoryHistory, createRootRoute, createRoute, createRouter } from "@tanstack/react-router";
import { act, cleanup, configure, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import axe from "axe-core";
import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { onKeyDown } from "@/app/commands";
import { Toaster, dismiss } from "@/design";
import { loadArea, setLanguage } from "@/i18n";
import { live } from "@/live";
import InboxScreen from ".";
import { line } from "./core.test-lines";
import { inbox } from "./store";

vi.setConfig({ testTimeout: 30_000 });
configure({ asyncUtilTimeout: 5_000 });
vi.mock("@/api/session", async (original) => ({ ...(await original<object>()), currentToken: () => Promise.resolve({ value: "t", expiresAt: Infinity }) }));

const PERMISSIONS = ["conversations:read", "conversations:write", "contacts:read", "contacts:manage"];
const agent = (id: string, name: string) => ({ id, name, email: `${id}@x.test`, extension: null, state: "available" as const, state_since: "2026-11-20T09:00:00Z", reachable: true, activity: "available" as const, activity_since: "2026-11-20T09:00:00Z", skills: [], chat_capacity: 4 });
const at = (minute: number) => new Date(Date.now() - minute * 60_000).toISOString();
const message = (id: string, over: object = {}) => ({ id, conversation_id: "a", direction: "in", author: { type: "contact", id: "c-a", name: "Marta" }, kind: "text", text: id, content: {}, attachments: [], forwarded: false, state: "received", reactions: [], history: false, at: at(10), ...over });

let asked: { what: string; body: unknown }[];
let answers: Record<string, () => Response>;
let listed: object[];
let thread: object[];
let abilities: object | null;
let windowNow: object;
/** The inbox listens once, for good. */
const events: ((event: unknown) => void)[] = [];

beforeAll(async () => {
  await setLanguage("en");
  await loadArea("inbox");
  await loadArea("incall");
});
beforeEach(() => {
  asked = [];
  answers = {};
  listed = [{ ...line("a", { contact: { id: "c-a", person_id: "c-a", name: "Marta Keller", blocked: false }, agent_id: "me", last_at: at(1), last_in_at: at(1) }), unread: true, draft: false, mentioned: false }, { ...line("b", { agent_id: "me", last_at: at(5), contact: { id: "c-b", person_id: "c-b", name: "Diego Paredes", blocked: false } }), unread: false, draft: false, mentioned: false }];
  thread = [message("Is the plan still at the price from March?"), message("It is until Friday.", { direction: "out", author: { type: "agent", id: "me", name: "Aline" }, state: "failed", failure: { code: "131047", detail: "Re-engagement", why: "window_closed", retry: true }, at: at(9) })];
  abilities = { text_limit: 4096, caption_limit: 1024, file_limit: 1e8, templates: true, choices: 10, location: true, reactions: true, replies: true, edit: true, delete: true, typing: true, read_marks: true };
  windowNow = { open: true };
  vi.spyOn(HTMLElement.prototype, "offsetHeight", "get").mockReturnValue(800);
  vi.spyOn(HTMLElement.prototype, "offsetWidth", "get").mockReturnValue(1400);
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(1400);
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(800);
  vi.spyOn(live, "onEvent").mockImplementation((listener) => {
    events.push(listener as (event: unknown) => void);
    return () => undefined;
  });
  vi.stubGlobal("fetch", async (request: Request) => {
    const url = new URL(request.url);
    const path = url.pathname.replace("/api/v1", "");
    if (request.method !== "GET") {
      const text = await request.text();
      asked.push({ what: `${request.method} ${path}`, body: text ? JSON.parse(text) : undefined });
      return answers[`${request.method} ${path}`]?.() ?? new Response(null, { status: 204 });
    }
    const given = answers[`GET ${path}`];
    if (given) return given();
    if (path === "/me") return Response.json({ permissions: PERMISSIONS, reach: "all", tenant: { id: "t", name: "Alpenhof", time_zone: "Europe/Zurich" }, user: { id: "me", name: "Aline Rochat" } });
    if (path === "/conversations") return Response.json({ items: listed, next_cursor: null, as_of_seq: 5 });
    if (path === "/conversations/counts") return Response.json({ mine: 2, unassigned: 0, mentioned: 0, all: 2, unread: 1, as_of_seq: 5 });
    if (/^\/conversations\/[^/]+\/messages$/.test(path)) return Response.json({ items: thread, next_before: null, next_after: null, as_of_seq: 5 });
    const one = /^\/conversations\/([^/]+)$/.exec(path)?.[1];
    if (one) return Response.json({ ...listed.find((item) => (item as { id: string }).id === one), identities: [], labels: [], window: windowNow, abilities, draft_text: null, viewing: [], as_of_seq: 5 });
    if (path === "/canned-replies") return Response.json({ items: [{ id: "r", shortcut: "hello", text: "Hello {{contact.first_name}}", user_id: null }], as_of_seq: 1 });
    if (path === "/contacts") return Response.json({ items: [{ id: "c-z", name: "M. Keller", blocked: false, identities: [{ type: "email", value: "m@x.test", shown: "m@x.test" }] }], next_cursor: null, as_of_seq: 5 });
    if (/^\/contacts\/[^/]+$/.test(path)) return Response.json({ id: "c-a", contact_ids: ["c-a"], name: "Marta Keller", identities: [{ id: "i", type: "phone", value: "+41445550132", shown: "+41445550132", evidence: "Called from this number" }], merges: [], suggestions: [] });
    return Response.json({ items: [], next_cursor: null, as_of_seq: 5 });
  });
  live.store.load({ agents: { items: [agent("me", "Aline Rochat"), agent("jo", "Jonas Berg")], as_of_seq: 1 }, queues: { items: [], as_of_seq: 1 }, calls: { items: [], as_of_seq: 1 } });
  document.addEventListener("keydown", onKeyDown);
});
afterEach(() => {
  for (let id = 1; id < 60; id += 1) act(() => dismiss(id));
  document.removeEventListener("keydown", onKeyDown);
  cleanup();
  // Another's inbox begins anew.
  inbox.start(`nobody-${String(Math.random())}`);
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

async function show(search = "", lists = true): Promise<void> {
  const root = createRootRoute();
  const routes = [createRoute({ getParentRoute: () => root, path: "/inbox", validateSearch: (raw): Record<string, unknown> => raw, component: InboxScreen }), createRoute({ getParentRoute: () => root, path: "/calls/$callId", component: () => null })];
  const router = createRouter({ routeTree: root.addChildren(routes), history: createMemoryHistory({ initialEntries: [`/inbox${search}`] }) });
  render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <RouterProvider router={router as never} />
      <Toaster />
    </QueryClientProvider>,
  );
  if (lists) await screen.findByRole("grid", { name: "Conversations" });
}
const did = (what: string) => asked.filter((one) => one.what === what);
const row = (name: RegExp) => screen.findByRole("row", { name });

test("the list tells who, how and what; opened by a key, a conversation is read and its faults are in words", async () => {
  await show();
  expect((await row(/Marta Keller/)).dataset.unread).toBe("true");
  fireEvent.keyDown(document.body, { key: "j" });
  fireEvent.keyDown(document.body, { key: "k" });
  fireEvent.keyDown(document.body, { key: "o" });
  await screen.findByText("Is the plan still at the price from March?");
  await waitFor(() => expect(did("POST /conversations/a/read")).toHaveLength(1));
  expect(screen.getByText(/More than 24 hours since they wrote: send an approved template/)).not.toBeNull();
  await screen.findByText("Called from this number");
  const faults = await axe.run(document.body, { rules: { "color-contrast": { enabled: false }, region: { enabled: false } } });
  expect(faults.violations.map((one) => `${one.id} ${one.nodes[0]?.html ?? ""}`)).toEqual([]);
});

test("what fails can be tried again", async () => {
  await show("?c=a");
  fireEvent.click(await screen.findByRole("button", { name: "Try again" }));
  await waitFor(() => expect(asked.filter((one) => one.what.startsWith("POST /messages/") && one.what.endsWith("/retry"))).toHaveLength(1));
});

test("a canned reply is filled in and sent, and can be taken back for as long as the server waits", async () => {
  answers["POST /conversations/a/messages"] = () => Response.json(message("sent-1", { direction: "out", author: { type: "agent", id: "me", name: "Aline" }, text: "Hello Marta", state: "scheduled", at: new Date().toISOString() }), { status: 201 });
  await show("?c=a");
  const field = (await screen.findByRole("textbox", { name: /Write to Marta Keller on WhatsApp/ })) as HTMLTextAreaElement;
  fireEvent.change(field, { target: { value: "/hel", selectionStart: 4 } });
  await screen.findByRole("option", { name: /\/hello/ });
  fireEvent.keyDown(field, { key: "Enter" });
  await waitFor(() => expect(field.value).toBe("Hello Marta"));
  fireEvent.keyDown(field, { key: "Enter", ctrlKey: true });
  await waitFor(() => expect(did("POST /conversations/a/messages")[0]?.body).toMatchObject({ text: "Hello Marta", seen: "It is until Friday." }));
  expect(field.value).toBe("");
  fireEvent.click(await screen.findByRole("button", { name: "Undo" }));
  await waitFor(() => expect(did("POST /messages/sent-1/undo")).toHaveLength(1));
  // Its words stand in the field again.
  await waitFor(() => expect(field.value).toBe("Hello Marta"));
});

test("a key takes back what was just sent, and nothing else is said to have been sent", async () => {
  answers["POST /conversations/a/messages"] = () => Response.json(message("sent-3", { direction: "out", author: { type: "agent", id: "me", name: "Aline" }, text: "Oops", state: "scheduled", at: new Date().toISOString(), send_at: new Date(Date.now() + 5000).toISOString() }), { status: 201 });
  await show("?c=a");
  const field = (await screen.findByRole("textbox", { name: /Write to/ })) as HTMLTextAreaElement;
  fireEvent.change(field, { target: { value: "Oops" } });
  fireEvent.keyDown(field, { key: "Enter", ctrlKey: true });
  await screen.findByText("Sending…");
  await screen.findByRole("button", { name: "Undo" });
  expect(within(screen.getByRole("region", { name: "Notifications" })).queryByText(/Sent|Scheduled/)).toBeNull();
  fireEvent.keyDown(field, { key: "z", ctrlKey: true });
  await waitFor(() => expect(did("POST /messages/sent-3/undo")).toHaveLength(1));
});

test("what the server refuses says why, and can be changed", async () => {
  answers["POST /conversations/a/messages"] = () => Response.json({ status: 422, code: "invalid-input", detail: "the request is not valid", errors: [{ field: "text", message: "5000 characters; at most 4096" }] }, { status: 422 });
  await show("?c=a");
  const field = (await screen.findByRole("textbox", { name: /Write to/ })) as HTMLTextAreaElement;
  fireEvent.change(field, { target: { value: "Too much" } });
  fireEvent.keyDown(field, { key: "Enter", ctrlKey: true });
  await screen.findByText("5000 characters; at most 4096");
  fireEvent.click(screen.getByRole("button", { name: "Change it" }));
  await waitFor(() => expect(field.value).toBe("Too much"));
  expect(screen.queryByText("5000 characters; at most 4096")).toBeNull();
});

test("what a colleague wrote while one wrote was not seen: the newest at the first letter counts", async () => {
  answers["POST /conversations/a/messages"] = () => Response.json(message("sent-4", { direction: "out" }), { status: 201 });
  await show("?c=a");
  const field = (await screen.findByRole("textbox", { name: /Write to/ })) as HTMLTextAreaElement;
  await screen.findByText("Is the plan still at the price from March?");
  fireEvent.change(field, { target: { value: "Y" } });
  thread = [...thread, message("Quicker", { direction: "out", author: { type: "agent", id: "jo", name: "Jonas Berg" }, state: "sent", at: at(0) })];
  act(() => {
    for (const tell of events) tell({ seq: 9, kind: "message.created", subject: { type: "message", id: "Quicker" }, data: { conversation_id: "a", message_id: "Quicker" } });
  });
  await screen.findByText("Quicker");
  fireEvent.change(field, { target: { value: "Yes" } });
  fireEvent.keyDown(field, { key: "Enter", ctrlKey: true });
  await waitFor(() => expect(did("POST /conversations/a/messages")[0]?.body).toMatchObject({ text: "Yes", seen: "It is until Friday." }));
});

test("whoever was slower than a colleague is asked first, and loses no word", async () => {
  let refused = true;
  answers["POST /conversations/a/messages"] = () => {
    const was = refused;
    refused = false;
    return was ? Response.json({ status: 409, code: "replied-meanwhile", detail: "a colleague answered" }, { status: 409 }) : Response.json(message("sent-2", { direction: "out" }), { status: 201 });
  };
  await show("?c=a");
  const field = (await screen.findByRole("textbox", { name: /Write to/ })) as HTMLTextAreaElement;
  fireEvent.change(field, { target: { value: "On my way" } });
  fireEvent.keyDown(field, { key: "Enter", ctrlKey: true });
  const dialog = await screen.findByRole("dialog", { name: /replied while you wrote/ });
  expect(within(dialog).getByText("On my way")).not.toBeNull();
  fireEvent.click(within(dialog).getByRole("button", { name: "Send anyway" }));
  await waitFor(() => expect(did("POST /conversations/a/messages")[1]?.body).toMatchObject({ text: "On my way", anyway: true }));
});

test("once the window is closed only a template may be sent, and the reason is said", async () => {
  windowNow = { open: false, reason: "day_over" };
  await show("?c=a");
  await screen.findByText(/More than 24 hours have passed/);
  expect(screen.getByRole("button", { name: "Choose a template" })).not.toBeNull();
  expect(screen.queryByRole("textbox", { name: /Write to/ })).toBeNull();
});

test("a note goes to colleagues alone, with those whom it names", async () => {
  answers["POST /conversations/a/messages"] = () => Response.json(message("note-1", { direction: "note" }), { status: 201 });
  await show("?c=a");
  await screen.findByRole("textbox", { name: /Write to/ });
  fireEvent.keyDown(document.body, { key: "n" });
  const field = await screen.findByRole("textbox", { name: /A note that only colleagues see/ });
  fireEvent.change(field, { target: { value: "@Jonas Berg please call back" } });
  fireEvent.keyDown(field, { key: "Enter", ctrlKey: true });
  await waitFor(() => expect(did("POST /conversations/a/messages")[0]?.body).toEqual({ text: "@Jonas Berg please call back", private: true, mentions: ["jo"] }));
});

test("what is resolved leaves the list at once, and comes back if the server refuses", async () => {
  let answer: (response: Response) => void = () => undefined;
  await show();
  const marta = await row(/Marta Keller/);
  fireEvent.focus(marta);
  const original = globalThis.fetch;
  vi.stubGlobal("fetch", (request: Request) => (request.url.endsWith("/resolve") ? new Promise<Response>((resolve) => (answer = resolve)) : original(request)));
  fireEvent.keyDown(document.body, { key: "e" });
  await waitFor(() => expect(screen.queryByRole("row", { name: /Marta Keller/ })).toBeNull());
  act(() => answer(Response.json({ status: 409, code: "conflict", detail: "no" }, { status: 409 })));
  await row(/Marta Keller/);
});

test("many are chosen by keys and changed at once, and it can be taken back", async () => {
  answers["POST /conversations/bulk"] = () => Response.json({ id: "bulk-1", changed: ["a", "b"], left: [] });
  await show();
  for (const name of [/Marta Keller/, /Diego Paredes/]) {
    fireEvent.focus(await row(name));
    fireEvent.keyDown(document.body, { key: "x" });
  }
  await screen.findByText("2 chosen");
  fireEvent.keyDown(document.body, { key: "e" });
  await waitFor(() => expect(did("POST /conversations/bulk")[0]?.body).toEqual({ ids: ["a", "b"], action: { do: "resolve" } }));
  fireEvent.click(await screen.findByRole("button", { name: "Undo" }));
  await waitFor(() => expect(did("POST /conversations/bulk/bulk-1/undo")).toHaveLength(1));
});

test("an empty list says what will be in it", async () => {
  listed = [];
  await show("", false);
  await screen.findByText("Nothing waits for you");
});

test("a range is chosen with Shift, and all by a key", async () => {
  listed = [...listed, ...["c", "d"].map((id, n) => ({ ...line(id, { agent_id: "me", last_at: at(10 + n), contact: { id: `c-${id}`, person_id: `c-${id}`, name: `Person ${id}`, blocked: false } }), unread: false, draft: false, mentioned: false }))];
  await show();
  fireEvent.click(within(await row(/Marta Keller/)).getByRole("checkbox"));
  fireEvent.click(within(await row(/Person c/)).getByRole("checkbox"), { shiftKey: true });
  await screen.findByText("3 chosen");
  fireEvent.click(await screen.findByRole("button", { name: /Choose all that are shown/ }));
  await screen.findByText("4 chosen");
  expect(screen.queryByRole("button", { name: /Choose all that are shown/ })).toBeNull();
  fireEvent.keyDown(document.body, { key: "Escape" });
  await waitFor(() => expect(screen.queryByText("4 chosen")).toBeNull());
  fireEvent.keyDown(document.body, { key: "X", shiftKey: true });
  await screen.findByText("4 chosen");
});

test("only what is unread is shown by a key, and all again", async () => {
  await show();
  await row(/Diego Paredes/);
  const only = screen.getByRole("button", { name: /Only unread/ });
  fireEvent.keyDown(document.body, { key: "U", shiftKey: true });
  await waitFor(() => expect(screen.queryByRole("row", { name: /Diego Paredes/ })).toBeNull());
  await row(/Marta Keller/);
  expect(only.getAttribute("aria-pressed")).toBe("true");
  fireEvent.click(only);
  await row(/Diego Paredes/);
});

test("what waits for its undo is on its way; what is planned says when; a place is not said twice", async () => {
  thread = [
    message("Alpenhof, Zürich", { kind: "location", content: { latitude: 47.3, longitude: 8.5, name: "Alpenhof", address: "Zürich" } }),
    message("Soon", { direction: "out", author: { type: "agent", id: "me", name: "Aline" }, state: "scheduled", at: at(9), send_at: new Date(Date.parse(at(9)) + 5000).toISOString() }),
    message("Later", { direction: "out", author: { type: "agent", id: "me", name: "Aline" }, state: "scheduled", at: at(8), send_at: "2031-03-04T09:00:00Z" }),
  ];
  await show("?c=a");
  const soon = (await screen.findByText("Soon")).closest("[data-message]") as HTMLElement;
  within(soon).getAllByText("Sending…");
  within((await screen.findByText("Later")).closest("[data-message]") as HTMLElement).getByText(/^To be sent Mar 4/);
  screen.getByText("Alpenhof");
  expect(screen.queryByText("Alpenhof, Zürich", { selector: "[data-message] p" })).toBeNull();
});

test("a saved view goes only when there was time to think better of it", async () => {
  PERMISSIONS.push("inbox_tools:manage");
  try {
    answers["GET /inbox-views"] = () => Response.json({ items: [{ id: "v", name: "VIP", filter: {} }] });
    await show();
    fireEvent.click(await screen.findByRole("button", { name: "Remove the view VIP" }));
    await waitFor(() => expect(screen.queryByRole("button", { name: "VIP" })).toBeNull());
    fireEvent.click(await screen.findByRole("button", { name: "Undo" }));
    await screen.findByRole("button", { name: "VIP" });
    expect(did("DELETE /inbox-views/v")).toEqual([]);
    fireEvent.click(screen.getByRole("button", { name: "Remove the view VIP" }));
    fireEvent.click(await screen.findByRole("button", { name: "Close" }));
    await waitFor(() => expect(did("DELETE /inbox-views/v")).toHaveLength(1));
  } finally {
    PERMISSIONS.pop();
  }
});

test("a person is given a name, loses what is theirs no more, and is made one with another; each can be taken back", async () => {
  answers["POST /contacts/c-a/merge"] = () => Response.json({ merge_id: "merge-1", contact: {} }, { status: 201 });
  answers["PATCH /contacts/c-a"] = () => Response.json({});
  await show("?c=a");
  fireEvent.click(await screen.findByRole("button", { name: "Change the name" }));
  fireEvent.change(await screen.findByRole("textbox", { name: /Name/ }), { target: { value: "Marta K." } });
  fireEvent.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(did("PATCH /contacts/c-a")[0]?.body).toEqual({ name: "Marta K." }));
  fireEvent.click(await screen.findByRole("button", { name: "Undo" }));
  await waitFor(() => expect(did("PATCH /contacts/c-a")[1]?.body).toEqual({ name: "Marta Keller" }));

  fireEvent.click(await screen.findByRole("button", { name: "+41445550132 is theirs no more" }));
  fireEvent.click(await screen.findByRole("button", { name: "Take it away" }));
  await waitFor(() => expect(did("DELETE /contacts/c-a/identities/i")).toHaveLength(1));
  fireEvent.click(await screen.findByRole("button", { name: "Undo" }));
  await waitFor(() => expect(did("POST /contacts/c-a/identities")[0]?.body).toEqual({ type: "phone", value: "+41445550132" }));

  fireEvent.click(await screen.findByRole("button", { name: "Merge with somebody" }));
  fireEvent.change(await screen.findByRole("textbox", { name: /Who is the same person/ }), { target: { value: "Keller" } });
  fireEvent.click(await screen.findByRole("button", { name: /M\. Keller/ }));
  fireEvent.click(screen.getByRole("button", { name: "Merge" }));
  await waitFor(() => expect(did("POST /contacts/c-a/merge")[0]?.body).toEqual({ with: "c-z" }));
  fireEvent.click(await screen.findByRole("button", { name: "Undo" }));
  await waitFor(() => expect(did("POST /contact-merges/merge-1/undo")).toHaveLength(1));
});

test("words that are in no conversation of this view are looked for everywhere", async () => {
  listed = [];
  await show("?view=all&q=invoice", false);
  fireEvent.click(await screen.findByRole("button", { name: "Search all conversations" }));
  await waitFor(() => expect(screen.queryByRole("button", { name: "Search all conversations" })).toBeNull());
});
