import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, configure, fireEvent, render, screen, within } from "@testing-library/react";
import axe from "axe-core";
import { afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { loadArea, setLanguage } from "@/i18n";
import TagChoice from "./tag-choice";
import { tagsFor } from "./tags-for";

// A busy machine is no fault.
vi.setConfig({ testTimeout: 30_000 });
configure({ asyncUtilTimeout: 5_000 });
vi.mock("@/api/session", async (original) => ({ ...(await original<object>()), currentToken: () => Promise.resolve({ value: "t", expiresAt: Infinity }) }));

let items: { tag: string; calls: number }[];
beforeAll(async () => {
  await setLanguage("en");
  await loadArea("work");
});
beforeEach(() => {
  items = [{ tag: "refund", calls: 1200 }, { tag: "Call back", calls: 4 }, { tag: "VIP", calls: 1 }];
  vi.stubGlobal("fetch", async () => Response.json({ items, next_cursor: null, as_of_seq: 1 }));
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

function show(chosen?: string) {
  const onChoose = vi.fn();
  render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <TagChoice chosen={chosen} onChoose={onChoose} />
    </QueryClientProvider>,
  );
  return onChoose;
}
const shown = () => within(screen.getByRole("list", { name: "Tags" })).queryAllByRole("button").map((one) => one.textContent);

it("offers the tags there are, the chosen one marked, and fewer of them as one types", async () => {
  const onChoose = show("VIP");
  await screen.findByRole("list", { name: "Tags" });
  expect(shown()).toEqual(["refund1,200", "Call back4", "VIP1"]);
  expect(screen.getByRole("button", { name: /VIP/, pressed: true })).toBeTruthy();
  const { violations } = await axe.run(document.body, { rules: { "color-contrast": { enabled: false }, region: { enabled: false }, "page-has-heading-one": { enabled: false }, "document-title": { enabled: false }, "html-has-lang": { enabled: false } } });
  expect(violations.map((one) => one.id)).toEqual([]);
  const field = screen.getByLabelText("Find a tag");
  fireEvent.change(field, { target: { value: "BACK ca" } });
  expect(shown()).toEqual(["Call back4"]);
  await act(async () => void fireEvent.submit(field));
  expect(onChoose).toHaveBeenLastCalledWith("Call back");
  // A tag by its whole name, also one that the list does not hold.
  fireEvent.change(field, { target: { value: " seldom " } });
  expect(shown()).toEqual([]);
  await act(async () => void fireEvent.submit(field));
  expect(onChoose).toHaveBeenLastCalledWith("seldom");
  fireEvent.change(field, { target: { value: "  " } });
  await act(async () => void fireEvent.submit(field));
  expect(onChoose).toHaveBeenCalledTimes(2);
  fireEvent.click(screen.getByRole("button", { name: /refund/ }));
  expect(onChoose).toHaveBeenLastCalledWith("refund");
});

it("says where tags come from as long as there are none", async () => {
  items = [];
  show();
  expect(await screen.findByText(/No call has a tag yet/)).toBeTruthy();
});

it("finds a tag by its words", () => {
  expect(tagsFor(items, "Ba").map((one) => one.tag)).toEqual(["Call back"]);
  expect(tagsFor(items, "").map((one) => one.tag)).toEqual(["refund", "Call back", "VIP"]);
  expect(tagsFor([{ tag: "Возврат" }], "возв")).toHaveLength(1);
});
