/**
 * The panel's texts. One catalogue: `<language>/<area>.json`, the same keys and placeholders in each (a test holds them together).
 *
 * A text may have placeholders (`{name}`) and forms of number (`{"one": "…", "few": "…", "other": "…"}`, chosen by `n` with `Intl.PluralRules`).
 * A language is one chunk, loaded when it is chosen.
 */
import { useSyncExternalStore } from "react";
import type english from "./en";
import type access from "./en/access.json";
import type account from "./en/account.json";
import type audit from "./en/audit.json";
import type board from "./en/board.json";
import type call from "./en/call.json";
import type channels from "./en/channels.json";
import type company from "./en/company.json";
import type devices from "./en/devices.json";
import type dialing from "./en/dialing.json";
import type inbox from "./en/inbox.json";
import type incall from "./en/incall.json";
import type inboxtools from "./en/inboxtools.json";
import type jobs from "./en/jobs.json";
import type notify from "./en/notify.json";
import type platform from "./en/platform.json";
import type reports from "./en/reports.json";
import type routing from "./en/routing.json";
import type sound from "./en/sound.json";
import type told from "./en/told.json";
import type wizard from "./en/wizard.json";
import type work from "./en/work.json";
import type worklist from "./en/worklist.json";
import { LANGUAGES, type Language, knownLanguage } from "./languages";

export { LANGUAGES, type Language };

type Plural = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string };
type Catalogue = Record<string, Record<string, string | Plural>>;
type Areas = typeof english & { access: typeof access; account: typeof account; audit: typeof audit; board: typeof board; call: typeof call; channels: typeof channels; company: typeof company; devices: typeof devices; inbox: typeof inbox; incall: typeof incall; inboxtools: typeof inboxtools; jobs: typeof jobs; notify: typeof notify; platform: typeof platform; reports: typeof reports; routing: typeof routing; sound: typeof sound; told: typeof told; wizard: typeof wizard; work: typeof work; worklist: typeof worklist; dialing: typeof dialing };
/** `area.key` of every text there is. */
export type TextKey = { [A in keyof Areas & string]: `${A}.${keyof Areas[A] & string}` }[keyof Areas & string];
export type Values = Record<string, string | number>;

const KEPT = "trunkline.language";
const loaders: Record<Language, () => Promise<{ default: unknown }>> = {
  en: () => import("./en"),
  ru: () => import("./ru"),
  it: () => import("./it"),
};

/** Areas that few screens need: loaded with the first of them. */
const LATER = {
  access: { en: () => import("./en/access.json"), ru: () => import("./ru/access.json"), it: () => import("./it/access.json") },
  audit: { en: () => import("./en/audit.json"), ru: () => import("./ru/audit.json"), it: () => import("./it/audit.json") },
  board: { en: () => import("./en/board.json"), ru: () => import("./ru/board.json"), it: () => import("./it/board.json") },
  call: { en: () => import("./en/call.json"), ru: () => import("./ru/call.json"), it: () => import("./it/call.json") },
  channels: { en: () => import("./en/channels.json"), ru: () => import("./ru/channels.json"), it: () => import("./it/channels.json") },
  company: { en: () => import("./en/company.json"), ru: () => import("./ru/company.json"), it: () => import("./it/company.json") },
  devices: { en: () => import("./en/devices.json"), ru: () => import("./ru/devices.json"), it: () => import("./it/devices.json") },
  dialing: { en: () => import("./en/dialing.json"), ru: () => import("./ru/dialing.json"), it: () => import("./it/dialing.json") },
  inbox: { en: () => import("./en/inbox.json"), ru: () => import("./ru/inbox.json"), it: () => import("./it/inbox.json") },
  incall: { en: () => import("./en/incall.json"), ru: () => import("./ru/incall.json"), it: () => import("./it/incall.json") },
  inboxtools: { en: () => import("./en/inboxtools.json"), ru: () => import("./ru/inboxtools.json"), it: () => import("./it/inboxtools.json") },
  jobs: { en: () => import("./en/jobs.json"), ru: () => import("./ru/jobs.json"), it: () => import("./it/jobs.json") },
  account: { en: () => import("./en/account.json"), ru: () => import("./ru/account.json"), it: () => import("./it/account.json") },
  notify: { en: () => import("./en/notify.json"), ru: () => import("./ru/notify.json"), it: () => import("./it/notify.json") },
  platform: { en: () => import("./en/platform.json"), ru: () => import("./ru/platform.json"), it: () => import("./it/platform.json") },
  reports: { en: () => import("./en/reports.json"), ru: () => import("./ru/reports.json"), it: () => import("./it/reports.json") },
  routing: { en: () => import("./en/routing.json"), ru: () => import("./ru/routing.json"), it: () => import("./it/routing.json") },
  sound: { en: () => import("./en/sound.json"), ru: () => import("./ru/sound.json"), it: () => import("./it/sound.json") },
  told: { en: () => import("./en/told.json"), ru: () => import("./ru/told.json"), it: () => import("./it/told.json") },
  wizard: { en: () => import("./en/wizard.json"), ru: () => import("./ru/wizard.json"), it: () => import("./it/wizard.json") },
  worklist: { en: () => import("./en/worklist.json"), ru: () => import("./ru/worklist.json"), it: () => import("./it/worklist.json") },
  work: { en: () => import("./en/work.json"), ru: () => import("./ru/work.json"), it: () => import("./it/work.json") },
} satisfies Record<string, Record<Language, () => Promise<{ default: unknown }>>>;
type LaterArea = keyof typeof LATER;
const wanted = new Set<LaterArea>();

let language: Language = "en";
let catalogue: Catalogue = {};
const listeners = new Set<() => void>();

/** The language that this browser asked for before, or prefers. */
export function preferredLanguage(): Language {
  return knownLanguage([localStorage.getItem(KEPT) ?? "", ...navigator.languages]);
}

/** Loads a language and shows it. */
export async function setLanguage(next: Language): Promise<void> {
  const { default: texts } = await loaders[next]();
  const later = await Promise.all([...wanted].map(async (area) => [area, (await LATER[area][next]()).default] as const));
  language = next;
  catalogue = { ...(texts as Catalogue), ...(Object.fromEntries(later) as Catalogue) };
  localStorage.setItem(KEPT, next);
  document.documentElement.lang = next;
  for (const listener of listeners) listener();
}

/** Loads the texts of an area that is not there from the start. */
export async function loadArea(area: LaterArea): Promise<void> {
  wanted.add(area);
  const now = language;
  const { default: texts } = await LATER[area][now]();
  // Another language may have been chosen meanwhile; it brought the area along.
  if (now === language) catalogue = { ...catalogue, [area]: texts as Catalogue[string] };
}

export function currentLanguage(): Language {
  return language;
}

/** The text for a key, in the language shown now. */
export function t(key: TextKey, values?: Values): string {
  const dot = key.indexOf(".");
  const entry = catalogue[key.slice(0, dot)]?.[key.slice(dot + 1)];
  if (entry === undefined) return key;
  const text = typeof entry === "string" ? entry : plural(entry, Number(values?.n ?? 0));
  if (!values) return text;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? value.toLocaleString(language) : value;
  });
}

function plural(forms: Plural, n: number): string {
  return forms[new Intl.PluralRules(language).select(n)] ?? forms.other;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** `t`, in a component that is drawn anew when the language changes. */
export function useT(): typeof t {
  useSyncExternalStore(subscribe, currentLanguage);
  return t;
}
