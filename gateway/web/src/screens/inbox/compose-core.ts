/** What the composer knows about text: SMS segments, canned replies and their variables, names in notes, templates, times to come back. */
import type { CannedReply, Template, TemplateButton, TemplateComponent } from "./api";

/** GSM 03.38's basic alphabet. */
const GSM = new Set("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà");
/** Each takes two places. */
const GSM_EXTENDED = new Set("\f^{}\\[~]|€");

export interface Segments {
  readonly encoding: "GSM-7" | "UCS-2";
  /** Places that the text takes: septets, or UTF-16 units. */
  readonly units: number;
  readonly segments: number;
  /** Places left in the last segment. */
  readonly left: number;
}

/** How an SMS is cut up (GSM 03.40): a sign of two places is never cut in two. */
export function segmentsOf(text: string): Segments {
  const signs = [...text];
  const gsm = signs.every((sign) => GSM.has(sign) || GSM_EXTENDED.has(sign));
  const sizes = signs.map((sign) => (gsm ? (GSM_EXTENDED.has(sign) ? 2 : 1) : sign.length));
  const units = sizes.reduce((sum, size) => sum + size, 0);
  const [single, part] = gsm ? [160, 153] : [70, 67];
  const encoding = gsm ? "GSM-7" : "UCS-2";
  if (units <= single) return { encoding, units, segments: units === 0 ? 0 : 1, left: single - units };
  let [segments, used] = [1, 0];
  for (const size of sizes) {
    if (used + size > part) {
      segments += 1;
      used = 0;
    }
    used += size;
  }
  return { encoding, units, segments, left: part - used };
}

/** The word that is being typed before the caret, if it calls for a list: `/greet` at the beginning or after a space, `@an` in notes. */
export interface Token {
  readonly sign: "/" | "@";
  readonly word: string;
  /** Where its sign stands. */
  readonly from: number;
}

export function tokenAt(text: string, caret: number, signs: readonly ("/" | "@")[]): Token | undefined {
  const found = /(?:^|\s)([/@])([\p{L}\p{N}_.-]*)$/u.exec(text.slice(0, caret));
  const sign = found?.[1];
  if (!found || (sign !== "/" && sign !== "@") || !signs.includes(sign)) return undefined;
  const word = found[2] ?? "";
  return { sign, word, from: caret - word.length - 1 };
}

export function put(text: string, from: number, to: number, what: string): { text: string; caret: number } {
  return { text: text.slice(0, from) + what + text.slice(to), caret: from + what.length };
}

/** Those whose shortcut begins so first, then those that have it anywhere. */
export function cannedFor(all: readonly CannedReply[], word: string): readonly CannedReply[] {
  const wanted = word.toLowerCase();
  const rank = (one: CannedReply) => (one.shortcut.toLowerCase().startsWith(wanted) ? 0 : one.shortcut.toLowerCase().includes(wanted) || one.text.toLowerCase().includes(wanted) ? 1 : 2);
  return all
    .filter((one) => rank(one) < 2)
    .sort((a, b) => rank(a) - rank(b) || a.shortcut.localeCompare(b.shortcut))
    .slice(0, 8);
}

const VARIABLE = /\{\{\s*([\p{L}\p{N}_.]+)\s*\}\}/gu;

/** `{{contact.name}}` and its like; what is not known stays as it stands, to be seen and filled by hand. */
export function filled(text: string, values: Readonly<Record<string, string | undefined>>): string {
  return text.replace(VARIABLE, (whole, name: string) => values[name] ?? whole);
}

/** Variables that nobody filled. */
export function unfilled(text: string): readonly string[] {
  return [...new Set([...text.matchAll(VARIABLE)].map((found) => found[1] ?? ""))];
}

export const firstName = (name: string): string => name.trim().split(/\s+/)[0] ?? "";

/** Whom a note names: those whose name stands behind an `@`. The longest name counts where one begins another. */
export function mentionsIn(text: string, people: readonly { readonly id: string; readonly name: string }[]): readonly string[] {
  const byLength = [...people].sort((a, b) => b.name.length - a.name.length);
  const found = new Set<string>();
  for (const match of text.matchAll(/@/g)) {
    const rest = text.slice(match.index + 1).toLowerCase();
    const person = byLength.find((one) => one.name !== "" && rest.startsWith(one.name.toLowerCase()) && !/^[\p{L}\p{N}]/u.test(rest.slice(one.name.length)));
    if (person) found.add(person.id);
  }
  return [...found];
}

