import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Channels, Locks } from "@/testing/tabs";
import { PhoneError } from "../api";
import { Tabs, type TabsWorld } from "./tabs";

interface State {
  value: string;
}

function browser() {
  const locks = new Locks();
  const channels = new Channels();
  const world: TabsWorld = { locks: locks as unknown as LockManager, channel: () => channels.channel() };
  return (name: string) => {
    const tab = {
      state: { value: name } as State,
      done: [] as string[],
      log: [] as string[],
      idle: true,
      asleep: false,
      carryOut: (what: string): Promise<void> => {
        tab.done.push(what);
        return Promise.resolve();
      },
    };
    const tabs = new Tabs<State, string>(
      {
        lead: (last) => tab.log.push(`lead after ${last?.value ?? "nobody"}`),
        follow: () => tab.log.push("follow"),
        told: (state) => (tab.state = state),
        state: () => tab.state,
        carryOut: (what) => (tab.asleep ? new Promise<void>(() => undefined) : tab.carryOut(what)),
        idle: () => tab.idle,
      },
      () => world,
    );
    tabs.start();
    return { tab, tabs };
  };
}

const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("the first tab is the phone, the second follows it", async () => {
  const open = browser();
  const one = open("one");
  await settle();
  const two = open("two");
  await settle();
  expect([one.tabs.here, two.tabs.here]).toEqual([true, false]);
  expect(two.tab.state).toEqual({ value: "one" });
  one.tab.state = { value: "new" };
  one.tabs.tell();
  await settle();
  expect(two.tab.state).toEqual({ value: "new" });
});

test("what is asked in one tab is done in the other, and answered", async () => {
  const open = browser();
  const one = open("one");
  await settle();
  const two = open("two");
  await settle();
  await expect(two.tabs.ask("answer")).resolves.toBeUndefined();
  expect([one.tab.done, two.tab.done]).toEqual([["answer"], []]);
  one.tab.carryOut = () => Promise.reject(new PhoneError("microphone", "refused"));
  await expect(two.tabs.ask("answer")).rejects.toMatchObject({ code: "microphone", message: "refused" });
  await expect(one.tabs.ask("answer")).rejects.toMatchObject({ code: "microphone" });
});

test("when the phone's tab is closed the next one goes on from what it was told", async () => {
  const open = browser();
  const one = open("one");
  await settle();
  const two = open("two");
  await settle();
  one.tabs.stop();
  await settle();
  expect(two.tabs.here).toBe(true);
  expect(two.tab.log).toEqual(["lead after one"]);
});

test("the phone is taken over, and can be taken back", async () => {
  const open = browser();
  const one = open("one");
  await settle();
  const two = open("two");
  await settle();
  await two.tabs.takeOver();
  await settle();
  expect([one.tabs.here, two.tabs.here]).toEqual([false, true]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect([one.tabs.here, two.tabs.here]).toEqual([false, true]);
  await one.tabs.takeOver();
  await settle();
  expect([one.tabs.here, two.tabs.here]).toEqual([true, false]);
  one.tabs.stop();
  await settle();
  expect(two.tabs.here).toBe(true);
});

test("not while a call runs there", async () => {
  const open = browser();
  const one = open("one");
  await settle();
  const two = open("two");
  await settle();
  one.tab.idle = false;
  await expect(two.tabs.takeOver()).rejects.toMatchObject({ code: "busy" });
  expect([one.tabs.here, two.tabs.here]).toEqual([true, false]);
});

test("a tab that does not answer in time is said to be so", async () => {
  const open = browser();
  const one = open("one");
  await settle();
  const two = open("two");
  await settle();
  one.tab.asleep = true;
  const asked = expect(two.tabs.ask("answer")).rejects.toMatchObject({ code: "failed" });
  await vi.advanceTimersByTimeAsync(61_000);
  await asked;
});

test("a tab that is frozen is passed over, unless it has a call", async () => {
  const open = browser();
  const one = open("one");
  await settle();
  const two = open("two");
  await settle();
  // Holds the lock and hears nothing.
  (one.tabs as unknown as { heard(): void }).heard = () => undefined;
  two.tab.idle = false;
  const refused = expect(two.tabs.takeOver()).rejects.toMatchObject({ code: "not-here" });
  await vi.advanceTimersByTimeAsync(3_000);
  await refused;
  two.tab.idle = true;
  const taken = two.tabs.takeOver();
  await vi.advanceTimersByTimeAsync(3_000);
  await taken;
  expect([one.tabs.here, two.tabs.here]).toEqual([false, true]);
});

test("whoever asked for the phone and then vanished leaves it where it was", async () => {
  const open = browser();
  const one = open("one");
  await settle();
  const two = open("two");
  await settle();
  const send = two.tabs as unknown as { send(what: string): Promise<void> };
  await send.send("yield");
  expect(one.tabs.here).toBe(false);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(one.tabs.here).toBe(true);
});

test("what waits when the phone stops is told", async () => {
  const open = browser();
  const one = open("one");
  await settle();
  const two = open("two");
  await settle();
  one.tab.asleep = true;
  const asked = expect(two.tabs.ask("answer")).rejects.toMatchObject({ code: "offline" });
  two.tabs.stop();
  await asked;
});
