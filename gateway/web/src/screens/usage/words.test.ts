import { beforeAll, expect, test } from "vitest";
import { setLanguage } from "@/i18n";
import { bytes } from "./words";

beforeAll(() => setLanguage("en"));

test("bytes are told in the largest unit of which there is a whole one", () => {
  expect(bytes(0)).toBe("0 kB");
  expect(bytes(1_500)).toBe("1.5 kB");
  expect(bytes(999_999)).toBe("1,000 kB");
  expect(bytes(2_500_000)).toBe("2.5 MB");
  expect(bytes(12_000_000_000)).toBe("12 GB");
});
