/** What is shown for what was pushed, and whether anything is. Pure: `sw` does it. */
import en from "../../i18n/en/told.json";
import it from "../../i18n/it/told.json";
import { type Language, knownLanguage } from "../../i18n/languages";
import ru from "../../i18n/ru/told.json";
import { type Carried, plainName, tagOf } from "../messages";
import type { Payload } from "./payload";

export type Words = typeof en;
const WORDS: Readonly<Record<Language, Words>> = { en, ru, it };

export interface Notice {
  readonly title: string;
  readonly body: string;
  readonly tag: string;
  readonly language: Language;
  readonly at: number | undefined;
  readonly data: Carried;
}

export function wordsOf(languages: readonly string[]): Words {
  return WORDS[knownLanguage(languages)];
}

/** `languages`: those of the browser, for what does not say its own. */
export function noticeOf(payload: Payload | undefined, languages: readonly string[]): Notice {
  const language = payload?.language ?? knownLanguage(languages);
  const words = WORDS[language];
  const { conversation = null, event = null, reason, at } = payload ?? {};
  const tag = conversation ? tagOf(conversation) : reason === "test" ? "trunkline-test" : "trunkline-inbox";
  const shared = { tag, language, at, data: { conversation, event } };
  if (!payload || !reason) return { ...shared, title: words.something, body: "" };
  if (reason === "test") return { ...shared, title: words.test, body: words["test-body"] };
  // Not as a pattern of `replace`, which would read `$&` in a name.
  return { ...shared, title: words[reason].replace("{name}", () => plainName(payload.name)), body: payload.preview };
}

/** What there is in this browser when a push arrives. */
export interface Scene {
  /** Somebody sees a window of ours: the page itself tells. */
  readonly visible: boolean;
  /** A page of ours that nobody sees has shown it already. */
  readonly told: boolean;
  /** The event of what stands there already under the same tag; `undefined`: nothing does. */
  readonly standing: string | null | undefined;
  /** The browser takes the subscription away from whoever shows nothing (Safari). */
  readonly strict: boolean;
}

export type Showing = "loud" | "silent" | undefined;

/** How a push is shown; `undefined`: not at all. */
export function showingOf(payload: Payload | undefined, { visible, told, standing, strict }: Scene): Showing {
  // Asked for by somebody who looks at the panel while they ask.
  if (payload?.reason === "test") return "loud";
  const same = standing != null && standing === payload?.event;
  if (visible || told || same) return strict ? "silent" : undefined;
  return "loud";
}

/** Safari, and every browser of iOS. */
export const isStrict = (userAgent: string): boolean => /AppleWebKit/.test(userAgent) && !/Chrom(e|ium)\//.test(userAgent);

/** Whether a window shows a screen of the panel, and not the documentation or a file. */
export function isPanel(url: string): boolean {
  return !/^\/(api|csat|dev|health|metrics|webhooks|ws)(\/|$)/.test(new URL(url).pathname);
}

/** Where a click leads. */
export function addressOf(carried: unknown): { conversation: string | null; path: string } {
  const conversation = typeof carried === "object" && carried !== null && "conversation" in carried && typeof carried.conversation === "string" ? carried.conversation : null;
  return { conversation, path: conversation ? `/inbox?c=${encodeURIComponent(conversation)}` : "/inbox" };
}
