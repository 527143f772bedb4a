/** What the wizard gathers, and what may be wrong with it. Pure: the screen shows it, the server has the last word. */
import type { components } from "@/api";
import { LANGUAGES, type Language } from "@/i18n";
import { SHORTEST_PASSWORD } from "../shared/strength";
import { presetWeek } from "./hours";

export type SetupBody = components["schemas"]["Setup"];
export type Role = components["schemas"]["Role"];
export const ROLES: readonly Role[] = ["operator", "manager", "admin"];

export const STEPS = ["company", "hours", "admin", "people", "review"] as const;
export type Step = (typeof STEPS)[number];

/** One day of the week, 1 (Monday) to 7; closed without a span. */
export interface Day {
  readonly day: number;
  readonly spans: readonly { readonly open: string; readonly close: string }[];
}

export interface Person {
  readonly name: string;
  readonly email: string;
  readonly role: Role;
}

export interface Draft {
  readonly name: string;
  /** Empty: made of the name. */
  readonly slug: string;
  readonly timeZone: string;
  readonly language: Language;
  readonly number: string;
  readonly queue: string;
  readonly always: boolean;
  readonly week: readonly Day[];
  readonly adminName: string;
  readonly adminEmail: string;
  readonly people: readonly Person[];
}

export function firstDraft(language: Language, timeZone: string, queue: string): Draft {
  return { name: "", slug: "", timeZone, language, number: "", queue, always: false, week: presetWeek("office"), adminName: "", adminEmail: "", people: [] };
}

/** A draft that was kept; undefined when it is of another shape, say of an earlier version. */
export function readDraft(text: string | null): Draft | undefined {
  try {
    const kept = JSON.parse(text ?? "null") as Partial<Draft> | null;
    const texts = [kept?.name, kept?.slug, kept?.timeZone, kept?.number, kept?.queue, kept?.adminName, kept?.adminEmail];
    if (!kept || texts.some((one) => typeof one !== "string") || !LANGUAGES.some((one) => one === kept.language)) return undefined;
    if (!Array.isArray(kept.week) || kept.week.length !== 7 || !Array.isArray(kept.people) || typeof kept.always !== "boolean") return undefined;
    return kept as Draft;
  } catch {
    return undefined;
  }
}

export type Fault = "required" | "email" | "number" | "time" | "overlap" | "short" | "twice" | "slug" | "taken" | "used";
/** By the server's own names of fields. */
export type Faults = Readonly<Record<string, Fault>>;

/** The server's rule: 2 to 32 signs, a letter first, no dash last. */
const SLUG = /^[a-z][a-z0-9-]{0,30}[a-z0-9]$/;
const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;

/** What keeps this step from being left. */
export function faultsOf(step: Step, draft: Draft, password: string): Faults {
  const faults: Record<string, Fault> = {};
  if (step === "company") {
    if (!draft.name.trim()) faults.name = "required";
    if (!draft.queue.trim()) faults["queue.name"] = "required";
    if (draft.slug.trim() && !SLUG.test(draft.slug.trim())) faults.slug = "slug";
    const number = bareNumber(draft.number);
    if (number && !/^\+[1-9]\d{6,14}$/.test(number)) faults.number = "number";
  }
  if (step === "hours" && !draft.always) {
    for (const { day, spans } of draft.week) {
      const minutes = spans.map((span) => [minute(span.open), minute(span.close)] as const).sort((a, b) => a[0] - b[0]);
      if (minutes.some(([open, close]) => !(open < close))) faults[`day-${String(day)}`] = "time";
      else if (minutes.some(([open], at) => at > 0 && open < (minutes[at - 1]?.[1] ?? 0))) faults[`day-${String(day)}`] = "overlap";
    }
  }
  if (step === "admin") {
    if (!draft.adminName.trim()) faults["admin.name"] = "required";
    if (!EMAIL.test(draft.adminEmail.trim())) faults["admin.email"] = "email";
    if ([...password].length < SHORTEST_PASSWORD) faults["admin.password"] = "short";
  }
  if (step === "people") {
    const seen = new Set([draft.adminEmail.trim().toLowerCase()]);
    draft.people.forEach((person, at) => {
      const email = person.email.trim().toLowerCase();
      if (!EMAIL.test(email)) faults[`users[${String(at)}].email`] = "email";
      else if (seen.has(email)) faults[`users[${String(at)}].email`] = "twice";
      seen.add(email);
      if (!person.name.trim()) faults[`users[${String(at)}].name`] = "required";
    });
  }
  return faults;
}

/** Minutes since midnight; NaN for what is no time. `24:00` is the end of the day. */
export function minute(text: string): number {
  const found = /^(\d{2}):(\d{2})$/.exec(text);
  const [hours, minutes] = [Number(found?.[1] ?? Number.NaN), Number(found?.[2] ?? Number.NaN)];
  return minutes < 60 && hours * 60 + minutes <= 1440 ? hours * 60 + minutes : Number.NaN;
}

export function bareNumber(text: string): string {
  return text.replace(/[\s().\-/\u00a0]/g, "").replace(/^00/, "+");
}

/** Addresses out of whatever was pasted: lines, commas, `Name <address>`. */
export function peopleIn(text: string): Person[] {
  const found: Person[] = [];
  for (const part of text.split(/[\n,;\t]+/)) {
    const named = /^\s*"?([^"<]*?)"?\s*<([^<>\s]+@[^<>\s]+)>\s*$/.exec(part);
    const email = named?.[2] ?? part.trim();
    if (!EMAIL.test(email) || found.some((one) => one.email === email.toLowerCase())) continue;
    found.push({ name: named?.[1]?.trim() || nameFrom(email), email: email.toLowerCase(), role: "operator" });
  }
  return found;
}

/** `anna.rossi@…` is most likely Anna Rossi; a name can be changed. */
function nameFrom(email: string): string {
  const words = (email.split("@")[0] ?? "").split(/[._+-]+/).filter((word) => /\p{L}/u.test(word));
  return words.map((word) => word.charAt(0).toLocaleUpperCase() + word.slice(1)).join(" ");
}

export function toBody(draft: Draft, password: string): SetupBody {
  const number = bareNumber(draft.number);
  return {
    name: draft.name.trim(),
    ...(draft.slug.trim() ? { slug: draft.slug.trim() } : {}),
    time_zone: draft.timeZone,
    language: draft.language,
    ...(number ? { number } : {}),
    hours: draft.always ? [] : draft.week.flatMap(({ day, spans }) => spans.map((span) => ({ day, ...span }))),
    admin: { name: draft.adminName.trim(), email: draft.adminEmail.trim(), password },
    users: draft.people.map((person) => ({ name: person.name.trim(), email: person.email.trim(), role: person.role })),
    queue: { name: draft.queue.trim() },
  };
}

/** The short name that a name suggests: Latin letters and digits without their accents, words joined by dashes. The server makes its own the same way where none is given. */
export function slugOf(name: string): string {
  const plain = name.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "").replace(/[^a-z0-9\s-]/g, "");
  const slug = plain.replace(/[\s-]+/g, "-").replace(/^[^a-z]+/, "").slice(0, 28).replace(/-+$/, "");
  return slug.length < 2 ? "" : slug;
}

/** The step in which a field of the server's is found. */
export function stepOf(field: string): Step {
  if (field.startsWith("hours")) return "hours";
  if (field.startsWith("admin")) return "admin";
  if (field.startsWith("users")) return "people";
  return "company";
}
