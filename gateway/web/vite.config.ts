/// <reference types="vitest/config" />
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build, defineConfig, type Plugin } from "vite";

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
        if (text.length < 500) continue;
        writeFileSync(`${path}.gz`, gzipSync(text, { level: 9 }));
        writeFileSync(`${path}.br`, brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: text.length } }));
      }
    },
  };
}

/** The service worker: one classic script at an address that stays, without a part of the panel in it. */
function serviceWorker(): Plugin {
  return {
    name: "service-worker",
    apply: "build",
    async generateBundle() {
      const built = await build({
        configFile: false,
        logLevel: "error",
        build: {
          write: false,
          target: "es2023",
          rollupOptions: { input: join(src, "push/worker/sw.ts"), output: { format: "iife", entryFileNames: "sw.js" } },
        },
      });
      const [output] = [built].flat();
      const [script, ...more] = output && "output" in output ? output.output : [];
      if (script?.type !== "chunk" || more.length > 0) throw new Error("the service worker is more than one file");
      this.emitFile({ type: "asset", fileName: "sw.js", source: script.code });
    },
  };
}

const src = fileURLToPath(new URL("./src", import.meta.url));
/** Code that a first visit does not wait for; an icon that no other code draws comes later. */
const LATER = /^(screens\/(?!agent-bar\/(?!after)|calls\/|in-call\/notice|inbox\/nav-badge|setup\/banner|shared\/|test-call\/)|phone\/ui\/(keypad|audio-settings|gallery|missed)|app\/(palette|shortcut-list|more))/;

/** The icons that nothing of a first visit draws, as a pattern for their modules: together they would make the first visit wait for them. */
function laterIcons(): RegExp {
  const plain = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, "");
  const [first, later] = [new Set<string>(), new Set<string>()];
  for (const entry of readdirSync(src, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.tsx?$/.test(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    const into = LATER.test(path.slice(src.length + 1)) ? later : first;
    for (const [, names = ""] of readFileSync(path, "utf8").matchAll(/import \{([^}]*)\} from "lucide-react"/g)) {
      for (const name of names.split(",")) into.add(plain(name.replace(/^\s*type /, "").replace(/\sas\s.*$/, "")));
    }
  }
  const files = readdirSync(fileURLToPath(new URL("./node_modules/lucide-react/dist/esm/icons", import.meta.url)))
    .map((file) => file.replace(/\.m?js$/, ""))
    .filter((file) => later.has(plain(file)) && !first.has(plain(file)));
  return new RegExp(`lucide-react/dist/esm/(icons/(${files.join("|")})|lucide-react)\\.m?js$`);
}

const later = laterIcons();

export default defineConfig({
  plugins: [react(), tailwindcss(), serviceWorker(), compressed()],
  resolve: {
    alias: {
      "@": src,
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
    // What every screen needs, in two files: many small ones compress badly and come one after the other. Screens, texts, the SIP stack,
    // what a dialog is made of and the icons of the other screens stay on their own.
    rollupOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: "vendor", test: (id) => /node_modules\/(react|react-dom|scheduler|@tanstack|openapi-fetch|lucide-react)\//.test(id) && !later.test(id) },
            { name: "app", test: /src\/(app\/(?!notify)|design\/(?!combobox|tabs|toggles)|live|phone\/ui\/(?!keypad|audio-settings|gallery|missed)|phone\/core\/(?!jssip)|api|i18n\/index|screens\/inbox\/(counts|nav-badge))/, minShareCount: 2 },
            { name: "icons", test: later },
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
