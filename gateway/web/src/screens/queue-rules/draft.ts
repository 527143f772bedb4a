/** How a queue works, as a form has it. Pure: the screen shows it, the server has the last word. */
import type { components } from "@/api";
import type { Day } from "../setup/draft";
import { minute } from "../setup/draft";
import { presetWeek } from "../setup/hours";
import type { Works } from "../shared/disposition";

type Routing = Works["routing"];
export type Strategy = Routing["strategy"];
export const STRATEGIES: readonly Strategy[] = ["longest_idle", "round_robin", "fewest_contacts", "ring_all", "skill_best"];

const DAY = 86_400;
/** The server's limits; with `optional`, nothing typed is “never”. By the server's names of fields, with a dash for its dot. */
export const NUMBERS = {
  ring_seconds: { min: 5, max: 300 },
  priority: { min: -100, max: 100 },
  prefer_seconds: { min: 0, max: DAY },
  sticky_seconds: { min: 0, max: DAY },
  pause_after_missed: { min: 1, max: 1000, optional: true },
  wrap_up_seconds: { min: 0, max: 3600 },
  "too_long-at": { min: 1, max: 10_000, optional: true },
  "overflow-after_seconds": { min: 1, max: DAY, optional: true },
  "unattended-grace_seconds": { min: 0, max: DAY },
  "unattended-rounds": { min: 1, max: 1000 },
  max_wait_seconds: { min: 30, max: 14_400 },
  service_level_seconds: { min: 0, max: DAY },
  short_abandon_seconds: { min: 0, max: DAY },
  "while_waiting-every_seconds": { min: 15, max: 600, optional: true },
  "voicemail-max_seconds": { min: 5, max: 600 },
} satisfies Record<string, Limits>;
export interface Limits {
  readonly min: number;
  readonly max: number;
  readonly optional?: boolean;
}
export type NumberField = keyof typeof NUMBERS;

export interface Level {
  readonly skill_id: string;
  readonly level: string;
}
export const LEVEL: Limits = { min: 1, max: 100 };

export interface Relax {
  readonly after: string;
  readonly lower: string;
  readonly raise: string;
  readonly drop: readonly string[];
}

/** A queue's id, the end of the call, a message, a call back, or a number outside: which one is typed beside it. */
export const HANG_UP = "hang_up";
export const NUMBER = "number";
export const VOICEMAIL = "voicemail";
export const CALLBACK = "callback";
export const PLACES = ["overflow", "too_long", "closed", "unattended"] as const;
export type Place = (typeof PLACES)[number];

export const KEYS = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "#"] as const;
/** A key that a waiting caller presses, and where it leads. */
export interface KeyDraft {
  readonly key: string;
  readonly to: string;
  readonly outside: string;
}

export type Say = Routing["while_waiting"]["say"];
/** What is said, as most people want it: a text that is spoken, or a sound. What is neither, but several one after the other, is kept as it is. */
export interface SayDraft {
  readonly kind: "none" | "text" | "sound" | "other";
  readonly text: string;
  readonly sound: string;
  readonly other: Say;
}

export interface RulesDraft {
  readonly strategy: Strategy;
  readonly numbers: Readonly<Record<NumberField, string>>;
  readonly required: readonly Level[];
  readonly preferred: readonly Level[];
  readonly relax: readonly Relax[];
  readonly to: Readonly<Record<Place, string>>;
  /** As they are typed. */
  readonly outside: Readonly<Record<Place, string>>;
  readonly keepWaiting: boolean;
  /** Opening hours with a name, in place of the queue's own; empty: its own. */
  readonly schedule: string;
  readonly always: boolean;
  readonly timeZone: string;
  readonly week: readonly Day[];
  readonly dispositions: readonly components["schemas"]["Disposition"][];
  readonly dispositionRequired: boolean;
  readonly position: boolean;
  readonly expectedWait: boolean;
  /** A sound's id; empty: the music of the house. */
  readonly music: string;
  readonly hint: SayDraft;
  readonly hintLanguage: string;
  readonly keys: readonly KeyDraft[];
  readonly greeting: SayDraft;
  readonly greetingLanguage: string;
  readonly notice: SayDraft;
  readonly noticeLanguage: string;
}

const DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const;
const number = (value: number | null | undefined): string => (value === null || value === undefined ? "" : String(value));
type Destination = components["schemas"]["Destination"];
const place = (to: Destination | undefined): string => (typeof to !== "object" ? (to ?? HANG_UP) : "number" in to ? NUMBER : to.queue_id);
const numberOf = (to: Destination | undefined): string => (typeof to === "object" && "number" in to ? to.number : "");
const destination = (to: string, typed: string): Destination => (to === HANG_UP || to === VOICEMAIL || to === CALLBACK ? to : to === NUMBER ? { number: e164(typed) } : { queue_id: to });

/** `none`: what is said where nothing was chosen. */
function sayDraft(say: Say, none: Say): SayDraft {
  const empty = { text: "", sound: "", other: say };
  if (JSON.stringify(say) === JSON.stringify(none)) return { ...empty, kind: "none" };
  const [first] = say;
  if (say.length === 1 && first && "text" in first) return { ...empty, kind: "text", text: first.text };
  if (say.length === 1 && first && "sound_id" in first) return { ...empty, kind: "sound", sound: first.sound_id };
  return { ...empty, kind: "other" };
}

function sayOf({ kind, text, sound, other }: SayDraft, none: Say): Say {
  switch (kind) {
    case "none":
      return [...none];
    case "text":
      return [{ text: text.trim() }];
    case "sound":
      return [{ sound_id: sound }];
    case "other":
      return [...other];
  }
}
/** Asterisk's own greeting. */
const GREETING: Say = [{ builtin: "vm-intro" }];

/** As numbers are kept: + and digits, whatever stood between them. */
export function e164(typed: string): string {
  const bare = typed.replace(/[\s().\-/\u00a0\u2010-\u2015]/g, "");
  return bare.startsWith("00") ? `+${bare.slice(2)}` : bare;
}

/** `timeZone`: of the company, for hours that are yet to be set. */
export function draftOf({ ring_seconds, routing }: Works, timeZone: string): RulesDraft {
  const levels = (all: Routing["required"]): Level[] => all.map(({ skill_id, level }) => ({ skill_id, level: String(level) }));
  const { hours } = routing;
  return {
    strategy: routing.strategy,
    numbers: {
      ring_seconds: number(ring_seconds),
      priority: number(routing.priority),
      prefer_seconds: number(routing.prefer_seconds),
      sticky_seconds: number(routing.sticky_seconds),
      pause_after_missed: number(routing.pause_after_missed),
      wrap_up_seconds: number(routing.wrap_up_seconds),
      "too_long-at": number(routing.too_long?.at),
      "overflow-after_seconds": number(routing.overflow?.after_seconds),
      "unattended-grace_seconds": number(routing.unattended.grace_seconds),
      "unattended-rounds": number(routing.unattended.rounds),
      max_wait_seconds: number(routing.max_wait_seconds),
      service_level_seconds: number(routing.service_level_seconds),
      short_abandon_seconds: number(routing.short_abandon_seconds),
      "while_waiting-every_seconds": number(routing.while_waiting.every_seconds),
      "voicemail-max_seconds": number(routing.voicemail.max_seconds),
    },
    required: levels(routing.required),
    preferred: levels(routing.preferred),
    relax: routing.relax.map((step) => ({ after: number(step.after_seconds), lower: number(step.lower_by ?? 0), raise: number(step.raise_priority ?? 0), drop: step.drop ?? [] })),
    to: { overflow: place(routing.overflow?.to), too_long: place(routing.too_long?.to), closed: place(routing.closed.to), unattended: place(routing.unattended.to) },
    outside: { overflow: numberOf(routing.overflow?.to), too_long: numberOf(routing.too_long?.to), closed: numberOf(routing.closed.to), unattended: numberOf(routing.unattended.to) },
    keepWaiting: routing.closed.keep_waiting ?? true,
    schedule: routing.schedule_id ?? "",
    always: !hours,
    timeZone: hours?.time_zone ?? timeZone,
    week: hours ? DAYS.map((day, at) => ({ day: at + 1, spans: hours.week.filter((one) => one.day === day).map(({ from, to }) => ({ open: from, close: to })) })) : presetWeek("office"),
    dispositions: routing.dispositions,
    dispositionRequired: routing.disposition_required,
    position: routing.while_waiting.position,
    expectedWait: routing.while_waiting.expected_wait,
    music: routing.while_waiting.music ?? "",
    hint: sayDraft(routing.while_waiting.say, []),
    hintLanguage: routing.while_waiting.language,
    keys: Object.entries(routing.while_waiting.keys).map(([key, to]) => ({ key, to: place(to), outside: numberOf(to) })),
    greeting: sayDraft(routing.voicemail.greeting, GREETING),
    greetingLanguage: routing.voicemail.language,
    notice: sayDraft(routing.recording_notice.say, []),
    noticeLanguage: routing.recording_notice.language,
  };
}

