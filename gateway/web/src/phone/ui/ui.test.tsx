import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import axe from "axe-core";
import type { ReactNode } from "react";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { onKeyDown } from "@/app/commands";
import { Toaster, dismiss, prepareToAnnounce } from "@/design";
import { loadArea, setLanguage } from "@/i18n";
import { type LiveCall, live } from "@/live";
import { type Blocked, type PhoneActions, PhoneError, type PhoneState } from "../api";
import { AudioSettings } from "./audio-settings";
import { CallBar } from "./call-bar";
import { ShownPhone } from "./core";
import { IncomingCall } from "./incoming";
import { DialPad, TonePad } from "./keypad";
import { PhoneNotices } from "./notices";
import { call, calledBack, pretend, ringing, state } from "./pretend";
import { blockedText, dialable } from "./problems";

type Spies = { [A in keyof PhoneActions]: ReturnType<typeof vi.fn<PhoneActions[A]>> };
let did: Spies;

function spies(): Spies {
  const later = () => vi.fn(() => Promise.resolve());
  return {
    answer: later(), hangUp: later(), setMuted: later(), setHeld: later(), sendDigits: later(), dial: later(), takeOver: later(), retryMicrophone: later(),
    chooseMicrophone: later(), chooseSpeaker: later(), chooseBell: later(), setRingVolume: vi.fn(), testSound: later(), askForNotifications: later(), clearMissed: vi.fn(),
  };
}

/** Shows something with a phone that can be put into another state. */
function show(what: ReactNode, shown: Partial<PhoneState> = {}, level = 0) {
  // Nobody answers here: times are in the zone of the machine.
  const queries = new QueryClient({ defaultOptions: { queries: { enabled: false } } });
  const tree = (next: Partial<PhoneState>) => (
    <QueryClientProvider client={queries}>
      <ShownPhone value={pretend(state(next), did, level)}>{what}</ShownPhone>
      <Toaster />
    </QueryClientProvider>
  );
  const { rerender, container } = render(tree(shown));
  return { container, become: (next: Partial<PhoneState>) => rerender(tree(next)) };
}

const button = (name: string | RegExp) => screen.getByRole("button", { name });
const press = (name: string | RegExp) => act(async () => fireEvent.click(button(name)));
const said = (politeness: "polite" | "assertive") => document.querySelector(`body > [aria-live="${politeness}"].sr-only`)?.textContent;

