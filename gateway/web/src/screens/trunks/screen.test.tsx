import { act, cleanup, configure, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { dismiss } from "@/design";
import { loadArea, setLanguage } from "@/i18n";
import { Server, accessible, refused, show } from "@/testing/screen";
import Trunks from ".";
import type { Trunk } from "./model";

vi.setConfig({ testTimeout: 30_000 });
configure({ asyncUtilTimeout: 5_000 });
vi.mock("@/api/session", async (original) => ({ ...(await original<object>()), currentToken: () => Promise.resolve({ value: "t", expiresAt: Infinity }) }));

const rejected = { state: "rejected", reason: "refused", detail: "403 Forbidden" } as const;
const trunk: Trunk = {
  id: "t1",
  name: "Provider",
  settings: {
    kind: "registration",
    host: "sip.example.com",
    port: null,
    transport: "udp",
    username: "user",
    auth_username: "",
    from_user: "",
    from_domain: "",
    outbound_proxy: "",
    codecs: ["alaw"],
    sources: [],
    max_channels: null,
    country: "IT",
    dial_format: "e164",
    dial_strip: 0,
    dial_prefix: "",
    shown: { show: "as_chosen" },
    outbound: true,
    qualify_seconds: 30,
    expires_seconds: 300,
    servers: null,
  },
  has_password: true,
  priority: 10,
  enabled: true,
  status: [
    { server: "asterisk-1", registration: rejected, reachable: true, rtt_ms: 20 },
    { server: "asterisk-2", registration: rejected, reachable: true, rtt_ms: 20 },
  ],
  updated_at: "2026-11-30T10:00:00Z",
};

let server: Server;
beforeAll(async () => {
  await setLanguage("en");
  await loadArea("trunks");
  document.documentElement.lang = "en";
  document.title = "Trunks";
});
afterEach(() => {
  for (let id = 1; id < 60; id += 1) act(() => dismiss(id));
  cleanup();
  vi.unstubAllGlobals();
});
const begin = (trunks: readonly Trunk[], at = "/settings/trunks") => {
  server = new Server({ trunks });
  show("/settings/trunks", at, Trunks);
};
const type = (field: HTMLElement, value: string) => fireEvent.change(field, { target: { value } });

test("a provider that refuses is said for each server, with what to do", async () => {
  begin([trunk]);
  expect(await screen.findAllByText(/does not take the user name or password.*403 Forbidden/)).toHaveLength(2);
  await accessible();
  fireEvent.click(screen.getByRole("button", { name: "Test Provider" }));
  await screen.findByText("Provider does not work.");
  await screen.findByText(/We ask sip.example.com:5060 by UDP/);
});

test("a trunk is made from what the provider's letter says", async () => {
  begin([]);
  fireEvent.click(await screen.findByRole("button", { name: "Add a trunk" }));
  const dialog = within(await screen.findByRole("dialog"));
  fireEvent.click(dialog.getByRole("button", { name: "Save" }));
  expect(await dialog.findAllByText("This is needed.")).toHaveLength(4);
  expect(server.asked).toEqual([]);
  type(dialog.getByRole("textbox", { name: "Name" }), "Provider");
  const host = dialog.getByRole("textbox", { name: "Server of the provider" });
  type(host, "sip:sip.example.com:5070;transport=tcp");
  fireEvent.blur(host);
  type(dialog.getByRole("textbox", { name: "User name" }), "user");
  type(dialog.getByLabelText("Password"), "secret");
  await accessible();
  fireEvent.click(dialog.getByRole("button", { name: "Save" }));
  await screen.findByText("Does the trunk work?");
  expect(server.asked).toMatchObject([{ what: "POST trunks", body: { name: "Provider", settings: { kind: "registration", host: "sip.example.com", port: 5070, transport: "tcp", username: "user", sources: [] }, password: "secret", enabled: true } }]);
});

test("what the server does not take in the folded part unfolds it", async () => {
  begin([trunk], "/settings/trunks?trunk=t1");
  const dialog = within(await screen.findByRole("dialog"));
  server.answers["PATCH trunks/t1"] = refused(422, { errors: [{ field: "settings.outbound_proxy", message: "cannot be found" }] });
  type(dialog.getByRole("textbox", { name: "Name" }), "Other");
  fireEvent.click(dialog.getByRole("button", { name: "Save" }));
  await dialog.findByText("cannot be found");
  expect(document.querySelector("details")?.open).toBe(true);
  // The password was not typed: it stays.
  expect(server.asked).toEqual([{ what: "PATCH trunks/t1", body: { name: "Other" } }]);
});

test("a configuration is read before anything is made of it", async () => {
  begin([]);
  fireEvent.click(await screen.findByRole("button", { name: "Import pjsip.conf" }));
  const dialog = within(await screen.findByRole("dialog"));
  const { settings } = trunk;
  const found = {
    trunks: [
      { name: "provider", settings, has_password: true, lines: [3, 9], notes: [], problem: null },
      { name: "odd", settings: { ...settings, host: "" }, has_password: false, lines: [20], notes: [], problem: { field: "host", message: "must be a host's name or address" } },
    ],
    not_understood: [{ line: 7, text: "foo = bar", message: "No such setting." }],
    created: [],
  };
  server.answers["POST trunks/import"] = (body) => Response.json((body as { apply?: boolean }).apply ? { ...found, created: [trunk] } : found);
  type(dialog.getByRole("textbox", { name: /paste/ }), "[provider]");
  fireEvent.click(dialog.getByRole("button", { name: "Read it" }));
  await dialog.findByText("No such setting.");
  dialog.getByText("Line 7");
  dialog.getByText("Line 3, 9");
  dialog.getByText("It is not made like that: host must be a host's name or address.");
  await accessible();
  fireEvent.click(dialog.getByRole("button", { name: "Make 1 trunk" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(server.asked).toEqual([
    { what: "POST trunks/import", body: { text: "[provider]" } },
    { what: "POST trunks/import", body: { text: "[provider]", apply: true } },
  ]);
});