export function worksOf(draft: RulesDraft): Works {
  const { numbers } = draft;
  const to = (where: Place) => destination(draft.to[where], draft.outside[where]);
  const value = (field: NumberField): number => Number(numbers[field]);
  const levels = (all: readonly Level[]) => all.map(({ skill_id, level }) => ({ skill_id, level: Number(level) }));
  return {
    ring_seconds: value("ring_seconds"),
    routing: {
      strategy: draft.strategy,
      priority: value("priority"),
      required: levels(draft.required),
      preferred: levels(draft.preferred),
      prefer_seconds: value("prefer_seconds"),
      relax: draft.relax.map((step) => ({ after_seconds: Number(step.after), lower_by: Number(step.lower), raise_priority: Number(step.raise), drop: [...step.drop] })),
      sticky_seconds: value("sticky_seconds"),
      pause_after_missed: numbers.pause_after_missed === "" ? null : value("pause_after_missed"),
      wrap_up_seconds: value("wrap_up_seconds"),
      dispositions: draft.dispositions.map(({ code, label }) => ({ code: code.trim() || codeOf(label), label: label.trim() })),
      disposition_required: draft.dispositionRequired,
      too_long: numbers["too_long-at"] === "" ? null : { at: value("too_long-at"), to: to("too_long") },
      overflow: numbers["overflow-after_seconds"] === "" ? null : { after_seconds: value("overflow-after_seconds"), to: to("overflow") },
      hours: draft.always ? null : { time_zone: draft.timeZone, week: draft.week.flatMap(({ day, spans }) => spans.map(({ open, close }) => ({ day: DAYS[day - 1] ?? "monday", from: open, to: close }))) },
      schedule_id: draft.schedule || null,
      closed: { to: to("closed"), keep_waiting: draft.keepWaiting },
      unattended: { grace_seconds: value("unattended-grace_seconds"), rounds: value("unattended-rounds"), to: to("unattended") },
      max_wait_seconds: value("max_wait_seconds"),
      service_level_seconds: value("service_level_seconds"),
      short_abandon_seconds: value("short_abandon_seconds"),
      while_waiting: {
        every_seconds: numbers["while_waiting-every_seconds"] === "" ? null : value("while_waiting-every_seconds"),
        position: draft.position,
        expected_wait: draft.expectedWait,
        music: draft.music || null,
        say: sayOf(draft.hint, []),
        language: draft.hintLanguage,
        keys: Object.fromEntries(draft.keys.map(({ key, to: where, outside }) => [key, destination(where, outside)])),
      },
      voicemail: { greeting: sayOf(draft.greeting, GREETING), language: draft.greetingLanguage, max_seconds: value("voicemail-max_seconds") },
      recording_notice: { say: sayOf(draft.notice, []), language: draft.noticeLanguage },
    },
  };
}

/** Records want a code; people need not think of one. Letters of other alphabets than the Latin have none. */
export function codeOf(label: string): string {
  return label
    .toLowerCase()
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 40)
    .replace(/^-+|-+$/g, "");
}

/** A whole number within the limits; an empty text is none. */
export function isWithin(text: string, { min, max, optional }: Limits): boolean {
  if (text.trim() === "") return optional === true;
  const value = Number(text);
  return Number.isInteger(value) && value >= min && value <= max;
}

