import { act, cleanup, configure, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { dismiss } from "@/design";
import { loadArea, setLanguage } from "@/i18n";
import { Server, accessible, refused, show } from "@/testing/screen";
import Hours from ".";
import type { Schedule } from "./model";
import { endOfDay } from "./override";
import { momentText, weekText } from "./words";
import { weekOf } from "./week";

vi.setConfig({ testTimeout: 30_000 });
configure({ asyncUtilTimeout: 5_000 });
vi.mock("@/api/session", async (original) => ({ ...(await original<object>()), currentToken: () => Promise.resolve({ value: "t", expiresAt: Infinity }) }));

const office: Schedule = {
  id: "h1",
  name: "Office",
  time_zone: "Europe/Rome",
  week: [{ day: "monday", from: "09:00", to: "18:00" }, { day: "friday", from: "09:00", to: "18:00" }],
  special: [],
  override: null,
  used_by: { numbers: ["+390612345678"], queues: [], flows: [] },
  open_now: true,
  next_change: null,
};
const hotline: Schedule = { ...office, id: "h2", name: "Hotline", used_by: { numbers: [], queues: [], flows: [] }, open_now: false, override: { state: "closed", until: null, note: "Flood", by: "me", since: "2026-11-30T10:00:00Z" } };

let server: Server;
beforeAll(async () => {
  await setLanguage("en");
  await loadArea("hours");
  document.documentElement.lang = "en";
  document.title = "Opening hours";
});
afterEach(() => {
  for (let id = 1; id < 60; id += 1) act(() => dismiss(id));
  cleanup();
  vi.unstubAllGlobals();
});
const begin = (schedules: readonly Schedule[], at = "/settings/hours") => {
  server = new Server({ schedules, numbers: [{ number: "+41445550100", schedule_id: null }] });
  show("/settings/hours", at, Hours);
};

test("one click closes until the end of the day, and one more takes it back", async () => {
  begin([office]);
  fireEvent.click(await screen.findByRole("button", { name: "Close now: Office" }));
  const undo = await screen.findByRole("button", { name: "Undo" });
  const [said] = server.asked;
  expect(said?.what).toBe("PUT schedules/h1/override");
  const { until, ...rest } = said?.body as { until: string };
  expect(rest).toEqual({ state: "closed", note: null });
  expect(Math.abs(Date.parse(until) - endOfDay(Date.now(), "Europe/Rome"))).toBeLessThan(1000);
  fireEvent.click(undo);
  await waitFor(() => expect(server.asked[1]?.what).toBe("DELETE schedules/h1/override"));
});

test("everything is closed after a question, and undone to what it was for each", async () => {
  begin([office, hotline]);
  fireEvent.click(await screen.findByRole("button", { name: "Close everything now" }));
  const question = within(await screen.findByRole("alertdialog"));
  // What stays open is said.
  await question.findByText("+41 445 550 100");
  await accessible();
  fireEvent.change(question.getByRole("textbox", { name: "Note" }), { target: { value: " Fire drill " } });
  expect(server.asked).toEqual([]);
  fireEvent.click(question.getByRole("button", { name: "Close everything" }));
  fireEvent.click(await screen.findByRole("button", { name: "Undo" }));
  await screen.findAllByText("Everything is as it was before");
  expect(server.asked).toEqual([
    { what: "PUT schedules/override", body: { state: "closed", until: null, note: "Fire drill" } },
    { what: "DELETE schedules/override", body: undefined },
    { what: "PUT schedules/h2/override", body: { state: "closed", until: null, note: "Flood" } },
  ]);
});

test("a week that is typed is saved with what goes past midnight; what is no time is said and not sent", async () => {
  begin([office], "/settings/hours?schedule=h1");
  const day = async (name: string) => screen.findByRole("textbox", { name: `Hours on ${name}` });
  const type = async (name: string, text: string) => {
    fireEvent.change(await day(name), { target: { value: text } });
    fireEvent.blur(await day(name));
  };
  await type("Tuesday", "9-lunch");
  screen.getByText(/“9-lunch” is no stretch of time/);
  fireEvent.click(screen.getByRole("button", { name: "Save" }));
  expect(server.asked).toEqual([]);
  await type("Tuesday", "closed");
  await type("Sunday", "22-2");
  expect(await day("Monday")).toHaveProperty("value", "00:00–02:00, 09:00–18:00");
  await accessible();
  fireEvent.click(screen.getByRole("button", { name: "Save" }));
  await screen.findAllByText("Office is saved");
  expect(server.asked).toEqual([
    {
      what: "PATCH schedules/h1",
      body: { week: [{ day: "monday", from: "00:00", to: "02:00" }, { day: "monday", from: "09:00", to: "18:00" }, { day: "friday", from: "09:00", to: "18:00" }, { day: "sunday", from: "22:00", to: "24:00" }] },
    },
  ]);
});

test("what the server does not take is said in its place, and what was typed stays", async () => {
  begin([office], "/settings/hours?schedule=new");
  server.answers["POST schedules"] = refused(422, { errors: [{ field: "name", message: "There is one of this name" }] });
  fireEvent.click(await screen.findByRole("button", { name: "Save" }));
  await screen.findByText("Give it a name.");
  fireEvent.change(screen.getByRole("textbox", { name: "Name" }), { target: { value: "Office" } });
  fireEvent.click(screen.getByRole("button", { name: "Save" }));
  await screen.findByText("There is one of this name");
  expect(screen.getByRole("textbox", { name: "Name" })).toHaveProperty("value", "Office");
});

test("who may only read changes nothing", async () => {
  begin([office]);
  server.permissions = ["telephony:read"];
  cleanup();
  show("/settings/hours", "/settings/hours?schedule=h1", Hours);
  expect(await screen.findByRole("textbox", { name: "Hours on Monday" })).toHaveProperty("disabled", true);
  for (const name of ["Save", "Close now: Office", "Add a day", "Remove these hours"]) expect(screen.queryByRole("button", { name })).toBeNull();
});

test("moments and weeks are said as one says them", () => {
  const now = Date.parse("2026-11-30T12:00:00Z");
  const said = (at: string, end = false) => momentText(Date.parse(at), "Europe/Rome", now, end);
  expect([said("2026-11-30T17:00:00Z"), said("2026-12-01T08:00:00Z"), said("2026-11-30T23:00:00Z"), said("2026-11-30T23:00:00Z", true), said("2026-12-24T08:00:00Z"), said("2027-01-04T08:00:00Z")]).toEqual(["18:00", "Tue 09:00", "Tue 00:00", "24:00", "Dec 24 09:00", "Jan 4, 2027 09:00"]);
  expect(weekText(weekOf(office.week))).toBe("Mon 09:00–18:00 · Fri 09:00–18:00");
  expect(weekText(weekOf([]))).toBe("Closed all week");
});
