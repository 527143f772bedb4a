/** Apart from the catalogue: the service worker knows them too, and draws nothing. */
export const LANGUAGES = ["en", "ru", "it"] as const;
export type Language = (typeof LANGUAGES)[number];

/** The first of somebody's languages that is one of ours. */
export function knownLanguage(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const known = LANGUAGES.find((one) => tag.toLowerCase().split("-")[0] === one);
    if (known) return known;
  }
  return "en";
}