/** What axe can see without a layout: names, roles, relations. Colours and sizes are looked at in Chromium. */
async function accessible() {
  const { violations } = await axe.run(document.body, { rules: { "color-contrast": { enabled: false }, region: { enabled: false }, "page-has-heading-one": { enabled: false } } });
  expect(violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" ")}`)).toEqual([]);
}

beforeAll(async () => {
  await setLanguage("en");
  await loadArea("sound");
  document.documentElement.lang = "en";
  document.title = "Calls";
});
beforeEach(() => {
  did = spies();
  localStorage.clear();
  prepareToAnnounce();
  document.addEventListener("keydown", onKeyDown);
});
afterEach(() => {
  for (let id = 1; id < 50; id += 1) act(() => dismiss(id));
  cleanup();
  document.removeEventListener("keydown", onKeyDown);
});

describe("the call bar with a call", () => {
  it("says who, which queue, how it stands, and does what its buttons say", async () => {
    show(<CallBar />, { calls: [call()] });
    const bar = screen.getByRole("region", { name: "Current call" });
    for (const text of ["Marta Keller", /Sales/, "Talking", "Good"]) expect(within(bar).getByText(text)).toBeTruthy();
    await accessible();
    await press("Mute");
    await press("Hold");
    await press("Hang up");
    expect(did.setMuted).toHaveBeenCalledExactlyOnceWith("call-1", true);
    expect(did.setHeld).toHaveBeenCalledExactlyOnceWith("call-1", true);
    expect(did.hangUp).toHaveBeenCalledExactlyOnceWith("call-1");
  });

  it("takes back what is on", async () => {
    show(<CallBar />, { calls: [call({ muted: true, held: true })] });
    await press("Unmute");
    await press("Resume");
    expect(did.setMuted).toHaveBeenCalledExactlyOnceWith("call-1", false);
    expect(did.setHeld).toHaveBeenCalledExactlyOnceWith("call-1", false);
  });

  it("obeys keys", () => {
    show(<CallBar />, { calls: [call()] });
    fireEvent.keyDown(document.body, { key: "m" });
    fireEvent.keyDown(document.body, { key: "h" });
    fireEvent.keyDown(document.body, { key: "E", ctrlKey: true, shiftKey: true });
    expect(did.setMuted).toHaveBeenCalledOnce();
    expect(did.setHeld).toHaveBeenCalledOnce();
    expect(did.hangUp).toHaveBeenCalledOnce();
  });

  it("tells why something failed", async () => {
    did.setHeld.mockRejectedValue(new PhoneError("offline", "offline"));
    show(<CallBar />, { calls: [call()] });
    await press("Hold");
    expect(await screen.findByText("The phone is not connected. It comes back by itself; try again then.", { selector: "section *" })).toBeTruthy();
    expect(said("assertive")).toContain("The phone could not do that");
  });

  it("keeps mute and hang-up while the line is away, and says that the call goes on", async () => {
    show(<CallBar />, { calls: [call({ interrupted: true })] });
    expect(screen.getByText(/the call goes on/)).toBeTruthy();
    expect(button("Mute")).toHaveProperty("disabled", false);
    expect(button("Hang up")).toHaveProperty("disabled", false);
    expect(button("Hold")).toHaveProperty("disabled", true);
    fireEvent.keyDown(document.body, { key: "h" });
    expect(did.setHeld).not.toHaveBeenCalled();
    await accessible();
  });

  it("shows a second call, which can be switched to", async () => {
    show(<CallBar />, { calls: [call(), call({ id: "call-2", peerName: "Diego Paredes", held: true })] });
    await accessible();
    await press("Switch to it");
    expect(did.setHeld).toHaveBeenCalledExactlyOnceWith("call-2", false);
    await press("Hang up on Diego Paredes");
    expect(did.hangUp).toHaveBeenCalledExactlyOnceWith("call-2");
  });

  it("announces how the call goes on, and keeps the focus when it ends", () => {
    const { become } = show(<CallBar />, { calls: [call()] });
    act(() => button("Hold").focus());
    act(() => become({ calls: [call({ held: true })] }));
    expect(said("polite")).toBe("Marta Keller: On hold");
    act(() => become({ calls: [] }));
    expect(said("polite")).toBe("Ended");
    expect(document.activeElement?.getAttribute("data-phone")).toBe("idle");
  });

  it("explains the sound in figures", async () => {
    show(<CallBar />, { calls: [call({ quality: { loss: 0.04, jitterMs: 31, rttMs: undefined, mos: 3.4, grade: "fair" } })] });
    await press("Fair");
    const box = await screen.findByRole("dialog", { name: "Sound quality" });
    for (const text of ["3.4 / 4.5", "4.0 %", "31 ms", "–", /cable/]) expect(within(box).getByText(text)).toBeTruthy();
  });

  it("opens the keypad by its key, and closes it when the line goes", async () => {
    const { become } = show(<CallBar />, { calls: [call()] });
    act(() => void fireEvent.keyDown(document.body, { key: "#" }));
    expect(await screen.findByRole("dialog", { name: "Keypad" })).toBeTruthy();
    act(() => become({ calls: [call({ interrupted: true })] }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  });
});

/** As lists and the stream have it. */
function journal(what: Partial<LiveCall> = {}) {
  const { talker_ids, ...row } = calledBack(what);
  const legs = talker_ids.map((one) => ({ id: one, kind: "agent" as const, agent_id: one, started_at: row.started_at, answered_at: row.started_at }));
  live.store.load({ agents: { items: [], as_of_seq: 1 }, queues: { items: [], as_of_seq: 1 }, calls: { items: [{ ...row, asterisk: "main", estimated: false, legs, gaps: [], dispositions: [], notes: [], tags: [] }], as_of_seq: 1 } });
}

describe("somebody who is to be called back", () => {
  afterEach(() => act(() => live.store.clear()));

  it("is not on the line: the card says so, since when they wait, and that answering calls them", async () => {
    journal();
    show(<IncomingCall />, { calls: [ringing({ callId: "call-back" })] });
    const card = screen.getByRole("region", { name: "Call back: Marta Keller" });
    for (const text of ["Call back", "Marta Keller", "For Sales", /Not on the line yet/]) expect(within(card).getByText(text)).toBeTruthy();
    expect(card.textContent).toMatch(/In line for 12:3\d/);
    expect(said("assertive")).toContain("Call back: Marta Keller");
    await accessible();
    await press("Answer and call");
    expect(did.answer).toHaveBeenCalledExactlyOnceWith("call-1");
  });

  it("is called by their own number, whichever the ring came with", () => {
    journal();
    show(<IncomingCall />, { calls: [ringing({ callId: "call-back", peer: "+41445550100", peerName: "Alpenhof" }), call({ id: "call-2" })] });
    const card = screen.getByRole("region", { name: "Call back: +41445550132" });
    expect(within(card).queryByText("Alpenhof")).toBeNull();
    expect(within(card).getByRole("button", { name: "Hold and call" })).toBeTruthy();
  });

  it("is being called until they pick up, though this phone is up", () => {
    journal({ agent_id: "me", talker_ids: ["me"] });
    const calls = [call({ callId: "call-back", startedAt: Date.now() - 5000, answeredAt: Date.now() - 3000 })];
    const { become } = show(<CallBar />, { calls });
    const bar = screen.getByRole("region", { name: "Current call" });
    expect(within(bar).getByText("Calling")).toBeTruthy();
    expect(within(bar).queryByText("Talking")).toBeNull();
    expect(button("Hold")).toHaveProperty("disabled", true);
    expect(button("Mute")).toHaveProperty("disabled", false);
    expect(button("Hang up")).toHaveProperty("disabled", false);
    act(() => journal({ state: "active", agent_id: "me", talker_ids: ["me"], answered_at: new Date().toISOString() }));
    become({ calls });
    expect(within(bar).getByText("Talking")).toBeTruthy();
    expect(within(bar).getByText(/^0:0[01]$/)).toBeTruthy();
    expect(button("Hold")).toHaveProperty("disabled", false);
    expect(said("polite")).toBe("Marta Keller: Talking");
  });
});

describe("the call bar without a call", () => {
  it.each<Blocked>(["insecure", "microphone-refused", "microphone-missing", "microphone-busy", "unsupported"])("says what to do about %s", async (reason) => {
    show(<CallBar />, { registration: { state: "blocked", reason } });
    await act(async () => fireEvent.click(screen.getByRole("button")));
    expect(await screen.findByText(blockedText(reason))).toBeTruthy();
    const retry = screen.queryByRole("button", { name: "Try again" });
    expect(retry !== null).toBe(reason.startsWith("microphone"));
    if (retry) {
      await act(async () => fireEvent.click(retry));
      expect(did.retryMicrophone).toHaveBeenCalledOnce();
    }
  });

  it("is not there for who has no phone", () => {
    show(<CallBar />, { registration: { state: "off" } });
    expect(screen.queryAllByRole("button")).toEqual([]);
    cleanup();
    show(<CallBar />, { registration: { state: "blocked", reason: "no-agent" } });
    expect(screen.queryAllByRole("button")).toEqual([]);
  });

  it("tells of a line that goes and comes", () => {
    const { become } = show(<CallBar />);
    act(() => become({ registration: { state: "lost", reason: "server", retryAt: Date.now() + 4000 } }));
    expect(said("assertive")).toBe("The phone system does not answer");
    expect(button("Call")).toHaveProperty("disabled", true);
    act(() => become({ registration: { state: "connecting" } }));
    act(() => become({}));
    expect(said("polite")).toBe("Phone ready");
  });

  it("takes the phone over from another tab", async () => {
    did.takeOver.mockRejectedValueOnce(new PhoneError("busy", "busy"));
    show(<CallBar />, { here: false });
    await press("Phone in another tab");
    await press("Use it here");
    expect(did.takeOver).toHaveBeenCalledOnce();
    expect(await screen.findByText("Busy.", { selector: "section *" })).toBeTruthy();
  });

  it("lists missed calls, to call back or to clear", async () => {
    const missed = [{ id: "m1", callId: undefined, peer: "+442079460991", peerName: undefined, queue: "Support", at: Date.now() - 60_000 }];
    show(<CallBar />, { missed });
    await press(/1 missed/);
    await accessible();
    await press("Clear");
    expect(did.clearMissed).toHaveBeenCalledOnce();
    await press("Call +442079460991 back");
    expect(did.dial).toHaveBeenCalledExactlyOnceWith("+442079460991");
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  });
});

describe("a call that rings", () => {
  it("is announced, shows its keys, and is answered or declined", async () => {
    show(<IncomingCall />, { calls: [ringing()] });
    expect(said("assertive")).toBe("Marta Keller is calling Sales");
    expect(button("Answer").getAttribute("aria-keyshortcuts")).toBe("Control+Shift+A");
    await accessible();
    await press("Answer");
    await press("Decline");
    expect(did.answer).toHaveBeenCalledExactlyOnceWith("call-1");
    expect(did.hangUp).toHaveBeenCalledExactlyOnceWith("call-1");
  });

  it("leaves the keyboard to whoever is typing, and hears its own keys there", () => {
    const field = (
      <>
        <input aria-label="Note" />
        <IncomingCall />
      </>
    );
    const { become } = show(field);
    const note = screen.getByRole("textbox");
    act(() => note.focus());
    act(() => become({ calls: [ringing()] }));
    expect(document.activeElement).toBe(note);
    act(() => void fireEvent.keyDown(note, { key: "A", ctrlKey: true, shiftKey: true }));
    expect(did.answer).toHaveBeenCalledOnce();
  });

  it("asks once while the browser asks for the microphone, and says that it was refused", async () => {
    let refuse: (error: Error) => void = () => undefined;
    did.answer.mockReturnValue(new Promise((_, reject) => (refuse = reject)));
    show(<IncomingCall />, { calls: [ringing()] });
    await press("Answer");
    await press("Answer");
    expect(did.answer).toHaveBeenCalledOnce();
    expect(button("Answer").getAttribute("aria-busy")).toBe("true");
    await act(async () => refuse(new PhoneError("microphone", "microphone-refused")));
    expect(screen.getByText("Microphone refused", { selector: "section *" })).toBeTruthy();
    expect(button("Answer").getAttribute("aria-busy")).toBeNull();
  });

  it("says that the call that talks will be held, and gives the keys to the first alone", () => {
    show(<IncomingCall />, { calls: [ringing(), ringing({ id: "call-3", peerName: "Luca Bianchi" }), call({ id: "call-2" })] });
    expect(screen.getAllByRole("button", { name: "Hold and answer" })).toHaveLength(2);
    fireEvent.keyDown(document.body, { key: "X", ctrlKey: true, shiftKey: true });
    expect(did.hangUp).toHaveBeenCalledExactlyOnceWith("call-1");
  });

  it("is no press outside of an open dialog", () => {
    const outside = vi.fn();
    document.addEventListener("pointerdown", outside);
    show(<IncomingCall />, { calls: [ringing()] });
    fireEvent.pointerDown(button("Answer"));
    document.removeEventListener("pointerdown", outside);
    expect(outside).not.toHaveBeenCalled();
  });
});

describe("pads", () => {
  it.each([
    ["+41 44 555-01.32", "+41445550132"],
    ["tel:(044) 555 01 32", "0445550132"],
    ["\u202a+39\u00a0333\u20111234567\u202c", "+393331234567"],
    ["*21#", "*21#"],
    ["0800 PIZZA", ""],
    ["12+34", ""],
    ["", ""],
    ["1".repeat(33), ""],
  ])("reads %s", (text, number) => expect(dialable(text)).toBe(number));

  const field = () => screen.getByRole<HTMLInputElement>("textbox", { name: "Number or extension" });

  it("dials what was pasted, once it is a number", async () => {
    const dialed = vi.fn();
    show(<DialPad onDialed={dialed} />);
    await press("Call");
    expect(screen.getByText("Type or paste a number first.", { selector: "p[id]" })).toBeTruthy();
    fireEvent.change(field(), { target: { value: "Marta" } });
    await act(async () => fireEvent.keyDown(field(), { key: "Enter" }));
    expect(field().getAttribute("aria-invalid")).toBe("true");
    expect(document.getElementById(field().getAttribute("aria-describedby") ?? "")?.textContent).toContain("no number");
    await accessible();
    fireEvent.change(field(), { target: { value: "+41 44 555 01 32" } });
    await act(async () => fireEvent.keyDown(field(), { key: "Enter" }));
    expect(did.dial).toHaveBeenCalledExactlyOnceWith("+41445550132");
    expect(dialed).toHaveBeenCalledOnce();
  });

  it("keeps the number when the call came to nothing", async () => {
    did.dial.mockRejectedValue(new PhoneError("refused", "refused"));
    show(<DialPad />);
    fireEvent.change(field(), { target: { value: "987" } });
    await press("Call");
    expect(field().value).toBe("987");
    expect(screen.getByText("The phone could not do that", { selector: "section *" })).toBeTruthy();
  });

  it("redials: at once by its button, in two steps by Enter", async () => {
    show(<DialPad />, { lastDialed: "201" });
    await act(async () => fireEvent.keyDown(field(), { key: "Enter" }));
    expect(field().value).toBe("201");
    expect(did.dial).not.toHaveBeenCalled();
    fireEvent.change(field(), { target: { value: "" } });
    await press("Redial 201");
    expect(did.dial).toHaveBeenCalledExactlyOnceWith("201");
  });

  it("makes a plus of a nought that is held", () => {
    vi.useFakeTimers();
    show(<DialPad />);
    const nought = button(/^0/);
    fireEvent.pointerDown(nought);
    act(() => void vi.advanceTimersByTime(600));
    fireEvent.pointerUp(nought);
    fireEvent.click(nought);
    vi.useRealTimers();
    expect(field().value).toBe("+");
    fireEvent.pointerDown(nought);
    fireEvent.pointerUp(nought);
    fireEvent.click(nought);
    expect(field().value).toBe("+0");
    fireEvent.click(button("Delete the last digit"));
    expect(field().value).toBe("+");
  });

  it("sends tones by pad, keyboard and paste", async () => {
    show(<TonePad callId="call-1" />);
    const tones = screen.getByRole("textbox", { name: "Send tones" });
    fireEvent.click(button("#"));
    fireEvent.keyDown(tones, { key: "5" });
    fireEvent.keyDown(tones, { key: "x" });
    fireEvent.paste(tones, { clipboardData: { getData: () => "12-34" } });
    expect(did.sendDigits.mock.calls).toEqual([["call-1", "#"], ["call-1", "5"], ["call-1", "1234"]]);
    await accessible();
  });
});

describe("notices", () => {
  it("tells of a call missed now, not of those from before", async () => {
    const one = { id: "m1", callId: undefined, peer: "201", peerName: "Aline", queue: undefined, at: 1 };
    const { become } = show(<PhoneNotices />, { missed: [one] });
    expect(screen.queryByText(/^Missed:/)).toBeNull();
    act(() => become({ missed: [{ ...one, id: "m2", peer: "202", peerName: "Luca" }, one] }));
    expect(screen.getByText("Missed: Luca", { selector: "section *" })).toBeTruthy();
    await press("Call back");
    expect(did.dial).toHaveBeenCalledExactlyOnceWith("202");
  });

  it("puts the call into the page's title, and takes it out", () => {
    const { become } = show(<PhoneNotices />, { calls: [ringing()] });
    expect(document.title).toBe("Ringing: Marta Keller · Calls");
    act(() => become({ calls: [call()] }));
    expect(document.title).toBe("● Marta Keller · Calls");
    act(() => become({ calls: [] }));
    expect(document.title).toBe("Calls");
  });

  it("asks for notifications once, where the phone is", async () => {
    const audio = { ...state().audio, notifications: "default" } as const;
    const { become } = show(<PhoneNotices />, { audio, registration: { state: "connecting" } });
    expect(screen.queryByRole("button")).toBeNull();
    act(() => become({ audio, here: false }));
    expect(screen.queryByRole("button")).toBeNull();
    act(() => become({ audio }));
    await press("Allow notifications");
    expect(did.askForNotifications).toHaveBeenCalledOnce();
    expect(screen.queryByRole("button")).toBeNull();
  });
});

describe("audio settings", () => {
  it("tries what was chosen", async () => {
    show(<AudioSettings />, {}, 0.6);
    await accessible();
    expect(screen.getByRole("meter").getAttribute("aria-valuenow")).toBe("0");
    await press("Try the microphone");
    expect(screen.getByRole("meter").getAttribute("aria-valuenow")).toBe("60");
    expect(screen.getByText("We hear you.")).toBeTruthy();
    await press("Stop");
    expect(screen.getByRole("meter").getAttribute("aria-valuenow")).toBe("0");
    await press("Play a tone");
    await press("Ring once");
    expect(did.testSound.mock.calls).toEqual([["speaker"], ["bell"]]);
    fireEvent.change(screen.getByRole("slider"), { target: { value: "0.5" } });
    expect(did.setRingVolume).toHaveBeenCalledExactlyOnceWith(0.5);
  });

  it("says what this browser cannot do, and how to go on without a microphone", async () => {
    const audio = { ...state().audio, canChooseSpeaker: false, microphones: [], notifications: "denied" } as const;
    show(<AudioSettings />, { audio, registration: { state: "blocked", reason: "microphone-missing" } });
    for (const text of [/cannot choose where sound comes out/, /once the microphone is allowed/, /Plug a headset in/, /told to refuse them/]) expect(screen.getByText(text)).toBeTruthy();
    await accessible();
    await press("Try again");
    expect(did.retryMicrophone).toHaveBeenCalledOnce();
  });
});

describe("where a refused microphone is allowed again", () => {
  it.each([
    ["Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", /crossed-out microphone/],
    ["Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15", /Safari menu/],
    ["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36", /left of the address/],
  ])("is said for %s", (agent, words) => expect(blockedText("microphone-refused", agent)).toMatch(words));
});
