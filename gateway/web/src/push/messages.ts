/** What the service worker and the pages say to each other. */

/** The service worker's address: the whole panel lies beneath it. */
export const WORKER = "/sw.js";

export type ToPage =
  /** Somebody clicked: take them there. */
  | { readonly type: "open"; readonly conversation: string | null }
  /** Whether the page has shown that event itself. */
  | { readonly type: "told"; readonly event: string }
  /** The browser has another subscription now. */
  | { readonly type: "changed" };

/** What a notification of the inbox carries, whoever shows it. */
export interface Carried {
  readonly conversation: string | null;
  readonly event: string | null;
}

/** One of each conversation: the next takes the place of the last, whoever shows it. */
export const tagOf = (conversation: string): string => `trunkline-chat-${conversation}`;

/** Marks that turn the direction of what stands around them are nobody's name. */
export const plainName = (name: string): string => name.replace(/[\u200B\u200E\u200F\u202A-\u202E\u2060\u2066-\u2069\uFEFF]/g, "").trim() || "\u2026";
