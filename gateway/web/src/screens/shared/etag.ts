/** The ETag of what was last changed then, as the gateway makes it (`gateway/src/http/revision.rs`): its lists carry none. */
export function etagOf(updatedAt: string): string | undefined {
  const [, whole, fraction = "", zone] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(updatedAt) ?? [];
  if (whole === undefined || zone === undefined) return undefined;
  // Microseconds: more than a number holds a thousandth of.
  const micros = BigInt(Date.parse(whole + zone)) * 1000n + BigInt(fraction.padEnd(6, "0").slice(0, 6));
  return `"${micros.toString(16)}"`;
}
