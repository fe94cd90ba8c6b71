import { fileURLToPath } from "node:url";

import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

import { compress } from "./vite/compress.ts";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** The most that the page's script may weigh, in bytes of brotli. */
const MAX_SCRIPT_BYTES = 60_000;
/** The scripts with the messages of a language. */
const LANGUAGES = ["en", "fr"];

/** Whether a module is a part of the messages of a language. */
const isMessages = (id: string) => LANGUAGES.some((language) => id.includes(`/messages/${language}`));

export default defineConfig({
  // The page is at /console, and its files are below: see functions/get-console.
  base: "./",
  plugins: [svelte(), compress(MAX_SCRIPT_BYTES, LANGUAGES)],
  resolve: {
    alias: {
      "jobs-client": path("../clients/typescript/src/index.ts"),
      // The client has a lock file of its own, which need not be installed for the console.
      "openapi-fetch": path("./node_modules/openapi-fetch"),
    },
  },
  build: {
    target: "es2022",
    assetsDir: "console",
    // The content security policy allows no script or style in the page, and a file is kept for ever.
    assetsInlineLimit: 0,
    modulePreload: false,
    rolldownOptions: {
      // One file, and one for each language. What both use would be a third one, which compresses worse.
      output: { codeSplitting: { groups: [{ name: "index", test: (id) => !isMessages(id) }] } },
    },
  },
  server: {
    fs: { allow: [path("..")] },
    // `make console` sets the address of the local system, whose path comes before that of the request.
    proxy: { "/api/": process.env.API_URL ?? "http://127.0.0.1" },
  },
});
