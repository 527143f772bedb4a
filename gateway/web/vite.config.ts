/// <reference types="vitest/config" />
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

/** Where a gateway answers while the panel is developed with `npm run dev`. */
const gateway = process.env.TRUNKLINE_URL ?? "http://127.0.0.1:8080";

/** Each text a second and a third time, smaller: the gateway compresses nothing while it serves. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    writeBundle({ dir }) {
      if (!dir) return;
      for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || !/\.(html|js|css|svg|json|webmanifest)$/.test(entry.name) || entry.parentPath.endsWith(".vite")) continue;
        const path = join(entry.parentPath, entry.name);
        const text = readFileSync(path);
        if (text.length < 1000) continue;
        writeFileSync(`${path}.gz`, gzipSync(text, { level: 9 }));
        writeFileSync(`${path}.br`, brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: text.length } }));
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), tailwindcss(), compressed()],
  resolve: {
    alias: {
      "@": fileURLToPath(new URL("./src", import.meta.url)),
      // Writes its styles where the content security policy lets it.
      "react-style-singleton": fileURLToPath(new URL("./src/design/style-singleton.ts", import.meta.url)),
    },
  },
  build: {
    // The weight test reads it.
    manifest: true,
    target: "es2023",
    sourcemap: false,
    // An inlined asset would need `data:` in the content security policy.
    assetsInlineLimit: 0,
    // What every screen needs, in two files: many small ones compress badly and come one after the other. Screens, texts, the SIP stack
    // and what a dialog is made of stay on their own.
    rollupOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: "vendor", test: /node_modules\/(react|react-dom|scheduler|@tanstack|openapi-fetch|lucide-react)\// },
            { name: "app", test: /src\/(app|design\/(?!combobox|tabs)|live|phone\/ui\/(?!keypad|audio-settings|gallery|missed)|phone\/core\/(?!jssip)|api|i18n\/index)/, minShareCount: 2 },
          ],
        },
      },
    },
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
