/** Where things are in the chart: plain arithmetic. */

/** A round number that is at least as great, and splits into `parts` whole ones. */
export function roundUp(most: number, parts: number): number {
  if (most <= parts) return parts;
  const step = most / parts;
  const power = 10 ** Math.floor(Math.log10(step));
  const nice = [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= step && Number.isInteger(one)) ?? Math.ceil(step);
  return nice * parts;
}

/** Every how many labels one is written, so that none lies over its neighbour. */
export function every(count: number, width: number, label: number): number {
  const room = Math.max(1, Math.floor(width / label));
  return Math.max(1, Math.ceil(count / room));
}

/** Pieces of a line, broken where there is no value. */
export function pieces(points: readonly ({ x: number; y: number } | undefined)[]): { x: number; y: number }[][] {
  const all: { x: number; y: number }[][] = [];
  let open: { x: number; y: number }[] | undefined;
  for (const point of points) {
    if (!point) open = undefined;
    else if (open) open.push(point);
    else all.push((open = [point]));
  }
  return all;
}
