import { currentLanguage } from "@/i18n";
import type { Option } from "@/design";

/** Languages that speech programs speak, as tags (BCP 47). Any other that is in use is offered beside them. */
const TAGS = ["en", "en-GB", "en-US", "de", "fr", "it", "es", "es-419", "pt", "pt-BR", "nl", "pl", "cs", "sk", "hu", "ro", "bg", "el", "tr", "ru", "uk", "sv", "nb", "da", "fi", "et", "lv", "lt", "hr", "sr", "sl", "sq", "ca", "ar", "he", "hi", "zh", "ja", "ko", "vi", "id"] as const;

export function languageName(tag: string): string {
  try {
    return new Intl.DisplayNames(currentLanguage(), { type: "language" }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

export function languageOptions(inUse: string): readonly Option[] {
  const tags: readonly string[] = (TAGS as readonly string[]).includes(inUse) || inUse === "" ? TAGS : [inUse, ...TAGS];
  return tags.map((tag) => ({ value: tag, label: languageName(tag) })).sort((a, b) => a.label.localeCompare(b.label, currentLanguage()));
}