/** Pieces of a note: plain text and names. */
export function withMentions(text: string, people: readonly { readonly id: string; readonly name: string }[]): readonly { readonly text: string; readonly id?: string }[] {
  const byLength = [...people].sort((a, b) => b.name.length - a.name.length);
  const pieces: { text: string; id?: string }[] = [];
  let plain = "";
  for (let index = 0; index < text.length; ) {
    const rest = text.slice(index + 1).toLowerCase();
    const person = text[index] === "@" ? byLength.find((one) => one.name !== "" && rest.startsWith(one.name.toLowerCase())) : undefined;
    if (!person) {
      plain += text[index] ?? "";
      index += 1;
      continue;
    }
    if (plain) pieces.push({ text: plain });
    plain = "";
    pieces.push({ text: text.slice(index, index + 1 + person.name.length), id: person.id });
    index += 1 + person.name.length;
  }
  if (plain) pieces.push({ text: plain });
  return pieces;
}

/** What of a template is to be filled in: the variables of its texts, in order. */
export interface TemplateShape {
  readonly header: TemplateComponent | undefined;
  readonly body: string;
  readonly footer: string;
  readonly headerNames: readonly string[];
  readonly names: readonly string[];
  /** Buttons of which something is to be given: the end of an address, a code. */
  readonly buttons: readonly { readonly index: number; readonly sort: string; readonly text: string }[];
  /** What every button says. */
  readonly labels: readonly string[];
  readonly named: boolean;
}

const sortIs = (one: { readonly sort?: string }, sort: string): boolean => one.sort?.toLowerCase() === sort;

export function shapeOf(template: Template): TemplateShape {
  const of = (sort: string) => template.components?.find((one) => sortIs(one, sort));
  const body = of("body")?.text ?? "";
  const header = of("header");
  const [names, headerNames] = [unfilled(body), unfilled(header?.text ?? "")];
  const all = of("buttons")?.buttons ?? [];
  const asks = (one: TemplateButton) => (one.variables?.length ?? 0) > 0 || sortIs(one, "copy_code") || (one.url?.includes("{{") ?? false);
  const buttons = all.flatMap((one, place) => (asks(one) ? [{ index: one.index ?? place, sort: sortIs(one, "copy_code") ? "copy_code" : "url", text: one.text || one.url || "" }] : []));
  return { header, body, footer: of("footer")?.text ?? "", headerNames, names, buttons, labels: all.flatMap((one) => one.text || []), named: names.some((name) => !/^\d+$/.test(name)) };
}

/** Only these can be sent. */
export const isUsable = (template: Template): boolean => /^approved$/i.test(template.status);

/** Times to come back at, as seen from now, in the clock of whoever looks. Those that are past are left out. */
export function snoozeTimes(now: Date): readonly { readonly key: "hour" | "later" | "tomorrow" | "monday" | "week"; readonly at: Date }[] {
  const day = (add: number, hour: number) => new Date(now.getFullYear(), now.getMonth(), now.getDate() + add, hour);
  const toMonday = ((8 - now.getDay()) % 7) || 7;
  const all = [
    { key: "hour", at: new Date(now.getTime() + 3_600_000) },
    { key: "later", at: day(0, 18) },
    { key: "tomorrow", at: day(1, 9) },
    { key: "monday", at: day(toMonday, 9) },
    { key: "week", at: day(7, 9) },
  ] as const;
  // An hour before the evening, the evening is no choice of its own; on Sunday, Monday is tomorrow; on Monday, the next one is in a week.
  return all.filter((one) => (one.key !== "later" || one.at.getTime() - now.getTime() > 2 * 3_600_000) && (one.key !== "monday" || (now.getDay() !== 0 && now.getDay() !== 1)));
}

/** For `<input type="datetime-local">`: the local clock, to the minute. */
export function localInput(at: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  return `${String(at.getFullYear())}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}
