import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { act, cleanup, configure, fireEvent, render, screen, waitFor } from "@testing-library/react";
import axe from "axe-core";
import { afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import type { components } from "@/api";
import { loadArea, setLanguage } from "@/i18n";
import { Notes } from "./notes";

// A busy machine is no fault.
vi.setConfig({ testTimeout: 30_000 });
configure({ asyncUtilTimeout: 5_000 });
vi.mock("@/api/session", async (original) => ({ ...(await original<object>()), currentToken: () => Promise.resolve({ value: "t", expiresAt: Infinity }) }));

type Call = components["schemas"]["Call"];

/** The gateway, as far as a call's notes and tags go. */
let stored: Call;
let asked: { what: string; body: unknown; key: string | null }[];
let refuses: { status: number; body: object } | undefined;

const CALL: Call = { id: "c", asterisk: "main", direction: "inbound", from: "+15557654321", to: "+15550100", state: "ended", queue_id: "q", agent_id: "ann", started_at: "2026-11-20T10:00:00Z", answered_at: "2026-11-20T10:00:00Z", ended_at: "2026-11-20T10:01:00Z", end_reason: "completed_customer", estimated: false, legs: [], gaps: [], dispositions: [], notes: [], tags: [] };
const note = (id: string, user: string, text: string) => ({ id, user_id: user, text, at: "2026-11-20T10:02:00Z" });

beforeAll(async () => {
  await setLanguage("en");
  await loadArea("work");
  document.documentElement.lang = "en";
  document.title = "Call";
});
beforeEach(() => {
  stored = { ...CALL };
  asked = [];
  refuses = undefined;
  vi.stubGlobal("fetch", async (request: Request) => {
    const path = new URL(request.url).pathname.replace("/api/v1/", "");
    if (path === "call-tags") return Response.json({ items: [{ tag: "refund", calls: 7 }, { tag: "VIP", calls: 2 }], next_cursor: null, as_of_seq: 1 });
    const text = await request.text();
    const sent = (text ? JSON.parse(text) : undefined) as { text: string; tags: string[] };
    asked.push({ what: `${request.method} ${path}`, body: sent, key: request.headers.get("idempotency-key") });
    if (refuses) return Response.json(refuses.body, { status: refuses.status });
    if (path.endsWith("/tags")) return Response.json({ tags: [...new Set(sent.tags.map((tag) => tag.trim()))].sort() });
    if (request.method === "DELETE") return new Response(null, { status: 204 });
    return Response.json(note("n9", "ann", sent.text.trim()), { status: 201 });
  });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

function Shown() {
  const { data } = useQuery({ queryKey: ["call", "c"], queryFn: () => Promise.resolve(stored), staleTime: Infinity });
  return data ? <Notes call={data} name={(id) => ({ ann: "Ann", ben: "Ben" })[id]} /> : null;
}

function show(me: { permissions?: string[]; reach?: string } = {}) {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Infinity } } });
  queries.setQueryData(["me"], { user: { id: "ann", name: "Ann" }, permissions: me.permissions ?? ["calls:control"], reach: me.reach ?? "member" });
  queries.setQueryData(["call", "c"], stored);
  return render(
    <QueryClientProvider client={queries}>
      <Shown />
    </QueryClientProvider>,
  );
}

