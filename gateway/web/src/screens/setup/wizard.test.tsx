import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import axe from "axe-core";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { Problem, api } from "@/api";
import { loadArea, setLanguage } from "@/i18n";
import { type Draft, firstDraft } from "./draft";
import { Wizard } from "./wizard";

const PASSWORD = "three dry herons";
const whole: Draft = { ...firstDraft("en", "Europe/Rome", "Reception"), name: "Rossi & Figli", adminName: "Anna", adminEmail: "anna@rossi.test" };

beforeAll(async () => {
  await setLanguage("en");
  await loadArea("wizard");
});
beforeEach(() => sessionStorage.setItem("trunkline.setup-draft", JSON.stringify(whole)));
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
  sessionStorage.clear();
});

function show() {
  const done = vi.fn();
  const view = render(
    <QueryClientProvider client={new QueryClient()}>
      <Wizard onDone={done} />
    </QueryClientProvider>,
  );
  return { done, ...view };
}

const press = (name: string) => fireEvent.click(screen.getByRole("button", { name }));
const current = () => document.querySelector('[aria-current="step"]')?.textContent;

/** Through all the steps, to the last. */
function toReview() {
  press("Continue");
  press("Continue");
  fireEvent.change(screen.getByLabelText(/^Password/), { target: { value: PASSWORD } });
  press("Continue");
  press("Continue");
  expect(current()).toContain("Look it over");
}

describe("the wizard", () => {
  it("sends the same again with the same key when no answer came, and another body with another", async () => {
    const post = vi.spyOn(api, "POST").mockRejectedValue(Problem.noAnswer());
    show();
    toReview();
    press("Create the company");
    await screen.findByRole("alert");
    press("Create the company");
    await vi.waitFor(() => expect(post).toHaveBeenCalledTimes(2));
    await screen.findByRole("alert");
    press("Company");
    fireEvent.change(screen.getByLabelText(/^Company/), { target: { value: "Verdi" } });
    for (let n = 0; n < 4; n += 1) press("Continue");
    press("Create the company");
    await vi.waitFor(() => expect(post).toHaveBeenCalledTimes(3));
    const keys = post.mock.calls.map((call) => (call[1] as { params: { header: Record<string, string> } }).params.header["Idempotency-Key"]);
    expect(keys[0]).toBe(keys[1]);
    expect(keys[2]).not.toBe(keys[0]);
  });

  it("leads to the first step that the server found a fault in, with words of ours", async () => {
    const errors = [{ field: "admin.email", message: "belongs to a user already" }];
    vi.spyOn(api, "POST").mockRejectedValue(new Problem({ status: 422, code: "invalid-input", errors }));
    show();
    toReview();
    press("Create the company");
    await screen.findByText("Somebody signs in with this address already.");
    expect(current()).toContain("You");
    expect(screen.getByLabelText(/^E-mail/).getAttribute("aria-invalid")).toBe("true");
    await vi.waitFor(() => expect(document.activeElement).toBe(screen.getByLabelText(/^E-mail/)));
  });

  it("keeps the draft, and never the password", () => {
    show();
    toReview();
    const kept = JSON.stringify({ ...sessionStorage, ...localStorage });
    expect(kept).toContain("anna@rossi.test");
    expect(kept).not.toContain(PASSWORD);
  });

  it("has no fault that axe knows, on any step", async () => {
    const { container } = show();
    const clean = async () => {
      const { violations } = await axe.run(container, { rules: { "color-contrast": { enabled: false } } });
      expect(violations.map((one) => `${current() ?? ""}: ${one.id}`)).toEqual([]);
    };
    await clean();
    press("Continue");
    await clean();
    press("Continue");
    await clean();
    fireEvent.change(screen.getByLabelText(/^Password/), { target: { value: PASSWORD } });
    press("Continue");
    await clean();
    press("Continue");
    await clean();
  });
});
