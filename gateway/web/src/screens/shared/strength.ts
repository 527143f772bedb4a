/** How hard a password is to guess, in words. A hint beside the server's own rule, never a rule of its own. */
export type Strength = "short" | "weak" | "fair" | "strong";

export const SHORTEST_PASSWORD = 10;
/** What guessing programs try first. */
const COMMON = /pass\s?word|qwert|12345|abcde|letmein|welcome|trunkline|пароль|йцукен/i;

export function strengthOf(password: string, known: readonly string[] = []): Strength {
  const signs = [...password];
  if (signs.length < SHORTEST_PASSWORD) return "short";
  // Repeating a sign adds a letter, but nothing to guess.
  const different = new Set(signs.map((sign) => sign.toLowerCase())).size;
  const lower = password.toLowerCase();
  const personal = known.flatMap((one) => one.toLowerCase().split(/[\s@.]+/)).some((word) => word.length > 3 && lower.includes(word));
  if (different < 6 || COMMON.test(password) || personal) return "weak";
  const words = password.trim().split(/[\s\-_.]+/).filter((word) => word.length > 2).length;
  const kinds = [/\p{Ll}/u, /\p{Lu}/u, /\p{N}/u, /[^\p{L}\p{N}]/u].filter((kind) => kind.test(password)).length;
  return words >= 3 || signs.length >= 16 || (signs.length >= 12 && kinds >= 3) ? "strong" : "fair";
}
