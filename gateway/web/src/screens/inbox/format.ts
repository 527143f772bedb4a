/** Marks within a text as WhatsApp's users write them: *bold*, _italic_, ~struck~, `code`. They become pieces, never HTML. */

export type Mark = "bold" | "italic" | "struck" | "code";

export interface Marked {
  readonly text: string;
  readonly marks: readonly Mark[];
}

const MARKS: Readonly<Record<string, Mark>> = { "*": "bold", _: "italic", "~": "struck" };
/** What stands right before an opening mark or behind a closing one belongs to no word: `2*3*4` is arithmetic. */
const WORD = /[\p{L}\p{N}]/u;
/** Deeper, marks are signs like any other. */
const DEEPEST = 4;

function isEdge(sign: string | undefined): boolean {
  return sign === undefined || !WORD.test(sign);
}

/** Where the mark that opens at `from` is closed, in the same line. */
function closing(text: string, from: number, sign: string): number {
  if (!isEdge(text[from - 1]) || /\s/.test(text[from + 1] ?? " ") || text[from + 1] === sign) return -1;
  for (let at = from + 2; at < text.length && text[at] !== "\n"; at += 1) {
    if (text[at] === sign && !/\s/.test(text[at - 1] ?? " ") && isEdge(text[at + 1])) return at;
  }
  return -1;
}

function fence(text: string, from: number): { readonly inner: string; readonly end: number } | undefined {
  const sign = text.startsWith("```", from) ? "```" : "`";
  const end = text.indexOf(sign, from + sign.length);
  const inner = end < 0 ? "" : text.slice(from + sign.length, end);
  if (inner.trim() === "" || (sign === "`" && inner.includes("\n"))) return undefined;
  return { inner: sign === "```" ? inner.replace(/^\n|\n$/g, "") : inner, end: end + sign.length };
}

export function marked(text: string, marks: readonly Mark[] = []): readonly Marked[] {
  const pieces: Marked[] = [];
  let plain = "";
  const flush = () => {
    if (plain) pieces.push({ text: plain, marks });
    plain = "";
  };
  for (let at = 0; at < text.length; ) {
    const sign = text[at] ?? "";
    const code = sign === "`" ? fence(text, at) : undefined;
    if (code) {
      flush();
      pieces.push({ text: code.inner, marks: [...marks, "code"] });
      at = code.end;
      continue;
    }
    const mark = MARKS[sign];
    const end = mark && !marks.includes(mark) && marks.length < DEEPEST ? closing(text, at, sign) : -1;
    if (mark && end > 0) {
      flush();
      pieces.push(...marked(text.slice(at + 1, end), [...marks, mark]));
      at = end + 1;
      continue;
    }
    // An address is not cut by the signs in it.
    const link = /^https?:\/\/\S+/.exec(text.slice(at, at + 2048))?.[0];
    plain += link ?? sign;
    at += link?.length ?? 1;
  }
  flush();
  return pieces;
}

/** Without the signs that turn the direction of what follows: with one, `gnp.exe` reads as a picture. Marks of single letters, which Arabic and Hebrew need, stay. */
export function straight(text: string): string {
  return text.replace(/[\u202A-\u202E\u2066-\u2069]/g, "");
}
