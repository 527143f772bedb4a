import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { setLanguage } from "@/i18n";
import { ConnectionMark } from "./badge";
import type { Connection } from "./core";
import { live } from "./shell";

const connection = (what: Partial<Connection>): Connection => ({ state: "live", behind: 0, seq: 7, retryAt: null, reason: null, ...what });

beforeEach(async () => {
  await setLanguage("en");
});
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

it.each<[Partial<Connection>, string]>([
  [{ state: "live" }, "Live"],
  [{ state: "connecting", reason: "starting" }, "Connecting"],
  [{ state: "catching_up" }, "Catching up"],
  [{ state: "catching_up", behind: 1204 }, "1,204"],
  [{ state: "offline", reason: "network", retryAt: Date.now() + 8000 }, "Offline"],
])("%o is said in words, aloud and on the badge", (what, words) => {
  const { container } = render(<ConnectionMark connection={connection(what)} />);
  expect(container.querySelector("[data-connection]")?.getAttribute("data-connection")).toBe(what.state);
  expect(screen.getByRole("button").textContent).toContain(words);
  expect(container.querySelector('output[aria-live="polite"]')?.textContent).toContain(words);
});

it("says when the next attempt is made, and makes it at once for whoever asks", () => {
  const wake = vi.spyOn(live, "wake").mockImplementation(() => undefined);
  render(<ConnectionMark connection={connection({ state: "offline", reason: "network", retryAt: Date.now() + 7900 })} />);
  fireEvent.click(screen.getByRole("button"));
  expect(screen.getByRole("dialog").textContent).toMatch(/again in \d+ s/);
  fireEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(wake).toHaveBeenCalledOnce();
});
