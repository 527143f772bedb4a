/** Lists that a screen shows whole. */
import { type Page, ask } from "../inbox/api";

const AT_ONCE = 200;

/** All pages of a list, one after the other. */
export async function every<T>(path: string, signal?: AbortSignal): Promise<readonly T[]> {
  const all: T[] = [];
  let cursor: string | undefined;
  do {
    const page: Page<T> = await ask<Page<T>>("GET", path, { query: { limit: AT_ONCE, cursor }, ...(signal ? { signal } : {}) });
    all.push(...page.items);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return all;
}
