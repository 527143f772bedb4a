/**
 * The panel's texts. One catalogue: `<language>/<area>.json`, the same keys and placeholders in each (a test holds them together).
 *
 * A text may have placeholders (`{name}`) and forms of number (`{"one": "…", "few": "…", "other": "…"}`, chosen by `n` with `Intl.PluralRules`).
 * A language is one chunk, loaded when it is chosen.
 */
import { useSyncExternalStore } from "react";
import type english from "./en";
import type { later as laterInEnglish } from "./en";
import { LANGUAGES, type Language, knownLanguage } from "./languages";

export { LANGUAGES, type Language };

type Plural = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string };
type Catalogue = Record<string, Record<string, string | Plural>>;
/** Areas that few screens need: loaded with the first of them. Each language knows its own (`later`), so that no first visit waits for the names of all. */
type LaterArea = keyof typeof laterInEnglish;
type Areas = typeof english & { [A in LaterArea]: Awaited<ReturnType<(typeof laterInEnglish)[A]>>["default"] };
/** `area.key` of every text there is. */
export type TextKey = { [A in keyof Areas & string]: `${A}.${keyof Areas[A] & string}` }[keyof Areas & string];
export type Values = Record<string, string | number>;

const KEPT = "trunkline.language";
interface Texts {
  readonly default: unknown;
  readonly later: Readonly<Record<LaterArea, () => Promise<{ default: unknown }>>>;
}
const loaders: Record<Language, () => Promise<Texts>> = {
  en: () => import("./en"),
  ru: () => import("./ru"),
  it: () => import("./it"),
};

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
  const { default: texts, later } = await loaders[next]();
  const more = await Promise.all([...wanted].map(async (area) => [area, (await later[area]()).default] as const));
  language = next;
  catalogue = { ...(texts as Catalogue), ...(Object.fromEntries(more) as Catalogue) };
  localStorage.setItem(KEPT, next);
  document.documentElement.lang = next;
  for (const listener of listeners) listener();
}

/** Loads the texts of an area that is not there from the start. */
export async function loadArea(area: LaterArea): Promise<void> {
  wanted.add(area);
  const now = language;
  const { later } = await loaders[now]();
  const { default: texts } = await later[area]();
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
