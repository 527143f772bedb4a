import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { LANGUAGES } from ".";

type Entry = string | Record<string, string>;
const here = import.meta.dirname;
const src = join(here, "..");

function texts(language: string): Map<string, Entry> {
  const all = new Map<string, Entry>();
  for (const file of readdirSync(join(here, language)).filter((name) => name.endsWith(".json"))) {
    const area = JSON.parse(readFileSync(join(here, language, file), "utf8")) as Record<string, Entry>;
    for (const [key, text] of Object.entries(area)) all.set(`${file.slice(0, -5)}.${key}`, text);
  }
  return all;
}

function placeholders(entry: Entry): string[] {
  const forms = typeof entry === "string" ? [entry] : Object.values(entry);
  return [...new Set(forms.flatMap((form) => [...form.matchAll(/\{(\w+)\}/g)].map((found) => found[1] ?? "")))].sort();
}

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    // What is generated names no text, and is long.
    return /\.tsx?$/.test(entry.name) && !/\.(test\.tsx?|d\.ts)$/.test(entry.name) ? [path] : [];
  });
}

describe("the catalogue", () => {
  const english = texts("en");
  it.each(LANGUAGES.filter((language) => language !== "en"))("has every text in %s, and no other", (language) => {
    const other = texts(language);
    expect([...other.keys()].sort()).toEqual([...english.keys()].sort());
    for (const [key, text] of english) {
      const translated = other.get(key) ?? "";
      expect(placeholders(translated), `placeholders of ${language} ${key}`).toEqual(placeholders(text));
      expect(typeof translated, `${language} ${key}`).toBe(typeof text);
    }
  });

  it.each(LANGUAGES)("leaves no text of %s empty", (language) => {
    const empty = [...texts(language)].filter(([, text]) => (typeof text === "string" ? [text] : Object.values(text)).some((form) => form.trim() === ""));
    expect(empty.map(([key]) => key)).toEqual([]);
  });

  it("has the forms that each language counts with", () => {
    for (const language of LANGUAGES) {
      const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories.filter((form) => form !== "many" || language === "ru");
      for (const [key, text] of texts(language)) {
        if (typeof text === "string") continue;
        for (const form of forms) expect(text[form], `${language} ${key} for "${form}"`).toBeTypeOf("string");
      }
    }
  });

  it("has no text that nothing uses", () => {
    const code = sources(src).map((path) => readFileSync(path, "utf8")).join("\n");
    const unused = [...english.keys()].filter((key) => {
      // A key may be put together: "calls.reason.${reason}" uses all that begin so.
      const stem = key.slice(0, key.lastIndexOf(".") + 1);
      return !code.includes(key) && !code.includes(`${stem}$\{`);
    });
    expect(unused).toEqual([]);
  });
});
