import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** Browser tests: a real stack and a real Chromium. One file after the other: each has a stack of its own on two cores. */
export default defineConfig({
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  test: {
    environment: "node",
    include: ["e2e/**/*.e2e.ts"],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // What comes about by events comes when two busy cores get to it; the default is a second.
    expect: { poll: { timeout: 15_000 } },
  },
});
