import { act, cleanup, configure, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { dismiss } from "@/design";
import { loadArea, setLanguage } from "@/i18n";
import { live } from "@/live";
import { Server, accessible, refused, show } from "@/testing/screen";
import Numbers from ".";
import type { InboundNumber } from "./model";

vi.setConfig({ testTimeout: 30_000 });
configure({ asyncUtilTimeout: 5_000 });
vi.mock("@/api/session", async (original) => ({ ...(await original<object>()), currentToken: () => Promise.resolve({ value: "t", expiresAt: Infinity }) }));

const main: InboundNumber = { number: "+390612345678", label: "Main", site_id: null, target: { type: "queue", queue_id: "gone" }, schedule_id: null, closed_target: { type: "hang_up" }, recording: "as_queue" };

let server: Server;
beforeAll(async () => {
  await setLanguage("en");
  await Promise.all([loadArea("numbers"), loadArea("hours")]);
  document.documentElement.lang = "en";
  document.title = "Numbers";
});
beforeEach(() => {
  live.store.load({ agents: { items: [], as_of_seq: 1 }, queues: { items: [{ id: "q", name: "Sales", slug: "sales", numbers: [], agent_ids: [], extension: "3001", ring_seconds: 15 }], as_of_seq: 1 }, calls: { items: [], as_of_seq: 1 } });
  live.store.moveTo({ epoch: "e", through: 1 });
  const schedule = { id: "s", name: "Office", time_zone: "Europe/Rome", week: [{ day: "monday", from: "09:00", to: "18:00" }], special: [], override: null, used_by: { numbers: [], queues: [], flows: [] }, open_now: true, next_change: null };
  server = new Server({ numbers: [main], schedules: [schedule], flows: [{ id: "f", name: "Menu", published: null }, { id: "g", name: "Night", published: { version: 1 } }] });
});
afterEach(() => {
  for (let id = 1; id < 60; id += 1) act(() => dismiss(id));
  cleanup();
  live.store.clear();
  vi.unstubAllGlobals();
});
const choose = async (field: string, option: string | RegExp) => {
  fireEvent.click(screen.getByRole("combobox", { name: field }));
  fireEvent.pointerDown(await screen.findByRole("option", { name: option }));
};

test("a number of somebody else's is said in words beside it, and what was typed stays", async () => {
  show("/settings/numbers", "/settings/numbers", Numbers);
  fireEvent.click(await screen.findByRole("button", { name: "Add a number" }));
  const dialog = within(await screen.findByRole("dialog"));
  const field = dialog.getByRole("textbox", { name: "Number" });
  fireEvent.change(field, { target: { value: "06 9999 9999" } });
  fireEvent.click(dialog.getByRole("button", { name: "Save" }));
  dialog.getByText("Begin with + and the country code, such as +39.");
  dialog.getByText("Choose where its calls go.");
  expect(server.asked).toEqual([]);
  fireEvent.change(field, { target: { value: "+39 06 9999 9999" } });
  await choose("Leads to", "Queue: Sales");
  await dialog.findByText("Calls go to Queue: Sales, day and night.");
  await accessible();
  server.answers["POST numbers"] = refused(409, { code: "number-taken" });
  fireEvent.click(dialog.getByRole("button", { name: "Save" }));
  await dialog.findByText(/This number is in use already/);
  expect(field).toHaveProperty("value", "+39 06 9999 9999");
  delete server.answers["POST numbers"];
  fireEvent.click(dialog.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(server.asked.at(-1)).toEqual({ what: "POST numbers", body: { number: "+390699999999", label: "", site_id: null, target: { type: "queue", queue_id: "q" }, schedule_id: null, closed_target: { type: "hang_up" }, recording: "as_queue" } });
});

test("a target that is gone is asked for anew; a flow that was never published cannot be chosen", async () => {
  show("/settings/numbers", "/settings/numbers?number=%2B390612345678", Numbers);
  const dialog = within(await screen.findByRole("dialog"));
  await dialog.findByText("Where it led is gone. Choose something else.");
  fireEvent.click(dialog.getByRole("combobox", { name: "Leads to" }));
  expect((await screen.findByRole("option", { name: "Flow: Menu (not published yet)" })).getAttribute("aria-disabled")).toBe("true");
  fireEvent.pointerDown(await screen.findByRole("option", { name: "Flow: Night" }));
  fireEvent.click(dialog.getByRole("radio", { name: /Never recorded/ }));
  fireEvent.click(dialog.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(server.asked).toEqual([{ what: "PATCH numbers/+390612345678", body: { target: { type: "flow", flow_id: "g" }, recording: "never" } }]));
});
