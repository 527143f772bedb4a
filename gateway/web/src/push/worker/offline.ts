/** What stands in for a page that cannot be had: in the panel's look, with nothing to load. It goes on by itself when the server answers. */
import type { Words } from "./notice";

const STYLE = `:root{color-scheme:light dark;--bg:#f6f7f9;--ink:#161b24;--ink-2:#4d5666;--accent:#0f766e;--accent-ink:#fff}
@media (prefers-color-scheme:dark){:root{--bg:#0d1015;--ink:#eceff4;--ink-2:#aab3c2;--accent:#2dd4bf;--accent-ink:#04211d}}
body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--bg);color:var(--ink);font:15px/1.5 Inter,system-ui,sans-serif}
main{max-width:24rem;padding:24px;text-align:center}h1{margin:0 0 8px;font-size:20px;text-wrap:balance}p{margin:0 0 20px;color:var(--ink-2)}
a{display:inline-block;padding:9px 16px;border-radius:7px;background:var(--accent);color:var(--accent-ink);font-weight:600;text-decoration:none}
a:focus-visible{outline:2px solid var(--accent);outline-offset:2px}`;

/** One question at a time, and less often the longer it lasts. */
const SCRIPT = `let wait=2000;const again=()=>location.reload();addEventListener("online",again);
const ask=()=>fetch("/health").then((answer)=>{if(answer.status<500)again();else later()},later);
const later=()=>setTimeout(ask,wait=Math.min(wait*1.5,30000));later()`;

const escaped = (text: string): string => text.replace(/[&<>"]/g, (one) => `&#${String(one.charCodeAt(0))};`);

export function offlinePage(words: Words, language: string, nonce: string): string {
  return `<!doctype html><html lang="${escaped(language)}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escaped(words["offline-title"])} · Trunkline</title><style nonce="${nonce}">${STYLE}</style></head><body><main data-offline><h1>${escaped(words["offline-title"])}</h1><p>${escaped(words["offline-text"])}</p><a href="">${escaped(words["offline-retry"])}</a></main><script nonce="${nonce}">${SCRIPT}</script></body></html>`;
}

/** 503, so that nobody takes it for the page that was asked for. */
export function offlineAnswer(words: Words, language: string): Response {
  const nonce = crypto.randomUUID();
  return new Response(offlinePage(words, language, nonce), {
    status: 503,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "content-security-policy": `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    },
  });
}
