/**
 * The one text that may become markup, and the one address that may become a script. The page's policy (`require-trusted-types-for 'script'`) asks this for every string that is handed to
 * `innerHTML` and its like; scripts made of text have nobody to ask and are refused.
 */

/** The service worker (`push/messages`, which a first visit does not wait for). */
const WORKER = "/sw.js";

/** Radix's list of choices hides its scroll bar with it. The content security policy knows its hash (gateway/src/panel/answer.rs). */
export const SELECT_STYLE =
  "[data-radix-select-viewport]{scrollbar-width:none;-ms-overflow-style:none;-webkit-overflow-scrolling:touch;}[data-radix-select-viewport]::-webkit-scrollbar{display:none}";

export interface Rules {
  createHTML(text: string): string | null;
  createScriptURL(address: string): string | null;
}
interface Policies {
  createPolicy(name: "default", rules: Rules): void;
}

export function guardMarkup(policies = (window as { trustedTypes?: Policies }).trustedTypes): void {
  policies?.createPolicy("default", {
    createHTML: (text) => (text === SELECT_STYLE ? text : null),
    createScriptURL: (address) => (address === WORKER ? address : null),
  });
}
