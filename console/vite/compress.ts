/** Compresses the built files once, so that no request has to, and keeps the script small. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

import type { Plugin } from "vite";

/**
 * Writes a `.br` and a `.gz` beside each built file. Fails if the scripts take more than `maxScriptBytes` of brotli.
 *
 * Of the `alternatives`, which are names of scripts, a page loads one: the largest counts.
 */
export function compress(maxScriptBytes: number, alternatives: readonly string[]): Plugin {
  let folder = "";
  return {
    name: "compress",
    apply: "build",
    configResolved(config) {
      folder = join(config.root, config.build.outDir);
    },
    closeBundle() {
      let scriptBytes = 0;
      let largest = 0;
      for (const file of filesBelow(folder)) {
        const bytes = compressFile(file);
        if (alternatives.some((name) => basename(file).startsWith(`${name}-`) && file.endsWith(".js"))) {
          largest = Math.max(largest, bytes);
        } else if (file.endsWith(".js")) {
          scriptBytes += bytes;
        }
      }
      scriptBytes += largest;
      const size = `The console's script takes ${(scriptBytes / 1_000).toFixed(1)} kB of brotli`;
      if (scriptBytes > maxScriptBytes) {
        throw new Error(`${size}, and may take ${maxScriptBytes / 1_000} kB`);
      }
      console.log(size);
    },
  };
}

function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** Writes both encodings of a file; returns the size of the brotli one. */
function compressFile(file: string): number {
  const content = readFileSync(file);
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
  };
  const brotli = brotliCompressSync(content, { params });
  writeFileSync(`${file}.br`, brotli);
  writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
  return brotli.length;
}
