/// <reference types="vitest/config" />
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

/** Where a gateway answers while the panel is developed with `npm run dev`. */
const gateway = process.env.TRUNKLINE_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react(), tailwindcss()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    // The manifest is what the gateway's weight test and the embedded server read.
    manifest: true,
    target: "es2023",
    sourcemap: false,
    // An inlined asset would need `data:` in the content security policy.
    assetsInlineLimit: 0,
  },
  server: {
    proxy: {
      "/api": { target: gateway, ws: true, changeOrigin: true },
      "/ws": { target: gateway, ws: true, changeOrigin: true },
      "/dev": gateway,
      "/health": gateway,
    },
  },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}"],
  },
});