const tags = () => [...document.querySelectorAll("[data-tag]")].map((one) => one.getAttribute("data-tag"));
const notes = () => [...document.querySelectorAll("[data-note] p:first-child")].map((one) => one.textContent);
async function accessible() {
  const { violations } = await axe.run(document.body, { rules: { "color-contrast": { enabled: false }, region: { enabled: false }, "page-has-heading-one": { enabled: false } } });
  expect(violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" ")}`)).toEqual([]);
}

it("writes a note, by the button or by Ctrl and Enter, and shows it at once", async () => {
  show();
  const field = screen.getByLabelText("Write a note");
  expect(screen.getByRole("button", { name: "Save the note" })).toHaveProperty("disabled", true);
  fireEvent.change(field, { target: { value: "   " } });
  fireEvent.keyDown(field, { key: "Enter", ctrlKey: true });
  fireEvent.change(field, { target: { value: "Wants a refund\nby Friday" } });
  // A new line is one.
  fireEvent.keyDown(field, { key: "Enter" });
  expect(asked).toEqual([]);
  await act(async () => void fireEvent.keyDown(field, { key: "Enter", ctrlKey: true }));
  await waitFor(() => expect(notes()).toEqual(["Wants a refund\nby Friday"]));
  expect(asked).toMatchObject([{ what: "POST calls/c/notes", body: { text: "Wants a refund\nby Friday" } }]);
  expect(field).toHaveProperty("value", "");
  await accessible();
});

it("keeps the words that could not be saved, and sends the same again as the same note", async () => {
  show();
  const field = screen.getByLabelText("Write a note");
  const save = screen.getByRole("button", { name: "Save the note" });
  refuses = { status: 409, body: { status: 409, code: "too-many-notes", title: "the call has 100 notes already", type: "x" } };
  fireEvent.change(field, { target: { value: "One too many" } });
  await act(async () => void fireEvent.click(save));
  expect(await screen.findByText("the call has 100 notes already")).toBeTruthy();
  expect(field).toHaveProperty("value", "One too many");
  refuses = undefined;
  await act(async () => void fireEvent.click(save));
  await waitFor(() => expect(notes()).toEqual(["One too many"]));
  expect(asked[0]?.key).toBeTruthy();
  expect(asked[1]?.key).toBe(asked[0]?.key);
  fireEvent.change(field, { target: { value: "Another" } });
  await act(async () => void fireEvent.click(save));
  await waitFor(() => expect(asked).toHaveLength(3));
  expect(asked[2]?.key).not.toBe(asked[0]?.key);
});

it("lets one's own notes be removed, and everybody's by who sees all", async () => {
  stored = { ...CALL, notes: [note("n1", "ann", "Mine"), note("n2", "ben", "His"), note("n3", "mia", "Hers")] };
  const { unmount } = show();
  expect(screen.getByText(/^You ·/)).toBeTruthy();
  expect(screen.getByText(/^Ben ·/)).toBeTruthy();
  expect(screen.getByText(/^A colleague ·/)).toBeTruthy();
  const [own, ...others] = screen.getAllByRole("button", { name: "Remove the note" });
  expect(others).toEqual([]);
  await act(async () => void fireEvent.click(own as HTMLElement));
  await waitFor(() => expect(notes()).toEqual(["His", "Hers"]));
  expect(asked.map((one) => one.what)).toEqual(["DELETE calls/c/notes/n1"]);
  unmount();
  show({ reach: "all" });
  expect(screen.getAllByRole("button", { name: "Remove the note" })).toHaveLength(3);
});

it("adds and removes tags, each from what the server said last", async () => {
  stored = { ...CALL, tags: ["VIP"] };
  show();
  const field = screen.getByLabelText("New tag");
  // What the call has already is not suggested.
  await waitFor(() => expect([...document.querySelectorAll("datalist option")].map((one) => one.getAttribute("value"))).toEqual(["refund"]));
  fireEvent.change(field, { target: { value: " refund " } });
  await act(async () => void fireEvent.submit(field));
  await waitFor(() => expect(tags()).toEqual(["VIP", "refund"]));
  expect(field).toHaveProperty("value", "");
  await act(async () => void fireEvent.click(screen.getByRole("button", { name: "Remove the tag VIP" })));
  await waitFor(() => expect(tags()).toEqual(["refund"]));
  expect(asked.map((one) => one.body)).toEqual([{ tags: ["VIP", " refund "] }, { tags: ["refund"] }]);
  // The keyboard is not left on a button that is gone.
  expect(document.activeElement).toBe(field);
  await accessible();
});

it("says why a tag was not taken, and keeps it in the field", async () => {
  refuses = { status: 422, body: { status: 422, code: "invalid", title: "tags must be at most 20", type: "x" } };
  show();
  const field = screen.getByLabelText("New tag");
  fireEvent.change(field, { target: { value: "one more" } });
  await act(async () => void fireEvent.submit(field));
  expect(await screen.findByText("tags must be at most 20")).toBeTruthy();
  expect(field).toHaveProperty("value", "one more");
});

it("is read by who may not write, and is not there when there is nothing to read", () => {
  stored = { ...CALL, tags: ["VIP"], notes: [note("n1", "ann", "Mine")] };
  const { unmount } = show({ permissions: ["calls:read"] });
  expect(tags()).toEqual(["VIP"]);
  expect(notes()).toEqual(["Mine"]);
  expect(screen.queryAllByRole("button")).toEqual([]);
  expect(screen.queryByRole("textbox")).toBeNull();
  unmount();
  stored = { ...CALL };
  show({ permissions: ["calls:read"] });
  expect(document.querySelector("section")).toBeNull();
});
