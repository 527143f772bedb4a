import type { LiveCall } from "@/live";

/** What runs before what has ended; each of them as it came. */
export function runningFirst(rows: readonly LiveCall[]): readonly LiveCall[] {
  const running = rows.filter((call) => call.state !== "ended");
  // Mostly they stand on top already: then the list stays the same one.
  if (running.every((call, at) => rows[at] === call)) return rows;
  return [...running, ...rows.filter((call) => call.state === "ended")];
}
