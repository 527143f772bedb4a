import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import axe from "axe-core";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { useState } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Problem } from "@/api";
import { setLanguage } from "@/i18n";
import { Checkbox, Combobox, ConfirmDialog, DataTable, Duration, ErrorState, Field, IconButton, Input, Tabs, Toaster, announce, clock, dismiss, grouped, toast, undoable } from ".";
import * as everything from ".";

beforeEach(async () => {
  await setLanguage("en");
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

describe("times and numbers", () => {
  it("are written so that they align", () => {
    expect([0, 999, 61_000, 3_723_000, -5].map(clock)).toEqual(["0:00", "0:00", "1:01", "1:02:03", "0:00"]);
    expect(["+390612345678", "+15550100", "+442071838750", "700", "anonymous"].map(grouped)).toEqual(["+39 061 234 5678", "+1 555 0100", "+44 207 183 8750", "700", "anonymous"]);
  });

  it("tick together, on the second", () => {
    vi.useFakeTimers({ now: 1_800_000_000_400 });
    render(
      <>
        <Duration since={1_799_999_999_000} />
        <Duration since={1_799_999_990_600} />
      </>,
    );
    expect(document.body.textContent).toBe("0:010:09");
    act(() => {
      vi.advanceTimersByTime(700);
    });
    expect(document.body.textContent).toBe("0:020:10");
  });
});

/** Not the live regions, which say the same. */
const shownToasts = () => within(screen.getByRole("region", { name: "Notifications" }));

describe("toasts", () => {
  it("go by themselves, but not while somebody reads them", () => {
    vi.useFakeTimers();
    render(<Toaster />);
    act(() => void toast({ title: "Saved" }));
    const card = shownToasts().getByText("Saved").closest("div.pointer-events-auto");
    if (!card) throw new Error("no card");
    fireEvent.pointerEnter(card);
    act(() => {
      vi.advanceTimersByTime(60_000);
    });
    expect(shownToasts().queryByText("Saved")).not.toBeNull();
    fireEvent.pointerLeave(card);
    act(() => {
      vi.advanceTimersByTime(6000);
    });
    expect(shownToasts().queryByText("Saved")).toBeNull();
  });

  it("take back what was done, once", () => {
    render(<Toaster />);
    const undo = vi.fn();
    act(() => void undoable({ title: "Archived", undo }));
    fireEvent.click(screen.getByRole("button", { name: "Undo" }));
    expect(undo).toHaveBeenCalledOnce();
    expect(shownToasts().queryByText("Archived")).toBeNull();
  });

  it("do what can be taken back once nobody has: read to the end, closed, pushed out, or left with the page", () => {
    vi.useFakeTimers();
    render(<Toaster />);
    const done: string[] = [];
    const remove = (title: string) => act(() => void undoable({ title, undo: () => done.push(`undo ${title}`), commit: () => done.push(title) }));
    remove("read");
    act(() => {
      vi.advanceTimersByTime(5900);
    });
    expect(done).toEqual([]);
    act(() => {
      vi.advanceTimersByTime(200);
    });
    expect(done).toEqual(["read"]);
    remove("closed");
    fireEvent.click(screen.getByRole("button", { name: "Close" }));
    remove("taken back");
    fireEvent.click(screen.getByRole("button", { name: "Undo" }));
    expect(done).toEqual(["read", "closed", "undo taken back"]);
    remove("pushed out");
    act(() => {
      for (let n = 0; n < 4; n += 1) toast({ title: `Toast ${String(n)}` });
    });
    remove("left");
    act(() => void dispatchEvent(new Event("pagehide")));
    expect(done.slice(3)).toEqual(["pushed out", "left"]);
    act(() => {
      vi.advanceTimersByTime(60_000);
    });
    expect(done).toHaveLength(5);
  });

  it("are at most four, and each can be dismissed", () => {
    render(<Toaster />);
    const ids: number[] = [];
    act(() => {
      for (let n = 0; n < 6; n += 1) ids.push(toast({ title: `Toast ${String(n)}`, duration: Infinity }));
    });
    expect(shownToasts().getAllByText(/^Toast /)).toHaveLength(4);
    act(() => {
      for (const id of ids) dismiss(id);
    });
    expect(shownToasts().queryAllByText(/^Toast /)).toHaveLength(0);
  });

  it("are said aloud, faults at once", () => {
    act(() => {
      toast({ title: "Broken", tone: "bad" });
      announce("Somebody waits");
    });
    expect(document.querySelector('[aria-live="assertive"]')?.textContent).toBe("Broken");
    expect(document.querySelector('[aria-live="polite"]')?.textContent).toBe("Somebody waits");
  });
});

describe("faults", () => {
  it("say what to do, and offer another try only where it may help", () => {
    const retry = vi.fn();
    const { rerender } = render(<ErrorState error={Problem.noAnswer()} onRetry={retry} />);
    expect(screen.getByText("The server cannot be reached")).not.toBeNull();
    fireEvent.click(screen.getByRole("button", { name: "Try again" }));
    expect(retry).toHaveBeenCalledOnce();
    rerender(<ErrorState error={new Problem({ status: 403, code: "forbidden" })} onRetry={retry} />);
    expect(screen.queryByRole("button")).toBeNull();
    rerender(<ErrorState error={new Problem({ status: 500, code: "internal", request_id: "0193" })} onRetry={retry} />);
    expect(screen.getByText(/0193/)).not.toBeNull();
    rerender(<ErrorState error={new Error("inside")} />);
    expect(screen.queryByText(/inside/), "nothing of the inside").toBeNull();
    expect(screen.getByText(/The fault is the panel's own/), "and nothing that is not so").not.toBeNull();
  });

  it("belong to their field", () => {
    render(
      <Field label="Address" error="That is no address." hint="Somebody's">
        <Input />
      </Field>,
    );
    const input = screen.getByLabelText("Address");
    expect(input.getAttribute("aria-invalid")).toBe("true");
    const described = (input.getAttribute("aria-describedby") ?? "").split(" ").map((id) => document.getElementById(id)?.textContent);
    expect(described).toEqual(["That is no address.", "Somebody's"]);
  });
});

describe("the table", () => {
  // happy-dom lays nothing out: the rows' places come from the table's own estimates.
  beforeEach(() => {
    vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(1000);
    vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(400);
  });
  afterEach(() => vi.restoreAllMocks());

  const rows = Array.from({ length: 10_000 }, (_, at) => ({ id: String(at), name: `Person ${String(at)}` }));
  const columns = [{ id: "name", header: "Name", cell: (row: { id: string; name: string }) => row.name }];

  it("says how many rows there are, and draws those in sight", () => {
    render(<DataTable label="People" columns={columns} rows={rows} rowKey={(row) => row.id} />);
    expect(screen.getByRole("grid").getAttribute("aria-rowcount")).toBe("10001");
    const drawn = document.querySelectorAll("[data-row]").length;
    expect(drawn).toBeGreaterThan(5);
    expect(drawn).toBeLessThan(60);
  });

  it("is moved through and opened by keys", () => {
    const open = vi.fn();
    render(<DataTable label="People" columns={columns} rows={rows.slice(0, 5)} rowKey={(row) => row.id} onOpen={open} />);
    const first = document.querySelector<HTMLElement>('[data-row="0"]');
    act(() => first?.focus());
    const key = (name: string) => {
      const focused = document.querySelector<HTMLElement>('[data-row][tabindex="0"]');
      if (focused) fireEvent.keyDown(focused, { key: name });
    };
    for (const name of ["j", "j", "ArrowUp", "Enter"]) key(name);
    expect(open).toHaveBeenLastCalledWith(rows[1]);
    for (const name of ["End", "j", "Enter"]) key(name);
    expect(open).toHaveBeenLastCalledWith(rows[4]);
    for (const name of ["Home", "k", "Enter"]) key(name);
    expect(open).toHaveBeenLastCalledWith(rows[0]);
  });

  it("asks for more before its end is reached", () => {
    const more = vi.fn();
    render(<DataTable label="People" columns={columns} rows={rows.slice(0, 20)} rowKey={(row) => row.id} onEndReached={more} />);
    expect(more).toHaveBeenCalled();
  });

  it("shows that it is empty, on its way, or broken", () => {
    const { rerender } = render(<DataTable label="People" columns={columns} rows={[]} rowKey={(row) => row.id} empty={<p>Nobody</p>} />);
    expect(screen.getByText("Nobody")).not.toBeNull();
    rerender(<DataTable label="People" columns={columns} rows={[]} rowKey={(row) => row.id} loading />);
    expect(screen.getByRole("grid").getAttribute("aria-busy")).toBe("true");
    rerender(<DataTable label="People" columns={columns} rows={[]} rowKey={(row) => row.id} error={Problem.noAnswer()} />);
    expect(screen.getByText("The server cannot be reached")).not.toBeNull();
  });
});

it("a combobox is filtered by typing and chosen by keys", () => {
  const chosen = vi.fn();
  render(<Combobox aria-label="Zone" value="Europe/Rome" onValueChange={chosen} options={["Europe/Rome", "Europe/Riga", "Asia/Tokyo"].map((value) => ({ value, label: value }))} />);
  const input = screen.getByRole("combobox");
  fireEvent.change(input, { target: { value: "eu ri" } });
  expect(screen.getAllByRole("option").map((one) => one.textContent)).toEqual(["Europe/Riga"]);
  fireEvent.keyDown(input, { key: "Enter" });
  expect(chosen).toHaveBeenCalledWith("Europe/Riga");
  fireEvent.change(input, { target: { value: "nowhere" } });
  expect(screen.getByText("Nothing matches.")).not.toBeNull();
});

it("a confirmation stays until it is done", async () => {
  let finish: () => void = () => undefined;
  function Page() {
    const [open, setOpen] = useState(true);
    return <ConfirmDialog open={open} onOpenChange={setOpen} title="Remove?" description="For good." confirm="Remove" onConfirm={() => new Promise<void>((resolve) => (finish = resolve))} />;
  }
  render(<Page />);
  fireEvent.click(screen.getByRole("button", { name: "Remove" }));
  expect(screen.queryByRole("alertdialog")).not.toBeNull();
  await act(async () => {
    finish();
    await Promise.resolve();
  });
  expect(screen.queryByRole("alertdialog")).toBeNull();
});

it("what is drawn can be read by everybody", async () => {
  const { container } = render(
    <main>
      <Field label="Name" required>
        <Input />
      </Field>
      <Checkbox label="Always" checked onCheckedChange={() => undefined} />
      <IconButton label="Close">x</IconButton>
      <Tabs value="a" onValueChange={() => undefined} tabs={[{ value: "a", label: "A" }]}>
        <p>A</p>
      </Tabs>
    </main>,
  );
  const result = await axe.run(container, { rules: { "color-contrast": { enabled: false }, region: { enabled: false } } });
  expect(result.violations.map((one) => one.id)).toEqual([]);
});

it("every component is on the component page", () => {
  const page = readFileSync(join(import.meta.dirname, "../screens/design/index.tsx"), "utf8");
  const components = Object.keys(everything).filter((name) => /^[A-Z][a-z]/.test(name));
  expect(components.length).toBeGreaterThan(30);
  // It is around all pages.
  const around = ["Toaster"];
  expect(components.filter((name) => !around.includes(name) && !new RegExp(`<${name}\\b`).test(page))).toEqual([]);
});
