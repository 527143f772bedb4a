import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, configure, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { Toaster, dismiss } from "@/design";
import { loadArea, setLanguage } from "@/i18n";
import { live, useAgent } from "@/live";
import { callAgent, callNumber } from "../calls/call-number";
import { found } from "./found";
import { Manage } from "./manage";

vi.setConfig({ testTimeout: 30_000 });
configure({ asyncUtilTimeout: 5_000 });
vi.mock("@/api/session", async (original) => ({ ...(await original<object>()), currentToken: () => Promise.resolve({ value: "t", expiresAt: Infinity }) }));

const agent = (id: string, name: string, extension: string | null) => ({ id, name, email: `${id}@x.test`, extension, state: "available" as const, state_since: "2026-11-20T09:00:00Z", reachable: true, activity: "available" as const, activity_since: "2026-11-20T09:00:00Z", skills: [], chat_capacity: 4 });

let asked: { what: string; body: unknown }[];
let answer: { status: number; body: object };
beforeAll(async () => {
  await setLanguage("en");
  await loadArea("work");
  await loadArea("dialing");
});
beforeEach(() => {
  asked = [];
  answer = { status: 200, body: {} };
  vi.stubGlobal("fetch", async (request: Request) => {
    const path = new URL(request.url).pathname.replace("/api/v1/", "");
    if (request.method === "GET") return Response.json({ items: [], next_cursor: null, as_of_seq: 1 });
    const text = await request.text();
    asked.push({ what: `${request.method} ${path}`, body: text ? JSON.parse(text) : undefined });
    return Response.json(answer.body, { status: answer.status });
  });
  live.store.load({ agents: { items: [agent("ann", "Ann", "2001"), agent("ben", "Ben", null)], as_of_seq: 1 }, queues: { items: [], as_of_seq: 1 }, calls: { items: [], as_of_seq: 1 } });
  live.store.moveTo({ epoch: "e", through: 1 });
});
afterEach(() => {
  for (let id = 1; id < 50; id += 1) act(() => dismiss(id));
  cleanup();
  live.store.clear();
  vi.unstubAllGlobals();
});

function Shown({ id }: { id: string }) {
  const shown = useAgent(id);
  return shown ? <Manage agent={shown} onClose={() => undefined} /> : null;
}
function show(id: string): void {
  render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <Shown id={id} />
      <Toaster />
    </QueryClientProvider>,
  );
}
const field = () => screen.getByRole("textbox", { name: "Extension" });
const save = () => screen.getByRole("button", { name: "Save the extension" });
const type = (value: string) => fireEvent.change(field(), { target: { value } });

test("somebody is found by any part of name, address or extension, each word on its own", () => {
  const ann = { name: "Ann Marie Ó Néill", email: "ann@x.test", extension: "2001" };
  for (const typed of ["", "  ", "marie ann", "200", "X.TEST", "Ó 2001"]) expect(found(ann, typed)).toBe(true);
  for (const typed of ["ben", "ann 2002"]) expect(found(ann, typed)).toBe(false);
  expect(found({ name: "Ben", email: "b@x.test" }, "2001")).toBe(false);
});

test("an extension is given, changed and taken away; what is none is said before it is sent", async () => {
  show("ann");
  expect(field()).toHaveProperty("value", "2001");
  expect(save()).toHaveProperty("disabled", true);
  for (const wrong of ["1", "12a", "+39"]) {
    type(wrong);
    expect(screen.getByText("2 to 6 digits, or nothing")).toBeTruthy();
    expect(save()).toHaveProperty("disabled", true);
  }
  type(" 2055 ");
  await act(async () => void fireEvent.click(save()));
  await waitFor(() => expect(asked).toEqual([{ what: "PUT agents/ann/extension", body: { extension: "2055" } }]));
  await waitFor(() => expect(live.store.agent("ann")?.extension).toBe("2055"));
  type("");
  await act(async () => void fireEvent.click(save()));
  await waitFor(() => expect(asked.at(-1)?.body).toEqual({ extension: null }));
  await waitFor(() => expect(live.store.agent("ann")?.extension).toBeNull());
});

test("an extension that somebody has is refused in words at its field, and stays typed", async () => {
  show("ben");
  answer = { status: 409, body: { status: 409, code: "extension-taken", title: "x", type: "x" } };
  type("2001");
  await act(async () => void fireEvent.click(save()));
  expect(await screen.findByText("An agent or a queue has it already")).toBeTruthy();
  expect(field()).toHaveProperty("value", "2001");
  answer = { status: 422, body: { status: 422, code: "invalid", title: "x", type: "x", errors: [{ field: "extension", message: "must not be 600" }] } };
  type("600");
  expect(screen.queryByText("An agent or a queue has it already")).toBeNull();
});

test("what others change is followed", () => {
  const told = (extension: string | null, seq: number) => {
    live.store.apply({ seq, id: `e${String(seq)}`, kind: "agent.extension_changed", at: "2026-11-20T10:00:00Z", subject: { type: "agent", id: "ben" }, data: { extension, previous: null } });
    live.store.flush();
    return live.store.agent("ben")?.extension;
  };
  expect(told("2002", 5)).toBe("2002");
  expect(told(null, 6)).toBeNull();
});

test("a colleague is called by the server where this browser is no phone, by name or by extension; why not is said in words", async () => {
  show("nobody");
  await callAgent({ id: "ben", extension: null });
  await callNumber("2001");
  expect(asked).toEqual([
    { what: "POST calls", body: { to_agent_id: "ben" } },
    { what: "POST calls", body: { to_agent_id: "ann" } },
  ]);
  answer = { status: 409, body: { status: 409, code: "target-busy", title: "x", type: "x" } };
  await act(() => callAgent({ id: "ben" }));
  expect(await screen.findByText("They are on a call. Try again later.", { selector: "section *" })).toBeTruthy();
});

test("how many chats an agent has at once is set from 0 to 50, and what the server says of it is shown", async () => {
  show("ann");
  const chats = () => screen.getByRole("textbox", { name: "Chats at once" });
  const form = () => within(screen.getByRole("form", { name: "Chats at once" }));
  expect(chats()).toHaveProperty("value", "4");
  expect(form().getByRole("button", { name: "Save" })).toHaveProperty("disabled", true);
  for (const wrong of ["", "51", "-1", "x", "1.5"]) {
    fireEvent.change(chats(), { target: { value: wrong } });
    form().getByText("From 0 to 50");
    expect(form().getByRole("button", { name: "Save" })).toHaveProperty("disabled", true);
  }
  answer = { status: 422, body: { status: 422, code: "invalid-input", errors: [{ field: "chat_capacity", message: "must be from 0 to 50" }] } };
  fireEvent.change(chats(), { target: { value: "0" } });
  fireEvent.click(form().getByRole("button", { name: "Save" }));
  await screen.findByText("must be from 0 to 50");
  answer = { status: 200, body: { ...agent("ann", "Ann", "2001"), chat_capacity: 0 } };
  fireEvent.click(form().getByRole("button", { name: "Save" }));
  await screen.findAllByText("Ann gets chats by hand only");
  expect(asked.at(-1)).toEqual({ what: "PUT agents/ann/chat-capacity", body: { chat_capacity: 0 } });
  await waitFor(() => expect(chats()).toHaveProperty("value", "0"));
});
