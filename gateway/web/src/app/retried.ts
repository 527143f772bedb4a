const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;

/** Fetches code until it comes: what stands around every screen is not lost because the line was cut just then. */
export async function retried<T>(load: () => Promise<T>): Promise<T> {
  for (let wait = FIRST_MS; ; wait = Math.min(2 * wait, LONGEST_MS)) {
    try {
      return await load();
    } catch {
      await new Promise((later) => setTimeout(later, wait));
    }
  }
}
