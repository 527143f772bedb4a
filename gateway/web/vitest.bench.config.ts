import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** Measurements in a real browser: `npm run bench`. Not among the tests, which other work on the machine must not fail. */
export default defineConfig({
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  test: { environment: "node", include: ["e2e/**/*.measure.ts"], fileParallelism: false, testTimeout: 300_000, hookTimeout: 120_000 },
});
