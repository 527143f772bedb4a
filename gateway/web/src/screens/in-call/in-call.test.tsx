import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, configure, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import axe from "axe-core";
import { afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { onKeyDown } from "@/app/commands";
import { Toaster, dismiss, prepareToAnnounce } from "@/design";
import { loadArea, setLanguage } from "@/i18n";
import { type JournalEvent, live, useCallLive } from "@/live";
import { DeskBar } from "./desk";
import { CallStatus } from "./status";

// A busy machine is no fault.
vi.setConfig({ testTimeout: 30_000 });
configure({ asyncUtilTimeout: 5_000 });
/** On the bar; what is announced says the same. */
const SHOWN = { selector: "section *" };

/** The gateway, as far as a call is asked of it. */
let asked: { path: string; body: unknown }[];
let answer: { status: number; body?: unknown };
let events: JournalEvent[];

vi.mock("@/api/session", async (original) => ({ ...(await original<object>()), currentToken: () => Promise.resolve({ value: "t", expiresAt: Infinity }) }));

let seq = 10;
const event = (kind: string, data: Record<string, unknown> = {}): JournalEvent => {
  seq += 1;
  return { seq, id: `e${String(seq)}`, kind, at: "2026-11-20T10:00:01Z", subject: { type: kind.startsWith("recording") ? "recording" : "call", id: "c" }, data };
};

/** As the stream delivers it. */
async function happens(kind: string, data: Record<string, unknown> = {}): Promise<void> {
  const told = event(kind, data);
  events = [...events, told];
  await act(async () => {
    (live as unknown as { delivered(event: JournalEvent, position: object): void }).delivered(told, { epoch: "e", through: told.seq, lastId: told.id });
    live.store.flush();
    await Promise.resolve();
  });
}

const agent = (id: string, name: string, over: object = {}) => ({ id, name, email: `${id}@x.test`, state: "available" as const, state_since: "2026-11-20T09:00:00Z", reachable: true, activity: "available" as const, activity_since: "2026-11-20T09:00:00Z", skills: [], chat_capacity: 4, ...over });
const leg = { id: "l", kind: "agent" as const, agent_id: "ann", started_at: "2026-11-20T10:00:00Z", answered_at: "2026-11-20T10:00:00Z" };

/** What the lists say. */
const row: Parameters<typeof live.store.load>[0]["calls"]["items"][number] = { id: "c", asterisk: "main", direction: "inbound", from: "+15557654321", to: "+15550100", state: "active", queue_id: "q", agent_id: "ann", started_at: "2026-11-20T10:00:00Z", answered_at: "2026-11-20T10:00:00Z", estimated: false, legs: [leg], gaps: [], dispositions: [], notes: [], tags: [] };
const given = {
  agents: { items: [agent("ann", "Ann"), agent("ben", "Ben"), agent("cleo", "Cleo", { reachable: false }), agent("dan", "Dan", { activity: "on_contact" })], as_of_seq: 12 },
  queues: { items: [{ id: "q", name: "Sales", slug: "sales", extension: "700", ring_seconds: 20, agent_ids: ["ann"], numbers: [] }], as_of_seq: 12 },
  calls: { items: [row], as_of_seq: 12 },
};

function Shown() {
  const call = useCallLive("c");
  return call ? <DeskBar call={call} /> : null;
}

function show(what = <Shown />): void {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  queries.setQueryData(["me"], { user: { id: "ann", name: "Ann" }, tenant: { name: "Demo" }, permissions: ["calls:control"], reach: "member" });
  render(
    <QueryClientProvider client={queries}>
      {what}
      <Toaster />
    </QueryClientProvider>,
  );
}

const button = (name: string) => screen.getByRole("button", { name });

beforeAll(async () => {
  await setLanguage("en");
  await loadArea("incall");
  document.documentElement.lang = "en";
  document.title = "Calls";
});
beforeEach(() => {
  prepareToAnnounce();
  document.addEventListener("keydown", onKeyDown);
  asked = [];
  answer = { status: 202 };
  seq = 10;
  events = [event("call.answered", { agent_id: "ann" }), event("recording.started", { call_id: "c" })];
  vi.stubGlobal("fetch", async (request: Request) => {
    const path = new URL(request.url).pathname.replace("/api/v1/calls/c/", "");
    if (path === "events") return Response.json({ items: events, as_of_seq: events.at(-1)?.seq ?? 0 });
    if (request.method !== "POST") return Response.json({}, { status: 404 });
    const text = await request.text();
    asked.push({ path, body: text ? JSON.parse(text) : undefined });
    return answer.body ? Response.json(answer.body, { status: answer.status }) : new Response(null, { status: answer.status });
  });
  live.store.load(given);
  live.store.moveTo({ epoch: "e", through: 12 });
});
afterEach(() => {
  for (let id = 1; id < 50; id += 1) act(() => dismiss(id));
  cleanup();
  live.store.clear();
  document.removeEventListener("keydown", onKeyDown);
  vi.unstubAllGlobals();
});

/** A dialog's focus guards are looked at in Chromium, like colours and sizes. */
async function accessible() {
  const { violations } = await axe.run(document.body, { rules: { "color-contrast": { enabled: false }, region: { enabled: false }, "page-has-heading-one": { enabled: false }, "aria-hidden-focus": { enabled: false } } });
  expect(violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" ")}`)).toEqual([]);
}

it("holds and mutes a phone on the desk by the server, and shows what the stream says of it", async () => {
  show();
  await act(async () => fireEvent.click(button("Hold")));
  await waitFor(() => expect(asked).toEqual([{ path: "hold", body: undefined }]));
  // Nothing is guessed: it is held when it is held.
  expect(button("Hold")).toBeTruthy();
  await happens("call.held", { agent_id: "ann" });
  await act(async () => fireEvent.click(await screen.findByRole("button", { name: "Resume" })));
  await happens("call.muted", { agent_id: "ann" });
  await screen.findByRole("button", { name: "Unmute" });
  act(() => void fireEvent.keyDown(document.body, { key: "m" }));
  await waitFor(() => expect(asked.map((one) => one.path)).toEqual(["hold", "resume", "unmute"]));
  await accessible();
});

it("says whom it rings for while they have not picked up, and nothing of a transfer", async () => {
  events = [event("call.started", { direction: "outbound", callback_of: "b" }), event("call.queued", { queue_id: "q", callback_of: "b" }), event("call.offered", { agent_id: "ann" }), event("call.dialled", { agent_id: "ann", to: "+390644121234" })];
  live.store.load({ ...given, calls: { ...given.calls, items: [{ ...row, direction: "outbound", from: "+15550100", to: "+390644121234", state: "ringing", queued_at: "2026-11-20T09:58:00Z", answered_at: null }] } });
  show();
  const bar = screen.getByRole("region", { name: "Current call" });
  expect(await within(bar).findByText(/^Ringing .*1234/)).toBeTruthy();
  expect(within(bar).getByText("Calling")).toBeTruthy();
  expect(within(bar).queryByText(/Handed on/)).toBeNull();
  expect(button("Hold")).toHaveProperty("disabled", true);
  await accessible();
  await happens("call.answered", { agent_id: "ann" });
  await waitFor(() => expect(within(bar).queryByText(/^Ringing/)).toBeNull());
  expect(within(bar).getByText("Talking")).toBeTruthy();
});

it("tells of a call back that rings for whom it is, and that answering dials them", async () => {
  events = [];
  live.store.load({ ...given, calls: { ...given.calls, items: [{ ...row, direction: "outbound", to: "+390644121234", state: "ringing", agent_id: null, queued_at: "2026-11-20T09:58:00Z", answered_at: null, legs: [{ ...leg, agent_id: "ben", answered_at: null }] }] } });
  show(<section><CallStatus callId="c" /></section>);
  expect(await screen.findByText(/whoever answers calls .*1234.*In line for/, SHOWN)).toBeTruthy();
});

it("hands a call on: who cannot be rung says why, and Enter asks first", async () => {
  show();
  await screen.findByText("Recording");
  act(() => void fireEvent.keyDown(document.body, { key: "t" }));
  const dialog = await screen.findByRole("dialog", { name: "Transfer the call" });
  const names = within(dialog).getAllByRole("option").map((one) => one.textContent);
  expect(names).toEqual([expect.stringMatching(/Ben.*Available/), expect.stringMatching(/Cleo.*No phone/), expect.stringMatching(/Dan.*On a call/), expect.stringMatching(/Sales.*0 waiting/)]);
  const search = within(dialog).getByRole("combobox");
  fireEvent.change(search, { target: { value: "cleo" } });
  expect(within(dialog).getByRole("button", { name: "Ask first" })).toHaveProperty("disabled", true);
  fireEvent.keyDown(search, { key: "Enter" });
  fireEvent.change(search, { target: { value: "be" } });
  await accessible();
  await act(async () => fireEvent.keyDown(search, { key: "Enter" }));
  await waitFor(() => expect(asked).toEqual([{ path: "transfer", body: { kind: "attended", to: { agent_id: "ben" } } }]));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());

  await happens("call.held", { agent_id: "ann", for: "consult" });
  await happens("call.offered", { agent_id: "ben", for: "consult" });
  const group = await screen.findByRole("group", { name: "Asking before the transfer" });
  expect(within(group).queryByRole("button", { name: "Swap" })).toBeNull();
  expect(button("Transfer")).toHaveProperty("disabled", true);
  await happens("call.consulted", { agent_id: "ben", by: "ann" });
  expect(await screen.findByText(/You talk with Ben/, SHOWN)).toBeTruthy();
  for (const [name, path] of [["Swap", "transfer/swap"], ["All three talk", "transfer/merge"], ["Cancel", "transfer/cancel"], ["Complete", "transfer/complete"]] as const) {
    await act(async () => fireEvent.click(within(screen.getByRole("group", { name: "Asking before the transfer" })).getByRole("button", { name })));
    await waitFor(() => expect(asked.at(-1)?.path).toBe(path));
  }
  await accessible();
});

it("hands a call on to a number outside, after asking or at once, and says in words why it may not", async () => {
  show();
  await screen.findByText("Recording");
  await act(async () => fireEvent.click(button("Transfer")));
  const dialog = await screen.findByRole("dialog", { name: "Transfer the call" });
  const search = within(dialog).getByRole("combobox");
  fireEvent.change(search, { target: { value: "+39 06 4412 1234" } });
  expect(within(dialog).getAllByRole("option").map((one) => one.textContent)).toEqual([expect.stringMatching(/1234.*Outside number/)]);
  await accessible();
  answer = { status: 409, body: { status: 409, code: "call-denied", title: "calls to Italy are not allowed", type: "x" } };
  await act(async () => fireEvent.keyDown(search, { key: "Enter" }));
  await waitFor(() => expect(asked).toEqual([{ path: "transfer", body: { kind: "attended", to: { number: "+390644121234" } } }]));
  expect(await screen.findByText("This number may not be called: calls to Italy are not allowed", { selector: "section *" })).toBeTruthy();
  expect(screen.getByRole("dialog", { name: "Transfer the call" })).toBeTruthy();
  for (const [code, words] of [["no-trunk", /no line to the outside/], ["limit-reached", /minutes for this month/]] as const) {
    answer = { status: 409, body: { status: 409, code, title: "x", type: "x" } };
    await act(async () => fireEvent.click(within(dialog).getByRole("button", { name: "Ask first" })));
    expect(await screen.findByText(words, { selector: "section *" })).toBeTruthy();
  }
  answer = { status: 202 };
  await act(async () => fireEvent.click(within(dialog).getByRole("button", { name: "Hand on at once" })));
  await waitFor(() => expect(asked.at(-1)).toEqual({ path: "transfer", body: { kind: "blind", to: { number: "+390644121234" } } }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());

  await happens("call.held", { agent_id: "ann", for: "consult" });
  await happens("call.dialled", { agent_id: "ann", to: "+390644121234" });
  const group = await screen.findByRole("group", { name: "Asking before the transfer" });
  expect(within(group).getByText(/1234.* is being rung/)).toBeTruthy();
  await happens("call.transfer_failed", { kind: "attended", from_agent_id: "ann", to: { number: "+390644121234" }, why: "invalid_number" });
  await happens("call.resumed", { agent_id: "ann" });
  expect(await screen.findByText(/there is no such number\. The call is with you again/, SHOWN)).toBeTruthy();
});

it("offers no number outside for a conference", async () => {
  show();
  await screen.findByText("Recording");
  await act(async () => fireEvent.click(button("Bring somebody in")));
  const dialog = await screen.findByRole("dialog");
  fireEvent.change(within(dialog).getByRole("combobox"), { target: { value: "+390644121234" } });
  expect(within(dialog).queryAllByRole("option")).toEqual([]);
});

it("says why a transfer was refused, and leaves the dialog open for another choice", async () => {
  answer = { status: 409, body: { status: 409, code: "target-busy", title: "busy", type: "x" } };
  show();
  await screen.findByText("Recording");
  await act(async () => fireEvent.click(button("Transfer")));
  const dialog = await screen.findByRole("dialog", { name: "Transfer the call" });
  await act(async () => fireEvent.click(within(dialog).getByRole("button", { name: "Hand on at once" })));
  expect(await screen.findByText(/They are on a call/, { selector: "section *" })).toBeTruthy();
  expect(screen.getByRole("dialog", { name: "Transfer the call" })).toBeTruthy();
});

it("pauses the recording by its key, says so, and names who listens", async () => {
  show();
  await screen.findByText("Recording");
  act(() => void fireEvent.keyDown(document.body, { key: "r" }));
  await waitFor(() => expect(asked.at(-1)?.path).toBe("recording/pause"));
  await happens("recording.paused", { call_id: "c", agent_id: "ann", at_ms: 5 });
  expect(await screen.findByText(/^Recording paused/)).toBeTruthy();
  await act(async () => fireEvent.click(button("Resume the recording")));
  await waitFor(() => expect(asked.at(-1)?.path).toBe("recording/resume"));
  await happens("call.supervised", { agent_id: "dan", mode: "listen", supervised_agent_id: "ann" });
  expect(await screen.findByText(/Dan is listening/, SHOWN)).toBeTruthy();
  await happens("call.supervision_ended", { agent_id: "dan" });
  await waitFor(() => expect(screen.queryByText(/is listening/, SHOWN)).toBeNull());
});

it("says why a call came back, until that is closed", async () => {
  show();
  await screen.findByText("Recording");
  await happens("call.offered", { agent_id: "ben", for: "consult" });
  await happens("call.missed_offer", { agent_id: "ben", why: "no_answer" });
  expect(await screen.findByText("Ben did not answer. The call is with you again.", SHOWN)).toBeTruthy();
  await act(async () => fireEvent.click(within(screen.getByRole("region", { name: "Current call" })).getByRole("button", { name: "Close" })));
  expect(screen.queryByText(/Ben did not answer/, SHOWN)).toBeNull();
});