export type Fault = "number" | "outside" | "level" | "relax" | "time" | "disposition" | "say" | "keys" | "nothing";
/** What the server could not even read, or would only say of the whole; everything else is for it to refuse. */
export function faultsOf(draft: RulesDraft): Readonly<Record<string, Fault>> {
  const faults: Record<string, Fault> = {};
  for (const [field, limits] of Object.entries(NUMBERS)) if (!isWithin(draft.numbers[field as NumberField], limits)) faults[field] = "number";
  for (const field of ["required", "preferred"] as const) if (draft[field].some(({ level }) => !isWithin(level, LEVEL))) faults[field] = "level";
  const step = { min: 0, max: DAY };
  if (draft.relax.some(({ after, lower, raise }) => !isWithin(after, step) || !isWithin(lower, { min: 0, max: 100 }) || !isWithin(raise, { min: 0, max: 200 }))) faults.relax = "relax";
  if (!draft.always) {
    for (const { day, spans } of draft.week) if (spans.some(({ open, close }) => !(minute(open) < minute(close)))) faults[`day-${String(day)}`] = "time";
  }
  for (const where of PLACES) if (leadsTo(draft, where) === NUMBER && !isNumber(draft.outside[where])) faults[`outside-${where}`] = "outside";
  if (draft.dispositions.some(({ code, label }) => label.trim() === "" || (code.trim() || codeOf(label)) === "")) faults.dispositions = "disposition";
  for (const [field, say] of [["while_waiting-say", draft.hint], ["voicemail-greeting", draft.greeting], ["recording_notice-say", draft.notice]] as const) if ((say.kind === "text" && say.text.trim() === "") || (say.kind === "sound" && say.sound === "")) faults[field] = "say";
  if (new Set(draft.keys.map(({ key }) => key)).size < draft.keys.length || draft.keys.some(({ to, outside }) => to === NUMBER && !isNumber(outside))) faults["while_waiting-keys"] = "keys";
  if (draft.numbers["while_waiting-every_seconds"] !== "" && !draft.position && !draft.expectedWait && draft.hint.kind === "none") faults["while_waiting-every_seconds"] ??= "nothing";
  return faults;
}

const isNumber = (typed: string): boolean => /^\+[1-9]\d{6,14}$/.test(e164(typed));

/** Where a place sends callers; `undefined` where nothing sends them there. */
function leadsTo({ to, numbers }: RulesDraft, where: Place): string | undefined {
  if (where === "overflow" && numbers["overflow-after_seconds"] === "") return undefined;
  if (where === "too_long" && numbers["too_long-at"] === "") return undefined;
  return to[where];
}

const SHOWN: ReadonlySet<string> = new Set([...Object.keys(NUMBERS), "required", "preferred", "relax", "to", "hours", "dispositions", "disposition_required", "strategy", "while_waiting-music", "while_waiting-say", "while_waiting-keys", "voicemail-greeting", "recording_notice-say", ...PLACES.map((where) => `outside-${where}`)]);

/** The server's complaints by the fields that the form has; under `""` what belongs to none of them. */
export function placed(fields: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [name, message] of Object.entries(fields)) {
    const bare = name.replace(/^routing\./, "").replace(/\[.*$/, "");
    const [, where, what] = /^(overflow|too_long|closed|unattended)\.to(?:\.(\w+))?/.exec(bare) ?? [];
    const to = where !== undefined ? (what === "number" ? `outside-${where}` : "to") : bare.startsWith("hours") ? "hours" : bare.replace(".", "-");
    if (SHOWN.has(to)) found[to] = message;
    else found[""] = [found[""], name ? `${name}: ${message}` : message].filter(Boolean).join("; ");
  }
  return found;
}

const FIELDS: Readonly<Partial<Record<keyof RulesDraft, readonly string[]>>> = {
  required: ["required"],
  preferred: ["preferred"],
  relax: ["relax"],
  to: ["to"],
  timeZone: ["hours"],
  week: ["hours"],
  dispositions: ["dispositions", "disposition_required"],
  dispositionRequired: ["disposition_required"],
  position: ["while_waiting-every_seconds"],
  expectedWait: ["while_waiting-every_seconds"],
  music: ["while_waiting-music"],
  hint: ["while_waiting-say", "while_waiting-every_seconds"],
  keys: ["while_waiting-keys"],
  greeting: ["voicemail-greeting"],
  notice: ["recording_notice-say"],
};

/** The fields that a change has to do with. */
export function touched(draft: RulesDraft, change: Partial<RulesDraft>): readonly string[] {
  const { numbers, week, to, outside } = change;
  const typed = numbers ? (Object.keys(numbers) as NumberField[]).filter((field) => numbers[field] !== draft.numbers[field]) : [];
  const places = PLACES.filter((where) => (outside && outside[where] !== draft.outside[where]) || (to && to[where] !== draft.to[where])).map((where) => `outside-${where}`);
  const days = week ? week.filter((day, at) => day !== draft.week[at]).map(({ day }) => `day-${String(day)}`) : [];
  const others = (Object.keys(change) as (keyof RulesDraft)[]).flatMap((part) => FIELDS[part] ?? []);
  return [...typed, ...places, ...days, ...others, ...(typed.includes("wrap_up_seconds") ? ["disposition_required"] : [])];
}
