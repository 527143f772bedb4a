/** Lengths of time as a player and a timeline write them. */

/** `0:07`, `12:34`, `1:02:03`: whole seconds, never more than have passed. */
export function clock(ms: number): string {
  const seconds = Math.floor(Math.max(0, Number.isFinite(ms) ? ms : 0) / 1000);
  const two = (n: number) => String(n).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${String(hours)}:${two(minutes)}:${two(seconds % 60)}` : `${String(minutes)}:${two(seconds % 60)}`;
}

/** After the beginning: `+0:07`; a clock that ran apart may put something before it. */
export function offset(ms: number): string {
  return ms <= -1000 ? `−${clock(-ms)}` : `+${clock(ms)}`;
}

/** For a screen reader: `1 hour 2 minutes 3 seconds`, in the language. */
export function spokenLength(ms: number, language: string): string {
  const seconds = Math.floor(Math.max(0, ms) / 1000);
  const parts: [number, string][] = [
    [Math.floor(seconds / 3600), "hour"],
    [Math.floor(seconds / 60) % 60, "minute"],
    [seconds % 60, "second"],
  ];
  const said = parts.filter(([n, unit]) => n > 0 || (unit === "second" && seconds < 60));
  return said.map(([n, unit]) => n.toLocaleString(language, { style: "unit", unit, unitDisplay: "long" })).join(" ");
}
