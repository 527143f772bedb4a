import type { Option } from "@/design";

const LETTERS = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
/** Letters that name no country with numbers of its own. */
const NONE = new Set(["EU", "EZ", "UN", "ZZ", "QO", "XA", "XB"]);

/** Countries by name, in the language shown. Which of them has a numbering plan the server knows. */
export function countries(language: string): Option[] {
  const names = new Intl.DisplayNames([language], { type: "region", fallback: "none" });
  const all = LETTERS.flatMap((first) => LETTERS.map((second) => first + second));
  const named = all.flatMap((value) => {
    const label = NONE.has(value) ? undefined : names.of(value);
    return label === undefined ? [] : [{ value, label }];
  });
  return named.sort((one, other) => one.label.localeCompare(other.label, language));
}

export function countryName(value: string, language: string): string {
  return new Intl.DisplayNames([language], { type: "region" }).of(value) ?? value;
}
