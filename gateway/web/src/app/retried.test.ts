import { afterEach, expect, test, vi } from "vitest";
import { retried } from "./retried";

afterEach(() => void vi.useRealTimers());

test("what did not come is fetched again, less and less often", async () => {
  vi.useFakeTimers();
  let asked = 0;
  const came = retried(() => (++asked < 4 ? Promise.reject(new TypeError("Failed to fetch")) : Promise.resolve("here")));
  await vi.advanceTimersByTimeAsync(999);
  expect(asked).toBe(1);
  await vi.advanceTimersByTimeAsync(1 + 2_000);
  expect(asked).toBe(3);
  await vi.advanceTimersByTimeAsync(4_000);
  await expect(came).resolves.toBe("here");
});
